"""What a synthetic table gives away of the rows it was learned from."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gaussflow._common.seeds import as_generator
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
from gaussflow.metrics.tables.intervals import attack_power
from gaussflow.tabular.report.base import Report
from gaussflow.tabular.report.coding import Coded, code_tables
from gaussflow.tabular.report.plots import distance_histogram
from gaussflow.tabular.report.score import check_limits
from gaussflow.tabular.report.sections import privacy_sections
from gaussflow.tabular.report.wording import reason
from gaussflow.tabular.schema import Schema

#: When a synthetic table passes. ``copies``, ``neighbours``, ``combinations`` and
#: ``attributes``: how far beyond what unseen real rows show; the others: the highest
#: share or area under the curve. ``likelihood`` has no limit unless you set one: it
#: concerns who is given the model, not who is given its rows.
PRIVACY_LIMITS = {
    "copies": 0.002,
    "dcr_share": 0.55,
    "neighbours": 0.15,
    "membership": 0.55,
    "membership_calibrated": 0.55,
    "members_found": 0.15,
    "likelihood": None,
    "attributes": 0.05,
    "combinations": 0.05,
}
_AUC = {"ideal": 0.5}
#: What is known of each score beforehand.
KINDS = {
    "copies": {"percent": True},
    "dcr_share": _AUC,
    "neighbours": {"higher_is_better": True},
    "membership": _AUC,
    "membership_calibrated": _AUC,
    "members_found": {"ideal": 0.1, "percent": True},
    "likelihood": _AUC,
    "attributes": {"percent": True},
    "combinations": {"percent": True},
}
#: Rows of a table whose distances are drawn, and that are ranked by risk: they bound
#: the time of a report; chosen by hand.
MAX_PLOT_ROWS, MAX_RISK_ROWS = 2000, 20_000
#: Training rows listed as the riskiest: what a page can show; chosen by hand.
MAX_RISKIEST = 10
#: Rows of a table of which the training rows may be one, where their index is taken
#: for row numbers; sparser numbers are more likely keys. Chosen by hand.
MAX_SPARSE = 20
#: Unseen rows may equal training rows so many times as often as chance is estimated.
#: On a dozen health tables and parts of their columns the ratio was at most 1 without
#: repeated rows, and 2 to 11 with them.
CHANCE_SLACK = 2.0
#: Most columns that are tried as the sensitive one, if none is named.
MAX_SENSITIVE = 20
#: Attributes are many: one alone must exceed chance by so many standard errors (three
#: leave chance 1 in 700 for each, few for all of ``MAX_SENSITIVE``).
N_ERRORS = 3.0


@dataclass(repr=False)
class PrivacyReport(Report):
    """Scores of privacy, each beside what unseen real rows show.

    ``PrivacyReport.compute`` makes one; print it, look into
    ``report["membership_calibrated"]``, or write it as a page with ``to_html``. Passing
    is necessary, not sufficient: it shows what these attacks find, not what any attack
    could, and is no formal guarantee such as differential privacy.

    Attributes
    ----------
    scores : list of Score
        ``copies``, ``combinations``, and with a holdout ``dcr_share``, ``neighbours``,
        ``membership``, ``membership_calibrated``, ``members_found``, ``attributes``;
        with a model ``likelihood``.
    attributes : dict
        Per sensitive column, how often a guess is right.
    riskiest : list of dict
        The training rows that stand out most: ``row`` (its label in the index, its
        place where these are no row numbers), ``rank`` (share of unseen rows that
        stand out as much) and ``why``.
    suppressed : dict
        Per column, how many rare levels were suppressed, and in how many rows: set it
        from the synthesizer's ``encoder_.suppressed_`` for the page to tell.
    likelihood_gap : float or None
        By how many nats the model finds training rows likelier than unseen ones.
    plots : dict
        What the page draws.
    n_train, n_holdout, n_synthetic : int
        Rows compared.

    Examples
    --------
    >>> from gaussflow.datasets import load_breast_cancer_table
    >>> from gaussflow.tabular import PrivacyReport
    >>> df = load_breast_cancer_table().iloc[:, :4]
    >>> train, holdout = df[:280], df[280:]
    >>> copied = train.sample(280, replace=True, random_state=0)
    >>> report = PrivacyReport.compute(train, holdout, copied)
    >>> report.verdict, report["copies"].value
    ('fail', 1.0)
    """

    _kinds = KINDS

    attributes: dict = field(default_factory=dict)
    riskiest: list = field(default_factory=list)
    suppressed: dict = field(default_factory=dict)
    likelihood_gap: float | None = None

    @classmethod
    def compute(
        cls,
        train,
        holdout,
        synthetic,
        schema=None,
        *,
        model=None,
        sensitive=None,
        known=None,
        limits=None,
        random_state=0,
    ):
        """Audit a synthetic table.

        Parameters
        ----------
        train, holdout, synthetic : pandas.DataFrame
            Rows that were learned from, real rows that were not, synthetic rows.
            Without a holdout (None) no attack can be judged: only copies and rare
            combinations are counted, and the verdict is at best "unclear".
        schema : Schema or None, default=None
            What the columns are; None infers it from ``train``.
        model : TabularSynthesizer or None, default=None
            The synthesizer that learned ``train``, for the attack by its exact density
            (``score_samples``). Only those who hold the model can mount it.
        sensitive : list of str or None, default=None
            Columns whose value an attacker wants; None tries the first 20.
        known : list of str or None, default=None
            Columns that the attacker knows; None: all others.
        limits : dict or None, default=None
            Thresholds in the place of those of ``PRIVACY_LIMITS``.
        random_state : int, RandomState, Generator or None, default=0
            Randomness of the draws.

        Returns
        -------
        report : PrivacyReport
        """
        limits = check_limits(limits, PRIVACY_LIMITS)
        schema = Schema.of(train, schema)
        if holdout is not None and len(holdout) < 2:
            raise ValueError(
                f"holdout has {len(holdout)} row(s); the attacks need some hundreds of "
                "real rows that were not learned from. Pass None to go without."
            )
        rngs = as_generator(random_state).spawn(7)
        real = [train] if holdout is None else [train, holdout]
        names, codes, tables = code_tables(schema, *real, synthetic)
        columns = _positions(sensitive, names, "sensitive")
        others = _positions(known, names, "known")
        T, S = tables[0], tables[-1]
        H = None if holdout is None else tables[1]
        report = cls._begin(T, H, S)
        report._count_copies(T, H, S, limits)
        if H is None:
            return report
        coded = Coded(T, H, S, codes)
        report._score_distances(coded, limits, rngs[0])
        report._attack(coded, limits, rngs[1])
        if model is not None:
            report._attack_density(model, train, holdout, limits, rngs[2])
        report._infer(coded, names, columns, others, limits, rngs[3])
        rare = report._count_combinations(coded, limits, rngs[4])
        report._list_riskiest(coded, train.index, rare.per_row, rngs[5])
        learned, *drawn = gower_rows([T, H[:MAX_PLOT_ROWS], S[:MAX_PLOT_ROWS]], codes)
        near = (closest(rows, learned)[0][:, 0] for rows in drawn)
        report.plots = {"distances": distance_histogram(*near)}
        return report

    def _count_copies(self, T, H, S, limits):
        copies = exact_copies(T, S)
        unseen = 0.0 if H is None else exact_copies(T, H)
        reference = unseen
        if unseen:  # no more than chance excuses: one patient may be on both sides
            reference = min(unseen, CHANCE_SLACK * chance_copies(T, H))
        # One more copy than were found bounds the chance where none were.
        share = (copies * len(S) + 1) / (len(S) + 2)
        error = float(np.sqrt(share * (1 - share) / len(S))) if copies else None
        self._add("copies", copies, error, reference, limits["copies"] + reference)
        if unseen > reference + limits["copies"]:
            self.scores[-1].warning = (
                f"{unseen:.1%} of the unseen rows equal training rows, more than by "
                "chance: a patient may be on both sides, which excuses no copy and "
                "flatters the other scores."
            )

    def _score_distances(self, coded, limits, rng):
        T, H, S, codes = coded
        share = dcr_share(*coded, rng=rng)
        self._add("dcr_share", *share, None, limits["dcr_share"])
        ratio, unseen = (neighbour_ratio(T, t, codes, rng=rng) for t in (S, H))
        limit = max(0.0, unseen.value - limits["neighbours"])
        error = float(np.hypot(ratio.error, unseen.error))
        self._add("neighbours", ratio.value, error, unseen.value, limit)

    def _attack(self, coded, limits, rng):
        plain, calibrated = membership_attacks(*coded, rng=rng)
        for name, *found in (
            ("membership", plain.auc, plain.auc_error),
            ("membership_calibrated", calibrated.auc, calibrated.auc_error),
            ("members_found", calibrated.tpr, calibrated.tpr_error),
        ):
            self._add(name, *found, None, limits[name])

    def _attack_density(self, model, train, holdout, limits, rng):
        members, outsiders = (
            _log_densities(model, df.iloc[np.sort(rng.permutation(len(df))[:5000])])
            for df in (train, holdout)
        )
        power = attack_power(members, outsiders)
        finite = [s[np.isfinite(s)] for s in (members, outsiders)]
        if min(map(len, finite)):
            self.likelihood_gap = float(finite[0].mean() - finite[1].mean())
        self._add("likelihood", power.auc, power.auc_error, None, limits["likelihood"])

    def _infer(self, coded, names, columns, known, limits, rng):
        known = list(range(len(names))) if known is None else known
        columns = range(len(names))[:MAX_SENSITIVE] if columns is None else columns
        found = {}
        for j in columns:
            if any(k != j for k in known):
                found[j] = attribute_disclosure(*coded, j, known, rng=rng)
        if not found:
            return
        for j, one in found.items():
            self.attributes[str(names[j])] = {
                "synthetic": one.synthetic,
                "unseen": one.unseen,
                "excess": one.excess.value,
                "error": one.excess.error,
            }
        shown = {
            j: (one.synthetic, one.unseen, one.excess.error) for j, one in found.items()
        }
        lower = {
            j: one.excess.value - N_ERRORS * one.excess.error
            for j, one in found.items()
        }
        worst, n = max(lower, key=lower.__getitem__), len(found)
        sure = lower[worst] > 0 and found[worst].excess.value > limits["attributes"]
        if n > 1 and not sure:
            # The errors of columns may go together: their mean does not shrink.
            column, numbers = None, np.mean(list(shown.values()), axis=0)
        else:
            column, numbers = str(names[worst]), shown[worst]
        value, unseen, error = map(float, numbers)
        limit = min(unseen + limits["attributes"], 1.0)
        self._add("attributes", value, error, unseen, limit, column=column, n_columns=n)

    def _count_combinations(self, coded, limits, rng):
        rare = rare_combinations(*coded, rng=rng)
        if np.isfinite(rare.synthetic):
            error, limit = rare.excess.error, rare.unseen + limits["combinations"]
            self._add(
                "combinations", rare.synthetic, error, rare.unseen, min(limit, 1.0)
            )
        return rare

    def _list_riskiest(self, coded, index, rare, rng):
        T, H, S, codes = coded
        numbers = _row_numbers(index)
        rows = np.sort(rng.permutation(len(T))[:MAX_RISK_ROWS])
        risks = row_risks(T[rows], H, S, codes, rng=rng)
        order = np.lexsort((risks.to_synthetic, -risks.gap))[:MAX_RISKIEST]
        for k in order:
            row, twin = T[rows[k]], S[risks.nearest[k]]
            self.riskiest.append({
                "row": int(numbers[rows[k]]),
                "rank": float(risks.rank[k]),
                "distance": float(risks.to_synthetic[k]),
                "distance_unseen": float(risks.to_unseen[k]),
                "why": reason(
                    int(np.sum((row == twin) | (np.isnan(row) & np.isnan(twin)))),
                    len(row), risks.to_synthetic[k], risks.to_unseen[k],
                    int(rare[rows[k]]),
                ),
            })  # fmt: skip

    @property
    def verdict(self):
        """The worst of the scores' statuses: "pass", "unclear" or "fail"."""
        worst = super().verdict
        return "unclear" if worst == "pass" and self.n_holdout == 0 else worst

    def _sections(self):
        return privacy_sections(self)

    def _remarks(self):
        if self.n_holdout:
            return []
        return ["no unseen real rows: the attacks could not be judged"]


def _row_numbers(index):
    """Return the index if it numbers rows, else their places: labels may be keys."""
    if index.is_unique and pd.api.types.is_integer_dtype(index.dtype):
        if index.min() >= 0 and index.max() < MAX_SPARSE * len(index):
            return index.to_numpy()
    return np.arange(len(index))


def _positions(wanted, names, parameter):
    """Return the positions of columns by name, None for None."""
    if wanted is None:
        return None
    wanted = [wanted] if isinstance(wanted, str) else list(wanted)
    absent = [name for name in wanted if name not in names]
    if absent:
        raise ValueError(
            f"{parameter} names {', '.join(map(repr, absent))}, which is not among the "
            f"columns that are scored: {', '.join(map(str, names))}."
        )
    return [names.index(name) for name in wanted]


def _log_densities(model, df):
    out = np.asarray(model.score_samples(df), dtype=float)
    if np.isnan(out).any():
        raise ValueError(
            "model.score_samples returned NaN for some rows; a log-density is a number "
            "or -inf. Leave out model, or fit it anew."
        )
    return out
