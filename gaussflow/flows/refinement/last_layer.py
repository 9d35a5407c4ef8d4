"""Refine the last layer of a flow on rows of which some are held out."""

import numpy as np

from gaussflow._common.checks import Choice, Flag, Integer, Number
from gaussflow._common.seeds import as_generator
from gaussflow.flows.refinement.layer import (
    STARTS,
    held_out_score,
    refinable,
    refine_layer,
    retrace_layer,
)
from gaussflow.marginals.ties import spread_ties

#: Most rows that judge.
MAX_HELD_OUT = 10_000


def refine_flow(
    flow, X, *, start, n_iter, rotations, validation_fraction, random_state
):
    """Refine the last layer of a fitted flow; return its layers, and a report.

    The arguments are those of ``GenFlow.refine``, with validated rows.
    """
    starts = _check_settings(flow, start, n_iter, rotations, validation_fraction)
    split_rng, ties_rng, start_rng = as_generator(random_state).spawn(3)
    if flow.spreads_ties:
        X = spread_ties(X, ties_rng)
    n_held_out = min(int(validation_fraction * len(X)), MAX_HELD_OUT)
    if min(n_held_out, len(X) - n_held_out) < 2:
        raise ValueError(
            f"X has {len(X)} rows, of which validation_fraction="
            f"{validation_fraction!r} holds out {n_held_out}: at least 2 must be "
            f"held out, and 2 left. Pass more rows."
        )
    X = X[split_rng.permutation(len(X))]
    settings = {
        "starts": starts,
        "n_iter": n_iter,
        "rotations": bool(rotations),
        "n_jobs": flow.n_jobs,
    }
    refined, report = refine_last(
        flow.layers_, X[n_held_out:], X[:n_held_out], start_rng, settings
    )
    if refined is not None:
        again = retrace_last(flow.layers_, X, report, flow.n_jobs)
        # All rows are more than some; but steps that led up on these need not
        # on those.
        seen = _before_last(flow.layers_, X[:n_held_out])
        if held_out_score(again, seen) > held_out_score(refined, seen):
            refined = again
        return [*flow.layers_[:-1], refined], report
    return flow.layers_, report


def refine_last(layers, X, held_out, rng, settings):
    """Refine the last of some layers; return it, or None, and a report."""
    X, held_out = _before_last(layers, X), _before_last(layers, held_out)
    refined, report = refine_layer(layers[-1], X, held_out, rng, **settings)
    return refined, report | {"admitted": refined is not None}


def retrace_last(layers, X, report, n_jobs):
    """Refine the last of some layers on other rows, as a report tells; return it."""
    return retrace_layer(layers[-1], _before_last(layers, X), report, n_jobs)


def _before_last(layers, X):
    """Return rows as the last layer sees them."""
    X = np.array(X, order="C")
    for layer in layers[:-1]:
        X, _ = layer.forward_and_log_det(X)
    return X


def _check_settings(flow, start, n_iter, rotations, fraction):
    """Return where to start from, or raise an error that names what is wrong."""
    Choice(("best", *STARTS)).check("start", start)
    Integer(1, None, None).check("n_iter", n_iter)
    Flag().check("rotations", rotations)
    Number("(0, 1)").check("validation_fraction", fraction)
    starts = STARTS if start == "best" else (start,)
    check_refinable(flow, starts)
    return starts


def check_refinable(flow, starts):
    """Raise ValueError unless the flow's last layer has iterations that can move."""
    if flow.direction != "gaussianize":
        raise ValueError(
            'Only flows of direction="gaussianize" are refined by likelihood, got '
            f"direction={flow.direction!r}."
        )
    last = flow.layers_[-1]
    if not any(refinable(last, start) for start in starts):
        raise ValueError(
            f"The last layer, {last!r}, has no iterations of spline maps to refine "
            f"with start={starts[0]!r}. End the list with Linear(), or use "
            f'start="random" there.'
        )
