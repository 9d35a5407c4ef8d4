import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from gaussflow import ClusteredFlow, GenFlow
from gaussflow.layers import Elliptical

CHEAP = GenFlow([Elliptical()])


@parametrize_with_checks([ClusteredFlow(CHEAP, n_clusters=3)])
def test_clustered_flow_keeps_scikit_learn_s_rules(estimator, check):
    check(estimator)


def islands(rng, n):
    """Return rows of three islands, of shares 0.5, 0.3 and 0.2."""
    centres = np.array([[0.0, 0.0], [12.0, 0.0], [0.0, 12.0]])
    island = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    return centres[island] + rng.standard_normal((n, 2)), island


def test_islands_are_found_and_drawn_apart(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X, island = islands(rng, 1500)
    model = ClusteredFlow(CHEAP, n_clusters=3, random_state=0).fit(X)
    assert model.n_clusters_ == 3
    assert_allclose(
        np.sort(model.mixture_.class_prior_), np.sort(np.bincount(island) / 1500)
    )
    samples = model.sample(3000, random_state=1)
    centres = np.array([[0.0, 0.0], [12.0, 0.0], [0.0, 12.0]])
    away = np.linalg.norm(samples[:, None] - centres, axis=2).min(axis=1)
    assert np.mean(away > 4.0) < 0.01
    # The entropy of the law: log of the shares, and of a 2-D normal.
    exact = -np.log(2 * np.pi * np.e) + np.sum([p * np.log(p) for p in (0.5, 0.3, 0.2)])
    test, _ = islands(rng, 2000)
    assert_allclose(model.score(test), exact, atol=0.1)


def test_the_density_integrates_to_one():
    X, _ = islands(np.random.default_rng(0), 600)
    model = ClusteredFlow(CHEAP, n_clusters=3, random_state=0).fit(X)
    axis = np.linspace(-12.0, 24.0, 300)
    grid = np.array(np.meshgrid(axis, axis)).reshape(2, -1).T
    mass = np.exp(model.score_samples(grid)).sum() * (axis[1] - axis[0]) ** 2
    assert_allclose(mass, 1.0, atol=0.02)


def test_clusters_of_few_rows_go_to_their_neighbours():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.standard_normal((200, 2)), [[50.0, 50.0], [90.0, 0.0]]])
    model = ClusteredFlow(CHEAP, n_clusters=4, random_state=0).fit(X)
    assert (model.mixture_.class_prior_ * len(X) >= 20).all()


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((50, 3)),
        np.arange(2.0)[:, None],
        1e12 * np.random.default_rng(0).random((60, 2)),
        1e-12 * np.random.default_rng(0).random((60, 2)),
    ],
)
def test_odd_rows_are_modelled(X):
    model = ClusteredFlow(CHEAP, random_state=0).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    assert np.isfinite(model.sample(5, random_state=0)).all()


def test_seeds_threads_and_files_give_the_same(tmp_path):
    X = load_digits().data[:600]
    models = [
        ClusteredFlow(CHEAP, n_clusters=4, n_jobs=n, random_state=3).fit(X)
        for n in (1, 2)
    ]
    models[0].save(tmp_path / "clusters.gflow")
    models.append(ClusteredFlow.load(tmp_path / "clusters.gflow"))
    first = models[0].sample(20, random_state=1)
    for model in models:
        np.testing.assert_array_equal(model.sample(20, random_state=1), first)
    assert_allclose(models[2].predict_proba(X).sum(axis=1), 1.0)


@pytest.mark.parametrize("name", ["n_clusters", "n_components"])
@pytest.mark.parametrize("value", [0, 2.5, "auto", True])
def test_bad_parameters_are_named(name, value):
    model = ClusteredFlow(CHEAP).set_params(**{name: value})
    with pytest.raises(ValueError, match=f"{name} must be an integer"):
        model.fit(np.zeros((30, 2)))
