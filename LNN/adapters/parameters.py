"""Constructors of adapters: the parameters of the estimator that they stand for."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from LNN.exceptions import MissingDependencyError

__all__ = ["OF_ROWS", "missing", "original", "with_parameters_of"]

# Not `type`: editors would lose the class behind the decorator.
Class = TypeVar("Class", bound=type)

# Where a class keeps what it stands for.
_ORIGINAL = "_original"
# What means nothing where each sample is a sequence, or is no matter of an adapter.
OF_ROWS = (
    *("window_length", "chunk_length", "burn_in", "stride", "anchor"),
    *("return_sequences", "layout", "time_column", "group_column"),
    *("callback", "warm_start"),
)
_SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=\n\n\S|\Z)", flags=re.M | re.S)
_NEXT = re.compile(r"^(Attributes|Examples)\n-+\n", flags=re.M)


def missing(library: str, error: ImportError) -> MissingDependencyError:
    """Return the error for a library that is not installed."""
    return MissingDependencyError(
        f"LNN.adapters.{library} needs {library}, which cannot be imported: {error}. "
        f'Install it with: pip install "LNN[{library}]"'
    )


def with_parameters_of(
    source: type, *without: str, **own: Any
) -> Callable[[Class], Class]:
    """Give a class the constructor of another one, and the text about its parameters.

    Other libraries read the parameters of a class from its signature, and find each as
    an attribute. What the class had as its constructor is called after they are set.

    Parameters
    ----------
    source : type
    *without
        Parameters of `source` that are left out.
    **own
        Other defaults, and parameters more, which the docstring of the class describes.
    """
    given = inspect.signature(source).parameters.values()
    taken = [
        p.replace(default=own.get(p.name, p.default), annotation=p.empty)
        for p in given
        if p.name not in without
    ]
    known = {p.name for p in taken}
    taken += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in own.items()
        if name not in known
    ]

    def decorate(cls: Class) -> Class:
        begin: Callable[[Any], None] = cls.__init__  # type: ignore[misc]
        this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        signature = inspect.Signature([this, *taken])

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            for name, value in list(bound.arguments.items())[1:]:
                setattr(self, name, value)
            begin(self)

        __init__.__qualname__ = f"{cls.__qualname__}.__init__"
        # An attribute that functions may have, which their type does not tell.
        __init__.__signature__ = signature  # type: ignore[attr-defined]
        cls.__init__ = __init__  # type: ignore[misc]
        names = tuple(p.name for p in given if p.name in known)
        setattr(cls, _ORIGINAL, (source, names))
        _document(cls, source, [p.name for p in taken])
        return cls

    return decorate


def original(adapter: Any, **fixed: Any) -> Any:
    """Return the estimator that an adapter stands for, with its parameters.

    Parameters
    ----------
    adapter : instance of a class that `with_parameters_of` made
    **fixed
        Parameters that the adapter sets itself.
    """
    source, names = getattr(type(adapter), _ORIGINAL)
    return source(**{name: getattr(adapter, name) for name in names} | fixed)


def _document(cls: type, source: type, names: list[str]) -> None:
    """Complete the section of parameters in a docstring."""
    if cls.__doc__ is None or source.__doc__ is None:  # python -OO
        return
    doc = inspect.cleandoc(cls.__doc__)
    entries = dict(_entries(inspect.cleandoc(source.__doc__)))
    entries |= dict(_entries(doc))
    text = "\n".join(entries[name] for name in names if name in entries)
    section = f"Parameters\n----------\n{text}"
    if found := _SECTION.search(doc):
        doc = doc[: found.start()] + section + doc[found.end() :]
    else:
        following = _NEXT.search(doc)
        assert following, f"{cls.__name__} has no sections"
        doc = f"{doc[: following.start()]}{section}\n\n{doc[following.start() :]}"
    # As it would stand in the source: tools take the first line for the summary.
    cls.__doc__ = textwrap.indent(doc, "    ").lstrip() + "\n    "


def _entries(doc: str) -> Iterator[tuple[str, str]]:
    """Go through the parameters that a docstring describes."""
    found = _SECTION.search(doc)
    for entry in re.split(r"\n(?=\S)", found[1]) if found else ():
        yield entry.partition(" :")[0], entry
