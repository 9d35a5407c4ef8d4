"""How fast layers of rotations and exact marginal maps solve a Gaussian.

F. Draxler, L. Kuehmichel, A. Rousselot, J. Mueller, C. Schnoerr, U. Koethe (2023),
"On the convergence rate of Gaussianization with random rotations", is what this
module states; where it goes beyond the paper, it says so. A *loss* is the
divergence KL(q || N(0, I)) of the rows that a flow has reached.
"""

import numpy as np

from gaussflow._common.checks import Choice, Number, check_integer
from gaussflow.theory.gaussian import check_covariance, check_mean, gaussian_kl

#: Step of the trapezoid rule in log t. The integrand is smooth and dies off on
#: both sides, so that a quarter of this step changes no digit.
LOG_STEP = 1.0 / 16.0


def least_layers(n_features):
    """Return the fewest layers of random rotations that solve a Gaussian exactly.

    Theorem 1: a Gaussian with distinct eigenvalues almost surely needs
    L >= (D + 1) / 2 layers, because its covariance has D (D + 1) / 2 numbers and a
    layer has D to set. Necessary, not sufficient: all but one layer share their
    common scale with the others, so that covariances of L (D - 1) + 1 dimensions
    are reached, and an odd D of 3 or more takes one layer beyond the bound.
    Learned rotations escape it: whitening is one layer.

    Parameters
    ----------
    n_features : int
        Dimension D, at least 1.

    Returns
    -------
    n_layers : int
        (D + 1) / 2, rounded up.

    Examples
    --------
    >>> from gaussflow.theory import least_layers
    >>> [least_layers(d) for d in (1, 2, 3, 64)]
    [1, 2, 2, 33]
    """
    return check_integer("n_features", n_features, 1) // 2 + 1


def rotation_contraction(n_features, n_layers=1):
    """Return the factor by which random rotations shrink a small expected loss.

    Theorem 2: (1 - 2 / (D + 2))^L. To leading order in the loss it is an equality
    for each layer, whatever the covariance of trace D. Far from the goal it is
    neither an upper nor a lower bound, as :func:`loss_after_step` shows exactly:
    two columns with correlation 0.99 contract by 0.71 and not by 1/2; from three
    columns on, a single large eigenvalue contracts faster than stated.

    Parameters
    ----------
    n_features : int
        Dimension D, at least 2 (in one dimension a layer is exact).
    n_layers : int, default=1
        Layers L, at least 0.

    Returns
    -------
    factor : float

    Examples
    --------
    >>> from gaussflow.theory import rotation_contraction
    >>> rotation_contraction(2), round(rotation_contraction(64, 33), 3)
    (0.5, 0.362)
    """
    n_features = check_integer("n_features", n_features, 2)
    n_layers = check_integer("n_layers", n_layers, 0)
    return (n_features / (n_features + 2.0)) ** n_layers


def coupling_contraction(n_features, n_layers=1):
    """Return the factor by which coupling blocks shrink a small expected loss.

    A coupling block of half the columns behind a random rotation makes its active
    half independent of the passive one, and both halves' columns standard:
    D (D - 2) / (2 (D + 2) (D - 1)) a layer of the leading order of the loss
    remains. It is below 1/2 in every dimension, so that the layers needed do not
    grow with D: the Theta(1) of equation 20. The constant is derived here by the
    counting of theorem 2: each off-diagonal entry of a randomly rotated traceless
    matrix holds 1 / ((D + 2) (D - 1)) of its squared norm, and D (D - 2) / 2 of
    them survive.

    Parameters
    ----------
    n_features : int
        Dimension D, even, at least 2.
    n_layers : int, default=1
        Layers L, at least 0.

    Returns
    -------
    factor : float

    Examples
    --------
    >>> from gaussflow.theory import coupling_contraction
    >>> [round(coupling_contraction(d), 3) for d in (2, 4, 16, 1024)]
    [0.0, 0.222, 0.415, 0.499]
    """
    d = check_integer("n_features", n_features, 2)
    if d % 2:
        raise ValueError(
            f"n_features must be even, for halves of equal width, got {n_features!r}."
        )
    n_layers = check_integer("n_layers", n_layers, 0)
    return (d * (d - 2) / (2.0 * (d + 2) * (d - 1))) ** n_layers


def layers_for_loss_ratio(ratio, n_features, *, blocks="rotation"):
    """Return the layers that shrink a small expected loss by a ratio.

    For random rotations log(ratio) / log(1 - 2 / (D + 2)), which is about
    log(1 / ratio) (D + 1) / 2 and grows linearly with D (theorem 2); for coupling
    blocks at most log(1 / ratio) / log(2), whatever D is (equation 20).

    Parameters
    ----------
    ratio : float
        Loss to reach, divided by the loss to begin with, above 0, at most 1.
    n_features : int
        Dimension D, at least 2.
    blocks : {"rotation", "coupling"}, default="rotation"
        What a layer is.

    Returns
    -------
    n_layers : float
        Round up for whole layers.

    Examples
    --------
    >>> from gaussflow.theory import layers_for_loss_ratio
    >>> [round(layers_for_loss_ratio(0.1, d), 1) for d in (2, 16, 256)]
    [3.3, 19.5, 295.9]
    >>> round(layers_for_loss_ratio(0.1, 256, blocks="coupling"), 1)
    3.3
    """
    Number("(0, 1]").check("ratio", ratio)
    Choice(["rotation", "coupling"]).check("blocks", blocks)
    contract = rotation_contraction if blocks == "rotation" else coupling_contraction
    factor = contract(n_features)
    if ratio == 1.0:
        return 0.0
    # A coupling block solves two columns at once.
    return 1.0 if factor == 0.0 else float(np.log(ratio) / np.log(factor))


