"""Share the trees of a column out among kinds of trees, by held-out likelihood."""

import numpy as np

#: Steps of expectation-maximisation: few, so that weights stay off the corners.
#: Chosen by hand.
STEPS = 60


def stack_weights(likelihoods):
    """Return the weights with which several laws make held-out rows most likely.

    Stacking (Wolpert, 1992; for densities Smyth and Wolpert, 1999): the mixture of
    all laws is at least as likely as the best of them, and often far more.

    Parameters
    ----------
    likelihoods : ndarray of shape (n_samples, n_laws)
        Probability, or density, of each held-out row under each law.

    Returns
    -------
    weights : ndarray of shape (n_laws,)
        Not negative; they sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.forests.stacking import stack_weights
    >>> stack_weights(np.array([[0.8, 0.2, 0.1], [0.2, 0.8, 0.1]])).round(2)
    array([0.5, 0.5, 0. ])
    """
    weights = np.full(likelihoods.shape[1], 1.0 / likelihoods.shape[1])
    for _ in range(STEPS):
        # (weights * likelihoods) / row sums, averaged over rows.
        weights *= (1.0 / (likelihoods @ weights)) @ likelihoods / len(likelihoods)
    return weights / weights.sum()
