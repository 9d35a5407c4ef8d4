"""What estimators that fit copies of a flow share."""

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from gaussflow._common.blocks import run_threads
from gaussflow._common.checks import Rule, check_params
from gaussflow._common.docstrings import Documented
from gaussflow.layers.base import Layer
from gaussflow.persistence import Saved
from gaussflow.persistence.state import check_that

#: Types that rows are kept in.
FLOATS = [np.float64, np.float32]


class MetaEstimator(Documented, Saved):
    """Mixin of estimators that fit copies of a flow that they are given.

    Parameters
    ----------
    n_jobs : int or None
        Threads of each flow whose own ``n_jobs`` is None. The result does not depend
        on it.
    random_state : int, RandomState, Generator or None
        Same seed, same result.

    Attributes
    ----------
    n_features_in_ : int
        Columns seen at fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X had names.
    """

    #: Name of the attribute that a fit sets last.
    _fitted: str
    _rules: dict[str, Rule] = {}

    def __sklearn_is_fitted__(self):
        """Whether the last fit came to its end."""
        return self._fitted in vars(self)

    def _begin_fit(self):
        """Check the parameters; a fit that fails leaves nothing that looks fitted."""
        vars(self).pop(self._fitted, None)
        check_params(self)

    def _template(self, name, default, *others):
        """Return the flow to copy: the parameter, a Layer or of another class."""
        template = getattr(self, name)
        if template is None:
            return default
        if not isinstance(template, (Layer, *others)):
            kinds = ", ".join(f"a {cls.__name__}" for cls in others)
            raise TypeError(
                f"{name} must be a GenFlow, {kinds}{', ' if kinds else ''}a layer such "
                f"as Elliptical(), or None, got {template!r}."
            )
        return template

    def _validate(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=FLOATS, reset=False)

    def _check_flows(self, flows):
        """Refuse a saved state whose flows do not see all columns."""
        for flow in flows:
            fits = flow.n_features_in_ == self.n_features_in_
            check_that(self, fits, "every flow must see all columns")


def log_density(model, X):
    """Return the log density of each row, -inf where it is too small to be held.

    Only rows that are absurdly far out overflow on their way to noise.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scores = model.score_samples(X)
    return np.where(np.isnan(scores), -np.inf, scores)


def sample_mixture(flows, codes, rngs, n_jobs=None):
    """Draw one row for each of the codes, which number the fitted flows.

    ``rngs`` holds one Generator for each flow, and ``n_jobs`` threads run over the
    flows.
    """

    def draw(code):
        return flows[code].sample(int(np.sum(codes == code)), random_state=rngs[code])

    drawn = np.unique(codes)
    parts = run_threads(draw, list(drawn), n_jobs)
    X = np.empty((len(codes), parts[0].shape[1]), dtype=parts[0].dtype)
    for code, part in zip(drawn, parts, strict=True):
        X[codes == code] = part
    return X