def loss_after_step(covariance, mean=None):
    """Return a Gaussian's expected loss after a random rotation and exact marginals.

    Exact for every covariance, not only near the identity: the marginal step
    leaves the correlations of the rotated columns, so that
    E[loss] = (D E[log q] - log det S) / 2 with q = u^T S u, u uniform on the
    sphere; E[log q] is one smooth integral over the eigenvalues of S. (Not in the
    paper, whose theorem 2 is its leading order for small losses.)

    Parameters
    ----------
    covariance : array-like of shape (n_features, n_features)
        Symmetric and positive definite, of any trace: marginal maps set the scale.
    mean : array-like of shape (n_features,) or None, default=None
        Without influence, for marginal maps remove it; only checked.

    Returns
    -------
    loss : float
        In nats, at least 0.

    Examples
    --------
    >>> from gaussflow.theory import gaussian_kl, loss_after_step
    >>> S = [[1.0, 0.1], [0.1, 1.0]]
    >>> round(loss_after_step(S) / gaussian_kl(S), 3)
    0.501
    """
    S = check_covariance(covariance)
    check_mean(mean, len(S))
    eigenvalues = np.linalg.eigvalsh(S)
    # The loss does not depend on the scale: let the mean eigenvalue be 1.
    eigenvalues = eigenvalues / eigenvalues.mean()
    d = len(eigenvalues)
    expected = _expected_log_form(eigenvalues)
    return max(0.5 * (d * expected - float(np.log(eigenvalues).sum())), 0.0)


def _expected_log_form(eigenvalues):
    """Return E[log sum_i w_i u_i^2] for u uniform on the sphere, mean weight 1.

    For normal g, |g|^2 and the direction g / |g| are independent, so that it is
    E[log sum w g^2] - E[log sum g^2]; with log x = integral of
    (exp(-t) - exp(-x t)) / t and the Laplace transforms of both sums it is the
    integral over log t of (1 + 2 t)^(-D/2) - prod (1 + 2 w_i t)^(-1/2).
    """
    d = len(eigenvalues)
    # Below the first point both terms are 1 to rounding; beyond the last both 0.
    first = -40.0 - np.log(max(eigenvalues[-1], 1.0))
    last = 80.0 / d + 5.0 - np.log(min(eigenvalues[0], 1.0))
    t = np.exp(np.arange(first, last, LOG_STEP))
    log_product = np.zeros(len(t))
    for weight in eigenvalues:
        log_product += np.log1p(2.0 * weight * t)
    log_sphere = d * np.log1p(2.0 * t)
    difference = np.exp(-0.5 * log_sphere) - np.exp(-0.5 * log_product)
    return LOG_STEP * float(difference.sum())


def random_rotation_losses(covariance, n_layers, *, n_runs=1, random_state=0):
    """Return the losses of layers of random rotations and exact marginal maps.

    No rows are drawn: a Gaussian stays one, and each layer's covariance is
    computed from the last, so that the figures hold for infinitely many rows.

    Parameters
    ----------
    covariance : array-like of shape (n_features, n_features)
        Symmetric and positive definite, of any trace.
    n_layers : int
        Layers, at least 0.
    n_runs : int, default=1
        Draws of the rotations.
    random_state : int or Generator, default=0
        Randomness of the rotations.

    Returns
    -------
    losses : ndarray of shape (n_runs, n_layers + 1)
        In nats; the first column is the loss of the Gaussian given.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.theory import random_rotation_losses
    >>> S = [[1.0, 0.9], [0.9, 1.0]]
    >>> losses = random_rotation_losses(S, 8, n_runs=50)
    >>> losses.shape, bool((np.diff(losses) < 1e-12).all())
    ((50, 9), True)
    """
    start = check_covariance(covariance)
    n_layers = check_integer("n_layers", n_layers, 0)
    n_runs = check_integer("n_runs", n_runs, 1)
    rng = np.random.default_rng(random_state)
    losses = np.empty((n_runs, n_layers + 1))
    losses[:, 0] = gaussian_kl(start)
    for run in range(n_runs):
        S = start
        for layer in range(n_layers):
            # Haar up to the signs of its columns, which no loss depends on.
            Q = np.linalg.qr(rng.standard_normal(S.shape))[0]
            S = Q.T @ S @ Q
            scale = np.sqrt(np.diag(S))
            S = S / np.outer(scale, scale)
            losses[run, layer + 1] = _correlation_loss(S)
    return losses


def _correlation_loss(S):
    """Return the loss of a correlation matrix: its trace term is 0."""
    return -0.5 * float(np.linalg.slogdet(S)[1])
