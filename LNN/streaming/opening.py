"""What a stream can be opened with: the checks before it is."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from LNN.estimators.fitted import steps_before
from LNN.exceptions import InvalidInputError

MODES = ("window", "carry")
ADAPT = (None, "readout", "sgd")


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

    def refuse(name: str, words: str, got: Any) -> None:
        raise InvalidInputError(
            f"The {name!r} parameter of stream must be {words}. Got {got!r} instead."
        )

    def is_count(value: Any) -> bool:
        return isinstance(value, Integral) and is_number(value) and int(value) > 0

    def is_number(value: Any) -> bool:
        return isinstance(value, Real) and not isinstance(value, bool)

    if not isinstance(mode, str) or mode not in MODES:
        refuse("mode", 'one of "window", "carry"', mode)
    if n is not None and not is_count(n):
        refuse("n", "None or an int >= 1", n)
    if not (adapt is None or isinstance(adapt, str)) or adapt not in ADAPT:
        refuse("adapt", 'one of None, "readout", "sgd"', adapt)
    if forgetting is not None and not (is_number(forgetting) and 0 < forgetting <= 1):
        refuse("forgetting", "None or a number in (0, 1]", forgetting)
    positive = is_number(learning_rate) and 0 < learning_rate < float("inf")
    if learning_rate is not None and not positive:
        refuse("learning_rate", "None or a finite number > 0", learning_rate)
    if truncation is not None and not is_count(truncation):
        refuse("truncation", "None or an int >= 1", truncation)
