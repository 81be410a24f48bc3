"""Docstrings of the estimators; their parameters come from the declarations."""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path
from typing import Any, TypeVar

from LNN.estimators.declarations import PARAMETERS, Parameter

# Address of an estimator's page, for scikit-learn to fill in; braces are its syntax.
_FOLDER = (Path(__file__).parent.parent / "reference").as_uri()
REFERENCE = _FOLDER.replace("{", "{{").replace("}", "}}") + "/{estimator_name}.html"

# Not `type`: editors would lose the class behind the decorator.
Class = TypeVar("Class", bound=type)

# Where a docstring's own text ends and its sections begin.
_SECTION = re.compile(r"^[A-Z][A-Za-z ]+\n-+\n", flags=re.M)


def documented(cls: Class) -> Class:
    """Complete the docstring of an estimator class.

    Its parameters come from their declarations. A subclass gets its parent's attributes
    too, so that no two places can tell different things.
    """
    if cls.__doc__ is None:  # python -OO
        return cls
    own = inspect.cleandoc(cls.__doc__)
    begin = found.start() if (found := _SECTION.search(own)) else len(own)
    sections = [parameters_section(list(inspect.signature(cls).parameters))]
    if "\nAttributes\n" not in own:
        sections.append(_attributes(cls))
    cls.__doc__ = "\n\n".join([own[:begin].rstrip(), *sections, own[begin:]])
    return cls


def parameters_section(names: list[str], indent: int = 4) -> str:
    """Return numpydoc's section of these parameters.

    Parameters
    ----------
    names : list of str
    indent : int, default=4
        Columns that the docstring will be moved to the right.
    """
    entries = [_entry(p, 84 - indent) for p in PARAMETERS if p.name in names]
    return "Parameters\n----------\n" + "\n".join(entries)


def _entry(parameter: Parameter, width: int) -> str:
    kind = parameter.kind or parameter.type.removesuffix(" | None")
    head = f"{parameter.name} : {kind}, default={literal(parameter.default)}"
    text = textwrap.fill(
        " ".join(parameter.doc.split()),
        width,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{head}\n{textwrap.indent(text, '    ')}"


def literal(value: Any) -> str:
    """Return a value as source code, with double quotes."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _attributes(cls: type) -> str:
    """Return the parent's section of attributes, without those of the other task."""
    (parent,) = (c for c in cls.__mro__[1:] if "\nAttributes\n" in (c.__doc__ or ""))
    doc = inspect.cleandoc(parent.__doc__ or "")
    text = doc[doc.index("Attributes\n") :].split("\n\n")[0]
    title, line, *entries = re.split(r"\n(?=\S)", text)
    classifies = getattr(cls, "task", None) == "classification"
    foreign = "target_scaler_" if classifies else "classes_"
    kept = [entry for entry in entries if entry.split(" :")[0] != foreign]
    return "\n".join([title, line, *kept])
