"""Neural baselines: torch trains them, numpy runs them."""

from gaussflow.baselines.autoencoders.autoencoder import AutoencoderTransformer
from gaussflow.baselines.autoencoders.conditional_vae import ConditionalVAETransformer
from gaussflow.baselines.autoencoders.vae import VAETransformer
from gaussflow.baselines.classifiers.image import ImageClassifier
from gaussflow.baselines.classifiers.transfer import TransferClassifier
from gaussflow.baselines.fourier.compressor import FourierImageCompressor
from gaussflow.baselines.fourier.generator import FourierGenerator

__all__ = [
    "AutoencoderTransformer",
    "ConditionalVAETransformer",
    "FourierGenerator",
    "FourierImageCompressor",
    "ImageClassifier",
    "TransferClassifier",
    "VAETransformer",
]
