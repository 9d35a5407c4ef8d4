"""Deep Fourier Machines in torch: one net for each image, from a code of it."""

import math

import numpy as np
import torch
from torch import nn
from torch.autograd.function import once_differentiable

from gaussflow.baselines.fourier.net import FourierNet
from gaussflow.baselines.networks.torch_module import CodeModule, loss_of
from gaussflow.kernels.fourier import fourier_squared_error

#: Where the kernel takes the place of torch.
KERNEL_DEVICES = ("cpu",)
#: Adam moves a code in each pass once, the networks in every step.
CODE_SPEED = 10.0


def fourier_waves(x):
    """Return cos(2 pi k.x) and sin(2 pi k.x), built by doubling.

    Of x (n_images, m, n_points) they have shape (n_images, 2**m, n_points); k stands
    at sum_i k_i 2**i.
    """
    n_images, m, n_points = x.shape
    cos, sin = torch.cos(math.tau * x), torch.sin(math.tau * x)
    C, S = x.new_empty(2, n_images, 2**m, n_points)
    C[:, 0], S[:, 0] = 1, 0
    for i in range(m):
        c, s = cos[:, i : i + 1], sin[:, i : i + 1]
        low, high = slice(None, 2**i), slice(2**i, 2 ** (i + 1))
        torch.mul(C[:, low], c, out=C[:, high])
        C[:, high].addcmul_(S[:, low], s, value=-1)
        torch.mul(S[:, low], c, out=S[:, high])
        S[:, high].addcmul_(C[:, low], s)
    return C, S


class FourierMap(torch.autograd.Function):
    """A map of each image: y = sum_k a_k cos(2 pi k.x) + b_k sin(2 pi k.x).

    The gradient is written out: in x it is a sum over k of terms that the forward
    pass has already, where autograd would go back through the doubling.
    """

    @staticmethod
    def forward(ctx, x, coefficients):
        """Map x (n_images, m, n_points) by coefficients (n_images, n, 2 or 1, 2**m)."""
        C, S = fourier_waves(x)
        ctx.save_for_backward(C, S, coefficients)
        if coefficients.shape[2] == 1:
            return coefficients[:, :, 0] @ (C + S)
        return coefficients[:, :, 0] @ C + coefficients[:, :, 1] @ S

    @staticmethod
    @once_differentiable
    def backward(ctx, slope):
        """Return the gradients in x and in the coefficients."""
        C, S, coefficients = ctx.saved_tensors
        A, B = coefficients[:, :, 0].mT, coefficients[:, :, -1].mT
        # In the angle 2 pi k.x, and from there in each x_i: the k that have it.
        angle = (B @ slope) * C - (A @ slope) * S
        k = torch.arange(C.shape[1], device=slope.device)
        i = torch.arange(C.shape[1].bit_length() - 1, device=slope.device)
        has = (k >> i[:, np.newaxis] & 1).to(slope)
        waves = (C + S,) if coefficients.shape[2] == 1 else (C, S)
        grad = torch.stack([slope @ wave.mT for wave in waves], dim=2)
        return math.tau * (has @ angle), grad


def fourier_pixels(net, weights, positions):
    """Return the pixels of a net for each image, differentiable in the weights.

    Positions are (n_points, 2), or of each image; pixels, in (-1, 1), are of shape
    (n_images, n_points, channels).
    """
    x = positions.mT.expand(len(weights), -1, -1)
    sizes = net.map_sizes
    maps = zip(weights.split(sizes, 1), net.map_shapes, net.residuals, strict=True)
    for flat, shape, residual in maps:
        y = FourierMap.apply(x, flat.reshape(-1, *shape))
        x = x + y if residual else y
    return torch.tanh(x).mT


class KernelError(torch.autograd.Function):
    """The squared error of each image's net by the Numba kernel, on the CPU.

    The kernel makes the gradient along with the error: three times as fast as torch.
    """

    @staticmethod
    def forward(ctx, weights, net, positions, targets, chosen):
        """Sum over images, and over their chosen pixels (None: all)."""
        W, X = weights.detach().numpy(), targets.numpy()
        grad, total = np.empty_like(W), 0.0
        for i in range(len(W)):
            here = slice(None) if chosen is None else chosen[i]
            total += fourier_squared_error(
                W[i], positions[here], *net.numbers, X[i][here], grad[i]
            )
        ctx.save_for_backward(torch.from_numpy(grad))
        return weights.new_tensor(total)

    @staticmethod
    @once_differentiable
    def backward(ctx, slope):
        """Return the gradient in the weights."""
        return slope * ctx.saved_tensors[0], None, None, None, None


class FourierModule(CodeModule):
    """Codes of images, by an encoder or one by one, and nets that a decoder makes."""

    def __init__(self, model, settings):
        super().__init__(model, settings)
        self.codes = None
        if "codes" in model:
            self.codes = nn.Embedding.from_pretrained(
                torch.from_numpy(model["codes"]), freeze=False, sparse=True
            )
        self.net = FourierNet(*settings["net"])
        self.register_buffer("positions", torch.from_numpy(settings["positions"]))
        self.n_pixels = settings["n_pixels"]

    def optimizers(self, learning_rate):
        """Return Adam for the networks and, where codes are free, one for these."""
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        adam = torch.optim.Adam(parameters, lr=learning_rate)
        if self.codes is None:
            return [adam]
        codes = [self.codes.weight]
        return [adam, torch.optim.SparseAdam(codes, lr=CODE_SPEED * learning_rate)]

    def loss(self, x, *rows_and_generator):
        """Return half the squared error plus the penalty of large codes."""
        *rows, generator = rows_and_generator
        z = self.encoder(x) if self.codes is None else self.codes(*rows)
        chosen = self._choose(len(x), generator) if self.training else None
        error = self._squared_error(self.decoder(z), x, chosen)
        share = 1.0 if chosen is None else chosen.shape[1] / len(self.positions)
        reconstruction = 0.5 * error / (share * len(x))
        penalty = (z**2).sum() / len(z)
        return loss_of(reconstruction, self.settings["latent_penalty"], penalty)

    def _choose(self, n_images, generator):
        """Return pixels for each image, a random set shifted by a random number."""
        n_all, device = len(self.positions), self.positions.device
        if self.n_pixels >= n_all:
            return None
        order = torch.randperm(n_all, generator=generator, device=device)
        shift = torch.randint(n_all, (n_images, 1), generator=generator, device=device)
        places = shift + torch.arange(self.n_pixels, device=device)
        return order[places % n_all]

    def _squared_error(self, weights, x, chosen):
        targets = x.reshape(len(x), len(self.positions), -1)
        if x.device.type in KERNEL_DEVICES:
            arrays = (a if a is None else a.numpy() for a in (self.positions, chosen))
            positions, chosen = arrays
            return KernelError.apply(weights, self.net, positions, targets, chosen)
        positions = self.positions
        if chosen is not None:
            positions = positions[chosen]
            index = chosen[..., np.newaxis].expand(-1, -1, targets.shape[2])
            targets = targets.gather(1, index)
        return ((fourier_pixels(self.net, weights, positions) - targets) ** 2).sum()

    def model(self):
        """Return the parts as numpy arrays."""
        parts = super().model()
        if self.codes is not None:
            parts["codes"] = self.codes.weight.detach().cpu().numpy().copy()
        return parts
