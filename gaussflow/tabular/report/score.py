"""One score of a report: its value, how sure it is, what it means, and if it passes."""

from dataclasses import dataclass, field

import numpy as np

from gaussflow.tabular.report.wording import sentence_of, title_of

#: Standard errors to either side of a 95 % interval.
WIDE = 1.96
#: From the best status to the worst.
STATUSES = ("", "pass", "unclear", "fail")


@dataclass
class Score:
    """A score with its uncertainty, its ideal and its threshold.

    Attributes
    ----------
    name : str
        Its key in the report.
    value, error : float, float or None
        The score and its standard error; None where it has none.
    ideal : float or None
        The best value there is; None where only the reference says.
    reference : float or None
        What real rows reach on the same test.
    limit : float or None
        The threshold of the verdict; None: not part of it.
    higher_is_better : bool
        Which side of the limit passes.
    percent : bool
        Whether it is written in per cent.
    details : dict
        What its sentence tells beside, such as the column that is predicted.
    title, sentence : str
        Its name for people, and what it means.
    status : str
        "pass", "fail", "unclear" (too few rows to tell) or "" (no limit). Set from
        the fields above.
    warning : str
        Where the table is too small: what cannot be decided.
    """

    name: str
    value: float
    error: float | None = None
    ideal: float | None = None
    reference: float | None = None
    limit: float | None = None
    higher_is_better: bool = False
    percent: bool = False
    details: dict = field(default_factory=dict)
    status: str = ""
    warning: str = ""

    def __post_init__(self):
        """Judge the value by the limit and by its own noise."""
        if self.status or self.limit is None:
            return
        sign = 1.0 if self.higher_is_better else -1.0
        if not np.isfinite(self.value):
            self.status, self.warning = "unclear", "Too few rows to compute it."
            return
        goal = self.reference if self.ideal is None else self.ideal
        goal = self.limit if goal is None else goal
        wide = WIDE * (self.error or 0.0)
        room = abs(goal - self.limit)
        if sign * (self.value - self.limit) >= 0:
            blind = wide > 2 * room and room > 0
            self.status = "unclear" if blind else "pass"
            if sign * (self.value - self.limit) < wide:
                way, end = ("low", self.low) if sign > 0 else ("high", self.high)
                self.warning = (
                    f"Too few rows to be sure: it may be as {way} as {self.write(end)}."
                )
            return
        # Beyond the limit, but is it more than noise around what is ideal?
        base = goal if self.reference is None else self.reference
        noise = sign * (self.value + sign * wide - base) >= 0
        self.status = "unclear" if noise else "fail"
        if noise:
            self.warning = (
                "Too few rows to tell: the interval "
                f"{self.interval} still holds what is ideal."
            )

    @property
    def title(self):
        """The score's name for people."""
        return title_of(self)

    @property
    def sentence(self):
        """What the score means."""
        return sentence_of(self)

    @property
    def low(self):
        """The lower end of the 95 % interval, the value itself if it has none."""
        low = self.value - WIDE * (self.error or 0.0)
        # Shares and areas end at 0; R squared does not.
        return max(low, 0.0) if self.value >= 0 else low

    @property
    def high(self):
        """The upper end of the 95 % interval, the value itself if it has none."""
        return min(self.value + WIDE * (self.error or 0.0), max(self.value, 1.0))

    @property
    def interval(self):
        """The 95 % interval as text, empty where it has none."""
        if self.error is None or not np.isfinite(self.error):
            return ""
        return f"{self.write(self.low)} to {self.write(self.high)}"

    def write(self, value):
        """Write a number in the manner of this score."""
        if value is None or not np.isfinite(value):
            return "not known"
        if self.percent:
            return f"{value:.2%}" if value < 0.1 else f"{value:.1%}"
        return f"{value:.3f}"

    @property
    def rule(self):
        """The threshold as text, empty where it has none."""
        if self.limit is None:
            return ""
        return f"{'at least' if self.higher_is_better else 'at most'} " + self.write(
            self.limit
        )

    def to_dict(self):
        """Return the score as plain numbers and texts; None where not known."""

        def plain(value):
            known = value is not None and np.isfinite(value)
            return float(value) if known else None

        return {
            "title": self.title,
            "value": plain(self.value),
            "error": plain(self.error),
            "low": plain(self.low if self.error is not None else None),
            "high": plain(self.high if self.error is not None else None),
            "ideal": plain(self.ideal),
            "reference": plain(self.reference),
            "limit": plain(self.limit),
            "higher_is_better": self.higher_is_better,
            "status": self.status,
            "sentence": self.sentence,
            "warning": self.warning,
        }

    def __str__(self):
        """Write the score in one line."""
        parts = []
        if self.interval:
            parts.append(self.interval)
        if self.reference is not None:
            parts.append(f"real rows {self.write(self.reference)}")
        if self.ideal is not None:
            ideal = f"{self.ideal:.0%}" if self.percent else f"{self.ideal:g}"
            parts.append(f"ideal {ideal}")
        if self.rule:
            parts.append(self.rule)
        line = f"{self.title:<24} {self.write(self.value):>8}  {self.status:<8}"
        return f"{line} ({', '.join(parts)})"


def overall(scores):
    """Return the worst status: one failure fails, one doubt leaves doubt."""
    return max((s.status for s in scores), key=STATUSES.index, default="")


def warnings_of(scores):
    """Return the scores' warnings as lines of text."""
    return [f"{s.title}: {s.warning}" for s in scores if s.warning]


def check_limits(limits, defaults):
    """Return the defaults with the user's limits put in; unknown names are refused."""
    unknown = sorted(set(limits or {}) - set(defaults))
    if unknown:
        raise ValueError(
            f"limits names unknown score(s) {', '.join(map(repr, unknown))}. Known: "
            f"{', '.join(defaults)}."
        )
    return {**defaults, **(limits or {})}
