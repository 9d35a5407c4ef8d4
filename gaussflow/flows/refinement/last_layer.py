"""The public face of refinement: a method of flows."""

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


class Refined:
    """Mixin of a flow that can improve its maps together, after they were fitted."""

    def refine(
        self,
        X,
        *,
        start="best",
        n_iter=None,
        rotations=True,
        validation_fraction=0.2,
        random_state=None,
    ):
        """Improve all maps of the last layer together, by maximum likelihood.

        A fit adds one iteration after the other, each the best for the moment. Here
        all of them move together, along exact gradients, while rows held out from X
        say when to stop (Meng et al., 2020, "Gaussianization flows"). Where these
        rows gain no more than two standard errors, the flow stays as it is, to the bit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to refine on. Held-out rows that the flow was fitted to flatter what
            it is now: pass fresh rows where there are some, or fit with
            ``refinement="joint"``, which keeps rows apart for both.
        start : {"best", "fitted", "random"}, default="best"
            "fitted" goes on from the fitted maps; "random" trains end to end, from
            random rotations and identity maps, which take the place of the layer's
            iterations; "best" does both, and takes what held-out rows prefer.
        n_iter : int or None, default=None
            Rotations of a random start; None takes 24 for two columns, fewer for more.
        rotations : bool, default=True
            Move the directions too.
        validation_fraction : float, default=0.2
            Share of the rows that say when to stop, at most 10,000.
        random_state : int, RandomState, Generator or None, default=None
            Randomness of the split and of a random start.

        Returns
        -------
        self : GenFlow
            ``refinement_`` tells what was done.

        Examples
        --------
        >>> from sklearn.datasets import make_moons
        >>> from gaussflow import GenFlow
        >>> from gaussflow.layers import Linear
        >>> X, _ = make_moons(1500, noise=0.1, random_state=0)
        >>> flow = GenFlow([Linear(n_iter=8)], random_state=0).fit(X[:500])
        >>> before = flow.score(X[1000:])
        >>> flow = flow.refine(X[500:1000], n_iter=6, random_state=0)
        >>> flow.refinement_["admitted"], flow.score(X[1000:]) > before + 0.05
        (True, True)
        """
        X = self._validate(X)
        starts = _check_settings(self, start, n_iter, rotations, validation_fraction)
        split_rng, ties_rng, start_rng = as_generator(random_state).spawn(3)
        if self.spreads_ties:
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
            "n_jobs": self.n_jobs,
        }
        refined, report = refine_last(
            self.layers_, X[n_held_out:], X[:n_held_out], start_rng, settings
        )
        if refined is not None:
            again = retrace_last(self.layers_, X, report, self.n_jobs)
            # All rows are more than some; but steps that led up on these need not
            # on those.
            seen = _before_last(self.layers_, X[:n_held_out])
            if held_out_score(again, seen) > held_out_score(refined, seen):
                refined = again
            self.layers_ = [*self.layers_[:-1], refined]
        self.refinement_ = report
        return self


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
