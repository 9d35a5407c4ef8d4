import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from gaussflow.metrics.tables.disclosure import (
    chance_copies,
    closest,
    dcr_share,
    exact_copies,
    gower_rows,
    membership_attacks,
    neighbour_ratio,
    row_risks,
)
from gaussflow.metrics.tables.inference import attribute_disclosure, rare_combinations
from gaussflow.metrics.tables.intervals import (
    attack_power,
    auc_standard_error,
    bootstrap_error,
    jackknife_error,
)
from gaussflow.metrics.tables.prediction import (
    detection_auc,
    is_regression,
    target_utility,
)
from gaussflow.metrics.tables.similarity import (
    column_shapes,
    missing_patterns,
    pair_trends,
    valid_rows,
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
    assert valid_rows(X, X, CODES).all()


def test_disjoint_columns_score_zero():
    X = table(300, 0)
    far = X + np.array([100, 100, 100])
    assert column_shapes(X, far, CODES) == pytest.approx(0)
    assert not valid_rows(X, far, CODES).any()


def test_ks_distance_agrees_with_scipy_on_filled_cells():
    a, b = table(200, 0), table(150, 1, shift=0.3)
    filled = [t[~np.isnan(t[:, 1]), 1] for t in (a, b)]
    expected = 1 - ks_2samp(*filled).statistic
    assert column_shapes(a, b, CODES)[1] == pytest.approx(expected)


def test_an_empty_column_is_like_an_empty_column_only():
    X, empty = table(50, 0), np.full((50, 3), np.nan)
    assert column_shapes(X, empty, CODES)[:2].tolist() == [0, 0]
    assert column_shapes(empty, empty, CODES)[:2].tolist() == [1, 1]


def test_shuffled_columns_lose_their_pairs_only():
    X = table(2000, 0)
    loose = np.column_stack(
        [np.random.default_rng(j).permutation(X[:, j]) for j in range(3)]
    )
    assert column_shapes(X, loose, CODES) == pytest.approx(1)
    assert pair_trends(X, loose, CODES)[0, 1] < 0.75


@pytest.mark.parametrize("cell", [(0, 99.0), (2, 7.0), (0, np.nan)])
def test_a_value_that_no_real_row_has_is_invalid(cell):
    X = table(100, 0)
    row = X[:1].copy()
    assert valid_rows(X, row, CODES).all()
    row[0, cell[0]] = cell[1]
    assert not valid_rows(X, row, CODES).any()


@pytest.mark.parametrize("n", [300, 1200])
def test_detection_is_fair_to_both(n):
    real = table(n, 0)
    same = detection_auc(real, table(n, 1), CODES, rng=0)
    assert abs(same.value - 0.5) < 3.5 * same.error
    assert detection_auc(real, table(n, 1, shift=3.0), CODES, rng=0).value > 0.9


def test_detection_of_copies_is_not_fooled():
    """A classifier must not recognise a row because it saw its copy."""
    real = table(300, 0)
    copies = real[np.random.default_rng(0).integers(0, 300, 300)]
    assert detection_auc(real, copies, CODES, rng=0).value < 0.75


def test_detection_of_a_single_repeated_row_is_blind():
    X = np.ones((50, 3))
    assert detection_auc(X, X, CODES, rng=0).value == 0.5


def test_standard_error_of_an_auc_is_that_of_simulation():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 60)
    aucs = [roc_auc_score(y, rng.standard_normal(120)) for _ in range(2000)]
    assert auc_standard_error(0.5, 60, 60) == pytest.approx(np.std(aucs), rel=0.1)


def test_jackknife_and_bootstrap_agree_with_theory():
    """The difference of two means has the standard error of textbooks."""
    x, y = table(500, 0)[:, 0], table(800, 1)[:, 0]
    expected = np.sqrt(x.var() / 500 + y.var() / 800)
    jackknife = jackknife_error(
        lambda a, b: x[a].mean() - y[b].mean(), 500, 800, n_groups=100
    )
    assert jackknife == pytest.approx(expected, rel=0.25)
    bootstrap = bootstrap_error(lambda rows: x[rows].mean(), 500)
    assert bootstrap == pytest.approx(x.std() / np.sqrt(500), rel=0.2)


