"""One layer of a spec, and the names that C has for it."""

from __future__ import annotations

from typing import Any

import numpy as np


class Layer:
    """One layer of a spec, and the names that C has for it.

    Parameters
    ----------
    values : dict of str
        One of the spec's `layers`.
    arrays : dict of str to ndarray
        Its arrays, in float64.
    number : int
    """

    def __init__(
        self, values: dict[str, Any], arrays: dict[str, np.ndarray], number: int
    ):
        self.values, self.arrays, self.name = values, arrays, f"layer{number}"
        self.n_inputs, self.n = values["n_inputs"], values["n_neurons"]
        self.remembers = values["mixed_memory"]

    @property
    def state_size(self) -> int:
        """Numbers of the state; the first `n` of them are what others see."""
        return self.n * (2 if self.remembers or self.values["cell"] == "LSTM" else 1)

    def call(self, state: str, x: str) -> list[str]:
        """Return the statements that take a step."""
        calls = [f"lnn_{self.name}({state}, {x}, dt);"]
        if self.remembers:
            calls.insert(0, f"lnn_{self.name}_memory({state}, {x});")
        return calls


def local(condition: Any, text: str) -> str:
    """Return one more variable of a declaration, if it is needed."""
    return f", {text}" if condition else ""


def both(arrays: dict[str, np.ndarray], prefix: str = "") -> np.ndarray:
    """Return weights of [x, h] side by side."""
    names = (f"{prefix}input_weight", f"{prefix}recurrent_weight")
    return np.concatenate([arrays[name] for name in names], axis=1)
