"""The density estimators that are compared, behind one small face.

Each factory returns an object with ``fit(X)``, ``score_samples(X)`` and
``sample(n, seed)``; their defaults are the comparison: nothing is tuned by
data set except by the method's own selection on the training rows.
"""

import copy
from importlib.util import find_spec

import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity

COMPONENTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


class GaussFlow:
    """``GenFlow()`` as it comes."""

    def fit(self, X):
        from gaussflow import GenFlow

        self.flow = GenFlow(random_state=0).fit(X)
        return self

    def score_samples(self, X):
        return self.flow.score_samples(X)

    def sample(self, n, seed):
        return self.flow.sample(n, random_state=seed)


class BaggedGaussFlow(GaussFlow):
    """``BaggedGenFlow()`` as it comes: the mean density of eight flows."""

    def fit(self, X):
        from gaussflow import BaggedGenFlow

        self.flow = BaggedGenFlow(random_state=0).fit(X)
        return self


class Gaussian:
    """Maximum likelihood, full covariance."""

    def fit(self, X):
        self.mixture = GaussianMixture(1, reg_covar=0.0).fit(X)
        return self

    def score_samples(self, X):
        return self.mixture.score_samples(X)

    def sample(self, n, seed):
        self.mixture.random_state = seed
        return self.mixture.sample(n)[0]


class Mixture(Gaussian):
    """Gaussian mixture; BIC chooses the covariances' type and the components."""

    def fit(self, X):
        best = np.inf
        for kind in ("full", "tied", "diag", "spherical"):
            previous, worse = np.inf, 0
            for k in COMPONENTS:
                mixture = GaussianMixture(
                    k, covariance_type=kind, random_state=0, max_iter=300
                ).fit(X)
                bic = mixture.bic(X)
                if bic < best:
                    best, self.mixture = bic, mixture
                worse = worse + 1 if bic > previous else 0
                previous = bic
                if worse == 2:
                    break
        return self


class Kernel:
    """Gaussian kernels, bandwidth by 5-fold cross-validation."""

    def fit(self, X):
        grid = {"bandwidth": np.geomspace(0.03, 2.0, 16)}
        search = GridSearchCV(KernelDensity(), grid, cv=5).fit(X)
        self.density = search.best_estimator_
        return self

    def score_samples(self, X):
        return self.density.score_samples(X)

    def sample(self, n, seed):
        return self.density.sample(n, random_state=seed)


class NeuralSpline:
    """zuko's neural spline flow, early stopping on a tenth of the rows."""

    def fit(self, X, max_epochs=300, patience=15, batch=256):
        import torch
        import zuko

        torch.manual_seed(0)
        torch.set_num_threads(1)
        X = torch.as_tensor(X, dtype=torch.float32)
        X = X[torch.randperm(len(X))]
        held_out, train = X[: len(X) // 10], X[len(X) // 10 :]
        self.flow = zuko.flows.NSF(X.shape[1], transforms=3, hidden_features=(64, 64))
        optimizer = torch.optim.Adam(self.flow.parameters(), lr=1e-3)
        best, waited = np.inf, 0
        for _ in range(max_epochs):
            for rows in train[torch.randperm(len(train))].split(batch):
                optimizer.zero_grad()
                (-self.flow().log_prob(rows).mean()).backward()
                optimizer.step()
            with torch.no_grad():
                loss = -self.flow().log_prob(held_out).mean().item()
            waited = 0 if loss < best else waited + 1
            if loss < best:
                best, state = loss, copy.deepcopy(self.flow.state_dict())
            if waited == patience:
                break
        self.flow.load_state_dict(state)
        return self

    def score_samples(self, X):
        import torch

        with torch.no_grad():
            X = torch.as_tensor(X, dtype=torch.float32)
            return self.flow().log_prob(X).numpy().astype(np.float64)

    def sample(self, n, seed):
        import torch

        torch.manual_seed(seed)
        with torch.no_grad():
            return self.flow().sample((n,)).numpy().astype(np.float64)


METHODS = {
    "gaussflow": GaussFlow,
    "bagged": BaggedGaussFlow,
    "mixture": Mixture,
    "kernel": Kernel,
    "gaussian": Gaussian,
}
if find_spec("zuko"):
    METHODS["neural_spline"] = NeuralSpline
