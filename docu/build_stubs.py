"""Write the typed constructors of the estimators, for editors and type checkers.

    make stubs

They stand in LNN/estimators/signatures.pyi and come from the declarations of the
parameters, as the constructors themselves do.
"""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path

from LNN.estimators import signatures
from LNN.estimators._docs import literal, parameters_section
from LNN.estimators.declarations import PARAMETERS

FILE = Path(signatures.__file__).with_suffix(".pyi")
CLASSES = (
    signatures.NetworkParameters,
    signatures.RegressorParameters,
    signatures.ClassifierParameters,
)
HEAD = '''"""Written by `make stubs` from the declarations of the parameters."""

from collections.abc import Callable
from typing import Any, Literal, SupportsFloat

from LNN.constraints.kinds import Constraint
from LNN.training.loop import Epoch
'''


def stub() -> str:
    """Return the text of the stub file."""
    base, *others = CLASSES
    attributes = [f"    {p.name}: {double_quoted(p.type)}" for p in PARAMETERS]
    parts = [f"class {base.__name__}:", *attributes, constructor(base)]
    for cls in others:
        parts += ["", f"class {cls.__name__}({base.__name__}):", constructor(cls)]
    return HEAD + "\n" + "\n".join(parts) + "\n"


def constructor(cls: type) -> str:
    """Return a class's `__init__`; that of the front door with its documentation."""
    taken = list(inspect.signature(cls).parameters.values())
    lines = ["def __init__(", "    self,"]
    for number, parameter in enumerate(taken):
        if number == 1:
            lines.append("    *,")
        annotation = double_quoted(parameter.annotation)
        default = literal(parameter.default)
        lines.append(f"    {parameter.name}: {annotation} = {default},")
    if cls is not CLASSES[0]:
        return textwrap.indent("\n".join([*lines, ") -> None: ..."]), "    ")
    text = parameters_section([p.name for p in taken], indent=8)
    doc = textwrap.indent(f'"""Set the parameters.\n\n{text}\n"""', "    ")
    return textwrap.indent("\n".join([*lines, ") -> None:", doc]), "    ")


def double_quoted(annotation: str) -> str:
    """Return an annotation with the quotes of the code base."""
    return annotation.replace("'", '"')


def main() -> None:
    """Write the file."""
    FILE.write_text(stub(), encoding="utf-8")


if __name__ == "__main__":
    main()
