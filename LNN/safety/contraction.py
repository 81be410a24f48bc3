"""How fast states forget where they started, measured on data."""

from __future__ import annotations

import copy
from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from LNN._random import random_source
from LNN._results import Result
from LNN._typing import Column
from LNN.cells.base import past_end
from LNN.estimators.fitted import as_fitted
from LNN.exceptions import InvalidInputError
from LNN.network import LiquidNetwork
from LNN.safety.cell_bounds import cell_of, invariant

# Differences below this share of their start are rounding, in double precision.
FLOOR = 1e-11


def contraction_rate(
    model: Any,
    X: ArrayLike,
    *,
    timestamps: Column | None = None,
    groups: Column | None = None,
    n_starts: int = 4,
    random_state: int | np.random.RandomState | None = 0,
) -> Result:
    """Measure how fast two states forget their difference while they read the same X.

    Each sequence is read from the usual start and from random states. Their distance d
    changes like exp(-rate * time); a rate above 0 means that a wrong state (a stream
    that was cut, a row that was lost) is forgotten, one of 0 or below that it is not.

    Parameters
    ----------
    model : fitted estimator, Pipeline or FittedModel
        Of a Pipeline the last step, with X as it gets it.
    X, timestamps, groups
        As in `predict`. It is measured on these sequences and on no others; rows of a
        windowed model are short sequences, one per row.
    n_starts : int, default=4
        Random starts per sequence.
    random_state : int or RandomState, default=0

    Returns
    -------
    Bunch
        - `rate`: ndarray of shape (n_sequences,), per unit of the time stamps, the
          slowest of the starts of each sequence.
        - `slowest`: the least of them.
        - `half_life`: the time in which the slowest difference halves; infinite if it
          never does.

    See Also
    --------
    contraction_bound : A bound that is proved for all inputs in a box.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.safety import contraction_rate
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=16, epochs=2, random_state=0)
    >>> bool(contraction_rate(lnn.fit(X[:-1], X[1:, 0]), X).half_life < 100)
    True
    """
    if not isinstance(n_starts, Integral) or n_starts < 1:
        raise InvalidInputError(f"Expected n_starts as an int >= 1, got {n_starts!r}.")
    fitted = as_fitted(model)
    sequences = fitted.read(X, timestamps=timestamps, groups=groups)
    random = random_source(random_state)
    network = copy.deepcopy(fitted.network).double().eval()
    rates = np.full(len(sequences), np.inf)

    def run(
        _: LiquidNetwork,
        inputs: Tensor,
        timespans: Tensor | None = None,
        lengths: Tensor | None = None,
        state: tuple | None = None,
    ) -> np.ndarray:
        spans = None if timespans is None else timespans.cpu().double()
        lengths = None if lengths is None else lengths.cpu()
        read = network.front(inputs.cpu().double(), spans, lengths=lengths)
        usual, states = _run(network, read, None)
        slowest = np.full(len(inputs), np.inf)
        for _start in range(n_starts):
            start, size = _random_states(network, states, random)
            apart = _run(network, read, start)[0] - usual
            slowest = np.minimum(slowest, _rate(apart, size, *read[1:]))
        return slowest

    for _, samples, slowest in fitted.passes(sequences, run):
        rates[samples] = slowest
    rates = rates / fitted.clock.unit
    least = float(rates.min(initial=np.inf))
    half_life = np.log(2) / least if least > 0 else np.inf
    return Result(rate=rates, slowest=least, half_life=float(half_life))


Read = tuple[Tensor, Tensor, Tensor | None]


def _run(network: LiquidNetwork, read: Read, start: Any) -> tuple[Tensor, tuple]:
    """Return the last layer's states (B, T, N), and the final ones of all layers."""
    return network.run_layers(*read, start, True)


def _random_states(
    network: LiquidNetwork, like: tuple, random: np.random.RandomState
) -> tuple[tuple, Tensor]:
    """Draw a state per layer where states can be; return the size of the last one."""
    drawn: list[Any] = []
    first = torch.empty(0, 1)
    for layer, own in zip(network.layers, like, strict=True):
        found, _ = invariant(cell_of(layer), 0.0)
        low = torch.as_tensor(np.where(np.isfinite(found.low), found.low, -1.0))
        high = torch.as_tensor(np.where(np.isfinite(found.high), found.high, 1.0))
        noise = _uniform(random)
        if isinstance(own, tuple):  # (h, c): c has no bounds of its own
            h, *rest = own
            first = low + (high - low) * noise(h)
            drawn.append((first, *(2 * noise(part) - 1 for part in rest)))
        else:
            first = low + (high - low) * noise(own)
            drawn.append(first)
    return tuple(drawn), torch.linalg.vector_norm(first, dim=-1).ravel()


def _uniform(random: np.random.RandomState) -> Callable[[Tensor], Tensor]:
    return lambda like: torch.as_tensor(random.uniform(size=tuple(like.shape)))


def _rate(
    apart: Tensor, size: Tensor, spans: Tensor, lengths: Tensor | None
) -> np.ndarray:
    """Return by how much log distance falls per unit of time, (B,)."""
    distance = torch.linalg.vector_norm(apart, dim=2) / size[:, None]
    # The last step that is more than rounding, within the sequence; the first at least.
    counts = distance > FLOOR
    if lengths is not None:
        counts &= ~past_end(lengths, distance.shape[1])
    counts[:, 0] = True
    places = torch.arange(distance.shape[1]).expand_as(counts)
    last = torch.where(counts, places, 0).amax(1, keepdim=True)
    left = distance.gather(1, last)[:, 0].clamp_min(FLOOR)
    elapsed = spans.cumsum(1).gather(1, last)[:, 0]
    found = -torch.log(left) / elapsed
    # No time went by, and nothing can be told.
    return torch.where(elapsed > 0, found, torch.inf).numpy()
