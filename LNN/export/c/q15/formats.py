"""Numbers of 16 bits: where their point stands, and sums that cannot overflow.

A number of `bits` stands for itself divided by 2 to the power of `bits`. Points follow
from bounds that hold for all inputs, so that no sum of 32 bits overflows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LNN.exceptions import InvalidInputError

# Sizes of what int16 holds; of states half, so that the difference of two fits too.
LARGEST, LARGEST_STATE = 32767, 16383
# Scaled rows: 16 units of the scale.
ROW_BITS = 11
# What tanh reads, -8 to 8; what a sigmoid reads, -16 to 16.
TANH_BITS, GATE_BITS = 12, 11
# Of sums that have no better bound than all that comes in: -64 to 64.
_LEAST_BITS = 9
# A product is summed with this many more bits than its sum needs, if there is room.
_MOST_SPARE, _LEAST_SPARE = 16, 2


@dataclass(frozen=True)
class Numbers:
    """A vector of int16: the point of each, and the largest size that it can have."""

    bits: np.ndarray
    largest: np.ndarray

    @classmethod
    def alike(cls, n: int, bits: int, largest: int = LARGEST) -> Numbers:
        """Return n numbers of one kind."""
        return cls(np.full(n, bits), np.full(n, largest))

    def and_then(self, other: Numbers) -> Numbers:
        """Return both, one after the other."""
        return Numbers(
            np.concatenate([self.bits, other.bits]),
            np.concatenate([self.largest, other.largest]),
        )

    def chosen(self, index: np.ndarray) -> Numbers:
        """Return those of an index."""
        return Numbers(self.bits[index], self.largest[index])

    @property
    def bounds(self) -> np.ndarray:
        """The largest size of each, as a number."""
        return self.largest / 2.0**self.bits


def bits_for(bound: float, most: int, largest: int = LARGEST) -> int:
    """Return how many bits behind the point leave room for numbers up to a bound."""
    return int(min(most, np.floor(np.log2(largest / max(bound, 1e-30)))))


def roomy_bits(bound: float, most: int) -> tuple[int, str]:
    """Return the point of sums up to a bound, and the C that makes int16 of one, {0}.

    Of a sum of sums nothing real comes near the bound: values beyond 64 are clipped.
    """
    bits = bits_for(bound, most)
    if bits >= _LEAST_BITS:
        return bits, "(int16_t)({0})"
    return _LEAST_BITS, f"(int16_t)lnn_clip({{0}}, {-LARGEST}, {LARGEST})"


@dataclass(frozen=True)
class Rows:
    """Sums of products in integers: `(weight @ x + bias) >> shift`."""

    weight: np.ndarray
    bias: np.ndarray
    shift: np.ndarray


def rows(
    weight: np.ndarray, bias: np.ndarray, read: Numbers, bits: np.ndarray | int
) -> Rows:
    """Return weights (outputs, inputs) as integers, each row as fine as 32 bits allow.

    Parameters
    ----------
    weight, bias : ndarray
    read : Numbers
        What the weights are multiplied by.
    bits : int or ndarray of int
        The point of each sum after its shift.
    """
    each = zip(weight, bias, np.broadcast_to(bits, len(bias)), strict=True)
    made = [_row(own, b, read, int(point)) for own, b, point in each]
    codes, biases, shift = zip(*made, strict=True)
    return Rows(np.stack(codes), np.array(biases), np.array(shift))


def _row(
    weight: np.ndarray, bias: float, read: Numbers, bits: int
) -> tuple[np.ndarray, int, int]:
    for shift in range(_MOST_SPARE, _LEAST_SPARE - 1, -1):
        codes = np.round(weight * 2.0 ** (bits + shift - read.bits))
        # Half of the unit: the shift rounds.
        start = np.round(bias * 2.0 ** (bits + shift)) + 2.0 ** (shift - 1)
        total = np.abs(codes) @ read.largest + abs(start)
        if np.abs(codes).max(initial=0) <= LARGEST and total < 2.0**31:
            return codes.astype(int), int(start), shift
    raise too_large()


def too_large() -> InvalidInputError:
    """Return what weights beyond all formats raise."""
    return InvalidInputError(
        "Expected weights whose sums 32 bits can hold, got larger ones: no format of "
        'dtype="q15" has room for them. Export with dtype="float32", or fit with '
        "weight_decay."
    )