def test_attack_power_takes_infinite_scores_and_ties():
    power = attack_power([-np.inf, 1, 2, np.inf], [-np.inf, 0, 0, 1])
    assert power.auc == roc_auc_score(
        [1, 1, 1, 1, 0, 0, 0, 0], [0, 2, 3, 4, 0, 1, 1, 2]
    )
    blind = attack_power(np.zeros(20), np.zeros(20))
    assert (blind.auc, blind.tpr) == (0.5, 0.0)


def test_utility_of_numbers_and_categories():
    train, test = table(600, 0), table(600, 1)
    assert target_utility(train, test, 2, CODES).value > 0.9
    number = target_utility(train, test, 0, CODES)
    assert 0.5 < number.value < 1
    assert 0 < number.error < 0.1
    noise = np.column_stack(
        [np.random.default_rng(j).permutation(train[:, j]) for j in range(3)]
    )
    assert abs(target_utility(noise, test, 2, CODES).value - 0.5) < 0.12


def test_utility_without_a_second_class_is_not_known_or_blind():
    train, test = table(100, 0), table(100, 1)
    one = test[test[:, 2] == 1]
    assert np.isnan(target_utility(train, one, 2, CODES).value)
    only = train[train[:, 2] == 1]
    assert target_utility(only, test, 2, CODES).value == 0.5


@pytest.mark.parametrize(
    ("cells", "is_code", "expected"),
    [([0, 1, np.nan], False, False), (range(40), False, True), ([0.5, 1], False, True),
     (range(40), True, False)],
)  # fmt: skip
def test_whole_numbers_of_few_values_are_classes(cells, is_code, expected):
    assert is_regression(np.array(cells, dtype=float), is_code) == expected


def test_gower_distance_by_hand():
    a = np.array([[0.0, 0.0, 1.0], [10.0, 4.0, 0.0]])
    b = np.array([[5.0, 4.0, 1.0]])
    A, B = gower_rows([a, b], CODES)
    distances, nearest = closest(B, A)
    assert_allclose(distances[0], [(0.5 + 1 + 0) / 3, (0.5 + 0 + 1) / 3])
    assert nearest[0] == 0
    missing = np.array([[0.0, np.nan, 1.0]])
    A, M = gower_rows([a, missing], CODES)
    assert closest(M, M)[0][0, 0] == 0
    # One more for the missing cell, whose value stands at the median.
    assert closest(M, A)[0][0, 0] == pytest.approx((0 + 0.5 + 1 + 0) / 3)


