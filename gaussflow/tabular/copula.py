"""The synthesizer by normal scores: any density estimator learns their joint law."""

import numpy as np
from scipy.special import ndtri
from sklearn.base import clone

from gaussflow._common.seeds import draw_seed
from gaussflow.flows.genflow import GenFlow
from gaussflow.persistence.shapes import Array, Part
from gaussflow.tabular.base import BaseSynthesizer
from gaussflow.tabular.encoding.encoder import TableEncoder

#: Draws of the flow, and quantiles of them, that calibrate its columns: more draws
#: meet the columns' shares more closely, and cost time. Chosen by hand.
CALIBRATION_ROWS = 10_000
LEVELS = (np.arange(500) + 0.5) / 500
SCORES = ndtri(LEVELS)


class CopulaSynthesizer(BaseSynthesizer):
    """Learn a table of mixed columns by a flow on normal scores, and draw from it.

    An encoder carries the table to normal scores (``TableEncoder``), a flow learns
    their joint law, and what it draws is calibrated, column by column, and decoded.
    ``TabularSynthesizer`` keeps discrete logic better, and has densities.

    Parameters
    ----------
    flow : estimator or None, default=None
        A density estimator of the scores, with ``fit(Z)`` and
        ``sample(n, random_state)``; it is cloned, never fitted. None is ``GenFlow()``.
    schema : "infer" or Schema, default="infer"
        What the columns are, and the rules that ``Schema.infer`` proposes between
        them, which every synthetic row keeps: print ``schema_`` to see them, and pass
        ``Schema.infer(df, constraints=False)`` to go without.
    constraints : iterable of str, tuple or Constraint, default=()
        Further rules that every synthetic row keeps, such as ``"low <= high"``; see
        ``Constraint``. The table must keep them too.
    target : str or None, default=None
        The column that the table is meant to predict: categories are ordered by
        their association with it.
    min_category_count : int, default=5
        A category held by fewer rows never comes out, nor does an extreme
        value. With 1, both may.
    random_state : int, RandomState, Generator or None, default=None
        Randomness of ``fit``.

    Attributes
    ----------
    schema_ : Schema
        What the columns are, and which of them are excluded.
    rules_ : Rules
        The constraints, and the columns that are computed by them from others.
    encoder_ : TableEncoder
        The fitted encoder of the columns that are learned.
    flow_ : estimator
        The fitted flow.
    calibration_ : ndarray of shape (500, n_features)
        Quantiles of the flow's own draws, which calibrate each column's shares.
    n_rows_ : int
        Rows that were learned from.

    Notes
    -----
    With conditions, rows are drawn until enough meet them.

    Examples
    --------
    >>> from gaussflow import GenFlow
    >>> from gaussflow.datasets import load_breast_cancer_table
    >>> from gaussflow.layers import Elliptical
    >>> from gaussflow.tabular import CopulaSynthesizer
    >>> df = load_breast_cancer_table().iloc[:, :4]
    >>> flow = GenFlow([Elliptical()])
    >>> synthesizer = CopulaSynthesizer(flow, random_state=0).fit(df)
    >>> synthesizer.sample(100, random_state=0).shape
    (100, 4)
    """

    _state = {
        "calibration_": Array("f", None, "maps"),
        "encoder_": Part("TableEncoder"),
        "flow_": Part("Layer"),
    }

    def __init__(
        self,
        flow=None,
        schema="infer",
        constraints=(),
        target=None,
        min_category_count=5,
        random_state=None,
    ):
        self.flow = flow
        self.schema = schema
        self.constraints = constraints
        self.target = target
        self.min_category_count = min_category_count
        self.random_state = random_state

    # -- how codes are learned and drawn --------------------------------------

    def _fit_model(self, df, schema, rules, rng):
        min_count = self.min_category_count
        encoder = TableEncoder(schema, min_count=min_count, target=self.target)
        Z = encoder.fit_encode(df, rng)
        flow = self._new_flow(draw_seed(rng)).fit(Z)
        draws = flow.sample(CALIBRATION_ROWS, random_state=draw_seed(rng))
        self.calibration_ = np.quantile(draws, LEVELS, axis=0)
        self.encoder_, self.flow_ = encoder, flow

    def _draw(self, n_samples, seed):
        Z = self.flow_.sample(n_samples, random_state=seed)
        return self.encoder_.decode(self._calibrate(Z))

    def _calibrate(self, Z):
        """Give each column of the flow's draws its exact shape, a standard normal.

        The encoder's scores have it by construction; a flow meets it only up to its
        own error, which would show in every column's shares.
        """
        out = np.empty(Z.shape)
        for j, knots in enumerate(self.calibration_.T):
            inside = np.interp(Z[:, j], knots, SCORES)
            beyond = Z[:, j] - np.clip(Z[:, j], knots[0], knots[-1])
            out[:, j] = inside + beyond
        return out

    def _new_flow(self, seed):
        if self.flow is not None and not hasattr(self.flow, "sample"):
            raise ValueError(
                "flow must be None or an estimator with fit and sample, got "
                f"{self.flow!r}."
            )
        flow = clone(GenFlow() if self.flow is None else self.flow, safe=False)
        if hasattr(flow, "get_params") and "random_state" in flow.get_params():
            if flow.get_params()["random_state"] is None:
                flow.set_params(random_state=seed)
        return flow
