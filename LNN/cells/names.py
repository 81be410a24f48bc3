"""Arguments as ncps and torch name them: `input`, `hx`, `ts`."""

from __future__ import annotations

from functools import cache
from inspect import Parameter, signature
from typing import Any

from LNN.exceptions import InvalidInputError

OURS = {
    "input": "inputs",
    "hx": "state",
    "states": "state",
    "ts": "dt",
    "timespans": "dt",
    "elapsed_time": "dt",
}


def by_our_names(owner: object, ours: dict[str, Any], theirs: dict[str, Any]) -> tuple:
    """Return the values of `ours`, in order, filled in from `theirs`."""
    if not theirs:
        return tuple(ours.values())
    who = type(owner).__name__
    for name, value in theirs.items():
        own = OURS.get(name)
        # A TypeError, as Python raises for an argument that a function does not have.
        if own not in ours:
            raise TypeError(
                f"{who} got an unexpected argument {name!r}. It takes: "
                f"{', '.join(ours)}."
            )
        if ours[own] is not None:
            raise InvalidInputError(
                f"{who} got {own} and {name}, which are the same. Give {own} alone."
            )
        ours[own] = value
    return tuple(ours.values())


@cache
def arguments_of(kind: type) -> tuple[Parameter, ...]:
    """Return what a class takes; to find it out takes as long as a small network."""
    return tuple(signature(kind).parameters.values())


def names_of(kind: type) -> list[str]:
    """Return the names of what a class takes, without those that it only collects."""
    return [argument.name for argument in arguments_of(kind)][:-1]


def refuse_unknown(owner: object, names: dict[str, Any], known: list[str]) -> None:
    """Refuse options that a layer or cell lacks, and say how ours are called."""
    if not names:
        return
    name, value = next(iter(names.items()))
    remedy = f"It takes: {', '.join(known)}."
    if name == "implicit_param_constraints":
        remedy = "Leave it out: conductances here are always positive, by a softplus."
    if name == "in_features":
        remedy = f"It is input_size={value!r} here."
    if name == "activation" and "backbone_activation" in known:
        remedy = f"It is backbone_activation={value!r} here, for an int as units."
    who = type(owner).__name__
    raise TypeError(f"{who}() got an unexpected keyword argument {name!r}. {remedy}")


def check_batch_first(batch_first: bool) -> None:
    """Refuse inputs that have time before the batch."""
    if not batch_first:
        raise InvalidInputError(
            "batch_first must be True: the layers read (batch, time, features). Leave "
            "it out, and give inputs.transpose(0, 1)."
        )


def packed_hint(inputs: object) -> str | None:
    """Return what to do with a PackedSequence; None if it is none."""
    if type(inputs).__name__ != "PackedSequence":
        return None
    return (
        "Unpack it: inputs, lengths = torch.nn.utils.rnn.pad_packed_sequence(packed, "
        "batch_first=True), then pass lengths=lengths as well."
    )
