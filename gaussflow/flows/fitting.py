"""How a flow is fitted: layers one after the other, judged by held-out rows.

The estimator's parameters come in, fitted layers and what was seen on the way go out.
In direction "generate" a list of layers, each of which knows the way from rows to noise
only, is turned here into layers that carry noise to data.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone

from gaussflow._common.blocks import some_rows
from gaussflow._common.seeds import draw_seed
from gaussflow.flows.architectures import automatic
from gaussflow.flows.monitor import Monitor, stop_early
from gaussflow.flows.refinement.last_layer import refine_last, retrace_last
from gaussflow.flows.refinement.layer import STARTS
from gaussflow.layers.transport import Transport
from gaussflow.marginals.ties import spread_ties

#: Most rows that are held out: the standard error of their mean log-likelihood is
#: a hundredth of a row's spread.
MAX_HELD_OUT = 10_000
#: Most rows on which a flow that was judged by held-out rows is fitted again with
#: them: above, a tenth of the rows changes less than a second fit costs.
MAX_REFIT = 20_000
#: Rows, and samples, by which samples are matched to rows (``Layer.finish``).
FINISH_ROWS = 20_000
#: Rows that an automatic choice of layers may look at; it takes 3,000 of them.
CHOICE_POOL = 20_000
#: Least number of latent samples carried in direction "generate".
MIN_GEN_SAMPLES = 2_000


@dataclass
class Fit:
    """What a fit found."""

    layers: list
    loss_curve: list
    refinement: dict | None = None
    stem_scores: dict | None = None


def fit_flow(flow, X, rng, done=()):
    """Fit the layers of a flow, after those that are done; return a Fit.

    The flow's parameters are read and nothing is written, nor to the validated rows X.
    """
    choice_rng, split_rng, latent_rng, layer_rng, ties_rng, joint_rng = rng.spawn(6)
    done = list(done)
    if flow.spreads_ties:
        X = spread_ties(X, ties_rng)
    templates, stem_scores = _templates(flow, X, choice_rng, done)
    rngs = layer_rng.spawn(len(done) + len(templates))[len(done) :]
    seeds = [draw_seed(one) for one in (latent_rng, *rngs)]
    if flow.direction == "generate":
        monitor = Monitor(None, flow.verbose)
        layers = _fit_generating(flow, X, done, templates, seeds, monitor)
        return Fit(layers, monitor.curve, None, stem_scores)
    train, held_out = _split(flow, X, split_rng)
    monitor = Monitor(held_out, flow.verbose)
    # What is carried through the layers is overwritten.
    refines = flow.refinement is not None and held_out is not None
    kept = (train.copy(), held_out.copy()) if refines else None
    layers = _fit_layers(flow, train, done, templates, seeds, monitor)
    refined = report = None
    if refines:
        settings = {"starts": STARTS, "n_iter": None, "rotations": True}
        settings["n_jobs"] = flow.n_jobs
        refined, report = refine_last(layers, *kept, joint_rng, settings)
    if held_out is not None and len(X) <= MAX_REFIT:
        first = layers[len(done) :]
        stop_early(first, templates, monitor, len(done))
        layers = _fit_layers(flow, _work(flow, X), done, templates, seeds, None, first)
        if refined is not None:
            refined = retrace_last(layers, _work(flow, X), report, flow.n_jobs)
    if refined is not None:
        layers[-1] = refined
    return Fit(layers, monitor.curve, report, stem_scores)


def chain(X, layers, method):
    """Run X through layers by a contract method; return it and the log-determinants."""
    log_det = np.zeros(len(X))
    for layer in layers:
        X, added = getattr(layer, method)(X)
        log_det += added
    return X, log_det


def _templates(flow, X, rng, done):
    """Return unfitted layers that are to be fitted now, and the scores of a choice."""
    if not isinstance(flow.layers, str):
        return [clone(layer) for layer in flow.layers[len(done) :]], None
    if done:
        return [], None
    pool = np.asarray(some_rows(X, CHOICE_POOL, rng), dtype=np.float64)
    layers, scores = automatic(pool, rng, direction=flow.direction, n_jobs=flow.n_jobs)
    return [clone(layer) for layer in layers], scores


def _split(flow, X, rng):
    """Return working copies of the rows to fit on and of those held out."""
    n_held_out = min(int(flow.validation_fraction * len(X)), MAX_HELD_OUT)
    if min(n_held_out, len(X) - n_held_out) < 2:
        return _work(flow, X), None
    chosen = np.zeros(len(X), dtype=bool)
    chosen[rng.choice(len(X), n_held_out, replace=False)] = True
    return _work(flow, X[~chosen], owned=True), _work(flow, X[chosen], owned=True)


def _work(flow, X, *, owned=False):
    """Return rows as working memory in the flow's precision, copied once."""
    copy = None if owned else True
    return np.array(X, dtype=flow.working_dtype(), order="C", copy=copy)


