"""Fitting from a memory map: the same flow, without copies of the whole."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from gaussflow import GenFlow
from gaussflow.layers import Elliptical, Linear

N_ROWS, N_COLUMNS = 100_000, 8


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.gamma(2.0, size=(N_ROWS, N_COLUMNS)).astype(np.float32)


@pytest.fixture
def mapped(rows, tmp_path):
    """Return the rows as a read-only map of a file."""
    path = tmp_path / "rows.f4"
    rows.tofile(path)
    return np.memmap(path, dtype=np.float32, mode="r", shape=rows.shape)


@pytest.mark.parametrize(
    "flow",
    [
        GenFlow([Linear(n_iter=2, rotation="random"), Elliptical()]),
        GenFlow([Linear(n_iter=1)], direction="generate", n_gen_samples=2000),
        GenFlow([Linear(n_iter=1)], dtype=np.float32),
        Linear(n_iter=2, rotation="identity"),
        Elliptical(),
    ],
    ids=["flow", "generate", "float32", "linear", "elliptical"],
)
def test_a_map_gives_the_same_fit_as_its_array(flow, rows, mapped):
    part, mapped_part = rows[:3000], mapped[:3000]
    expected = flow.set_params(random_state=0).fit(part)
    expected = expected.score_samples(part), expected.sample(5, random_state=0)
    flow.fit(mapped_part)
    assert_array_equal(flow.score_samples(mapped_part), expected[0])
    assert_array_equal(flow.sample(5, random_state=0), expected[1])


def test_an_automatic_fit_takes_a_map(rows, mapped):
    expected = GenFlow(random_state=0).fit(rows[:40, :2]).score(rows[:40, :2])
    assert GenFlow(random_state=0).fit(mapped[:40, :2]).score(mapped[:40, :2]) == (
        expected
    )


def test_a_map_is_copied_once_in_the_working_precision(mapped):
    """Bytes a row by which the peak grows."""
    layers = [Linear(n_iter=2, rotation="random")]
    small = GenFlow(layers, dtype=np.float32, random_state=0)
    small.fit(mapped)  # compiles every kernel: a compiler's memory is not the fit's
    peaks = []
    for n_rows in (N_ROWS // 2, N_ROWS):
        tracemalloc.start()
        small.fit(mapped[:n_rows])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # One working copy, and per row a log-determinant, a fold, draws: no second.
    growth = (peaks[1] - peaks[0]) / (N_ROWS // 2)
    assert growth < 2 * 4 * N_COLUMNS


def test_transform_writes_one_result(mapped):
    layer = Linear(n_iter=1, rotation="identity", random_state=0).fit(mapped[:2000])
    layer.transform(mapped[:10])
    tracemalloc.start()
    Z = layer.transform(mapped)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # And log-determinants, and blocks.
    assert peak < 1.5 * Z.nbytes


def test_a_map_is_not_written_to(rows, mapped):
    GenFlow([Linear(n_iter=1)], random_state=0).fit(mapped)
    assert_array_equal(mapped, rows)
