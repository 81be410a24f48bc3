"""Checks of the arguments of a stream, before it is opened."""

from __future__ import annotations

from typing import Any

from LNN.estimators.fitted import steps_before
from LNN.estimators.rules import NONE, check_values, integer, one_of, real
from LNN.exceptions import InvalidInputError

RULES = {
    "mode": one_of("window", "carry"),
    "n": NONE | integer(1),
    "adapt": one_of(None, "readout", "sgd"),
    "forgetting": NONE | real(0, 1, ends="(]"),
    "learning_rate": NONE | real(0, ends="()"),
    "truncation": NONE | integer(1),
}


def refuse_steps_before(fitted: Any) -> None:
    """Refuse a Pipeline whose other steps would be left out without a word."""
    if names := [name for name, _ in steps_before(fitted)]:
        raise InvalidInputError(
            f"Expected a Pipeline that is the estimator alone, got one with the steps "
            f"{names} before it, which this stream does not apply. Open "
            "LNN.streaming.PipelineStream(pipeline), which does."
        )


def refuse_idle(
    adapt: str | None,
    windowed: bool,
    forgetting: float | None,
    learning_rate: float | None,
    truncation: int | None,
) -> None:
    """Refuse settings that would be ignored without a word."""
    idle = {
        "forgetting": (forgetting, adapt != "readout", 'adapt="readout"'),
        "learning_rate": (learning_rate, adapt != "sgd", 'adapt="sgd"'),
        "truncation": (
            truncation,
            adapt != "sgd" or windowed,
            'adapt="sgd" where a state is carried',
        ),
    }
    for name, (value, is_idle, place) in idle.items():
        if value is not None and is_idle:
            raise InvalidInputError(
                f"{name}={value} has no effect here: it is for {place}. Leave it out."
            )


def check_arguments(
    mode: Any, n: Any, adapt: Any, forgetting: Any, learning_rate: Any, truncation: Any
) -> None:
    """Refuse arguments of another type, or beyond their range."""
    values = {"mode": mode, "n": n, "adapt": adapt, "forgetting": forgetting}
    values |= {"learning_rate": learning_rate, "truncation": truncation}
    check_values("stream", RULES, values)
