"""Parameter descriptions, written once."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

# Address of an estimator's page, for scikit-learn to fill in; braces are its syntax.
_FOLDER = (Path(__file__).parent.parent / "reference").as_uri()
REFERENCE = _FOLDER.replace("{", "{{").replace("}", "}}") + "/{estimator_name}.html"

SECTIONS = ("Parameters", "Attributes")


def inherit_parameters(cls: type) -> type:
    """Put the base class's parameters and attributes into a subclass's docstring.

    Only those that the subclass takes, so that the two cannot tell different things.
    """
    if cls.__doc__ is None:  # python -OO
        return cls
    (parent,) = (c for c in cls.__bases__ if c.__module__.startswith("LNN."))
    base = inspect.cleandoc(parent.__doc__)
    taken = set(inspect.signature(cls).parameters)
    foreign = "target_scaler_" if cls.task == "classification" else "classes_"
    sections = []
    for title in SECTIONS:
        entries = _entries(_section(base, title))
        kept = [
            text
            for name, text in entries
            if (name in taken or title == "Attributes") and name != foreign
        ]
        sections.append(f"{title}\n{'-' * len(title)}\n" + "\n".join(kept))
    own = inspect.cleandoc(cls.__doc__)
    intro, rest = own.split("\n\n", 1)
    cls.__doc__ = "\n\n".join([intro, *sections, rest])
    return cls


def _section(doc: str, title: str) -> str:
    start = re.search(rf"^{title}\n-+\n", doc, flags=re.M)
    end = re.compile(r"\n\n[A-Z][A-Za-z ]+\n-+\n").search(doc, start.end())
    return doc[start.end() : end.start()]


def _entries(section: str) -> list[tuple[str, str]]:
    """Cut a section into (name, text) at its unindented lines."""
    parts = re.split(r"\n(?=\S)", section)
    return [(part.split(" :")[0].strip(), part) for part in parts]
