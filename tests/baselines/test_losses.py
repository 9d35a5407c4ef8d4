"""The losses against closed forms, and their gradients against differences."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import bernoulli, multivariate_normal, norm

from gaussflow.baselines.autoencoders.likelihoods import (
    bernoulli_log_likelihood,
    expit,
    gaussian_log_likelihood,
)
from gaussflow.baselines.autoencoders.vae import VAETransformer, kl_to_standard_normal

torch = pytest.importorskip("torch")
losses = pytest.importorskip("gaussflow.baselines.autoencoders.torch_losses")


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


def tensors(rng, *shapes):
    drawn = (torch.from_numpy(rng.standard_normal(shape)) for shape in shapes)
    return [t.requires_grad_() for t in drawn]


def test_gradients_match_differences_in_float64(rng):
    a, b = tensors(rng, (5, 3), (5, 3))
    (log_variance,) = tensors(rng, (3,))
    x = torch.from_numpy(rng.random((5, 3)))
    check = torch.autograd.gradcheck
    assert check(lambda t: losses.bernoulli_loss(t, x), (a,))
    assert check(lambda t, v: losses.gaussian_loss(t, x, v), (a, log_variance))
    assert check(lambda t, v: losses.gaussian_loss(t, x, v), (a, log_variance[:1]))
    assert check(lambda t: losses.squared_error(t, x), (a,))
    assert check(losses.kl_to_standard_normal, (a, b))
    assert check(losses.mmd_to, (a, b))


def test_gradients_of_a_whole_network_match_differences(rng):
    from gaussflow.baselines.networks.architectures import conv_decoder, conv_encoder
    from gaussflow.baselines.networks.network import Network
    from gaussflow.baselines.networks.torch_module import NetworkModule

    encoder = Network.draw(conv_encoder((4, 4, 1), (2,), 3, 2), rng)
    decoder = Network.draw(conv_decoder(3, (4, 4, 1), (2,), 2, 2), rng)
    encoder, decoder = (NetworkModule(n).double() for n in (encoder, decoder))
    labels = torch.eye(2, dtype=torch.float64)
    (x,) = tensors(rng, (2, 16))

    def output(x, *weights):
        arrays = dict(zip(names, weights, strict=True))
        z = torch.func.functional_call(encoder, arrays, (x, labels))
        return decoder(z, labels)

    names, weights = zip(*encoder.named_parameters(), strict=True)
    assert torch.autograd.gradcheck(output, (x, *weights))


def test_the_kl_term_is_the_integral(rng):
    mean, log_variance = rng.standard_normal((2, 4, 2))
    expected = []
    for m, v in zip(mean, log_variance, strict=True):
        parts = [norm(mj, np.exp(0.5 * vj)) for mj, vj in zip(m, v, strict=True)]
        expected.append(
            sum(
                quad(lambda t, q=q: q.pdf(t) * (q.logpdf(t) - norm.logpdf(t)), -30, 30)[
                    0
                ]
                for q in parts
            )
        )
    assert_allclose(kl_to_standard_normal(mean, log_variance), expected, rtol=1e-6)
    in_torch = losses.kl_to_standard_normal(
        *map(torch.from_numpy, (mean, log_variance))
    )
    assert_allclose(float(in_torch), np.mean(expected), rtol=1e-6)


def test_likelihoods_match_scipy_and_the_losses(rng):
    logits, log_variance = 20 * rng.standard_normal((6, 4)), rng.standard_normal(4)
    X = rng.integers(2, size=(6, 4)).astype(float)
    expected = bernoulli.logpmf(X, expit(logits)).sum(axis=1)
    inner = abs(logits).max(axis=1) < 15  # where scipy's probabilities keep digits
    got = bernoulli_log_likelihood(X, logits.copy())
    assert_allclose(got[inner], expected[inner], rtol=1e-6)
    in_torch = losses.bernoulli_loss(*map(torch.from_numpy, (logits, X)))
    assert_allclose(-float(in_torch), got.mean())
    got = gaussian_log_likelihood(X, logits, log_variance)
    expected = norm.logpdf(X, logits, np.exp(0.5 * log_variance)).sum(axis=1)
    assert_allclose(got, expected)
    in_torch = losses.gaussian_loss(*map(torch.from_numpy, (logits, X, log_variance)))
    assert_allclose(-float(in_torch), got.mean())


def test_the_mmd_is_unbiased(rng):
    same = [
        float(
            losses.mmd_to(
                *(torch.from_numpy(Z) for Z in rng.standard_normal((2, 20, 2)))
            )
        )
        for _ in range(300)
    ]
    assert abs(np.mean(same)) < 4 * np.std(same) / np.sqrt(len(same))
    a, b = (torch.from_numpy(Z) for Z in rng.standard_normal((2, 50, 2)))
    assert float(losses.mmd_to(a + 3.0, b)) > 20 * np.std(same)


def linear_gaussian(rng, n=4000):
    """Rows of x = W z + b + noise, and their exact log-density."""
    W, b, std = rng.standard_normal((3, 2)), rng.standard_normal(3), 0.4
    covariance = W @ W.T + std**2 * np.eye(3)
    law = multivariate_normal(b, covariance)
    return law.rvs(size=n, random_state=rng.integers(2**31)), law


def test_elbo_is_below_iwae_is_below_the_log_likelihood(rng):
    """Exactly so where the model is linear and Gaussian, and its likelihood known."""
    X, _ = linear_gaussian(rng)
    vae = VAETransformer(2, (), likelihood="gaussian", n_epochs=10, random_state=0)
    vae.fit(X[:3000])
    # The density of the model itself: x = offset + scale (W z + c + noise).
    W, c = vae.decoder_.weights
    noise = np.exp(np.broadcast_to(vae.log_noise_, 3))
    covariance = (W @ W.T + np.diag(noise)) * np.outer(vae.scale_, vae.scale_)
    model = multivariate_normal(vae.offset_ + vae.scale_ * c, covariance)
    rows = X[3000:]
    exact = model.logpdf(rows)
    elbo = vae.score_samples(rows)
    iwae = vae.score_samples(rows, "iwae", n_importance=500)
    assert elbo.mean() <= iwae.mean() <= exact.mean() + 1e-3
    assert_allclose(iwae, exact, atol=0.4)
    assert_allclose(iwae.mean(), exact.mean(), atol=0.02)


def test_bounds_meet_the_log_likelihood_where_the_posterior_is_exact(rng):
    """With the true posterior as encoder, every draw weighs the same."""
    X, _ = linear_gaussian(rng, 500)
    vae = VAETransformer(2, (), likelihood="gaussian", n_epochs=1, random_state=0)
    vae.fit(X)
    W, c = vae.decoder_.weights
    # Orthogonal columns make the posterior's covariance diagonal.
    W[:] = np.linalg.qr(W)[0] * [1.0, 0.5]
    vae.log_noise_ = np.full(3, np.log(0.3))
    precision = np.eye(2) + W.T @ W / 0.3
    gain = np.linalg.solve(precision, W.T / 0.3)
    weight, bias = vae.encoder_.weights
    weight[:] = np.vstack([gain, np.zeros((2, 3))])
    bias[:] = np.concatenate([-gain @ c, -np.log(np.diag(precision))])
    scale = vae.scale_
    covariance = (W @ W.T + 0.3 * np.eye(3)) * np.outer(scale, scale)
    exact = multivariate_normal(vae.offset_ + scale * c, covariance).logpdf(X)
    assert_allclose(vae.score_samples(X, "iwae", n_importance=20), exact, atol=1e-5)
    vae.prior = "gaussian"  # its KL is not taken in closed form
    assert_allclose(vae.score_samples(X, n_importance=20), exact, atol=1e-5)
