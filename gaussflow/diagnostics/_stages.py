"""The maps that a flow composes, one at a time, from the data to the noise."""

from typing import NamedTuple

import numpy as np
from sklearn.utils import check_array

from gaussflow._common.blocks import row_blocks, some_rows
from gaussflow.layers.base import Layer
from gaussflow.marginals.ties import spread_ties


class Stage(NamedTuple):
    """One map of a flow, and where in the flow it stands."""

    #: Index into ``layers_``.
    layer: int
    #: 0 for a layer's standardisation, i for its i-th admitted iteration; None for a
    #: layer without iterations.
    iteration: int | None
    #: ``move(X) -> (Z, log_det)``; may overwrite X.
    move: object

    def __str__(self):
        if self.iteration is None:
            return f"layer {self.layer}"
        return f"layer {self.layer} iteration {self.iteration}"


def stages(flow):
    """Return the stages of a fitted flow or layer, from data to noise."""
    return [
        Stage(index, iteration, move)
        for index, maps in flow.stages_by_layer()
        for iteration, move, _ in maps
    ]


def run_stage(stage, Z):
    """Return a stage's map of rows, which may be overwritten, block by block."""
    log_det = np.empty(len(Z))
    for rows in row_blocks(len(Z)):
        Z[rows], log_det[rows] = stage.move(np.ascontiguousarray(Z[rows]))
    return Z, log_det


def check_flow(flow):
    """Raise an error unless this is a fitted flow or layer."""
    if isinstance(flow, type) or not isinstance(flow, Layer):
        raise TypeError(
            f"flow must be a fitted GenFlow or layer such as Linear(), got {flow!r}."
        )
    flow._check_fitted()


def working_rows(flow, X, name, max_rows, rng):
    """Return validated rows of X, at most ``max_rows`` of them, drawn at random."""
    X = check_array(X, dtype=[np.float64, np.float32], input_name=name)
    if X.shape[1] != flow.n_features_in_:
        raise ValueError(
            f"{name} has {X.shape[1]} columns, but the flow was fitted on "
            f"{flow.n_features_in_}. Pass rows of the same columns."
        )
    return some_rows(X, max_rows, rng)


def as_fitted(flow, sets, rng):
    """Return sets of rows as a fit would see them, and the columns without a density.

    Values that many rows share are spread where the flow learned them spread. A
    column without a density is constant, or holds such values as they are.
    """
    X = np.concatenate(sets)
    spread = spread_ties(X, rng)
    tied = (spread != X).any(axis=0)
    constant = (X == X[0]).all(axis=0)
    if flow.spreads_ties:
        X, tied = spread, np.zeros_like(tied)
    X = X.astype(flow.working_dtype())
    ends = np.cumsum([len(rows) for rows in sets])[:-1]
    return np.split(X, ends), np.flatnonzero(tied | constant).tolist()
