"""Layer lists: what ``GenFlow(layers="auto")`` chooses from, and one for images."""

import numpy as np
from sklearn.base import clone

from gaussflow._common.checks import Choice, check_image_shape
from gaussflow._common.normal import log_standard_normal
from gaussflow.layers import (
    Conv,
    Dequantize,
    Elliptical,
    Inverse,
    Linear,
    Principal,
    Radial,
    ScaleMixture,
    Triangular,
)

#: Widest tables on which a mixture of the columns as they come is tried, and
#: on which a mixture follows whitening.
MAX_WIDTH_MIXTURE_FIRST = 12
MAX_WIDTH_MIXTURE = 128
#: Principal components of images that a mixture begins with, from noise, and its
#: Gaussians: on MNIST 60 and 333 drew no better images after the same patches.
MIXTURE_COMPONENTS, MIXTURE_SHAPES = 80, 200
#: Rows that the choice between stems is made on, and the share that judges.
CHOICE_ROWS = 3_000
JUDGE_SHARE = 0.25
#: Splits over which a choice on few rows is averaged.
N_SPLITS = ((300, 5), (1_000, 3), (CHOICE_ROWS, 1))
#: Up to so many rows, and up to MAX_WIDTH_MIXTURE_FIRST columns, stems are judged
#: with one mixture in place of an average: the searches for mixtures took nine
#: tenths of a fit there, and what is chosen is as good.
JUDGE_ROWS_SINGLE = 300


def stems(n_features, direction="gaussianize"):
    """Return the candidate stems for a table of some width, by name.

    "mixture": a Gaussian mixture's triangular map of the columns as they are
    (up to 12 columns), best where clusters or curves are sharp. "marginals":
    marginal maps of the columns, then the mixture (up to 128 columns), best on
    skewed columns with many rows. "whitened": marginal maps, robust whitening
    with a radial map, and the mixture, best where rows are few for their width
    or tails are heavy; beyond 12 columns with 30 gated iterations and a second
    whitening before the mixture. A radial finish makes the distances of its
    samples those of the rows. Direction "generate" has one stem: the mixture, or,
    beyond 128 columns, whole-space moments.

    Parameters
    ----------
    n_features : int
        Columns.
    direction : {"gaussianize", "generate"}, default="gaussianize"
        Direction of the flow.

    Returns
    -------
    dict of str to list of Layer

    Examples
    --------
    >>> from gaussflow.flows.architectures import stems
    >>> sorted(stems(2))
    ['marginals', 'mixture', 'whitened']
    """
    if direction == "generate":
        # A mixture's map first, whatever the width allows: sliced distances
        # of samples are 0.7 to 0.95 of those after whole-space moments.
        if n_features <= MAX_WIDTH_MIXTURE:
            return {"mixture": [Triangular()]}
        return {"whitened": [Elliptical()]}
    marginals = [Linear(n_iter=2, rotation="identity")]
    if n_features == 1:
        return {"marginals": [Linear(n_iter=3, rotation="identity")]}
    # Copies: no two stems share a layer.
    whitened = [*map(clone, marginals), Radial(match="samples"), Elliptical()]
    if n_features <= MAX_WIDTH_MIXTURE_FIRST:
        whitened += [Linear(n_iter=1, rotation="identity")]
    else:
        whitened += [Linear(n_iter=30), Elliptical()]
    if n_features > MAX_WIDTH_MIXTURE:
        return {"whitened": whitened}
    candidates = {
        "whitened": [*whitened, Triangular()],
        "marginals": [*marginals, Triangular()],
    }
    if n_features <= MAX_WIDTH_MIXTURE_FIRST:
        candidates["mixture"] = [Triangular()]
    return candidates


