"""The plain autoencoder."""

from gaussflow._common.checks import Choice, Number, keep_params
from gaussflow.baselines.autoencoders.reconstruction import ReconstructionModel

LOSSES = ("mse", "bernoulli")


class AutoencoderTransformer(ReconstructionModel):
    """Autoencoder: nonlinear codes of fewer dimensions, and rows back from them.

    The loss is half the squared error, or the cross-entropy, summed over
    features, plus ``regularization`` times the squared length of the code; the
    mean over the batch. The codes follow no given distribution: samples need a
    prior fitted on them.

    Parameters
    ----------
    loss : {"mse", "bernoulli"}, default="mse"
        Of a reconstruction. "mse" standardises the rows (a table by column,
        images as a whole); "bernoulli" needs values in [0, 1].
    regularization : float, default=1e-3
        Weight of the codes' squared length.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gaussflow.baselines import AutoencoderTransformer
    >>> X = load_digits().data / 16
    >>> autoencoder = AutoencoderTransformer(8, (64,), random_state=0).fit(X)
    >>> autoencoder.reconstruct(X).shape
    (1797, 64)
    """

    _rules = ReconstructionModel._rules | {
        "loss": Choice(LOSSES),
        "regularization": Number("[0, inf)"),
    }

    def __init__(
        self,
        latent_dim=20,
        hidden_sizes=(400,),
        *,
        loss="mse",
        regularization=1e-3,
        image_shape=None,
        channels=None,
        prior="gaussian",
        n_components=50,
        n_epochs=20,
        batch_size="auto",
        learning_rate=1e-3,
        early_stopping=False,
        validation_fraction=0.1,
        patience=5,
        warm_start=False,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        keep_params(locals())

    # -- helpers --------------------------------------------------------------

    @property
    def _likelihood(self):
        return self.loss

    def _objective(self):
        settings = {"loss": self.loss, "regularization": float(self.regularization)}
        return "plain", settings