def test_closest_agrees_with_all_distances(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    tables = [table(n, global_random_seed + n) for n in (200, 150)]
    for t in tables:
        t[:, 2] = rng.integers(0, 5, len(t))
    T, H = gower_rows(tables, CODES)
    full = cdist(H.numbers, T.numbers, "cityblock")
    full += (H.codes[:, None] != T.codes).sum(axis=2)
    distances, nearest = closest(H, T)
    assert_allclose(distances * 3, np.sort(full, axis=1)[:, :2])
    assert_allclose(full[np.arange(150), nearest], distances[:, 0] * 3)


def test_copies_are_found_and_fresh_rows_are_not():
    train, holdout, fresh = table(400, 0), table(400, 1), table(400, 2)
    assert dcr_share(train, holdout, train, CODES).value > 0.95
    share = dcr_share(train, holdout, fresh, CODES)
    assert abs(share.value - 0.5) < 3 * share.error < 0.2
    for attack in membership_attacks(train, holdout, train, CODES):
        assert attack.auc > 0.8
        assert attack.tpr > 0.5
    for attack in membership_attacks(train, holdout, fresh, CODES):
        assert abs(attack.auc - 0.5) < 3 * attack.auc_error
        assert abs(attack.tpr - 0.1) < 3.5 * attack.tpr_error
    assert exact_copies(train, fresh) == 0
    assert neighbour_ratio(train, train, CODES).value < 1e-6
    assert neighbour_ratio(train, fresh, CODES).value > 1e-3


def test_error_of_the_share_is_that_of_simulation():
    """The spread over fresh triples of tables is what the error says."""
    runs = [
        dcr_share(*(table(150, 3 * k + i) for i in range(3)), CODES, rng=k)
        for k in range(60)
    ]
    spread = np.std([r.value for r in runs])
    assert np.mean([r.error for r in runs]) == pytest.approx(spread, rel=0.35)


def test_the_leaked_row_is_the_riskiest():
    train, holdout, synthetic = table(200, 0), table(200, 1), table(200, 2)
    train[7] = synthetic[11] = [6.0, -4.0, 1.0]
    risks = row_risks(train, holdout, synthetic, CODES)
    assert np.argmax(risks.gap) == 7
    assert risks.rank[7] == pytest.approx(1 / 101)
    assert risks.nearest[7] == 11
    assert risks.to_synthetic[7] == 0
    assert risks.rank.mean() == pytest.approx(0.5, abs=0.1)


def secrets(n, seed):
    """A code that nothing explains, beside two numbers that name a row."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.random((n, 2)), rng.integers(0, 4, n)]).astype(float)


def test_attribute_disclosure_finds_leaks_and_forgives_knowledge():
    train, holdout, fresh = (secrets(400, seed) for seed in range(3))
    leaked = attribute_disclosure(train, holdout, train, CODES, 2, [0, 1])
    assert leaked.synthetic == 1
    assert leaked.unseen == pytest.approx(0.25, abs=0.1)
    honest = attribute_disclosure(train, holdout, fresh, CODES, 2, [0, 1])
    assert abs(honest.excess.value) < 3 * honest.excess.error
    # What follows from the population is no leak, however well it is guessed.
    known = attribute_disclosure(*(table(400, s) for s in range(3)), CODES, 2, [0])
    assert known.synthetic > 0.7
    assert abs(known.excess.value) < 3 * known.excess.error


def test_rare_combinations_of_copies_come_out_and_chance_is_counted():
    train, holdout, fresh = (secrets(300, seed) for seed in range(3))
    copied = rare_combinations(train, holdout, train, CODES)
    assert copied.synthetic == 1
    assert copied.excess.value > 10 * copied.excess.error
    assert copied.per_row.sum() > 0
    chance = rare_combinations(train, holdout, fresh, CODES)
    assert abs(chance.excess.value) < 3 * chance.excess.error
    same = np.zeros((50, 3))
    assert np.isnan(rare_combinations(same, same, same, CODES).synthetic)


def test_error_of_disclosure_counts_guesses_from_one_row_as_one():
    """With one column known, few rows give all the guesses, and share their luck."""
    excesses, errors = [], []
    for k in range(60):
        parts = [secrets(120, 3 * k + i) for i in range(3)]
        for part in parts:
            part[:, 0] = np.round(4 * part[:, 0])
        one = attribute_disclosure(*parts, CODES, 2, [0], rng=k)
        excesses.append(one.excess.value)
        errors.append(one.excess.error)
    assert np.mean(errors) == pytest.approx(np.std(excesses), rel=0.35)


def test_chance_copies_are_those_of_unrelated_rows():
    """Rows of few levels meet by chance, repeated rows of many values do not."""
    rng = np.random.default_rng(0)
    few = rng.integers(0, 4, (4000, 5)).astype(float)
    train, unseen = few[:500], few[500:]
    observed = exact_copies(train, unseen)
    assert 0.3 < observed < 0.5
    # The column that agrees with most rows by chance is taken, hence a little more.
    assert observed < chance_copies(train, unseen) < 1.6 * observed
    many = np.repeat(rng.standard_normal((200, 5)).round(2), 6, axis=0)
    many = rng.permutation(many)
    assert exact_copies(many[:900], many[900:]) > 0.9
    assert chance_copies(many[:900], many[900:]) < 0.01
