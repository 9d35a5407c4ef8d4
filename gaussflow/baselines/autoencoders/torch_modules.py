"""Autoencoders as torch modules: what training minimises."""

import numpy as np
import torch
from torch import nn

from gaussflow.baselines.autoencoders import torch_losses as losses
from gaussflow.baselines.fourier.torch_module import FourierModule
from gaussflow.baselines.networks.torch_module import CodeModule, loss_of
from gaussflow.baselines.networks.torch_training import train
from gaussflow.baselines.noise import NOISES

#: Adam moves every weight by about the learning rate a step; the log-variance of
#: the likelihood has farther to go than the weights, and does so many times that.
NOISE_SPEED = 10.0


class AutoencoderModule(CodeModule):
    """Encoder, decoder and the loss of a plain autoencoder."""

    def loss(self, x, *labels_and_generator):
        """Return reconstruction plus the penalty of large codes."""
        z = self.encoder(x)
        output = self.decoder(z)
        reconstruction = LOSSES[self.settings["loss"]](output, x)
        penalty = (z**2).sum() / len(z)
        return loss_of(reconstruction, self.settings["regularization"], penalty)


class VAEModule(CodeModule):
    """Encoder, decoder, noise and the loss of a variational autoencoder."""

    def __init__(self, model, settings):
        super().__init__(model, settings)
        self.noise_share = nn.Parameter(
            torch.tensor(model["log_noise"]) / NOISE_SPEED,
            requires_grad=settings["likelihood"] == "gaussian",
        )
        self.draw_noise = settings["noise"]

    def loss(self, x, *labels_and_generator):
        """Return reconstruction + beta * (KL or MMD), one noise draw a row."""
        *labels, generator = labels_and_generator
        beta, low, high = (self.settings[k] for k in ("beta", "low", "high"))
        mean, log_variance = self.encoder(x, *labels).chunk(2, dim=1)
        log_variance = log_variance.clamp(low, high)
        noise = self.draw_noise(mean, generator)
        z = mean + torch.exp(0.5 * log_variance) * noise
        output = self.decoder(z, *labels)
        if self.settings["likelihood"] == "bernoulli":
            reconstruction = losses.bernoulli_loss(output, x)
        else:
            reconstruction = losses.gaussian_loss(output, x, self.log_noise())
        if self.settings["regularizer"] == "kl":
            regularization = losses.kl_to_standard_normal(mean, log_variance)
        else:
            prior = torch.randn(z.shape, generator=generator, device=z.device)
            regularization = x.shape[1] * losses.mmd_to(z, prior)
        return loss_of(reconstruction, beta, regularization)

    def log_noise(self):
        """Return the log-variances of the Gaussian likelihood."""
        least = self.settings["least_log_noise"]
        return (NOISE_SPEED * self.noise_share).clamp(min=least)

    def model(self):
        """Return the parts as numpy arrays."""
        log_noise = self.log_noise().detach().cpu().numpy().copy()
        return super().model() | {"log_noise": log_noise}


LOSSES = {"bernoulli": losses.bernoulli_loss, "mse": losses.squared_error}


def gaussian_noise(like, generator):
    """Return standard normal noise of the shape of a tensor."""
    return torch.randn(like.shape, generator=generator, device=like.device)


class MapNoise:
    """Noise that a map makes in numpy, from seeds of the torch generator."""

    def __init__(self, name):
        self.make = NOISES[name]

    def __call__(self, like, generator):
        """Return noise with standard normal margins of the shape of a tensor."""
        seed = torch.randint(2**62, (1,), generator=generator, device=like.device)
        noise = self.make(like.shape, np.random.default_rng(int(seed)))
        return torch.from_numpy(noise).to(like)


def fit_autoencoder(kind, model, arrays, *, settings, **fitting):
    """Train an autoencoder of a kind; return its parts as arrays, and the history.

    ``model`` holds "encoder" and "decoder" networks, "log_noise" for a variational one
    and "codes" for a Fourier one without an encoder; ``arrays`` float32 rows, one-hot
    labels where the model has them, and the rows' numbers where codes are free;
    ``settings`` are of the loss, ``fitting`` of ``train``.
    """
    settings = dict(settings)
    if kind == "variational":
        name = settings["noise"]
        settings["noise"] = gaussian_noise if name == "gaussian" else MapNoise(name)
    module = MODULES[kind](model, settings)
    history = train(module, arrays, **fitting)
    return module.model(), history


MODULES = {
    "plain": AutoencoderModule,
    "variational": VAEModule,
    "fourier": FourierModule,
}
