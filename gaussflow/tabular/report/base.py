"""What the reports of fidelity and of privacy share."""

from dataclasses import dataclass, field, fields
from typing import ClassVar

from gaussflow._common.files import write_files
from gaussflow.tabular.report.score import Score, overall, warnings_of
from gaussflow.tabular.report.sections import page_of


@dataclass(repr=False)
class Report:
    """Scores by name, their verdict, and their forms for people and for JSON."""

    #: Fields that JSON leaves out: they are for the page.
    _drawn = ("scores", "plots", "table")

    #: What ``Score`` is told of each score beside its numbers.
    _kinds: ClassVar[dict] = {}

    scores: list = field(default_factory=list)
    plots: dict = field(default_factory=dict)
    n_train: int = 0
    n_holdout: int = 0
    n_synthetic: int = 0

    @classmethod
    def _begin(cls, train, holdout, synthetic):
        n_holdout = 0 if holdout is None else len(holdout)
        return cls(n_train=len(train), n_holdout=n_holdout, n_synthetic=len(synthetic))

    def _add(self, name, value, error, reference, limit, **details):
        numbers = {"reference": reference, "limit": limit, "details": details}
        self.scores.append(Score(name, value, error, **numbers, **self._kinds[name]))

    @property
    def verdict(self):
        """The worst of the scores' statuses: "pass", "unclear" or "fail"."""
        return overall(self.scores)

    def __getitem__(self, name):
        """Return the score of that name."""
        for score in self.scores:
            if score.name == name:
                return score
        raise KeyError(name)

    def __contains__(self, name):
        """Tell whether there is a score of that name."""
        return any(score.name == name for score in self.scores)

    def to_dict(self):
        """Return the scores as plain numbers, lists and dicts, ready for JSON."""
        names = [f.name for f in fields(self) if f.name not in self._drawn]
        names.sort(key=lambda name: name.startswith("n_"))  # the counts come last
        scores = {score.name: score.to_dict() for score in self.scores}
        found = {name: getattr(self, name) for name in names}
        return {"verdict": self.verdict, "scores": scores, **found}

    def to_html(self, path=None, *, title="Synthetic table"):
        """Return the report as one self-contained HTML page, and write it to path."""
        page = page_of(title, self._sections(), self)
        if path is not None:
            write_files({path: page})
        return page

    def __repr__(self):
        """List the scores, one a line."""
        kind = type(self).__name__.removesuffix("Report").lower()
        lines = [f"{kind}: {self.verdict}", *map(str, self.scores), *self._remarks()]
        return "\n".join([*lines, *warnings_of(self.scores)])

    def _remarks(self):
        """Return what is said below the scores, a line each: by default nothing."""
        return []
