"""Refine the iterations of one Linear layer, if held-out rows are the better for it."""

import copy

import numpy as np

from gaussflow._common.normal import log_standard_normal
from gaussflow._common.seeds import draw_seed
from gaussflow.flows.refinement.chain import Chain
from gaussflow.flows.refinement.train import retrace, train
from gaussflow.marginals.spline_map import SplineMap
from gaussflow.rotations._subsample import subsample

STARTS = ("fitted", "random")
#: A refinement is kept where its held-out gain exceeds so many standard errors: the
#: best of many steps on few rows gains one by chance.
GATE = 2.0
#: Most rows that maps are refined on: time against precision. Chosen by hand.
MAX_ROWS = 20_000
#: Iterations that start at random, by the number of columns: 24 in two. Time against
#: what more of them gain; chosen by hand.
MIN_ITER, ITER_AT_TWO = 8, 24


def default_n_iter(n_features):
    """Return how many random rotations an end-to-end fit begins with."""
    return max(MIN_ITER, round(ITER_AT_TWO * (2.0 / max(n_features, 2)) ** 0.5))


def refinable(layer, start):
    """Return whether the layer is one whose iterations can move."""
    if not layer.refinable:
        return False
    if start == "random":
        return True
    return len(layer.iterations_) > 0 and all(
        isinstance(one.marginal, SplineMap) for one in layer.iterations_
    )


def refine_layer(layer, X, held_out, rng, *, starts, n_iter, rotations, n_jobs):
    """Refine a copy of a fitted Linear layer on X, and judge it by held-out rows.

    Rows are as the layer sees them. Of ``starts``, "fitted" or "random", the best on
    the held-out rows is taken; ``n_iter`` counts the rotations of a random start, and
    ``rotations`` lets directions move too.

    Returns the refined layer, None where the held-out rows gain nothing, and a dict of
    what was done, which ``retrace_layer`` follows on other rows.
    """
    train_rows = _enter(layer, subsample(X, MAX_ROWS, rng))
    judges = _enter(layer, held_out)
    before = _log_density(layer, judges)
    report = {"start": None, "seeds": [], "stages": [], "rotations": rotations}
    best, refined, after = float(np.mean(before)), None, before
    seeds = [draw_seed(rng) for _ in range(n_iter or default_n_iter(held_out.shape[1]))]
    for start in starts:
        if not refinable(layer, start):
            continue
        chosen = seeds if start == "random" else []
        chain = _chain(layer, chosen, rotations)
        theta, stages, log_density = train(chain, train_rows, judges, n_jobs)
        if np.mean(log_density) > best:
            best, after = float(np.mean(log_density)), log_density
            refined = _with_iterations(layer, chain, theta)
            report |= {"start": start, "seeds": chosen, "stages": stages}
    gain = after - before
    error = float(np.std(gain) / np.sqrt(len(gain)))
    report |= {"gain": float(np.mean(gain)), "standard_error": error}
    if refined is None or report["gain"] <= GATE * error:
        return None, report
    return refined, report


def retrace_layer(layer, X, report, n_jobs):
    """Return a copy of a layer, refined on other rows as a report tells.

    X are rows as the layer sees them, of which the first 20,000 are used; ``report`` is
    what :func:`refine_layer` returned.
    """
    if not refinable(layer, report["start"]):
        return layer
    chain = _chain(layer, report["seeds"], report["rotations"])
    theta = retrace(chain, _enter(layer, X[:MAX_ROWS]), report["stages"], n_jobs)
    return _with_iterations(layer, chain, theta)


def held_out_score(layer, X):
    """Return the mean log density of rows the layer sees, its entry left out."""
    return float(np.mean(_log_density(layer, _enter(layer, X))))


def _chain(layer, seeds, rotations):
    if seeds:
        return Chain.of_random(seeds, layer.n_features_in_, rotations)
    return Chain(layer.iterations_, rotations)


def _enter(layer, X):
    """Return what the layer's iterations see of rows, in double precision."""
    X = np.array(X, dtype=np.float64, order="C")
    if layer.entry_ is None:
        return X
    return layer.entry_.forward_and_log_det(X, np.zeros(len(X)))


def _log_density(layer, entered):
    Z, log_det = entered.copy(), np.zeros(len(entered))
    for iteration in layer.iterations_:
        Z = iteration.forward(Z, log_det)
    return log_standard_normal(Z) + log_det


def _with_iterations(layer, chain, theta):
    refined = copy.copy(layer)
    refined.iterations_ = chain.iterations_at(theta)
    return refined
