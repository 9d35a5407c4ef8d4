"""What draws images in the benchmark: flows, and what they are compared with.

A method is a generator of (name, model, fit): ``fit()`` makes the model ready to
draw what the record of that name tells of, starting from the model before it. Models
have ``sample(n, seed)``, which returns rows in the units of the data and their labels
or None, and ``save(path)``.
"""

import pickle
from contextlib import contextmanager
from unittest import mock

import numpy as np
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from benchmarks.images.image_sets import Images
from gaussflow import GenFlow
from gaussflow.architectures import multiscale

#: Carried samples that are kept to be scored.
N_CARRIED = 10_000
#: Images that the VAE is shown in all its passes, as in 20 of MNIST, and the most
#: passes: 20 of a small set would leave it hardly trained.
VAE_IMAGES, VAE_EPOCHS = 1_200_000, 200


# -- flows ----------------------------------------------------------------------


def recipe(images, n_jobs):
    """Return the flow that is measured, unfitted."""
    layers = multiscale(
        images.image_shape, direction="generate", n_levels=images.n_levels
    )
    return GenFlow(
        layers, direction="generate", dtype=np.float32, n_jobs=n_jobs, random_state=0
    )


@contextmanager
def recorded_noise():
    """Keep, by the flow's id, the noise that flows fitted in the block start from."""
    draw, noise = GenFlow._latent, {}

    def recording(self, *args):
        latent = draw(self, *args)
        noise[id(self)] = latent[:N_CARRIED].copy()
        return latent

    with mock.patch.object(GenFlow, "_latent", recording):
        yield noise


def carried(flow, noise):
    """Return the samples that a flow's fit carried: its maps on its own noise."""
    return flow.inverse_transform(noise)


class Flow:
    """A flow, and the samples that its fit carried along."""

    def __init__(self, images, n_jobs):
        self.images, self.model = images, recipe(images, n_jobs)

    def fit(self):
        with recorded_noise() as noise:
            self.model.fit(self.images.X)
        self._noise = noise[id(self.model)]

    def sample(self, n, seed):
        return self.model.sample(n, random_state=seed), None

    def carried(self):
        return carried(self.model, self._noise)

    def save(self, path):
        self.model.save(path)


class FlowByLabel(Flow):
    """One flow per class."""

    def __init__(self, images, n_jobs):
        from gaussflow import ClassConditionalFlow

        if images.label is not None:
            raise ValueError("--by-label is for sets of several classes.")
        self.images = images
        self.model = ClassConditionalFlow(recipe(images, n_jobs), random_state=0)

    def fit(self):
        with recorded_noise() as noise:
            self.model.fit(self.images.X, self.images.y)
        self._noise = [noise[id(flow)] for flow in self.model.flows_]

    def sample(self, n, seed):
        return self.model.sample(n, random_state=seed)

    def carried(self):
        # Of each class as many as its share, and at most what was carried.
        shares = np.asarray(self.model.class_prior_)
        n = min(len(z) / share for z, share in zip(self._noise, shares, strict=True))
        counts = np.rint(min(n, N_CARRIED) * shares).astype(int)
        parts = zip(self.model.flows_, self._noise, counts, strict=True)
        return np.concatenate([carried(flow, z[:count]) for flow, z, count in parts])


def flow(images, options):
    model = Flow(images, options.n_jobs)
    yield "flow", model, model.fit


def flow_by_label(images, options):
    model = FlowByLabel(images, options.n_jobs)
    yield "flow_by_label", model, model.fit


# -- what they are compared with ------------------------------------------------


class PrincipalGaussian:
    """A Gaussian of the pixels, or a mixture on its first principal components.

    Each component beyond the first ``n_scores`` is drawn on its own from a Gaussian:
    of the pixels as a whole where ``n_scores`` is 0.
    """

    def __init__(self, X, n_scores=0, n_components=10):
        self._X, self._n_scores = X, min(n_scores, *X.shape)
        self._n_components = n_components

    def fit(self):
        # In float64, and by the covariance: the other solvers take minutes.
        X = self._X.astype(np.float64)
        self._pca = PCA(svd_solver="covariance_eigh").fit(X)
        variances = self._pca.explained_variance_
        self._std = np.sqrt(variances)
        self._mixture = None
        if self._n_scores:
            ridge = 1e-6 * float(variances[0])
            self._mixture = GaussianMixture(
                self._n_components, reg_covar=ridge, random_state=0
            )
            self._mixture.fit(self._pca.transform(X)[:, : self._n_scores])

    def sample(self, n, seed):
        rng = np.random.default_rng(seed)
        Z = self._std * rng.standard_normal((n, len(self._std)))
        if self._mixture is not None:
            self._mixture.set_params(random_state=seed)
            Z[:, : self._n_scores] = self._mixture.sample(n)[0]
        return self._pca.inverse_transform(Z), None

    def save(self, path):
        with open(path, "wb") as file:
            pickle.dump((self._pca, self._mixture), file)


class UnitVAE:
    """A VAE of images scaled to [0, 1]."""

    def __init__(self, images, n_epochs=None):
        from gaussflow.baselines import VAETransformer

        self._X, self._top = images.X / images.top, images.top
        if n_epochs is None:
            n_epochs = int(np.clip(VAE_IMAGES // len(self._X), 1, VAE_EPOCHS))
        self.settings = {"n_epochs": n_epochs}
        self._vae = VAETransformer(20, (400,), random_state=0, **self.settings)

    def fit(self):
        self._vae.fit(self._X)

    def fit_mixture(self):
        # On the posteriors' means: samples are better than of a mixture on drawn
        # codes, which prior="gmm" takes since it is the likelier prior.
        from gaussflow.baselines.autoencoders.priors import fit_prior

        codes = self._vae.transform(self._X)
        self._vae.prior_ = fit_prior("gmm", codes, 50, np.random.default_rng(0))

    def sample(self, n, seed):
        return self._top * self._vae.sample(n, random_state=seed), None

    def save(self, path):
        self._vae.save(path)


def pixel_gaussian(images, options):
    model = PrincipalGaussian(images.X)
    yield "pixel_gaussian", model, model.fit


def pca_mixture(images, options):
    model = PrincipalGaussian(images.X, n_scores=50)
    yield "pca_mixture", model, model.fit


def vae(images, options):
    model = UnitVAE(images, options.vae_epochs)
    yield "vae_standard", model, model.fit
    yield "vae_gmm", model, model.fit_mixture


METHODS = {
    function.__name__: function
    for function in (
        flow,
        flow_by_label,
        pixel_gaussian,
        pca_mixture,
        vae,
    )
}


def warm_up(method):
    """Import and compile, on tiny images, what a method's clock is not to count."""
    X = np.random.default_rng(0).integers(0, 256, (200, 64)).astype(np.float32)
    images = Images(X, None, X, None, image_shape=(8, 8, 1), n_levels=256)
    if method.startswith("flow"):
        tiny = recipe(images, n_jobs=1)
        for layer in tiny.layers:
            if hasattr(layer, "n_iter"):
                layer.set_params(n_iter=1)
        tiny.fit(X).sample(10, random_state=0)
    elif method == "vae":
        UnitVAE(images, n_epochs=1).fit()
