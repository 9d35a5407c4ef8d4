"""The plain autoencoder."""

from gaussflow._common.checks import Choice, Number
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
    latent_dim : int, default=20
        Width of the code.
    hidden_sizes : tuple of int, default=(400,)
        Hidden layers of the encoder; the decoder has them in reverse.
    loss : {"mse", "bernoulli"}, default="mse"
        Of a reconstruction. "mse" standardises the rows (a table by column,
        images as a whole); "bernoulli" needs values in [0, 1].
    regularization : float, default=1e-3
        Weight of the codes' squared length.
    %(training)s

    Attributes
    ----------
    encoder_, decoder_ : Network
        Steps and weights, as numpy arrays.
    offset_, scale_ : ndarray
        How rows are standardised.
    prior_ : object
        The distribution of codes, with ``sample`` and ``score_samples``.
    loss_curve_ : list of dict
        Of each epoch: "loss", "reconstruction", "regularization" and, with early
        stopping, "validation_loss".
    image_shape_ : tuple or None
        Shape of an image.
    n_features_in_ : int
        Columns seen at fit.

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
        self.latent_dim = latent_dim
        self.hidden_sizes = hidden_sizes
        self.loss = loss
        self.regularization = regularization
        self.image_shape = image_shape
        self.channels = channels
        self.prior = prior
        self.n_components = n_components
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.warm_start = warm_start
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    # -- helpers --------------------------------------------------------------

    @property
    def _likelihood(self):
        return self.loss

    def _objective(self):
        settings = {"loss": self.loss, "regularization": float(self.regularization)}
        return "plain", settings
