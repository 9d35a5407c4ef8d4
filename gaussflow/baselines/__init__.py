"""Neural baselines: torch trains them, numpy runs them."""

from gaussflow.baselines.autoencoder import AutoencoderTransformer
from gaussflow.baselines.classifier import ImageClassifier
from gaussflow.baselines.cvae import ConditionalVAETransformer
from gaussflow.baselines.fourier_compressor import FourierImageCompressor
from gaussflow.baselines.fourier_generator import FourierGenerator
from gaussflow.baselines.transfer import TransferClassifier
from gaussflow.baselines.vae import VAETransformer

__all__ = [
    "AutoencoderTransformer",
    "ConditionalVAETransformer",
    "FourierGenerator",
    "FourierImageCompressor",
    "ImageClassifier",
    "TransferClassifier",
    "VAETransformer",
]
