"""What a synthetic table gives away of the rows it was learned from."""

from dataclasses import asdict, dataclass, field

import numpy as np

from gaussflow._random import as_generator
from gaussflow.metrics.disclosure import (
    closest_distances,
    dcr_share,
    exact_copies,
    gower_embedding,
    membership_auc,
)
from gaussflow.metrics.tabular import auc_standard_error
from gaussflow.tabular._coding import code_tables

#: Most synthetic rows whose distances are kept for the plot.
PLOT_ROWS = 2000


@dataclass
class PrivacyReport:
    """Scores of privacy, each beside what unseen real rows show.

    ``PrivacyReport.compute`` makes one. Passing these tests is necessary, not
    sufficient: they show what these attacks find, not what any attack could.

    Attributes
    ----------
    copies, copies_reference : float
        Share of synthetic rows, and of unseen real ones, that equal a training
        row in every cell.
    dcr_share : float
        Share of synthetic rows closer to a training row than to an unseen one;
        0.5 is ideal.
    membership, membership_error : float
        How well an attacker tells training rows from unseen ones, 0.5 is ideal, and the
        standard error.
    suppressed : dict
        Per column, how many rare levels were suppressed, and in how many rows.
    distances, distances_reference : list of float
        Distance of synthetic, and of unseen real rows, to the closest training row.
    """

    copies: float
    copies_reference: float
    dcr_share: float
    membership: float
    membership_error: float
    suppressed: dict = field(default_factory=dict)
    distances: list = field(default_factory=list)
    distances_reference: list = field(default_factory=list)

    @classmethod
    def compute(
        cls, train, holdout, synthetic, schema, suppressed=None, random_state=0
    ):
        """Audit a synthetic table.

        Parameters
        ----------
        train, holdout, synthetic : pandas.DataFrame
            Rows that were learned from, real rows that were not, synthetic rows.
        schema : Schema
            What the columns are.
        suppressed : dict or None, default=None
            The encoder's ``suppressed_``.
        random_state : int, RandomState, Generator or None, default=0
            Randomness of the draws.

        Returns
        -------
        report : PrivacyReport
        """
        rng = as_generator(random_state)
        _, codes, (T, H, S) = code_tables(schema, train, holdout, synthetic)
        embedded = gower_embedding([T, H, S], codes)
        near = [closest_distances(E[:PLOT_ROWS], embedded[0]) for E in embedded[1:]]
        auc = membership_auc(T, H, S, codes, rng=rng)
        n_attacked = min(len(H) // 2, len(T), 3000)
        error = auc_standard_error(auc, n_attacked, n_attacked) if n_attacked else 0.5
        return cls(
            copies=exact_copies(T, S),
            copies_reference=exact_copies(T, H),
            dcr_share=dcr_share(T, H, S, codes, rng=rng),
            membership=auc,
            membership_error=error,
            suppressed={str(k): dict(v) for k, v in (suppressed or {}).items()},
            distances=np.round(near[1], 6).tolist(),
            distances_reference=np.round(near[0], 6).tolist(),
        )

    def to_dict(self):
        """Return the scores as plain numbers, lists and dicts."""
        return asdict(self)

    def __str__(self):
        """List the scores, one a line."""
        return "\n".join(
            [
                f"exact copies    {self.copies:.2%}   (unseen real rows "
                f"{self.copies_reference:.2%})",
                f"DCR share       {self.dcr_share:.3f}   (ideal 0.5)",
                f"membership AUC  {self.membership:.3f}   (ideal 0.5, +/- "
                f"{self.membership_error:.3f})",
            ]
        )
