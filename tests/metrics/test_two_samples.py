"""What all metrics of two samples refuse, and take alike."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

from gaussflow import metrics
from gaussflow.metrics import (
    density_coverage,
    frechet_distance,
    kernel_distance,
    nearest_distance,
    precision_recall,
    sliced_wasserstein,
)

TWO_SAMPLES = [
    frechet_distance,
    kernel_distance,
    sliced_wasserstein,
    precision_recall,
    density_coverage,
    nearest_distance,
]


@pytest.mark.parametrize("metric", TWO_SAMPLES)
@pytest.mark.parametrize(
    ("B", "message"),
    [
        (np.full((20, 3), np.nan), "contains NaN"),
        (np.full((20, 3), np.inf), "contains infinity"),
        (np.zeros((20, 4)), "has 3 columns, but .* has 4"),
        (np.zeros(20), "Expected 2D array"),
        (np.zeros((0, 3)), "0 sample"),
        (np.full((20, 3), "a"), "could not convert"),
        (np.full((20, 3), 1e60), "reaches 1e\\+60"),
        (np.full((20, 3), 1j), "Complex data"),
    ],
)
def test_two_sample_metrics_refuse_bad_rows(metric, B, message):
    A = np.random.default_rng(0).random((20, 3))
    with pytest.raises(ValueError, match=message):
        metric(A, B)


@pytest.mark.parametrize("metric", TWO_SAMPLES)
def test_two_sample_metrics_take_bytes_floats_and_lists_alike(metric, rng):
    """Bytes must not wrap around, nor float32 lose digits."""
    A, B = (rng.integers(0, 256, (20, 3)).astype(np.uint8) for _ in range(2))
    expected = metric(A.astype(float), B.astype(float))
    copies = [(A, B), (A.tolist(), B.tolist()), (A.astype(np.float32), B)]
    for pair in copies:
        assert_allclose(metric(*pair), expected, rtol=1e-12)
    for X in (A, B):
        X.flags.writeable = False
    metric(A, B)


@pytest.mark.parametrize(
    ("metric", "options", "message"),
    [
        (kernel_distance, {"n_subsets": 0}, "n_subsets must be an integer"),
        (kernel_distance, {"subset_size": 1}, "subset_size must .* at least 2"),
        (
            kernel_distance,
            {"n_subsets": 1, "return_error": True},
            "n_subsets must .* at least 2",
        ),
        (sliced_wasserstein, {"n_directions": 0}, "n_directions must"),
        (sliced_wasserstein, {"n_directions": True}, "n_directions must"),
        (sliced_wasserstein, {"p": 3}, "p must be 1 or 2, got 3"),
        (precision_recall, {"k": 1.0}, "k must be an integer"),
    ],
)
def test_two_sample_metrics_refuse_bad_options(metric, options, message):
    A = np.random.default_rng(0).random((20, 3))
    with pytest.raises(ValueError, match=message):
        metric(A, A, **options)


def test_metrics_load_the_classifier_only_where_used():
    code = (
        "import sys, gaussflow.metrics as m; heavy = 'sklearn.neural_network';"
        "assert heavy not in sys.modules; m.ClassifierFeatures;"
        "assert heavy in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_metric_is_there():
    assert all(callable(getattr(metrics, name)) for name in metrics.__all__)
