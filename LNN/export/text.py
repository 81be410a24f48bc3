"""A spec as text, for runtimes that read no .npz: JSON and EDN.

The fields are those of docu/spec.md; `arrays` has each array by name, with its `dtype`,
its `shape` and its numbers in C order. A number that is missing is null or nil.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from LNN.export.spec import Spec

_TESTS = "test."


def to_json(spec: Spec, tests: bool = False) -> str:
    """Write a spec as JSON.

    Parameters
    ----------
    spec : Spec
    tests : bool, default=False
        Write the test vectors alone; else all but them.

    Returns
    -------
    str
        One line for each field and array.
    """
    arrays = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(_described(array), allow_nan=False)}"
        for name, array in _chosen(spec, tests)
    )
    lines = [f'"arrays": {{\n{arrays}\n }}']
    if not tests:
        told = (
            f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}"
            for name, value in spec.values.items()
        )
        lines = [*told, *lines]
    return "{" + ",\n ".join(lines) + "}\n"


def to_edn(spec: Spec) -> str:
    """Write a spec, with its test vectors, as EDN; fields are keywords."""
    arrays = [
        f"  {edn(name)} {edn(_described(array))}" for name, array in spec.arrays.items()
    ]
    lines = [f":{name} {edn(value)}" for name, value in spec.values.items()]
    lines.append(":arrays {\n" + "\n".join(arrays) + "}")
    return "{" + "\n ".join(lines) + "}\n"


def _chosen(spec: Spec, tests: bool) -> Iterable[tuple[str, np.ndarray]]:
    return (
        (name, array)
        for name, array in spec.arrays.items()
        if name.startswith(_TESTS) == tests
    )


def _described(array: np.ndarray) -> dict[str, Any]:
    return {
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "data": _numbers(array.reshape(-1)),
    }


def _numbers(flat: np.ndarray) -> list[Any]:
    """Return plain numbers, those of float32 as short as float32 allows."""
    if flat.dtype == np.float32:
        flat = flat.astype("U").astype(np.float64)
    if flat.dtype.kind != "f":
        return list(flat.tolist())
    return [None if number != number else number for number in flat.tolist()]


def edn(value: Any) -> str:
    """Write what JSON can hold as EDN; the names of objects become keywords."""
    kinds: dict[type, Callable[[Any], str]] = {
        dict: _edn_map,
        list: lambda items: "[" + " ".join(map(edn, items)) + "]",
        str: lambda text: json.dumps(text, ensure_ascii=False),
        type(None): lambda _: "nil",
    }
    # Numbers and booleans look as they do in JSON.
    write = kinds.get(type(value), lambda plain: json.dumps(plain, allow_nan=False))
    return write(value)


def _edn_map(fields: dict[str, Any]) -> str:
    return "{" + " ".join(f":{name} {edn(v)}" for name, v in fields.items()) + "}"
