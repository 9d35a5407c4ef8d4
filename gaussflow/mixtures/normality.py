"""Whether rows may be draws of a standard normal: by their moments."""

import numpy as np

#: Standard errors that a moment may be away from the standard normal's: among a
#: hundred thousand moments of noise the largest is about 4.5.
LIMIT = 6.0


def looks_standard_normal(Z):
    """Tell whether moments of rows agree with those of N(0, I).

    First and second moments of all columns and pairs, third and fourth of each
    column and of as many random directions.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.mixtures.normality import looks_standard_normal
    >>> Z = np.random.default_rng(0).standard_normal((1000, 3))
    >>> looks_standard_normal(Z), looks_standard_normal(Z**3)
    (True, False)
    """
    Z = np.asarray(Z, dtype=np.float64)
    n, d = Z.shape
    # A fixed basis: the answer is a function of the rows alone.
    turned = np.linalg.qr(np.random.default_rng(0).standard_normal((d, d)))[0]
    second = Z.T @ Z / n - np.eye(d)
    errors = np.sqrt((1.0 + np.eye(d)) / n)
    worst = [np.abs(Z.mean(axis=0)) * np.sqrt(n), np.abs(second / errors)]
    for Y in (Z, Z @ turned):
        # Standard errors of the third and fourth moments of N(0, 1).
        worst.append(np.abs(np.mean(Y**3, axis=0)) * np.sqrt(n / 15.0))
        worst.append(np.abs(np.mean(Y**4, axis=0) - 3.0) * np.sqrt(n / 96.0))
    return bool(max(float(part.max()) for part in worst) < LIMIT)
