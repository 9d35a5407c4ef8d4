"""The Triangular layer of bagged trees: discrete, mixed and incomplete columns."""

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from gaussflow._common.checks import (
    Flag,
    Integer,
    check_integer,
    check_params,
    keep_params,
)
from gaussflow._common.seeds import GOLDEN, as_generator, draw_seed, mix_bits
from gaussflow.forests.fit import fit_forest
from gaussflow.layers.base import Layer
from gaussflow.persistence.shapes import Array, Part

#: Least rows of a leaf with min_leaf="auto": so many, or this part of the rows of a
#: small table, but never fewer than MIN_LEAF_OF_FEW. Larger leaves tell less of the
#: rows that were learned, smaller ones follow strong ties more closely: 5, 20 and 50
#: were measured (``benchmarks/tables/membership.py``).
MIN_LEAF = 50
MIN_LEAF_PART = 0.1
MIN_LEAF_OF_FEW = 10


class TreeTriangular(Layer):
    """Carry rows to a standard normal by bagged trees, column after column.

    The law of a column given those before it is an average over trees on
    bootstrap rows; a leaf's law is smoothed over neighbouring values and drawn to
    its parent's, so that no row is learned by heart. Of a column of numbers
    or of two levels, some trees may refine a linear model of its normal score
    instead of its own law, as many as make held-out rows most likely (stacking).

    Values that many rows hold are atoms: they come back exactly, and their
    density is a probability. Missing values (NaN) are a state of their own.

    Parameters
    ----------
    order : array-like of int or None, default=None
        Columns in the order in which they are conditioned; None keeps it.
    nominal : array-like of bool or None, default=None
        Columns that hold unordered codes; None for none.
    discrete : bool or "auto", default="auto"
        Whether every value is an atom; "auto" makes atoms of the values that
        many rows hold, and of all values of a column that has few.
    bounded : bool, default=False
        Whether columns end at their extremes, without tails.
    n_estimators : int, default=10
        Trees of each column, at least 1.
    min_leaf : int or "auto", default="auto"
        Least rows of a leaf, of those drawn for its tree with replacement; "auto" for
        50, or a tenth of the rows where these are fewer than 500, but at least 10.

    Attributes
    ----------
    map_ : ForestMap
        The fitted map.
    min_leaf_ : int
        Least rows of a leaf.
    linear_ : ndarray of shape (n_features_in_,)
        Share of a column's trees that refine a linear model.

    Notes
    -----
    Where an atom lies in its step of the distribution function is given by a
    hash of the row, so that ``transform`` is a function: equal rows are equal
    after it. While fitting, the places are drawn at random.

    References
    ----------
    M. Rosenblatt (1952), "Remarks on a multivariate transformation".
    L. Breiman (1996), "Bagging predictors".
    J. P. Reiter (2005), "Using CART to generate partially synthetic public use
    microdata".
    P. Smyth and D. Wolpert (1999), "Linearly combining density estimators via
    stacking".

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.layers.tree_triangular import TreeTriangular
    >>> rng = np.random.default_rng(0)
    >>> smoker = rng.integers(0, 2, 500)
    >>> X = np.column_stack([smoker, smoker * rng.integers(1, 40, 500)])
    >>> layer = TreeTriangular(random_state=0).fit(X)
    >>> np.abs(layer.inverse_transform(layer.transform(X)) - X).max().item()
    0.0
    """

    spreads_ties = False
    _rules = {
        "discrete": Flag("auto"),
        "bounded": Flag(),
        "n_estimators": Integer(1),
        "min_leaf": Integer(1, None, "auto"),
    }

    _state = {
        "nominal_": Array("b", "n_features_in_"),
        "place_seed_": Integer(0, 2**63),
        "map_": Part("ForestMap"),
        "min_leaf_": Integer(1),
        "linear_": Array("f", "n_features_in_"),
    }

    def __init__(
        self,
        *,
        order=None,
        nominal=None,
        discrete="auto",
        bounded=False,
        n_estimators=10,
        min_leaf="auto",
        n_jobs=None,
        random_state=None,
    ):
        keep_params(locals())

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        n_features = self.n_features_in_ = X.shape[1]
        self._check_parameters(n_features)
        self.min_leaf_ = self.min_leaf
        if isinstance(self.min_leaf, str):
            few = max(MIN_LEAF_OF_FEW, int(MIN_LEAF_PART * len(X)))
            self.min_leaf_ = min(MIN_LEAF, few)
        self.nominal_ = np.zeros(n_features, dtype=bool)
        if self.nominal is not None:
            self.nominal_ |= np.asarray(self.nominal, dtype=bool)
        self.place_seed_ = draw_seed(rng)
        self.map_, forests = fit_forest(
            np.asarray(X, dtype=np.float64),
            rng,
            order=self.order,
            nominal=self.nominal_,
            discrete=self.discrete,
            bounded=self.bounded,
            n_trees=self.n_estimators,
            min_leaf=self.min_leaf_,
            n_jobs=self.n_jobs,
        )
        self.linear_ = np.array([1.0 - f.n_plain / self.n_estimators for f in forests])
        return self.map_.forward_and_log_det(X, rng.random(X.shape))

    def forward_and_log_det(self, X):
        for j in np.flatnonzero(self.nominal_):
            known = self.map_.cells[j].low
            unseen = ~(np.isin(X[:, j], known) | np.isnan(X[:, j]))
            if unseen.any():
                raise ValueError(
                    f"Column {j} holds the code {X[unseen, j][0]:g}, which was not "
                    f"seen at fit. Fit on rows that hold it, or mark it as missing."
                )
        return self.map_.forward_and_log_det(X, row_places(X, self.place_seed_))

    def inverse_and_log_det(self, Z):
        return self.map_.inverse_and_log_det(Z)

    def sample(self, n_samples=1, *, random_state=None):
        """Draw new rows.

        The law is that of noise mapped backwards, but a cell is drawn from one
        tree, picked at random, instead of from the average of all.
        """
        check_is_fitted(self)
        n_samples = check_integer("n_samples", n_samples, 1)
        return self.map_.draw(n_samples, as_generator(random_state))

    def _check_parameters(self, n_features):
        check_params(self)
        if self.order is not None and sorted(self.order) != list(range(n_features)):
            raise ValueError(
                f"TreeTriangular's order must hold each of the {n_features} columns "
                f"once, got {list(self.order)}."
            )
        if self.nominal is not None and len(self.nominal) != n_features:
            raise ValueError(
                f"TreeTriangular's nominal must say yes or no for {n_features} "
                f"columns, got {len(self.nominal)} values."
            )

    def _validate_fit(self, X):
        return self._with_nan(X, ensure_min_samples=2)

    def _with_nan(self, X, **options):
        dtype = [np.float64, np.float32]
        return validate_data(
            self, X, dtype=dtype, ensure_all_finite="allow-nan", **options
        )

    def _validate(self, X):
        check_is_fitted(self)
        return self._with_nan(X, reset=False)

    def __sklearn_tags__(self):
        """Declare that missing values are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def row_places(X, seed):
    """Return numbers in (0, 1) that look uniform, by a hash of each row.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.layers.tree_triangular import row_places
    >>> places = row_places(np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 2.0]]), 0)
    >>> (places[0] == places[2]).all().item(), (places[0] == places[1]).any().item()
    (True, False)
    """
    # Adding zero makes -0.0 and 0.0 the same bits; every NaN gets the same.
    bits = np.where(np.isnan(X), np.nan, X + 0.0).astype(np.float64).view(np.uint64)
    state = np.full(len(X), seed, dtype=np.uint64)
    for column in bits.T:
        state = mix_bits(state ^ column)
    steps = np.arange(1, X.shape[1] + 1, dtype=np.uint64)
    mixed = mix_bits(state[:, None] + steps * GOLDEN)
    return ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
