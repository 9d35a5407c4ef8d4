"""The Dequantize layer: whole numbers, such as bytes, get a density."""

import numpy as np

from gaussflow._common.checks import Integer, check_params, keep_params
from gaussflow._common.seeds import draw_seed, mix_bits
from gaussflow.layers.base import Layer


class Dequantize(Layer):
    """Spread whole numbers evenly over the unit intervals that they begin.

    A byte x becomes x + u with u uniform on (0, 1); back, every number is rounded
    down, so that samples are bytes again, and bytes come back exactly. As a first
    layer it makes the density of a flow a statement about bytes:

        log P(x) >= E_u log p(x + u),

    since P(x) is p's integral over the unit cube at x (Theis et al., 2016). One
    draw of u for each row is what ``score_samples`` returns: its mean over
    many rows is a bound on their mean log-probability, with no bias, and
    ``-score / (n_features * log(2))`` an upper bound on bits per dimension.

    The noise is a function of the row and of the fitted seed alone: a row always
    gets the same, so scores repeat, whatever other rows come with it; rows that
    differ get noise of their own; equal rows share theirs. While fitting, noise is
    drawn afresh for each row.

    Parameters
    ----------
    n_levels : int or None, default=256
        Values are 0 to n_levels - 1, and samples are cut to them; None lets counts
        be any whole numbers.

    Attributes
    ----------
    seed_ : int
        What the noise is drawn from, together with the row.

    References
    ----------
    L. Theis, A. van den Oord and M. Bethge (2016), "A note on the evaluation of
    generative models", section 3.1.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gaussflow import GenFlow
    >>> from gaussflow.layers import Dequantize, Elliptical
    >>> X = load_digits().data
    >>> flow = GenFlow([Dequantize(n_levels=17), Elliptical()], random_state=0).fit(X)
    >>> bool((flow.inverse_transform(flow.transform(X)) == X).all())
    True
    >>> set(flow.sample(100, random_state=0).ravel()) <= set(range(17))
    True
    """

    spreads_ties = False
    instead = "end the list of layers with Inverse(Dequantize())"
    _rules = {"n_levels": Integer(2, None, None)}

    def __init__(self, *, n_levels=256, n_jobs=None, random_state=None):
        keep_params(locals())

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        """Draw the seed; return the rows with fresh noise, and zeros."""
        check_params(self)
        self.n_features_in_ = X.shape[1]
        self.seed_ = draw_seed(rng)
        self._check_whole(X)
        # Equal rows to fit on get noise of their own: they are no atom.
        bits = rng.integers(2**64, size=X.shape, dtype=np.uint64)
        return _spread(X, bits), np.zeros(len(X))

    def forward_and_log_det(self, X):
        """Return the rows with their noise, and zeros."""
        self._check_whole(X)
        return _spread(X, self._bits(X)), np.zeros(len(X))

    def inverse_and_log_det(self, Z):
        """Return the rows rounded down, and zeros."""
        np.floor(Z, out=Z)
        if self.n_levels is not None:
            np.clip(Z, 0, self.n_levels - 1, out=Z)
        return Z, np.zeros(len(Z))

    _state = {"seed_": Integer(0, 2**63)}

    def _check_whole(self, X):
        """Refuse what is not one of the levels."""
        low, high = -np.inf, np.inf
        # Beyond, whole numbers leave no bits for noise.
        most = 2.0 ** (np.finfo(X.dtype).nmant - 7)
        if self.n_levels is not None:
            low, high = 0, self.n_levels - 1
        wrong = (np.floor(X) != X) | (X < low) | (X > high) | (np.abs(X) > most)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            kind = "of any size" if self.n_levels is None else f"in 0..{high}"
            raise ValueError(
                f"Dequantize(n_levels={self.n_levels}) needs whole numbers {kind} (and "
                f"at most {most:g} in {X.dtype}), but column {column} of X holds "
                f"{float(X[row, column])!r}. Multiply images in [0, 1] by 255 and "
                f"round them, or change n_levels."
            )

    def _bits(self, X):
        """Return random bits that are a function of each row and of the seed."""
        coefficients, start = np.random.default_rng(self.seed_).integers(
            2**64, size=(2, X.shape[1]), dtype=np.uint64
        )
        levels = X.astype(np.int64).astype(np.uint64)
        # Multilinear hashing of the row (Carter and Wegman, 1979), then a counter.
        row = (levels * (coefficients | np.uint64(1))).sum(axis=1, dtype=np.uint64)
        return mix_bits(mix_bits(row)[:, None] + start)


def _spread(X, bits):
    """Add noise in (0, 1) to whole numbers, in place, that rounds down to them."""
    # Only as many bits as the number leaves room for, and the middle of each
    # step: the sum never rounds up to the next level.
    _, exponent = np.frexp(np.abs(X) + 1)
    n_bits = np.finfo(X.dtype).nmant - 1 - exponent
    steps = (bits >> (64 - n_bits).astype(np.uint64)).astype(np.float64)
    X += np.ldexp(steps + 0.5, -n_bits).astype(X.dtype)
    return X
