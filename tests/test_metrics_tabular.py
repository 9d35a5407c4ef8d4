import numpy as np
import pytest

from gaussflow.metrics.disclosure import (
    closest_distances,
    dcr_share,
    exact_copies,
    gower_embedding,
    membership_auc,
)
from gaussflow.metrics.tabular import (
    auc_standard_error,
    column_shapes,
    detection_auc,
    missing_patterns,
    pair_trends,
    target_utility,
)

CODES = np.array([False, False, True])


def table(n, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n) + shift
    y = x + 0.5 * rng.standard_normal(n)
    X = np.column_stack([x, y, (y > 0).astype(float)])
    X[rng.random(n) < 0.1, 1] = np.nan
    return X


def test_equal_tables_score_one():
    X = table(300, 0)
    assert column_shapes(X, X, CODES) == pytest.approx(1)
    assert pair_trends(X, X, CODES) == pytest.approx(1)
    assert missing_patterns(X, X) == 1
    assert exact_copies(X, X) == 1


def test_disjoint_columns_score_zero():
    X = table(300, 0)
    far = X + np.array([100, 100, 100])
    assert column_shapes(X, far, CODES)[[0, 2]] == pytest.approx(0)


def test_ks_distance_agrees_with_scipy():
    from scipy.stats import ks_2samp

    a, b = table(200, 0)[:, :1], table(150, 1, shift=0.3)[:, :1]
    expected = 1 - ks_2samp(a[:, 0], b[:, 0]).statistic
    assert column_shapes(a, b, [False])[0] == pytest.approx(expected)


def test_shuffled_columns_lose_their_pairs_only():
    X = table(2000, 0)
    loose = np.column_stack(
        [np.random.default_rng(j).permutation(X[:, j]) for j in range(3)]
    )
    assert column_shapes(X, loose, CODES) == pytest.approx(1)
    assert pair_trends(X, loose, CODES)[0, 1] < 0.75


@pytest.mark.parametrize("n", [300, 1500])
def test_detection_is_fair_to_both(n):
    real = table(n, 0)
    same = detection_auc(real, table(n, 1), CODES, rng=0)
    assert abs(same - 0.5) < 0.06
    assert detection_auc(real, table(n, 1, shift=3.0), CODES, rng=0) > 0.9


def test_detection_of_copies_is_not_fooled():
    """A classifier must not recognise a row because it saw its copy."""
    real = table(300, 0)
    copies = real[np.random.default_rng(0).integers(0, 300, 300)]
    assert detection_auc(real, copies, CODES, rng=0) < 0.75


def test_standard_error_of_an_auc_is_that_of_simulation():
    rng = np.random.default_rng(0)
    from sklearn.metrics import roc_auc_score

    y = np.repeat([0, 1], 60)
    aucs = [roc_auc_score(y, rng.standard_normal(120)) for _ in range(2000)]
    assert auc_standard_error(0.5, 60, 60) == pytest.approx(np.std(aucs), rel=0.1)


def test_utility_of_numbers_and_categories():
    train, test = table(600, 0), table(600, 1)
    assert target_utility(train, test, 2, CODES) > 0.9
    assert target_utility(train, test, 0, CODES) > 0.5
    noise = np.column_stack(
        [np.random.default_rng(j).permutation(train[:, j]) for j in range(3)]
    )
    assert abs(target_utility(noise, test, 2, CODES) - 0.5) < 0.12


def test_gower_distance_by_hand():
    a = np.array([[0.0, 0.0, 1.0], [10.0, 4.0, 0.0]])
    b = np.array([[5.0, 4.0, 1.0]])
    A, B = gower_embedding([a, b], CODES)
    assert closest_distances(B, A[:1])[0] == pytest.approx((0.5 + 1 + 0) / 3)
    missing = np.array([[0.0, np.nan, 1.0]])
    A, M = gower_embedding([a, missing], CODES)
    assert closest_distances(M, M)[0] == 0


def test_copies_are_found_and_fresh_rows_are_not():
    train, holdout, fresh = table(400, 0), table(400, 1), table(400, 2)
    assert dcr_share(train, holdout, train, CODES) > 0.95
    assert abs(dcr_share(train, holdout, fresh, CODES) - 0.5) < 0.08
    assert membership_auc(train, holdout, train, CODES) > 0.8
    assert abs(membership_auc(train, holdout, fresh, CODES) - 0.5) < 0.08
    assert exact_copies(train, fresh) == 0
