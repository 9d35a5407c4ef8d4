"""How faithful a synthetic table is, scored on rows the synthesizer never saw."""

from dataclasses import dataclass, field

import numpy as np

from gaussflow._common.seeds import as_generator, draw_seed
from gaussflow.metrics.tables.intervals import jackknife_error
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
from gaussflow.tabular.constraints.constraint import Constraint
from gaussflow.tabular.report.base import Report
from gaussflow.tabular.report.coding import Coded, code_tables
from gaussflow.tabular.report.plots import MAX_HEAT, column_panels, rank_correlation
from gaussflow.tabular.report.score import check_limits
from gaussflow.tabular.report.sections import quality_sections
from gaussflow.tabular.schema import Schema

#: When a synthetic table passes. For ``shape``, ``pairs``, ``missing`` and ``utility``:
#: how far below real rows; ``detection``: the highest AUC; ``valid`` and
#: ``constraints``: the least share of rows.
QUALITY_LIMITS = {
    "shape": 0.05,
    "pairs": 0.05,
    "detection": 0.65,
    "utility": 0.05,
    "missing": 0.05,
    "valid": 0.99,
    "constraints": 1.0,
}
_ALIKE = {"ideal": 1.0, "higher_is_better": True}
#: What is known of each score beforehand, in the order in which they are read.
KINDS = {
    "detection": {"ideal": 0.5},
    "shape": _ALIKE,
    "pairs": _ALIKE,
    "missing": _ALIKE,
    "utility": {"higher_is_better": True},
    "constraints": _ALIKE | {"percent": True},
    "valid": _ALIKE | {"percent": True},
}


