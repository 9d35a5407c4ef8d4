"""What a fit reports while it runs: losses, admitted directions, seconds."""

from time import perf_counter

import numpy as np

from gaussflow.layers.base import log_standard_normal


class Monitor:
    """Follow a fit: carry held-out rows along and write the loss curve.

    Parameters
    ----------
    held_out : ndarray of shape (n_rows, n_features) or None, default=None
        Working copy of rows that take no part in fitting.
    verbose : int, default=0
        Above 0, print one line per record.

    Attributes
    ----------
    curve : list of dict
        One per iteration: "layer", "iteration", "train" and "held_out" (mean
        negative log-likelihood, nats a row; None without held-out rows),
        "admitted", "candidates" and "seconds".
    """

    def __init__(self, held_out=None, verbose=0):
        self.held_out = held_out
        self.log_det = None if held_out is None else np.zeros(len(held_out))
        self.verbose = verbose
        self.curve = []
        self.train_offset = 0.0
        self.layer = -1
        self.iteration = 0
        self._clock = perf_counter()

    def start_layer(self, index, train_offset):
        """Begin a layer; the offset is the mean log-determinant before it."""
        self.layer, self.iteration, self.train_offset = index, 0, train_offset

    def advance(self, forward):
        """Carry the held-out rows through forward(X) -> (Z, log_det)."""
        if self.held_out is not None:
            self.held_out, log_det = forward(self.held_out)
            self.log_det += log_det

    def record(self, mean_log_likelihood, *, admitted=None, candidates=None):
        """Add a point to the curve; the likelihood is that since the layer began."""
        now = perf_counter()
        held_out = None
        if self.held_out is not None:
            density = log_standard_normal(self.held_out) + self.log_det
            held_out = -float(np.mean(density))
        self.curve.append(
            {
                "layer": self.layer,
                "iteration": self.iteration,
                "train": -(float(mean_log_likelihood) + self.train_offset),
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

    def _line(self, point):
        line = (
            f"layer {point['layer']} iteration {point['iteration']:3d}"
            f"  train {point['train']:.4f}"
        )
        if point["held_out"] is not None:
            line += f"  held out {point['held_out']:.4f}"
        if point["admitted"] is not None:
            line += f"  directions {point['admitted']}/{point['candidates']}"
        return line + f"  {point['seconds']:.2f} s"
