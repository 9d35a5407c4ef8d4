"""How finely a net's weights are quantised, by bits, by bytes or by decibels."""

from dataclasses import dataclass

import numpy as np

from gaussflow.baselines.fourier.net import FourierNet
from gaussflow.baselines.fourier.rounding import FeedbackRounding
from gaussflow.baselines.fourier.stream import (
    BASE_PARTS,
    LARGEST_BASE,
    MAP_PARTS,
    dequantised,
    map_steps,
    read_stream,
    write_stream,
)
from gaussflow.baselines.fourier.training import polish

#: Iterations of L-BFGS on the maps that are not quantised yet. Half as many cost 0.1
#: dB at 4 bits a weight; more often than after each map, for as many in all, gains
#: nothing.
_REFIT_STEPS = 30
#: Steps are no finer than makes the largest weight so many of them.
_MAX_LEVELS = 2**16
#: A stream that grew by its refit is tried again with steps coarser by this.
_BASE_CHANGE = 1
#: How much coarser steps are tried to be, once training again has gained quality.
_COARSER = (8, 3)
#: Shapes that "auto" takes for so many bits a weight, smallest first.
_BITS_PER_WEIGHT = 4.5
_SHAPES = [
    *((3, 3), (4, 3), (4, 6), (5, 4), (5, 6), (6, 3), (6, 4), (6, 6)),
    *((7, 3), (7, 4), (7, 6), (8, 3), (8, 4), (8, 6), (9, 4), (9, 6)),
]


@dataclass(frozen=True)
class Quantised:
    """A stream, the information of its weights in bits, and the weights it holds."""

    stream: bytes
    bits: float
    weights: np.ndarray


class RateControl:
    """Finds the steps of a trained net's weights.

    ``error`` is the PixelError that they were trained for, ``psnr`` gives the quality
    of weights in dB, and the Generator draws pixels.
    """

    def __init__(self, net, size, weights, error, psnr, rng):
        self.net, self.size, self.weights = net, size, weights
        self.error, self.psnr, self.rng = error, psnr, rng
        self.rounding = FeedbackRounding(net, weights, error.positions, rng)

    def choose(self, *, bits, target_bytes, target_psnr, refit):
        """Return what is Quantised for a target or, where both are None, for bits.

        ``refit`` has the other maps trained again after each map's quantisation.
        """
        if target_bytes is not None:
            return self._at_most(target_bytes, refit)
        if target_psnr is not None:
            return self._at_least(target_psnr, refit)
        return self._quantise(*self._codes_of_bits(bits), refit)

    def _quantise(self, base, codes, refit):
        steps = map_steps(base, codes)
        every = dequantised(self.net, np.ones(self.net.n_weights), steps)

        def train_again(weights, n_free):
            free = slice(0, n_free)
            return polish(self.error, weights, _REFIT_STEPS, self.rng, free)

        symbols = self.rounding.round(
            self.weights, every, refit=train_again if refit else None
        )
        stream, bits = write_stream(self.net, self.size, symbols, base, codes)
        return Quantised(stream, bits, read_stream(stream)[2])

    def _codes_of_bits(self, bits):
        """Return the codes of steps that divide each map's range evenly."""
        largest = 2 ** (bits - 1) - 1
        peaks = np.array([abs(part).max() for part in self.net.split(self.weights)])
        octaves = np.log2(largest / np.maximum(peaks, 1e-6))
        base = int(np.clip(np.floor(octaves.min() * BASE_PARTS), 0, LARGEST_BASE))
        codes = np.floor((octaves - base / BASE_PARTS) * MAP_PARTS)
        return base, np.clip(codes, -128, 127).astype(int).tolist()

    def _codes_of_sensitivity(self):
        """Return codes for which each weight's error weighs as much, and a base.

        The base is that at which the largest symbol is the largest worth having.
        """
        octaves = 0.5 * np.log2(self.rounding.sensitivity)
        codes = np.rint((octaves - octaves.min()) * MAP_PARTS)
        codes = np.clip(codes, -128, 127).astype(int)
        steps = dequantised(self.net, np.ones(len(self.weights)), map_steps(0, codes))
        spare = np.log2(_MAX_LEVELS / abs(self.weights / steps).max())
        base = int(np.clip(spare * BASE_PARTS, 1, LARGEST_BASE))
        return codes.tolist(), base

    def _at_most(self, target, refit):
        """Return the finest stream of at most so many bytes."""
        codes, finest = self._codes_of_sensitivity()
        least = self._quantise(0, codes, refit=False)
        if len(least.stream) > target:
            raise ValueError(
                f"target_bytes={target} is too small for {self.net.n_weights} weights: "
                f"a stream of them takes {len(least.stream)} bytes or more. Lower "
                f'width or depth, or set both to "auto".'
            )
        base = _last(
            lambda base: len(self._quantise(base, codes, False).stream) <= target,
            finest,
        )
        while base > 0:
            result = self._quantise(base, codes, refit)
            if len(result.stream) <= target:
                return result
            base -= _BASE_CHANGE
        return least

    def _at_least(self, target, refit):
        """Return the coarsest stream of at least such a quality."""
        reached = self.psnr(self.weights)
        if reached < target:
            raise ValueError(
                f"target_psnr={target} is above what the net reached, {reached:.2f} "
                f"dB. Raise width, depth or max_iter."
            )
        codes, finest = self._codes_of_sensitivity()
        base = 1 + _last(
            lambda base: self.psnr(self._quantise(base, codes, False).weights) < target,
            finest,
        )
        best = self._quantise(base, codes, False)
        if not refit:
            return best
        # What training again has gained is spent on coarser steps.
        for change in _COARSER:
            while base > change:
                result = self._quantise(base - change, codes, True)
                if self.psnr(result.weights) < target:
                    break
                best, base = result, base - change
        return best


def _last(holds, most):
    """Return the largest base for which a falling condition holds, by bisection."""
    lo, hi = 0, most
    while hi - lo > 1:
        middle = (lo + hi) // 2
        if holds(middle):
            lo = middle
        else:
            hi = middle
    return lo


def auto_shape(target_bytes, channels, basis):
    """Return the net whose weights fill a stream at the usual bits a weight."""
    wanted = 8 * target_bytes / _BITS_PER_WEIGHT
    nets = [FourierNet(width, depth, channels, basis) for width, depth in _SHAPES]
    return min(nets, key=lambda net: abs(np.log(net.n_weights / wanted)))
