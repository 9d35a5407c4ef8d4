"""What the estimators that torch trains have in common."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from gaussflow._common.checks import Integer, Number, check_image_shape
from gaussflow._common.docstrings import Documented
from gaussflow._common.optional import import_optional
from gaussflow._common.seeds import as_generator
from gaussflow.persistence import Saved
from gaussflow.persistence.shapes import COLUMNS, Array, Plain
from gaussflow.persistence.state import Persistent, check_that

#: Rows that are standardised at a time.
BLOCK_ROWS = 4096


class Trained(Documented, Saved, Persistent, BaseEstimator):
    """Base of the estimators that torch trains and numpy runs.

    Parameters
    ----------
    n_epochs : int
        Passes over the rows.
    batch_size : int or "auto"
        Rows of a gradient step; "auto" takes 128, or all where there are fewer.
    learning_rate : float
        Step of Adam.
    early_stopping : bool
        Hold out ``validation_fraction`` of the rows, stop after ``patience`` epochs
        without gain on them, and keep the best weights.
    validation_fraction : float
        Share of the rows held out.
    patience : int
        Epochs without gain.
    warm_start : bool
        Go on from the weights of the last fit.
    device : {"auto", "cpu", "cuda"}
        Where torch trains.
    random_state : int, RandomState, Generator or None
        Same seed, same weights. torch's own state is left alone.
    verbose : int
        Above 0, print a line per epoch.

    Attributes
    ----------
    offset_, scale_ : ndarray
        The rows are standardised by these: a table by column, images as a whole.
    n_features_in_ : int
        Columns seen at fit.
    """

    _state = {
        **COLUMNS,
        "offset_": Array("f", None),
        "scale_": Array("f", None, within="(0, inf)"),
        "loss_curve_": Plain(),
    }

    def _check_state(self):
        for name in ("offset_", "scale_"):
            if name in vars(self):
                fits = len(vars(self)[name]) in (1, self.n_features_in_)
                check_that(self, fits, f"{name} is of other width")

    #: Rows of a batch with batch_size="auto", where there are so many.
    _auto_batch = 128
    _rules = {
        "n_epochs": Integer(1),
        "batch_size": Integer(1, None, "auto"),
        "learning_rate": Number("(0, inf)"),
        "validation_fraction": Number("(0, 1)"),
        "patience": Integer(1),
    }

    def _fitting(self, n_rows, split_rng, train_rng):
        """Return what ``train`` takes beside a model and rows; torch is needed now."""
        parts = self._split(n_rows, split_rng)
        options = self._training_options(len(parts[0]))
        caller = type(self).__name__
        import_optional("torch", extra="torch", caller=f"{caller}.fit")
        from gaussflow.baselines.networks.torch_training import choose_device

        return {
            "parts": parts,
            "device": choose_device(self.device),
            "options": options,
            "rng": train_rng,
            "caller": caller,
        }

    def _training_options(self, n_rows):
        """Return the options of the training loop."""
        batch_size = self.batch_size
        if batch_size == "auto":
            batch_size = min(self._auto_batch, n_rows)
        elif batch_size > n_rows:
            raise ValueError(
                f"batch_size={batch_size} is larger than the {n_rows} rows to "
                f'train on. Lower it, or use batch_size="auto".'
            )
        return {
            "n_epochs": int(self.n_epochs),
            "batch_size": int(batch_size),
            "learning_rate": self.learning_rate,
            "patience": int(self.patience) if self.early_stopping else None,
            "verbose": self.verbose,
        }

    def _split(self, n_rows, rng):
        """Return the indices of the rows to train on, and of those held out."""
        fraction = self.validation_fraction
        if not self.early_stopping:
            return np.arange(n_rows), None
        n_held_out = max(int(fraction * n_rows), 1)
        if n_rows - n_held_out < 1:
            raise ValueError(
                f"early_stopping=True holds out rows, but n_samples = {n_rows}. Use "
                f"early_stopping=False."
            )
        order = rng.permutation(n_rows)
        return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])

    def _rngs(self, count):
        return as_generator(self.random_state).spawn(count)

    def _validate(self, X, *, reset=False):
        if not reset:
            check_is_fitted(self)
        X = validate_data(
            self,
            X,
            dtype=[np.float64, np.float32],
            reset=reset,
            ensure_min_samples=2 if reset else 1,
        )
        if reset:
            self._check_image_shape(X.shape[1])
        return X

    def _check_image_shape(self, n_features):
        if self.image_shape is not None:
            check_image_shape(self.image_shape, type(self).__name__, n_features)

    def _inputs(self, X):
        """Return rows in the networks' units, in their own precision."""
        return (X - self.offset_.astype(X.dtype)) / self.scale_.astype(X.dtype)


def standardisation(X, image_shape):
    """Return the mean and deviation: of each column, or of images as a whole."""
    axis = None if image_shape is not None else 0
    offset = np.atleast_1d(X.mean(axis=axis, dtype=np.float64))
    scale = np.atleast_1d(X.std(axis=axis, dtype=np.float64))
    # A constant column keeps its units; so does one that rounding alone moves.
    constant = scale <= 10 * np.finfo(X.dtype).eps * np.abs(offset)
    return offset, np.where(constant, 1.0, scale)


def standardised(X, offset, scale):
    """Return (X - offset) / scale in float32, computed in float64 by blocks."""
    if not offset.any() and (scale == 1.0).all():
        return X.astype(np.float32, copy=False)
    out = np.empty(X.shape, dtype=np.float32)
    for start in range(0, len(X), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        out[rows] = (X[rows] - offset) / scale
    return out
