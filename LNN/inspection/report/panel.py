"""What a part of the page is made of, and what all of them are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from LNN.estimators.fitted import FittedModel
from LNN.inspection.report.data import ReportData
from LNN.inspection.report.markup import Html, h


@dataclass(frozen=True)
class Panel:
    """A part of the page.

    Attributes
    ----------
    name : str
        Its anchor.
    title : str
    body : Html
    data : dict of str
        What the page's script reads, as JSON.
    """

    name: str
    title: str
    body: Html
    data: dict[str, Any] = field(default_factory=dict)

    def html(self) -> Html:
        """Return the section."""
        head = f"{self.name}-title"
        title = h("h2", self.title, id=head)
        return h("section", title, self.body, id=self.name, aria_labelledby=head)


@dataclass(frozen=True, eq=False)
class Subject:
    """The model and the data that a report is about.

    Attributes
    ----------
    fitted : FittedModel
    data : ReportData
        All that the caller gave.
    """

    fitted: FittedModel
    data: ReportData

    @cached_property
    def part(self) -> ReportData:
        """What slow panels look at."""
        return self.data.part()

    @property
    def part_text(self) -> str:
        """How much of the data slow panels look at, in words."""
        if self.part is self.data:
            return f"All {self.data.size} were looked at."
        kind = "in a row" if self.data.sequences.layout == "rows" else "drawn"
        return (
            f"{self.part.size} of the {self.data.size} were looked at, {kind} by a "
            "fixed seed."
        )
