"""What the reports of fidelity and of privacy share."""

from dataclasses import fields

from gaussflow.tabular.report.score import Score, overall, warnings_of


class Report:
    """Scores by name, their verdict, and their forms for people and for JSON."""

    #: Fields that JSON leaves out: they are for the page.
    _drawn = ("scores", "plots", "table")

    def _add(self, name, value, error, reference, limit, **more):
        score = Score(name, value, error, reference=reference, limit=limit, **more)
        self.scores.append(score)

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
        scores = {score.name: score.to_dict() for score in self.scores}
        found = {name: getattr(self, name) for name in names}
        return {"verdict": self.verdict, "scores": scores, **found}

    def __repr__(self):
        """List the scores, one a line."""
        kind = type(self).__name__.removesuffix("Report").lower()
        lines = [f"{kind}: {self.verdict}", *map(str, self.scores), *self._remarks()]
        return "\n".join([*lines, *warnings_of(self.scores)])

    def _remarks(self):
        """Return what is said below the scores, a line each: by default nothing."""
        return []
