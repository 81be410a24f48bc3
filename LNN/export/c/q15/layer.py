"""Layers of integers: what bounds their states, and where the point of these stands."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.export.c.layer import Layer
from LNN.export.c.q15.formats import LARGEST_STATE, Numbers, bits_for

_SOLVERS = ("semi-implicit", "exponential")
_MODES = ("default", "no_gate", "exponential")


class FixedLayer(Layer):
    """One layer of a spec whose states are integers.

    Parameters
    ----------
    values, arrays, number
        As `Layer` has them.
    timed : bool
        Whether steps differ in length.

    Attributes
    ----------
    read : Numbers
        What it reads; the network, which knows, tells it.
    """

    read: Numbers

    def __init__(
        self,
        values: dict[str, Any],
        arrays: dict[str, np.ndarray],
        number: int,
        timed: bool,
    ):
        super().__init__(values, arrays, number)
        self.timed = timed
        self.bits = _state_bits(values, arrays)
        # These move towards a target; the others are made anew.
        self.moves = values["cell"] in ("LTC", "GRU") or values["mode"] == "exponential"

    @property
    def state_size(self) -> int:
        """Numbers of the state: what others see, then further bits of them."""
        return self.n * (2 if self.moves else 1)

    @property
    def shown(self) -> Numbers:
        """The states that others see."""
        return Numbers.alike(self.n, self.bits, LARGEST_STATE)


def _state_bits(values: dict[str, Any], arrays: dict[str, np.ndarray]) -> int:
    """Return the point of a layer's states, from a bound that holds for all inputs."""
    cell = values["cell"]
    if values["mixed_memory"]:
        raise _no_bound("mixed_memory=True", "mixed_memory=False")
    if cell == "LSTM":
        raise _no_bound('model_type="LSTM", whose c grows', 'model_type="GRU"')
    if cell == "LTC":
        return _bits_of_ltc(values, arrays)
    if cell == "GRU":
        return 14
    if values["mode"] not in _MODES:
        raise _no_bound(f"mode={values['mode']!r}", 'mode="exponential"')
    # Of states from -1 to 1, or the sum of two such.
    return 13 if values["mode"] == "no_gate" else 14


def _bits_of_ltc(values: dict[str, Any], arrays: dict[str, np.ndarray]) -> int:
    """Return the point of states that lie between 0 and all reversal potentials."""
    if values["solver"] not in _SOLVERS:
        raise _no_bound(f"solver={values['solver']!r}", 'solver="exponential"')
    names = ("vleak", "sensory.erev", "recurrent.erev")
    bound = max(np.abs(arrays[name]).max(initial=0.0) for name in names)
    bits = bits_for(bound, 14, LARGEST_STATE)
    if bits < 0:
        raise _no_bound("reversal potentials beyond 16,383", "a weight decay")
    return bits


def _no_bound(what: str, other: str) -> InvalidInputError:
    return InvalidInputError(
        'Expected states with a known bound, as integers of dtype="q15" need it, got '
        f'{what}. Export with dtype="float32" or "int8", or fit with {other}.'
    )
