"""What a fit reports while it runs: losses, admitted directions, seconds."""

from time import perf_counter

import numpy as np

from gaussflow._common.normal import log_standard_normal


class Monitor:
    """Follow a fit: carry held-out rows along and write the loss curve.

    ``held_out`` is a working copy of rows that take no part in fitting, or None.
    ``curve`` is a list of dict, one per iteration: "layer", "iteration", "train" and
    "held_out" (mean negative log-likelihood, nats a row; None without held-out rows),
    "admitted", "candidates" and "seconds". With ``verbose`` above 0 each is printed
    too.
    """

    def __init__(self, held_out=None, verbose=0):
        self.held_out = held_out
        self.log_det = None if held_out is None else np.zeros(len(held_out))
        self.verbose = verbose
        self.curve = []
        self.train_offset = 0.0
        self.layer = -1
        self.iteration = 0
        self.densities = []
        self._advanced = False
        self._clock = perf_counter()

    def start_layer(self, index, train_offset):
        """Begin a layer; the offset is the mean log-determinant before it."""
        self.layer, self.iteration, self.train_offset = index, 0, train_offset
        self._advanced = False

    def finish_layer(self, layer, Z, log_det):
        """Do for a fitted layer what it has not done while it was fitted.

        ``Z`` is None where rows do not go to noise and have no likelihood.
        """
        if not self._advanced:
            self.advance(layer.forward_and_log_det)
        if self.iteration == 0:
            likelihood = None
            if Z is not None:
                likelihood = np.mean(log_standard_normal(Z) + log_det)
            self.record(likelihood)

    def advance(self, forward):
        """Carry the held-out rows through forward(X) -> (Z, log_det)."""
        self._advanced = True
        if self.held_out is not None:
            self.held_out, log_det = forward(self.held_out)
            self.log_det += log_det

    def record(self, mean_log_likelihood, *, admitted=None, candidates=None):
        """Add a point to the curve.

        ``mean_log_likelihood`` is that of the fitting rows with the
        log-determinants since the layer began; None where it is not defined.
        """
        now = perf_counter()
        train = held_out = None
        if mean_log_likelihood is not None:
            train = -(float(mean_log_likelihood) + self.train_offset)
        if self.held_out is not None:
            density = log_standard_normal(self.held_out) + self.log_det
            held_out = -float(np.mean(density))
            self.densities.append(density)
        self.curve.append(
            {
                "layer": self.layer,
                "iteration": self.iteration,
                "train": train,
                "held_out": held_out,
                "admitted": admitted,
                "candidates": candidates,
                "seconds": now - self._clock,
            }
        )
        self._clock = now
        self.iteration += 1
        if self.verbose:
            print(self._line(self.curve[-1]), flush=True)

    def stalled(self, n_iter):
        """Tell whether held-out rows have seen no better loss for n_iter iterations.

        Only the iterations of the layer under way count.
        """
        losses = [p["held_out"] for p in self.curve if p["layer"] == self.layer]
        if self.held_out is None or len(losses) <= n_iter:
            return False
        return min(losses[-n_iter:]) >= min(losses[:-n_iter])

    def _line(self, point):
        line = f"layer {point['layer']} iteration {point['iteration']:3d}"
        if point["train"] is not None:
            line += f"  train {point['train']:.4f}"
        if point["held_out"] is not None:
            line += f"  held out {point['held_out']:.4f}"
        if point["admitted"] is not None:
            line += f"  directions {point['admitted']}/{point['candidates']}"
        return line + f"  {point['seconds']:.2f} s"


def stop_early(layers, templates, monitor, n_before=0):
    """Shorten the templates' iterations where held-out rows say it is better.

    A layer of several iterations is cut at its best held-out loss if its last one is
    worse by more than two standard errors of the rows' differences.

    ``layers`` are those that the monitor followed, ``n_before`` layers stand before
    them in the flow, and ``templates`` are to be fitted on all rows: their ``n_iter``
    is set.
    """
    for index, (layer, template) in enumerate(zip(layers, templates, strict=True)):
        if template.n_iter is None:
            continue
        densities = [
            density
            for point, density in zip(monitor.curve, monitor.densities, strict=True)
            if point["layer"] == index + n_before
        ]
        n_iter = layer.n_iter_
        if densities:
            best = int(np.argmax([np.mean(density) for density in densities]))
            worse = densities[best] - densities[-1]
            if np.mean(worse) > 2.0 * np.std(worse) / np.sqrt(len(worse)):
                n_iter = min(n_iter, best + 1)
        template.set_params(n_iter=n_iter)
