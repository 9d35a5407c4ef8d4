"""From codes to the pixels of Fourier nets and back, without torch."""

import numpy as np
from scipy.optimize import minimize
from sklearn.utils.extmath import randomized_svd

from gaussflow._common.seeds import draw_seed
from gaussflow.kernels.fourier import fourier_forward, fourier_squared_error

#: Codes whose nets' weights are held at a time.
BLOCK_ROWS = 512
#: Ridge of the map from rows to where the search for their codes starts.
START_RIDGE = 1e-3


def decode(net, decoder, Z, positions):
    """Return the pixels in (-1, 1) of each code's net, in the codes' precision.

    The ``decoder``, a Network, makes the net's weights of a code; a row of the result
    holds n_points * channels numbers.
    """
    positions = np.ascontiguousarray(positions, dtype=Z.dtype)
    out = np.empty((len(Z), len(positions), net.channels), dtype=Z.dtype)
    for start in range(0, len(Z), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        weights = np.ascontiguousarray(decoder(Z[block]))
        fourier_forward(weights, positions, *net.numbers, out[block])
    return out.reshape(len(Z), -1)


def find_codes(net, decoder, X, positions, penalty, starts, n_steps):
    """Return the code of each row: where its error and penalty are least, from a start.

    Each row of X, pixels in [-1, 1], is fitted on its own by at most ``n_steps`` of
    L-BFGS, so that no row's code depends on others. The decoder is of dense steps and
    ReLUs; ``penalty`` weighs a code's squared length beside half the squared error.
    """
    layers = [np.asarray(w, dtype=np.float64) for w in decoder.weights]
    layers = list(zip(layers[::2], layers[1::2], strict=True))
    positions = np.ascontiguousarray(positions, dtype=np.float64)
    grad = np.empty(net.n_weights)

    def objective(z, target):
        weights, pull_back = dense_with_pullback(layers, z)
        error = fourier_squared_error(weights, positions, *net.numbers, target, grad)
        slope = 0.5 * pull_back(grad) + 2.0 * penalty * z
        return 0.5 * error + penalty * (z @ z), slope

    Z = np.empty(starts.shape, dtype=np.float64)
    for i, (row, start) in enumerate(zip(X, starts, strict=True)):
        target = np.ascontiguousarray(row, dtype=np.float64)
        found = minimize(
            objective,
            start.astype(np.float64),
            args=(target.reshape(len(positions), net.channels),),
            method="L-BFGS-B",
            jac=True,
            options={"maxiter": n_steps},
        )
        Z[i] = found.x
    return Z


def dense_with_pullback(layers, z):
    """Return a dense network's output for one row, and the way back of its slope.

    ``layers`` holds weight and bias of each dense step; between two stands a ReLU. The
    way back takes the gradient in the output to the gradient in z.
    """
    x, live = z, []
    for i, (weight, bias) in enumerate(layers):
        if i:
            live.append(x > 0)
            x = np.where(live[-1], x, 0.0)
        x = weight @ x + bias

    def pull_back(slope):
        for i in range(len(layers) - 1, -1, -1):
            slope = slope @ layers[i][0]
            if i:
                slope = np.where(live[i - 1], slope, 0.0)
        return slope

    return x, pull_back


def principal_codes(inputs, n_codes, rng):
    """Return the first principal components of rows, of mean square 1, float32."""
    centred = inputs - inputs.mean(axis=0)
    n_found = min(n_codes, *inputs.shape)
    U, lengths, _ = randomized_svd(
        centred,
        n_found,
        power_iteration_normalizer="QR",
        random_state=draw_seed(rng),
    )
    codes = np.zeros((len(inputs), n_codes), dtype=np.float32)
    codes[:, :n_found] = U * lengths
    size = np.sqrt(np.mean(codes**2))
    return codes / size if size > 0 else codes


def affine_map(inputs, codes):
    """Return the coefficients of the ridge regression of codes on rows."""
    design = with_ones(inputs)
    gram = design.T @ design
    gram[np.diag_indices_from(gram)] += START_RIDGE * len(inputs)
    return np.linalg.solve(gram, design.T @ codes)


def first_codes(inputs, coefficients):
    """Return the regression's codes: where the search for the best ones starts."""
    return with_ones(inputs) @ coefficients


def with_ones(inputs):
    """Return rows in float64 with a column of ones after them."""
    return np.column_stack([inputs, np.ones(len(inputs))])
