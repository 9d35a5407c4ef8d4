"""How faithful a synthetic table is, scored on rows the synthesizer never saw."""

from dataclasses import asdict, dataclass, field

import numpy as np

from gaussflow._random import as_generator, draw_seed
from gaussflow.metrics.tabular import (
    auc_standard_error,
    column_shapes,
    detection_auc,
    missing_patterns,
    pair_trends,
    target_utility,
)
from gaussflow.tabular._coding import code_tables


@dataclass
class QualityReport:
    """Scores of fidelity, each beside what real rows reach.

    ``QualityReport.compute`` makes one. The references compare the real
    training rows with the same holdout: what no synthesizer should beat by much.

    Attributes
    ----------
    shape, shape_reference : float
        Mean likeness of the single columns; 1 is ideal.
    pairs, pairs_reference : float
        Mean likeness of the pairs of columns; 1 is ideal.
    detection, detection_reference, detection_error : float
        How well a classifier tells synthetic from real, 0.5 is ideal, and the
        standard error.
    missing, missing_reference : float or None
        Likeness of the patterns of missing cells; None if none is missing.
    utility, utility_reference : float or None
        Prediction of the target by a model fitted on synthetic, on real rows.
    target : str or None
        The target's name.
    columns : dict
        Likeness of each column, and of its reference.
    names : list
        Columns in the order of ``pair_matrix``.
    pair_matrix : list of lists
        Likeness of each pair.
    n_train, n_holdout, n_synthetic : int
        Rows compared.
    """

    shape: float
    shape_reference: float
    pairs: float
    pairs_reference: float
    detection: float
    detection_reference: float
    detection_error: float
    missing: float | None = None
    missing_reference: float | None = None
    utility: float | None = None
    utility_reference: float | None = None
    target: str | None = None
    columns: dict = field(default_factory=dict)
    names: list = field(default_factory=list)
    pair_matrix: list = field(default_factory=list)
    n_train: int = 0
    n_holdout: int = 0
    n_synthetic: int = 0

    @classmethod
    def compute(cls, train, holdout, synthetic, schema, target=None, random_state=0):
        """Score a synthetic table.

        Parameters
        ----------
        train, holdout, synthetic : pandas.DataFrame
            Rows that were learned from, real rows that were not, synthetic rows.
        schema : Schema
            What the columns are.
        target : str or None, default=None
            A column to predict from the others.
        random_state : int, RandomState, Generator or None, default=0
            Randomness of folds and models.

        Returns
        -------
        report : QualityReport
        """
        rng = as_generator(random_state)
        names, codes, (T, H, S) = code_tables(schema, train, holdout, synthetic)
        shapes, real_shapes = column_shapes(H, S, codes), column_shapes(H, T, codes)
        pairs, real_pairs = pair_trends(H, S, codes), pair_trends(H, T, codes)
        detection = detection_auc(H, S, codes, rng=rng)
        n_compared = min(len(H), len(S), 5000)
        report = cls(
            shape=float(shapes.mean()),
            shape_reference=float(real_shapes.mean()),
            pairs=_mean_pair(pairs),
            pairs_reference=_mean_pair(real_pairs),
            detection=detection,
            detection_reference=detection_auc(H, T, codes, rng=rng),
            detection_error=auc_standard_error(detection, n_compared, n_compared),
            columns={
                str(name): {"synthetic": float(s), "real": float(r)}
                for name, s, r in zip(names, shapes, real_shapes, strict=True)
            },
            names=[str(name) for name in names],
            pair_matrix=np.round(pairs, 4).tolist(),
            n_train=len(T),
            n_holdout=len(H),
            n_synthetic=len(S),
        )
        if np.isnan(H).any() or np.isnan(T).any():
            report.missing = missing_patterns(H, S)
            report.missing_reference = missing_patterns(H, T)
        if target is not None and target in names:
            j, seed = names.index(target), draw_seed(rng)
            report.target = str(target)
            report.utility = target_utility(S, H, j, codes, rng=seed)
            report.utility_reference = target_utility(T, H, j, codes, rng=seed)
        return report

    def to_dict(self):
        """Return the scores as plain numbers, lists and dicts."""
        return asdict(self)

    def __str__(self):
        """List the scores, one a line."""
        lines = [
            (
                "column shapes",
                self.shape,
                f"real rows {self.shape_reference:.3f}, ideal 1",
            ),
            (
                "pair trends",
                self.pairs,
                f"real rows {self.pairs_reference:.3f}, ideal 1",
            ),
            (
                "detection AUC",
                self.detection,
                f"real rows {self.detection_reference:.3f}, ideal 0.5, "
                f"+/- {self.detection_error:.3f}",
            ),
        ]
        if self.missing is not None:
            real = f"real rows {self.missing_reference:.3f}, ideal 1"
            lines.append(("missing cells", self.missing, real))
        if self.utility is not None:
            real = f"real rows {self.utility_reference:.3f}, target {self.target}"
            lines.append(("utility", self.utility, real))
        return "\n".join(f"{n:<15} {v:.3f}   ({real})" for n, v, real in lines)


def _mean_pair(matrix):
    """Return the mean over pairs of distinct columns, 1 if there is only one."""
    above = matrix[np.triu_indices(len(matrix), 1)]
    return float(above.mean()) if len(above) else 1.0