def multiscale(
    image_shape, *, direction="gaussianize", n_levels=None, n_iter=None, n_passes=1
):
    """Return a layer list for images: the whole image, ever smaller patches, and back.

    Toward noise: marginal maps of the pixels and robust whitening of the whole
    image; then patches of half its size, of a quarter and so on down to 2 x 2, where
    few columns at a time need few rows; then the whole image again. From noise:
    a mixture of many Gaussians on the principal components, which decides what the
    image shows, then patches from large to small, which draw it. The list is a
    start to edit: print it, drop layers, change their ``n_iter`` or put a
    :class:`~gaussflow.layers.Pyramid` between.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width, channels); X has their product as columns, in the order
        (row, column, channel).
    direction : {"gaussianize", "generate"}, default="gaussianize"
        Direction of the flow that the list is for.
    n_levels : int or None, default=None
        For images of whole numbers 0 to n_levels - 1 (256 for bytes): the layer
        next to the data gives them a density, and samples are whole numbers again.
        None for images that are continuous already.
    n_iter : int or None, default=None
        Iterations of each layer of patches; None takes 10 toward noise and 30 from
        noise.
    n_passes : int, default=1
        Times that patches go from large to small.

    Returns
    -------
    layers : list of Layer
        Unfitted.

    Examples
    --------
    >>> from gaussflow.flows.architectures import multiscale
    >>> for layer in multiscale((28, 28, 1), n_levels=256):
    ...     print(layer)
    Dequantize()
    Linear(n_iter=2, rotation='identity')
    Radial(match='samples')
    Elliptical()
    Conv(image_shape=(28, 28, 1), n_iter=10, patch_size=14)
    Conv(image_shape=(28, 28, 1), n_iter=10, patch_size=7)
    Conv(image_shape=(28, 28, 1), n_iter=10, patch_size=4)
    Conv(image_shape=(28, 28, 1), n_iter=10, patch_size=2)
    Linear(n_iter=30)
    >>> for layer in multiscale((8, 8, 1), direction="generate", n_levels=17):
    ...     print(layer)
    Principal(layer=ScaleMixture(max_iter=15, n_scales=1, n_shapes=200),
              n_components=16)
    Conv(image_shape=(8, 8, 1), n_iter=30, patch_size=4)
    Conv(image_shape=(8, 8, 1), n_iter=30, patch_size=2)
    Inverse(layer=Dequantize(n_levels=17))
    """
    shape = check_image_shape(image_shape, "multiscale")
    Choice(("gaussianize", "generate")).check("direction", direction)
    if n_iter is None:
        n_iter = 10 if direction == "gaussianize" else 30
    patches = [
        Conv(shape, size, n_iter=n_iter)
        for _ in range(n_passes)
        for size in patch_sizes(shape)
    ]
    steps = [] if n_levels is None else [Dequantize(n_levels=n_levels)]
    if direction == "generate":
        width = int(np.prod(shape))
        n_components = min(MIXTURE_COMPONENTS, max(width // 4, 1))
        mixture = ScaleMixture(MIXTURE_SHAPES, 1, max_iter=15)
        steps = [Inverse(step) for step in steps]
        return [Principal(mixture, n_components), *patches, *steps]
    layers = [*steps, Linear(n_iter=2, rotation="identity"), Radial(match="samples")]
    layers += [Elliptical(), *patches, Linear(n_iter=30)]
    if int(np.prod(shape)) <= MAX_WIDTH_MIXTURE:
        layers += [Elliptical(), Triangular(), Linear(n_iter=60)]
    return layers


def patch_sizes(image_shape):
    """Return the sizes of patches from half the shorter side down to 2.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width, channels).

    Returns
    -------
    sizes : list of int

    Examples
    --------
    >>> from gaussflow.flows.architectures import patch_sizes
    >>> patch_sizes((28, 28, 1)), patch_sizes((32, 48, 3)), patch_sizes((2, 9, 1))
    ([14, 7, 4, 2], [16, 8, 4, 2], [])
    """
    size, sizes = min(image_shape[:2]), []
    while size > 2:
        size = -(-size // 2)
        sizes.append(size)
    return sizes


def automatic(X, rng, *, direction="gaussianize", n_jobs=None):
    """Choose a layer list for validated rows by held-out likelihood.

    The stems of :func:`stems` are fitted on three quarters of at most 3,000 rows and
    judged on the rest (averaged over splits where rows are few); the best is followed
    by 60 gated iterations of learned or random rotations, 100 in direction "generate".

    Returns the unfitted layers, and the mean held-out log-likelihood, in nats, of every
    stem tried, by name.
    """
    candidates = stems(X.shape[1], direction)
    scores = {}
    if len(candidates) > 1 and len(X) >= 8:
        scores = _judge(candidates, X, rng, n_jobs)
        chosen = max(scores, key=scores.__getitem__)
    else:
        chosen = next(iter(candidates))
    if X.shape[1] == 1 and direction == "gaussianize":
        return candidates[chosen], scores
    n_iter = 60 if direction == "gaussianize" else 100
    return [*candidates[chosen], Linear(n_iter=n_iter)], scores


def _judge(candidates, X, rng, n_jobs):
    n = min(len(X), CHOICE_ROWS)
    n_splits = next(splits for rows, splits in N_SPLITS if n <= rows)
    if n <= JUDGE_ROWS_SINGLE and X.shape[1] <= MAX_WIDTH_MIXTURE_FIRST:
        candidates = {
            name: [layer.cheap_copy() for layer in layers]
            for name, layers in candidates.items()
        }
    totals = dict.fromkeys(candidates, 0.0)
    for _ in range(n_splits):
        rows = rng.permutation(len(X))[:n]
        n_judges = max(int(JUDGE_SHARE * n), 1)
        train, judges = X[np.sort(rows[n_judges:])], X[np.sort(rows[:n_judges])]
        for (name, layers), layer_rng in zip(
            candidates.items(), rng.spawn(len(candidates)), strict=True
        ):
            totals[name] += held_out_score(layers, train, judges, layer_rng, n_jobs)
    return {name: total / n_splits for name, total in totals.items()}


def held_out_score(layers, train, judges, rng, n_jobs=None):
    """Fit copies of the layers on train; return the mean log-likelihood of judges."""
    Z = np.array(train, dtype=np.float64, order="C")
    judged = np.array(judges, dtype=np.float64, order="C")
    total = np.zeros(len(judged))
    for layer, layer_rng in zip(layers, rng.spawn(len(layers)), strict=True):
        layer = layer.unfitted(n_jobs)
        Z, _ = layer.fit_forward(Z, layer_rng)
        judged, log_det = layer.forward_and_log_det(judged)
        total += log_det
    return float(np.mean(log_standard_normal(judged) + total))
