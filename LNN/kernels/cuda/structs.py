"""The structs of csrc/step.cuh, filled in by the names of their fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

import torch
from torch import Tensor

from LNN.kernels.cuda.driver import Value
from LNN.kernels.cuda.program import sources


@cache
def fields_of(name: str) -> tuple[str, ...]:
    """Return a struct's fields, each of 8 bytes, in the order of its declaration."""
    text = re.sub(r"//.*", "", sources()["step.cuh"])
    found = re.search(rf"struct {name} {{(.*?)\n}};", text, re.DOTALL)
    assert found is not None, name
    declared = [part for part in found[1].split(";") if part.strip()]
    names = [re.findall(r"(\w+)\s*(?:,|$)", part.strip()) for part in declared]
    return tuple(field for part in names for field in part)


def packed(
    name: str, rows: Sequence[Mapping[str, Value]], device: torch.device
) -> Tensor:
    """Return structs as they stand in memory, (rows, fields) of int64.

    Parameters
    ----------
    name : str
    rows : sequence of mapping
        What each field holds: a number, or the tensor that it points to; None is null.
        The tensors must live as long as the structs.
    device : torch.device
    """
    fields = fields_of(name)
    for row in rows:
        wrong = set(row) ^ set(fields)
        assert not wrong, f"{name}: {sorted(wrong)}"
    words = [[_word(row[field]) for field in fields] for row in rows]
    return torch.tensor(words, dtype=torch.int64, device=device)


def _word(value: Value) -> int:
    if isinstance(value, Tensor):
        return value.data_ptr()
    return 0 if value is None else int(value)
