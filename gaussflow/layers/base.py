"""The contract of a layer: an invertible map with an exact log-determinant.

Longer than most files: contract, hooks of a flow and public face are read together.
"""

from abc import abstractmethod

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    DensityMixin,
    TransformerMixin,
    clone,
)
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from gaussflow._common.blocks import row_blocks, run_threads
from gaussflow._common.checks import Rule, check_integer, check_params
from gaussflow._common.docstrings import Documented
from gaussflow._common.normal import log_standard_normal
from gaussflow._common.seeds import as_generator
from gaussflow._common.threads import one_library_thread
from gaussflow.marginals.ties import spread_ties
from gaussflow.persistence import Saved
from gaussflow.persistence.shapes import COLUMNS
from gaussflow.persistence.state import Persistent, check_that

#: Largest magnitudes whose squares, and sums of them, are finite: by the bytes
#: of the working precision.
LARGEST = {8: 1e149, 4: 1e37}
#: Steps of float32 that a column's values must span to be told apart in it.
MIN_STEPS = 100


class Layer(
    Documented,
    Saved,
    Persistent,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    DensityMixin,
    BaseEstimator,
):
    """Base class of every invertible map of R^D, and the face they share.

    A layer implements the three contract methods below on plain arrays that
    are already validated; this class gives it the public, validating face of
    a scikit-learn transformer and density estimator.

    The contract methods work in place where they can: their input is working
    memory (C-contiguous, float32 or float64) that they may overwrite, and the
    caller goes on with what they return. Log-determinants are float64 of
    shape (n_samples,), in nats.

    What a flow asks of its layers beyond that are the hooks below, each with a
    default: a layer overrides those that it has an answer to.

    Parameters
    ----------
    n_jobs : int or None
        Threads over blocks of rows. The result does not depend on it.
    random_state : int, RandomState, Generator or None
        Same seed, same result.

    Attributes
    ----------
    n_features_in_ : int
        Columns seen at fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X had names.
    """

    #: Defaults for a layer whose ``__init__`` has no such parameter.
    n_jobs = random_state = None
    #: Most iterations, of a layer that is fitted by iterations and may be cut short
    #: where held-out rows say so; None for a layer that is not.
    n_iter = None
    #: Iterations run by the last fit; 1 for a layer without iterations.
    n_iter_ = 1
    #: Whether the layer ends a list of direction "generate" and is fitted to the data,
    #: by ``prepare``, before the layers in front of it.
    data_step = False
    #: Whether ``finish`` is to be called once the layers after it are fitted.
    finishes = False
    #: What to do in direction "generate" in place of a layer that cannot carry samples
    #: to data; None for a layer that can.
    instead: str | None = None
    #: Whether the refinement can move the layer's iterations together.
    refinable = False
    #: Whether rows to fit on have their often repeated values spread: unless the layer
    #: knows atoms.
    spreads_ties = True
    _rules: dict[str, Rule] = {}

    # -- contract -----------------------------------------------------------

    @abstractmethod
    def fit_forward(self, X, rng, *, monitor=None, start=None):
        """Fit the layer to carry X toward a standard normal.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Validated working rows, overwritten.
        rng : numpy.random.Generator
            Takes the place of ``random_state``.
        monitor : Monitor or None, default=None
            A layer of several iterations reports each to it
            (``gaussflow.flows.monitor.Monitor``); others ignore it.
        start : Layer or None, default=None
            A copy of the layer that was fitted to some of these rows: a layer may
            take its choices from there instead of searching again.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
            The rows, carried through the layer.
        log_det : ndarray of shape (n_samples,)
        """

    @abstractmethod
    def forward_and_log_det(self, X):
        """Return Z and log |det dZ/dX| of each row.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Working rows, overwritten.
        """

    @abstractmethod
    def inverse_and_log_det(self, Z):
        """Return X and log |det dX/dZ| of each row.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_features)
            Working rows, overwritten.
        """

    # -- hooks of a flow ------------------------------------------------------

    def forget_search(self):
        """Drop what only another fit could start from: that of fitted parts."""
        for part in self._fitted_parts():
            if isinstance(part, Layer):
                part.forget_search()

    def check_settings(self):
        """Raise an error that names a parameter which is wrong, whatever the rows."""
        check_params(self)

    def as_chosen(self):
        """Return an unfitted copy that takes what the fit chose as given."""
        return clone(self)

    def matching(self):
        """Return the unfitted layer that carries samples to data in this one's place.

        In direction "generate" a flow fits it by ``fit_between``. None, the default,
        stands for this layer's map of the samples, followed by the inverse of its
        map of the data: :class:`~gaussflow.layers.Transport`.
        """
        if self.instead is not None:
            raise ValueError(
                f"{type(self).__name__} carries no samples to data: in direction "
                f'"generate" {self.instead}.'
            )

    def prepare(self, data, rng):
        """Fit a data step to data, overwritten; return what it makes of them.

        Called where ``data_step`` is True; by default the data stay as they are.

        Parameters
        ----------
        data : ndarray of shape (n_samples, n_features)
            Working rows.
        rng : numpy.random.Generator
            Randomness of the fit.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
        """
        return data

    def finish(self, X, samples, rng):
        """Match rows X that reach the layer to samples of the layers after it.

        Called where ``finishes`` is True; by default nothing is matched.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Rows as they reach this layer.
        samples : ndarray of shape (n_samples, n_features)
            What the layers after this one generate.
        rng : numpy.random.Generator
            Randomness of the match.
        """
        return

    def unfitted(self, n_jobs=None):
        """Return an unfitted copy.

        Parameters
        ----------
        n_jobs : int or None, default=None
            Threads of the copy, where the layer has None.
        """
        layer = clone(self)
        if layer.n_jobs is None:
            layer.n_jobs = n_jobs
        return layer

    def cheap_copy(self):
        """Return an unfitted copy to judge a list of layers by, quicker to fit."""
        return clone(self)

    @property
    def n_features(self):  # type: ignore[override]
        """Number of columns, 0 before fit: what a layer that holds this one checks."""
        return vars(self).get("n_features_in_", 0)

    def stages(self):
        """Return the maps that the fitted layer composes, in order.

        Returns
        -------
        stages : list of (int or None, callable, callable)
            Number of each, None where the layer is one map, and its two directions,
            which return rows, overwritten, and their log-determinants.
        """
        return [(None, self.forward_and_log_det, self.inverse_and_log_det)]

    def stages_by_layer(self):
        """Return (index, stages) of every layer, from the data to the noise."""
        return [(0, self.stages())]

    # -- public face --------------------------------------------------------

    def fit(self, X, y=None):
        """Fit the layer to carry X toward a standard normal."""
        X = self._validate_fit(X)
        with one_library_thread(X.shape[1]):
            self._fit_validated(X)
        return self

    def fit_transform(self, X, y=None):
        """Fit to X and return the latent rows of the same pass.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
            Latent rows, equal to ``fit(X).transform(X)``.
        """
        # The pass made while fitting differs from transform in the last bits
        # (blocks, order of sums); users rely on the two being equal.
        return self.fit(X).transform(X)

    def transform(self, X):
        """Map rows to the latent space.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
            Latent rows, close to N(0, I) for rows like the training rows.
        """
        return self._run_blocks(self.forward_and_log_det, self._validate(X))[0]

    def inverse_transform(self, Z):
        """Map latent rows back to the units of the training data.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_features)
            Latent rows.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Rows in the units of the training data.
        """
        self._check_fitted()
        Z = check_array(Z, dtype=[np.float64, np.float32], input_name="Z")
        if Z.shape[1] != self.n_features_in_:
            raise ValueError(
                f"Z has {Z.shape[1]} columns, but {type(self).__name__} has "
                f"{self.n_features_in_} latent dimensions. Pass rows as wide as "
                f"transform returns them."
            )
        return self._run_blocks(self.inverse_and_log_det, Z)[0]

    def score_samples(self, X):
        """Return the natural-log density of each row, in the units of X."""
        Z, log_det = self._run_blocks(self.forward_and_log_det, self._validate(X))
        return log_standard_normal(Z) + log_det

    def score(self, X, y=None):
        """Return the mean log density of X, in nats a row."""
        return float(np.mean(self.score_samples(X)))

    def sample(self, n_samples=1, *, random_state=None):
        """Draw new rows: standard normal noise mapped backwards."""
        self._check_fitted()
        n_samples = check_integer("n_samples", n_samples, 1)
        rng = as_generator(random_state)
        Z = rng.standard_normal((n_samples, self.n_features_in_))
        return self._run_blocks(self.inverse_and_log_det, Z)[0]

    _state = COLUMNS

    def _check_state(self):
        """Refuse fitted parts that are not as wide as the rows they will see."""
        for part in self._fitted_parts():
            fits = part.n_features in (None, self._part_width(part))
            check_that(self, fits, f"{type(part).__name__} is of other width")

    def _fitted_parts(self):
        """Return the layers, maps and iterations that a fit left."""
        parts = []
        for name, value in vars(self).items():
            if name.endswith("_"):
                parts += value if isinstance(value, list) else [value]
        return [part for part in parts if isinstance(part, Persistent)]

    def _part_width(self, part):
        """Return how many columns a fitted part sees: all, unless overridden."""
        return self.n_features_in_

    def _validate_fit(self, X):
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        self._check_magnitudes(X)
        return X

    def _validate(self, X):
        self._check_fitted()
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        self._check_magnitudes(X, fitting=False)
        return X

    def _check_fitted(self):
        check_is_fitted(self)
        try:
            Layer._check_state(self)
        except ValueError as exc:
            raise NotFittedError(
                f"The last fit of this {type(self).__name__} failed and left it "
                f"unfinished. Call fit again."
            ) from exc

    def _check_magnitudes(self, X, *, fitting=True):
        """Refuse what the working precision cannot hold."""
        dtype = self.working_dtype()
        if X.dtype.itemsize < dtype.itemsize:
            return
        low, high = X.min(axis=0), X.max(axis=0)
        size = np.maximum(np.abs(low), np.abs(high))
        largest = LARGEST[dtype.itemsize]
        if (size > largest).any():
            column = int(np.argmax(size))
            raise ValueError(
                f"Column {column} of X reaches {size[column]:.3g}: "
                f"{type(self).__name__} computes in {dtype}, where squares beyond "
                f"{largest:g} overflow. Divide the column by a power of ten."
            )
        if fitting and dtype.itemsize < X.dtype.itemsize:
            reach = high - low
            step = np.spacing(size.astype(dtype)).astype(X.dtype)
            lost = (reach > 0.0) & (reach < MIN_STEPS * step)
            if lost.any():
                column = int(np.argmax(lost))
                raise ValueError(
                    f"Column {column} of X reaches from {float(low[column])!r} to "
                    f"{float(high[column])!r}: {dtype} cannot tell such values "
                    f"apart. Subtract its mean, or use dtype=np.float64."
                )

    def _fit_validated(self, X):
        """Fit on validated rows, which are copied, never written to."""
        rng = as_generator(self.random_state)
        rows = spread_ties(X, rng.spawn(1)[0]) if self.spreads_ties else X
        copy = True if rows is X else None
        Z = np.array(rows, dtype=self.working_dtype(), order="C", copy=copy)
        self.fit_forward(Z, rng)
        self.forget_search()

    def working_dtype(self):
        """Return the numpy dtype of the arithmetic: float64 for single layers."""
        return np.dtype(np.float64)

    def _run_blocks(self, method, X):
        """Run a contract method over copies of blocks of rows, in threads."""
        dtype = self.working_dtype()
        out = np.empty(X.shape, dtype=dtype)
        log_det = np.empty(X.shape[0])

        def run(rows):
            block = np.array(X[rows], dtype=dtype, order="C")
            out[rows], log_det[rows] = method(block)

        self._over_blocks(X, run)
        return out, log_det

    def _over_blocks(self, X, work):
        """Run work(rows) over blocks of rows, in threads; return the results."""
        return run_threads(work, row_blocks(len(X)), self.n_jobs)

    @property
    def _n_features_out(self):
        return self.n_features_in_

    def __sklearn_tags__(self):
        """Declare what the estimator accepts and keeps."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags
