"""The benchmark's truths are true, and its peers are what they are called."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks.information import laws, peers

FAMILIES = ("gaussian", "lognormal", "t5", "mixture")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_law_agrees_with_its_rows(family):
    law = laws.make_law(family, 3, 100)
    X = law.sample(20_000, np.random.default_rng(0))
    for columns in [(0, 1, 2), (0, 2), (1,)]:
        found = -law.log_density(X[:, columns], columns)
        # Four standard errors of the mean over the rows.
        atol = 4 * found.std() / np.sqrt(len(X))
        assert_allclose(law.entropy(columns), found.mean(), atol=atol)
    if family != "lognormal":  # whose covariance is that of few rows
        spread = np.abs(np.cov(X, rowvar=False) - law.covariance()).max()
        assert spread < 0.15 * np.abs(law.covariance()).max()
    assert law.measure("total_correlation") > 0
    assert law.measure("negentropy") > -1e-9
    assert law.measure("kl_divergence", laws.near_law(law, 100)) > 0


def test_peers_find_the_information_of_gaussians():
    law = laws.make_law("gaussian", 3, 100)
    X = law.sample(2000, np.random.default_rng(0))
    near = laws.near_law(law, 100)
    Y = near.sample(2000, np.random.default_rng(1))
    for measure, parts in [
        ("entropy", (X,)),
        ("negentropy", (X,)),
        ("total_correlation", (X,)),
        ("mutual_information", tuple(X[:, list(c)] for c in laws.cut(law.all, 2))),
        ("kl_divergence", (X, Y)),
    ]:
        exact = law.measure(measure, near)
        found = peers.NEIGHBOURS[measure](*parts)
        assert_allclose(found, exact, rtol=0.1, atol=0.1, err_msg=measure)
        found = peers.gaussian(measure, *parts)
        assert_allclose(found, exact, rtol=0.1, atol=0.06, err_msg=measure)


def test_published_rows_have_the_published_truth():
    """Truths as rbig prints them, to their digits: so the rows are the same ones."""
    truths = [round(truth, 3) for _, _, truth, _, _ in peers.published()]
    assert truths == [2.930, 4.893, 96.830, 2.231, 0.047, 0.223, 0.830, 1.116, 0.446]