def _fit_layers(flow, X, done, templates, seeds, monitor, first=None):
    """Fit copies of the templates to carry X to noise, after the layers that are done.

    ``first`` are the layers of an earlier pass over some of the rows.
    """
    rows = X[:: max(len(X) // FINISH_ROWS, 1)].copy()
    X, log_det, layers = _through_done(X, done, monitor)
    starts = first or [None] * len(templates)
    for template, start, seed in zip(templates, starts, seeds[1:], strict=True):
        layer = template.unfitted(flow.n_jobs)
        if monitor is not None:
            monitor.start_layer(len(layers), float(np.mean(log_det)))
        rng = np.random.default_rng(seed)
        X, added = layer.fit_forward(X, rng, monitor=monitor, start=start)
        if monitor is not None:
            monitor.finish_layer(layer, X, added)
        log_det += added
        layers.append(layer)
    _finish(layers, rows, np.random.default_rng(seeds[0]))
    return layers


def _fit_generating(flow, X, done, templates, seeds, monitor):
    """Fit layers that carry latent samples to the rows of X, after those done."""
    target = _work(flow, X)
    n_gen = flow.n_gen_samples
    if n_gen is None:
        n_gen = max(len(X), MIN_GEN_SAMPLES)
    latent = np.random.default_rng(seeds[0])
    noise = latent.standard_normal((int(n_gen), X.shape[1])).astype(target.dtype)
    target, templates, steps = _fit_data_steps(flow, target, done, templates, seeds)
    Z, _, layers = _through_done(noise, done, monitor)
    # Seeds of data steps, which are fitted by now, come after those of layers.
    seeds = seeds[1 : 1 + len(templates)]
    for template, seed in zip(templates, seeds, strict=True):
        layer = template.matching()
        layer = Transport(template) if layer is None else layer
        layer = layer.unfitted(flow.n_jobs)
        monitor.start_layer(len(layers), 0.0)
        rng = np.random.default_rng(seed)
        Z, _ = layer.fit_between(Z, target, rng, monitor=monitor)
        monitor.finish_layer(layer, None, None)
        layers.append(layer)
    return [*layers, *steps]


def _fit_data_steps(flow, target, done, templates, seeds):
    """Fit the data steps that end a list from noise to data, the last one first.

    Returns the data as the layers before them see it, the templates of these
    layers, and the fitted steps.
    """
    if done and done[-1].data_step and templates:
        raise ValueError(
            "A layer cannot follow Inverse, which ends a list of direction "
            '"generate". Put it before, and fit with warm_start=False.'
        )
    templates, steps = list(templates), []
    while templates and templates[-1].data_step:
        step = templates.pop().unfitted(flow.n_jobs)
        rng = np.random.default_rng(seeds[1 + len(templates)])
        target = step.prepare(target, rng)
        steps.insert(0, step)
    return target, templates, steps


def _through_done(X, done, monitor):
    """Return rows carried through fitted layers, log-determinants, and these layers."""
    log_det = np.zeros(len(X))
    for layer in done:
        X, added = layer.forward_and_log_det(X)
        log_det += added
        if monitor is not None:
            monitor.advance(layer.forward_and_log_det)
    return X, log_det, list(done)


def _finish(layers, rows, rng):
    """Let layers that match samples see what the layers after them generate."""
    for index in reversed(range(len(layers))):
        if not layers[index].finishes:
            continue
        reached, _ = chain(rows.copy(), layers[:index], "forward_and_log_det")
        n_samples = min(4 * len(rows), FINISH_ROWS)
        noise = rng.standard_normal((n_samples, rows.shape[1])).astype(rows.dtype)
        samples, _ = chain(noise, reversed(layers[index + 1 :]), "inverse_and_log_det")
        layers[index].finish(reached, samples, rng)
