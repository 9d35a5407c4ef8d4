"""Linear algebra is limited to one thread while it pays, and never for longer."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from gaussflow._common.threads import SMALL_COLUMNS, one_library_thread
from gaussflow.layers import Linear


def blas_threads():
    return {i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    """Give the process two threads, however many the tests are run with."""
    with threadpool_limits(2, "blas"):
        if blas_threads() != {2}:
            pytest.skip("this library cannot be given two threads")
        yield


def test_one_thread_inside_and_what_there_was_after():
    with one_library_thread(3):
        assert blas_threads() == {1}
    assert blas_threads() == {2}


def test_wide_rows_keep_their_threads():
    with one_library_thread(SMALL_COLUMNS):
        assert blas_threads() == {2}


def test_the_last_user_restores_whatever_the_order():
    first, second = one_library_thread(), one_library_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas_threads() == {1}
    second.__exit__(None, None, None)
    assert blas_threads() == {2}


def test_an_error_restores_too():
    with pytest.raises(KeyError), one_library_thread():
        raise KeyError
    assert blas_threads() == {2}


class Seen(Linear):
    """A layer that notes the threads it is fitted with."""

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        self.seen = blas_threads()
        return super().fit_forward(X, rng, monitor=monitor, start=start)


def test_a_fit_limits_and_restores():
    layer = Seen(n_iter=1, rotation="random", random_state=0)
    layer.fit(np.random.default_rng(0).normal(size=(50, 2)))
    assert layer.seen == {1}
    assert blas_threads() == {2}
