"""EM for mixtures of Gaussian scale mixtures: a few shapes, each in several sizes."""

import numpy as np

from gaussflow._common.blocks import some_rows
from gaussflow._common.seeds import draw_seed

#: Rows that EM sees at most, and rows of one block of it.
FIT_ROWS = 1_000_000
EM_BLOCK = 4096
#: Iterations see so many rows drawn anew, at first and then, and the last few all.
EARLY_SHARE, EARLY_ROWS, MIDDLE_ROWS, LAST_ITER = 2.0 / 3.0, 40_000, 200_000, 3
#: Rows that each shape needs for every column: of several sizes, of one alone.
MIN_ROWS, MIN_ROWS_ALONE = 10, 3
#: Rows' worth of the average shape, for every column, that a shape is shrunk by.
SHRINKAGE, SHRINKAGE_ALONE = 1.0, 0.25
#: Responsibilities below this are left out of a shape's covariance.
NEGLIGIBLE = 1e-3
#: How sharply rows choose the reference row of their direction at the start.
SHARPNESS = 20.0
#: Sizes at the start, logarithms from least to greatest.
FIRST_SIZES = (-1.2, 0.9)
#: Longest rows, so that squared distances are finite in float32.
LARGEST = 1e6


class ScaleMixtureEM:
    """Shapes and sizes of a mixture sum_k,s w_ks N(m_k, c_ks^2 C_k).

    Patches of natural images keep their structure and vary in contrast: sizes that
    share a shape say so with few numbers (Wainwright and Simoncelli, 2000, "Scale
    mixtures of Gaussians and the statistics of natural images"). All arithmetic on rows
    is in float32.

    A fit sets ``log_weights`` and ``log_scales``, log w and log c of shape (n_shapes,
    n_scales), ``means`` (n_shapes, n_features) and ``covariances``.
    """

    def __init__(self, n_shapes, n_scales, rng):
        self.n_shapes, self.n_scales, self.rng = n_shapes, n_scales, rng

    def fit(self, Y, max_iter):
        """Fit to white rows."""
        Y = np.asarray(Y, dtype=np.float32)
        too_long = _lengths(Y) > LARGEST
        if too_long.any():
            Y = Y.copy()
            Y[too_long] *= (LARGEST / _lengths(Y[too_long]))[:, None]
        alone = self.n_scales == 1
        begin = self._begin_clusters if alone else self._begin_directions
        begin(some_rows(Y, EARLY_ROWS, self.rng))
        for i in range(max_iter):
            if i < EARLY_SHARE * max_iter:
                self._step(some_rows(Y, EARLY_ROWS, self.rng))
            elif i < max_iter - LAST_ITER:
                self._step(some_rows(Y, MIDDLE_ROWS, self.rng))
            else:
                self._step(Y)
        return self

    def _begin_clusters(self, Y):
        """Give each shape the rows of one of k-means' clusters."""
        # Here, since its import takes as long as that of all of gaussflow.
        from sklearn.cluster import MiniBatchKMeans

        K = self.n_shapes
        seed = draw_seed(self.rng)
        means = MiniBatchKMeans(
            K, batch_size=EM_BLOCK, n_init=1, max_iter=50, random_state=seed
        )
        labels = means.fit_predict(Y)
        self.log_scales = np.zeros((K, 1))
        self.log_weights = np.full((K, 1), -np.log(K))
        self._set_spheres(Y.shape[1])
        chosen = (labels == np.arange(K)[:, None])[:, None, :]
        self._step(Y, chosen.astype(np.float32))

    def _begin_directions(self, Y):
        """Let the rows choose among references by direction, whatever their sign."""
        K, S = self.n_shapes, self.n_scales
        n_features = Y.shape[1]
        sizes = np.linspace(*FIRST_SIZES, S)
        self.log_scales = np.tile(sizes, (K, 1))
        self.log_weights = np.full((K, S), -np.log(K * S))
        references = Y[self.rng.choice(len(Y), K, replace=K > len(Y))]
        references = references / _lengths(references)[:, None]
        self._set_spheres(n_features)
        squares = (_lengths(Y) ** 2)[:, None]
        cosines = (Y @ references.T) ** 2 / squares
        chosen = _softmax(SHARPNESS * cosines, axis=1)
        sized = _softmax(
            -n_features * sizes - 0.5 * squares * np.exp(-2.0 * sizes), axis=1
        )
        # Means move only once the shapes know each other's rows.
        self._step(Y, chosen.T[:, None, :] * sized.T, moving=False)

    def _step(self, Y, responsibilities=None, *, moving=True):
        """Do one iteration of EM."""
        K, S = self.n_shapes, self.n_scales
        n, n_features = Y.shape
        counts, distances = np.zeros((K, S)), np.zeros((K, S))
        weight, sums = np.zeros(K), np.zeros((K, n_features))
        squares = np.zeros((K, n_features, n_features))
        precision = np.exp(-2.0 * self.log_scales).astype(np.float32)
        for i in range(0, n, EM_BLOCK):
            B = Y[i : i + EM_BLOCK]
            d2 = self._squared_distances(B)
            if responsibilities is None:
                r = self._responsibilities(d2, precision)
            else:
                r = responsibilities[:, :, i : i + EM_BLOCK].astype(np.float32)
            counts += r.sum(axis=2)
            distances += np.matmul(r, d2[:, :, None])[:, :, 0]
            w = np.matmul(precision[:, None, :], r)[:, 0]
            for k in range(K):
                rows = np.flatnonzero(r[k].sum(axis=0) > NEGLIGIBLE)
                if len(rows) == 0:
                    continue
                part, own = B[rows], w[k, rows]
                weight[k] += own.sum()
                sums[k] += own @ part
                part *= np.sqrt(own)[:, None]
                squares[k] += part.T @ part
        self._maximise(n, counts, distances, weight, sums, squares, precision, moving)

    def _maximise(self, n, counts, distances, weight, sums, squares, precision, moving):
        n_features = sums.shape[1]
        own = counts.sum(axis=1)
        means = np.zeros_like(sums)
        if moving:
            means = sums / (weight + 1.0)[:, None]
        cross = means[:, :, None] * sums[:, None, :]
        squares += means[:, :, None] * means[:, None, :] * weight[:, None, None]
        squares -= cross + cross.transpose(0, 2, 1)
        alone = self.n_scales == 1
        if not alone:
            # The sizes take up all change of scale, or it would count twice.
            grown = (distances * precision).sum(axis=1)
            grown /= np.maximum(n_features * own, 1e-6)
            squares /= np.maximum(grown, 1e-6)[:, None, None]
        pooled = squares.sum(axis=0) / n
        # As many rows' worth of the average shape as there are columns.
        prior = n_features * (SHRINKAGE_ALONE if alone else SHRINKAGE)
        covariances = squares + prior * pooled
        covariances /= (own + prior)[:, None, None]
        size = np.trace(pooled) / n_features
        covariances += (1e-6 * size + 1e-12) * np.eye(n_features)
        self.log_weights = np.log((counts + 1e-3) / (counts + 1e-3).sum())
        if not alone:
            # One row of the size before, where a size has lost its rows.
            before = n_features * np.exp(2.0 * self.log_scales)
            scales = (distances + before) / (n_features * (counts + 1.0))
            self.log_scales = 0.5 * np.log(np.maximum(scales, 1e-8))
        self._set_shapes(means, covariances)

    def _set_spheres(self, n_features):
        K = self.n_shapes
        eyes = np.tile(np.eye(n_features), (K, 1, 1))
        self._set_shapes(np.zeros((K, n_features)), eyes)

    def _set_shapes(self, means, covariances):
        self.means, self.covariances = means, covariances
        factors = np.linalg.cholesky(covariances)
        whitening = np.linalg.inv(factors).transpose(0, 2, 1)
        self._whitening = whitening.astype(np.float32)
        self._offsets = np.matmul(means[:, None], whitening)[:, 0].astype(np.float32)
        diagonals = np.einsum("kii->ki", factors)
        self._log_determinants = np.log(diagonals).sum(axis=1)

    def _squared_distances(self, B):
        """Return Mahalanobis distances to each shape, of shape (K, n)."""
        d2 = np.empty((self.n_shapes, len(B)), dtype=np.float32)
        for k in range(self.n_shapes):
            U = B @ self._whitening[k]
            U -= self._offsets[k]
            np.einsum("ij,ij->i", U, U, out=d2[k])
        return d2

    def _responsibilities(self, d2, precision):
        """Return posterior weights of all sizes of all shapes, (K, S, n)."""
        n_features = self.means.shape[1]
        constant = self.log_weights - n_features * self.log_scales
        constant = constant - self._log_determinants[:, None]
        r = -0.5 * d2[:, None, :] * precision[:, :, None]
        r += constant.astype(np.float32)[:, :, None]
        flat = r.reshape(-1, r.shape[2])
        return _softmax(flat, axis=0).reshape(r.shape)


def _lengths(Y):
    """Return each row's length, never 0."""
    squares = np.einsum("ij,ij->i", Y, Y, dtype=np.float64)
    return np.sqrt(np.maximum(squares, 1e-12)).astype(np.float32)


def _softmax(logits, axis):
    shares = np.exp(logits - logits.max(axis=axis, keepdims=True))
    shares /= shares.sum(axis=axis, keepdims=True)
    return shares
