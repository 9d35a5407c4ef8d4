import time

import numpy as np
import pytest
from scipy.linalg import solve_triangular

from gaussflow._common.seeds import as_generator
from gaussflow.estimator_checks import GENERATIVE_CHECKS, check_generative_estimator
from gaussflow.layers.base import Layer


class ExactAffine(Layer):
    """z = L^-1 (x - mean), L the Cholesky factor of the covariance."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit_forward(self, X, rng, *, target=None):
        self.mean_ = X.mean(axis=0)
        self.cholesky_ = np.linalg.cholesky(np.atleast_2d(np.cov(X.T)))
        return self.forward_and_log_det(X)

    def forward_and_log_det(self, X):
        Z = solve_triangular(self.cholesky_, (X - self.mean_).T, lower=True).T
        return Z, np.full(len(X), -np.log(np.diag(self.cholesky_)).sum())

    def inverse_and_log_det(self, Z):
        X = Z @ self.cholesky_.T + self.mean_
        return X, np.full(len(Z), np.log(np.diag(self.cholesky_)).sum())


class WrongLogDet(ExactAffine):
    def forward_and_log_det(self, X):
        Z, log_det = super().forward_and_log_det(X)
        return Z, log_det + 1e-3


class DoubledDensity(ExactAffine):
    def score_samples(self, X):
        return super().score_samples(X) + np.log(1.01)


class WrongInverse(ExactAffine):
    def inverse_and_log_det(self, Z):
        X, log_det = super().inverse_and_log_det(Z)
        return X * (1 + 1e-6), log_det


class ClippedTails(ExactAffine):
    def forward_and_log_det(self, X):
        Z, log_det = super().forward_and_log_det(X)
        return np.clip(Z, -6, 6), log_det


class SameSampleAlways(ExactAffine):
    def sample(self, n_samples=1, *, random_state=None):
        return super().sample(n_samples, random_state=0)


class GlobalSeed(ExactAffine):
    def sample(self, n_samples=1, *, random_state=None):
        np.random.standard_normal()  # noqa: NPY002
        return super().sample(n_samples, random_state=random_state)


class InfiniteSample(ExactAffine):
    def sample(self, n_samples=1, *, random_state=None):
        X = super().sample(n_samples, random_state=random_state)
        X[0, 0] = np.inf
        return X


class NoisyFit(ExactAffine):
    def fit_forward(self, X, rng, *, target=None):
        return super().fit_forward(X + as_generator().normal(size=X.shape), rng)


class NoScore(ExactAffine):
    def score(self, X, y=None):
        self.score_samples(X)


class ForgetfulPickle(ExactAffine):
    def __getstate__(self):
        state = super().__getstate__()
        return state | {"mean_": state.get("mean_", 0.0) + 1e-9}


class SharedBuffer(ExactAffine):
    def transform(self, X):
        self.buffer_ = X
        time.sleep(0.002)
        return super().transform(self.buffer_)


class WritesToInput(ExactAffine):
    def _validate(self, X):
        if X.flags.writeable:
            X += 1e-9
        return super()._validate(X)


class OrderMatters(ExactAffine):
    def _validate_fit(self, X):
        X = np.asarray(X)
        return super()._validate_fit(X + (0.1 if np.isfortran(X) else 0.0))


BROKEN = {
    WrongLogDet: "check_log_det_matches_numeric_jacobian",
    DoubledDensity: "check_density_integrates_to_one_in_2d",
    WrongInverse: "check_round_trip_inside",
    ClippedTails: "check_round_trip_outside",
    SameSampleAlways: "check_sample_seeds",
    GlobalSeed: "check_sample_seeds",
    InfiniteSample: "check_samples_have_finite_density",
    NoisyFit: "check_fit_repeats",
    NoScore: "check_score_is_the_mean",
    ForgetfulPickle: "check_pickle_keeps_the_bits",
    SharedBuffer: "check_threads_agree",
    WritesToInput: "check_input_is_not_written_to",
    OrderMatters: "check_memory_layout_does_not_matter",
}


@pytest.mark.parametrize("n_features", [1, 2, 5])
def test_an_exact_layer_keeps_every_law(n_features, global_random_seed):
    results = check_generative_estimator(
        ExactAffine(), n_features=n_features, random_state=global_random_seed
    )
    assert [r["check_name"] for r in results] == [c.__name__ for c in GENERATIVE_CHECKS]
    assert all(r["status"] == "passed" and r["exception"] is None for r in results)


@pytest.mark.parametrize("cls", BROKEN)
def test_a_broken_layer_is_caught_by_its_law(cls):
    results = check_generative_estimator(cls(), on_fail=None)
    failed = {r["check_name"] for r in results if r["status"] == "failed"}
    assert BROKEN[cls] in failed


def test_a_density_that_rises_far_away_is_caught():
    class Rising(ExactAffine):
        def score_samples(self, X):
            return -super().score_samples(X)

    results = check_generative_estimator(Rising(), on_fail=None)
    failed = {r["check_name"] for r in results if r["status"] == "failed"}
    assert "check_density_falls_far_away" in failed


def test_the_error_names_the_estimator_and_the_law():
    with pytest.raises(AssertionError, match=r"WrongInverse\(\) .*inverse_transform"):
        check_generative_estimator(WrongInverse())


def test_the_estimator_itself_stays_unfitted():
    estimator = ExactAffine()
    check_generative_estimator(estimator, n_samples=50)
    assert vars(estimator) == {"random_state": None}


def test_on_fail_is_checked():
    with pytest.raises(ValueError, match="on_fail"):
        check_generative_estimator(ExactAffine(), on_fail="warn")