@dataclass(repr=False)
class QualityReport(Report):
    """Scores of fidelity, each beside what real rows reach.

    ``QualityReport.compute`` makes one; print it, look into ``report["detection"]``,
    or write it as a page with ``to_html``. The references compare the real
    training rows with the same holdout: what no synthesizer should beat by much.

    Attributes
    ----------
    scores : list of Score
        ``detection``, ``shape``, ``pairs``, where they apply ``missing``, ``utility``
        and ``constraints``, and ``valid``.
    target : str or None
        The column whose prediction ``utility`` scores.
    columns : dict
        Likeness of each column, of synthetic and of real rows.
    constraints : dict
        Share of the synthetic rows that keep each constraint.
    names, pair_matrix : list, list of lists
        Columns, and the likeness of each pair.
    plots : dict
        What the page draws.
    table : list of dict
        What each column is.
    n_train, n_holdout, n_synthetic : int
        Rows compared; without a holdout (0), the training rows stand in for it.

    Examples
    --------
    >>> from gaussflow.datasets import load_breast_cancer_table
    >>> from gaussflow.tabular import QualityReport
    >>> df = load_breast_cancer_table().iloc[:, :4]
    >>> train, holdout, other = df[:200], df[200:400], df[400:]
    >>> report = QualityReport.compute(train, holdout, other)
    >>> round(report["shape"].value, 1), report["detection"].ideal
    (0.9, 0.5)
    """

    _kinds = KINDS

    target: str | None = None
    columns: dict = field(default_factory=dict)
    constraints: dict = field(default_factory=dict)
    names: list = field(default_factory=list)
    pair_matrix: list = field(default_factory=list)
    table: list = field(default_factory=list)

    @classmethod
    def compute(
        cls,
        train,
        holdout,
        synthetic,
        schema=None,
        target=None,
        *,
        constraints=(),
        limits=None,
        random_state=0,
    ):
        """Score a synthetic table.

        Parameters
        ----------
        train, holdout, synthetic : pandas.DataFrame
            Rows that were learned from, real rows that were not, synthetic rows.
            Without a holdout (None), scores are against the training rows, which
            rewards copying.
        schema : Schema or None, default=None
            What the columns are; None infers it from ``train``.
        target : str or None, default=None
            A column to predict from the others.
        constraints : list of str or Constraint, default=()
            Rules that every row should keep, beside those of the schema.
        limits : dict or None, default=None
            Thresholds in the place of those of ``QUALITY_LIMITS``.
        random_state : int, RandomState, Generator or None, default=0
            Randomness of folds and models.

        Returns
        -------
        report : QualityReport
        """
        limits = check_limits(limits, QUALITY_LIMITS)
        schema = Schema.of(train, schema)
        constraints = [Constraint(c) for c in [*schema.constraints, *constraints]]
        constraints = list(dict.fromkeys(constraints))
        rngs = as_generator(random_state).spawn(5)
        real = train if holdout is None else holdout
        names, codes, tables = code_tables(schema, train, real, synthetic)
        coded = Coded(*tables, codes)
        if target is not None and target not in names:
            raise ValueError(
                f"target {target!r} is not among the columns that are scored: "
                f"{', '.join(map(str, names))}."
            )
        # Without a holdout, one half of the real rows shows what the other reaches.
        pair = coded.holdout, coded.train
        if holdout is None:
            order = rngs[0].permutation(len(coded.train))
            pair = coded.train[order[1::2]], coded.train[order[::2]]
        report = cls._begin(train, holdout, synthetic)
        report.names = [str(name) for name in names]
        report._score_constraints(train, real, synthetic, constraints, limits)
        report._score_columns(coded, pair, limits, rngs[1])
        report._score_detection(coded, pair, limits, rngs[2])
        if target is not None:
            report.target = str(target)
            report._score_utility(coded, names.index(target), limits, rngs[3])
        ok, real_ok = (valid_rows(coded.train, t, codes).mean() for t in tables[:0:-1])
        report._add("valid", float(ok), None, float(real_ok), limits["valid"])
        report.scores.sort(key=lambda score: list(KINDS).index(score.name))
        heat = 2 <= len(names) <= MAX_HEAT
        report.plots = {
            "panels": column_panels(schema, names, train, real, synthetic),
            "real": rank_correlation(coded.holdout).tolist() if heat else [],
            "synthetic": rank_correlation(coded.synthetic).tolist() if heat else [],
        }
        report.table = [_describe(c, schema.n_rows) for c in schema]
        return report

    def _score_columns(self, coded, pair, limits, rng):
        """Score columns and pairs of them; ``pair`` are real rows, and other ones."""
        T, H, S, codes = coded

        def trends(a, b):
            return pair_trends(a, b, codes, cuts=T)

        def add(name, score, value, reference):
            error = jackknife_error(
                lambda a, b: score(H[a], S[b]), len(H), len(S), rng=rng
            )
            self._add_beside(name, value, error, reference, limits)

        shapes, real_shapes = (column_shapes(*p, codes) for p in ((H, S), pair))
        pairs = trends(H, S)
        self.pair_matrix = np.round(pairs, 4).tolist()
        self.columns = {
            name: {"synthetic": float(s), "real": float(r)}
            for name, s, r in zip(self.names, shapes, real_shapes, strict=True)
        }
        shape = float(shapes.mean()), float(real_shapes.mean())
        add("shape", lambda a, b: column_shapes(a, b, codes).mean(), *shape)
        trend = _mean_pair(pairs), _mean_pair(trends(*pair))
        add("pairs", lambda a, b: _mean_pair(trends(a, b)), *trend)
        if coded.misses():
            found = missing_patterns(H, S), missing_patterns(*pair)
            add("missing", missing_patterns, *found)

    def _score_detection(self, coded, pair, limits, rng):
        _, H, S, codes = coded
        seed = draw_seed(rng)
        found, real = (detection_auc(*p, codes, rng=seed) for p in ((H, S), pair))
        limit = limits["detection"]
        self._add("detection", found.value, found.error, real.value, limit)

    def _score_utility(self, coded, j, limits, rng):
        T, H, S, codes = coded
        seed, number = draw_seed(rng), is_regression(T[:, j], codes[j])
        on_synthetic, on_real = (
            target_utility(fit_on, H, j, codes, regression=number, rng=seed)
            for fit_on in (S, T)
        )
        details = {"target": self.target, "regression": number}
        details["unseen"] = self.n_holdout > 0
        self._add_beside("utility", *on_synthetic, on_real.value, limits, **details)

    def _score_constraints(self, train, real, synthetic, constraints, limits):
        if not constraints:
            return
        kept = np.ones(len(synthetic), dtype=bool)
        kept_real = np.ones(len(real), dtype=bool)
        for constraint in constraints:
            holds = constraint.holds(synthetic, train).to_numpy()
            self.constraints[constraint.text] = float(holds.mean())
            kept &= holds
            kept_real &= constraint.holds(real, train).to_numpy()
        reference, n = float(kept_real.mean()), len(constraints)
        # A rule that was read off the training rows may be broken by other real ones.
        limit = min(limits["constraints"], reference)
        self._add(
            "constraints", float(kept.mean()), None, reference, limit, n_constraints=n
        )

    def _add_beside(self, name, value, error, reference, limits, **details):
        """Add a score that may fall below its reference by so much."""
        limit = reference - limits[name] if np.isfinite(reference) else None
        self._add(name, value, error, reference, limit, **details)

    def _sections(self):
        scores, details = quality_sections(self)
        return [*scores, *details]


def _mean_pair(matrix):
    """Return the mean over pairs of distinct columns, 1 if there is only one."""
    above = matrix[np.triu_indices(len(matrix), 1)]
    return float(above.mean()) if len(above) else 1.0


def _describe(column, n_rows):
    places = ""
    if column.is_number and column.decimals:
        places = f", {column.decimals} decimals"
    return {
        "name": str(column.name),
        "kind": column.kind,
        "dtype": column.dtype,
        "values": f"{column.distinct} values{places}",
        "missing": column.missing / max(n_rows, 1),
        "note": column.note,
    }
