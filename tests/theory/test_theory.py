"""Every closed form beside a simulation or a second way to the same number."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest, multivariate_normal

from gaussflow import Linear, theory


def covariance_of(n_features, rng):
    A = rng.standard_normal((n_features, n_features))
    return A @ A.T / n_features + 0.2 * np.eye(n_features)


def haar(n_features, rng):
    """Haar up to signs, which no loss depends on."""
    return np.linalg.qr(rng.standard_normal((n_features, n_features)))[0]


def correlation(S):
    scale = np.sqrt(np.diag(S))
    return S / np.outer(scale, scale)


def small_traceless(n_features, rng, size=1e-3):
    A = rng.standard_normal((n_features, n_features))
    A = A + A.T
    A -= np.eye(n_features) * np.trace(A) / n_features
    return np.eye(n_features) + size * A / np.linalg.norm(A)


# -- Gaussians ------------------------------------------------------------------


def test_entropy_and_divergence_are_means_of_log_densities(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    S, R = covariance_of(3, rng), covariance_of(3, rng)
    mean, other = rng.standard_normal((2, 3))
    p, q = multivariate_normal(mean, S), multivariate_normal(other, R)
    X = p.rvs(200_000, random_state=rng)
    log_p, log_ratio = p.logpdf(X), p.logpdf(X) - q.logpdf(X)
    error = 5.0 / np.sqrt(len(X))  # five standard errors
    assert_allclose(theory.gaussian_entropy(S), -log_p.mean(), atol=error * log_p.std())
    divergence = theory.gaussian_kl(S, mean, from_covariance=R, from_mean=other)
    assert_allclose(divergence, log_ratio.mean(), atol=error * log_ratio.std())


def test_divergence_of_nearly_equal_gaussians_keeps_its_digits():
    # 1 + e has divergence (e - log(1 + e)) / 2 = e^2 / 4 to leading order.
    S = np.eye(4) * (1.0 + 1e-6)
    assert_allclose(theory.gaussian_kl(S), 4 * 1e-12 / 4, rtol=1e-3)


@pytest.mark.parametrize("n_features", [1, 2, 7])
def test_the_loss_is_the_sum_of_its_parts(n_features, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    S, mean = covariance_of(n_features, rng), rng.standard_normal(n_features)
    split = theory.gaussian_loss_split(S, mean)
    assert_allclose(split.total, theory.gaussian_kl(S, mean), rtol=1e-10)
    columns = [theory.gaussian_kl([[S[i, i]]], [mean[i]]) for i in range(n_features)]
    assert_allclose(split.marginal, columns, rtol=1e-10)
    entropies = [theory.gaussian_entropy([[v]]) for v in np.diag(S)]
    total_correlation = sum(entropies) - theory.gaussian_entropy(S)
    assert_allclose(split.dependence, total_correlation, atol=1e-12)


def test_mutual_information_obeys_its_chain_rule(global_random_seed):
    S = covariance_of(6, np.random.default_rng(global_random_seed))
    information = theory.gaussian_mutual_information
    whole = information(S, [0, 1], [2, 3, 4])
    parts = information(S, [0, 1], [2]) + information(S, [0, 1], [3, 4], given=[2])
    assert_allclose(whole, parts, rtol=1e-10)
    every = [information(S, [i], list(range(i))) for i in range(1, 6)]
    assert_allclose(sum(every), theory.gaussian_loss_split(S).dependence, rtol=1e-10)


def test_mutual_information_of_two_columns_is_that_of_their_correlation():
    information = theory.gaussian_mutual_information([[4.0, 1.0], [1.0, 1.0]], [0])
    assert_allclose(information, -0.5 * np.log(1 - 0.25))


# -- theorem 1 --------------------------------------------------------------------


def reachable_dimensions(n_features, n_layers, rng):
    """Return the dimension of the covariances that layers of fixed rotations reach.

    The rank of the derivative of W^T W, W = S_L Q_L ... S_1 Q_1, by the scales.
    """
    Q = [haar(n_features, rng) for _ in range(n_layers)]

    def precision(scales):
        W = np.eye(n_features)
        for rotation, scale in zip(Q, scales, strict=True):
            W = scale[:, None] * (rotation @ W)
        return (W.T @ W)[np.triu_indices(n_features)]

    at = np.exp(0.3 * rng.standard_normal((n_layers, n_features)))
    steps = 1e-5 * np.eye(at.size).reshape(-1, *at.shape)
    J = [(precision(at + h) - precision(at - h)) / 2e-5 for h in steps]
    return np.linalg.matrix_rank(np.array(J), tol=1e-6)


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 5, 6])
def test_fewer_layers_than_the_bound_cannot_reach_every_gaussian(n_features):
    rng = np.random.default_rng(0)
    needed = n_features * (n_features + 1) // 2
    bound = theory.least_layers(n_features)
    for n_layers in range(1, bound + 2):
        reached = reachable_dimensions(n_features, n_layers, rng)
        # Layers share one common scale: the count of the docstring.
        assert reached == min(n_layers * (n_features - 1) + 1, needed)
        assert n_layers >= bound or reached < needed
    assert reached == needed


# -- theorem 2 --------------------------------------------------------------------


@pytest.mark.parametrize("n_features", [2, 3, 8, 32])
def test_small_losses_contract_as_theorem_2_says(n_features, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    S = small_traceless(n_features, rng)
    ratio = theory.loss_after_step(S) / theory.gaussian_kl(S)
    assert_allclose(ratio, theory.rotation_contraction(n_features), rtol=1e-3)


@pytest.mark.parametrize("rho", [1e-3, 0.5, 0.9, 0.9999])
def test_two_columns_have_their_loss_after_a_step_in_closed_form(rho):
    # E log(1 - rho^2 cos^2 a) over the circle is 2 log((1 + sqrt(1 - rho^2)) / 2).
    S = [[1.0, rho], [rho, 1.0]]
    expected = theory.gaussian_kl(S) + np.log((1 + np.sqrt(1 - rho**2)) / 2)
    assert_allclose(theory.loss_after_step(S), expected, rtol=1e-8)


@pytest.mark.parametrize(
    "eigenvalues", [[4.0, 0.5, 0.5], [0.01, 1.0, 1.0, 2.0], np.logspace(-4, 4, 12)]
)
def test_the_loss_after_a_step_is_the_mean_over_rotations(eigenvalues):
    S = np.diag(eigenvalues)
    losses = theory.random_rotation_losses(S, 1, n_runs=2000)[:, 1]
    error = losses.std() / np.sqrt(len(losses))
    assert_allclose(theory.loss_after_step(S), losses.mean(), atol=4 * error)


def test_the_loss_after_a_step_knows_neither_scale_nor_mean():
    S = np.diag([1.0, 2.0, 5.0])
    loss = theory.loss_after_step(S)
    for scale in (1e-8, 1e8):
        assert_allclose(theory.loss_after_step(scale * S, [1, 2, 3]), loss, rtol=1e-9)
    assert theory.loss_after_step([[7.0]]) < 1e-12


def test_large_losses_contract_slower_or_faster_than_small_ones():
    """Theorem 2 is a leading order; the docstring must not promise a bound."""
    slower = np.array([[1.0, 0.99], [0.99, 1.0]])
    ratio = theory.loss_after_step(slower) / theory.gaussian_kl(slower)
    assert_allclose(ratio, 0.71, atol=0.005)
    faster = np.diag([4.0, *[4.0 / 7.0] * 7])
    ratio = theory.loss_after_step(faster) / theory.gaussian_kl(faster)
    assert ratio < theory.rotation_contraction(8) - 0.1


def test_layers_follow_from_the_contraction():
    for d in (2, 16, 256):
        n_layers = theory.layers_for_loss_ratio(0.01, d)
        assert_allclose(theory.rotation_contraction(d) ** n_layers, 0.01)
        # The approximation of the paper, within the next order.
        assert_allclose(n_layers, np.log(100) * (d + 1) / 2, rtol=0.06)
    assert theory.layers_for_loss_ratio(1.0, 8) == 0.0
    assert theory.layers_for_loss_ratio(0.1, 2, blocks="coupling") == 1.0


@pytest.mark.parametrize("n_features", [2, 4, 10])
def test_coupling_blocks_contract_by_their_constant(n_features, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    S, half = small_traceless(n_features, rng), n_features // 2
    ratios = []
    for _ in range(1000):
        Q = haar(n_features, rng)
        T = Q.T @ S @ Q
        passive, cross = T[:half, :half], T[:half, half:]
        active = T[half:, half:] - cross.T @ np.linalg.solve(passive, cross)
        loss = sum(theory.gaussian_kl(correlation(part)) for part in (passive, active))
        ratios.append(loss / theory.gaussian_kl(S))
    error = np.std(ratios) / np.sqrt(len(ratios))
    expected = theory.coupling_contraction(n_features)
    assert_allclose(np.mean(ratios), expected, atol=4 * error + 1e-5)


def test_coupling_layers_do_not_grow_with_the_dimension():
    layers = [
        theory.layers_for_loss_ratio(1e-3, d, blocks="coupling")
        for d in (4, 64, 1024, 2**20)
    ]
    assert (np.diff(layers) > 0).all()
    assert layers[-1] < np.log(1e3) / np.log(2)


# -- bad input --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.least_layers(0), "n_features must be an integer"),
        (lambda: theory.least_layers(2.5), "n_features must be an integer"),
        (lambda: theory.rotation_contraction(4, -1), "n_layers must be an integer"),
        (lambda: theory.rotation_contraction(1), "at least 2, got 1"),
        (lambda: theory.coupling_contraction(5), "must be even"),
        (
            lambda: theory.layers_for_loss_ratio(0.0, 4),
            r"ratio must be a number in \(0, 1\]",
        ),
        (lambda: theory.layers_for_loss_ratio(0.5, 4, blocks="x"), "blocks must be"),
        (lambda: theory.gaussian_kl([[1.0, 2.0], [2.0, 1.0]]), "positive definite"),
        (lambda: theory.gaussian_kl([[1.0, 0.2], [0.3, 1.0]]), "symmetric"),
        (lambda: theory.gaussian_kl([[np.nan]]), "not finite"),
        (lambda: theory.gaussian_kl([1.0]), "square matrix"),
        (lambda: theory.gaussian_kl([[1.0]], [1.0, 2.0]), "mean must hold 1"),
        (
            lambda: theory.gaussian_kl([[1.0]], from_covariance=np.eye(2)),
            "both Gaussians must have the same columns",
        ),
        (
            lambda: theory.gaussian_mutual_information(np.eye(3), [0], [0, 1]),
            "no column twice",
        ),
        (
            lambda: theory.gaussian_mutual_information(np.eye(3), [3]),
            "columns 0 to 2, got 3",
        ),
        (
            lambda: theory.random_rotation_losses(np.eye(2), -1),
            "n_layers must be an integer",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# -- spurious projections -------------------------------------------------------


@pytest.mark.parametrize(
    "target", ["bimodal", "uniform", lambda p: 1.0 - 2.0 * (p < 0.5)]
)
def test_noise_has_a_direction_for_every_target_and_new_rows_do_not(
    target, global_random_seed
):
    rng = np.random.default_rng(global_random_seed)
    X, new = rng.standard_normal((2, 1000, 100))
    found = theory.spurious_projection(X, target, random_state=global_random_seed)
    assert_allclose(np.linalg.norm(found.direction), 1.0)
    y = X @ found.direction
    assert_allclose(found.projection, (y - y.mean()) / y.std(), atol=1e-10)
    # Random directions of 1,000 normal rows are 0.05 from N(0, 1).
    assert found.distance_to_normal > 0.12
    assert found.distance < 0.9 * found.distance_at_start
    fresh = new @ found.direction
    assert kstest(fresh, "norm").pvalue > 1e-4
    if not callable(target):
        assert kstest(found.projection, "norm").pvalue < 1e-2


def test_the_gate_refuses_what_was_found_in_noise():
    rng = np.random.default_rng(0)
    X, new = rng.standard_normal((2, 600, 60))

    def bimodal(Z, rng):
        seed = int(rng.integers(2**31))
        return theory.spurious_projection(Z, n_starts=1, random_state=seed)[0][None]

    scores = {}
    for gate, admitted in (("auto", 0), (None, 6)):
        layer = Linear(6, rotation=bimodal, gate=gate, tol=0, random_state=0).fit(X)
        assert len(layer.iterations_) == admitted
        scores[gate] = layer.score(new)
    # New rows pay for what was learned by heart.
    assert scores["auto"] > scores[None] + 0.2


def test_a_bimodal_direction_that_exists_is_found():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 5))
    X[:, 3] = np.sign(X[:, 3]) + 0.3 * rng.standard_normal(2000)
    found = theory.spurious_projection(X, random_state=0)
    # Not quite 1: a little noise makes it more like the target.
    assert abs(found.direction[3]) > 0.9
    assert found.distance < 0.05


def test_a_search_is_reproducible_and_keeps_single_precision():
    X = np.random.default_rng(0).standard_normal((400, 20)).astype(np.float32)
    first, again = (theory.spurious_projection(X, random_state=1) for _ in range(2))
    assert_array_equal(first.direction, again.direction)
    other = theory.spurious_projection(X.astype(np.float64), random_state=1)
    assert abs(first.direction @ other.direction) > 0.99


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros((10, 5))}, "X has 10 rows"),
        ({"target": "trimodal"}, "target must be"),
        ({"target": lambda p: p[:3]}, "one finite number"),
        ({"target": lambda p: -p}, "grows with the share"),
        ({"n_steps": 0}, "n_steps must be an integer of at least 1"),
        ({"X": np.ones((50, 5))}, "no variance"),
    ],
)
def test_bad_arguments_of_a_search_are_named(change, message):
    X = np.random.default_rng(0).standard_normal((50, 5))
    with pytest.raises(ValueError, match=message):
        theory.spurious_projection(**({"X": X} | change))
