"""What a stream keeps of the past: the rows of a window, or the state alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import Any

import numpy as np
import torch
from torch import Tensor

from LNN._running import Running
from LNN.batching.missing import MissingRule
from LNN.batching.preparation import Preparation
from LNN.batching.walking import Walk
from LNN.kernels import Stepper
from LNN.network import LiquidNetwork
from LNN.network_state import flat_state, shaped_states
from LNN.patching import RunningPatches
from LNN.pooling import RunningPool


class StreamEngine(ABC):
    """Runs the network's layers as rows arrive, for `n` streams at once.

    Parameters
    ----------
    network : LiquidNetwork
    preparation : Preparation
        Its rule for missing values, and how long gaps are walked.
    n : int

    Attributes
    ----------
    memory : tuple of str
        Names of the arrays that hold the past; their first axis is the streams.
    """

    memory: tuple[str, ...]

    def __init__(self, network: LiquidNetwork, preparation: Preparation, n: int):
        self.network, self.preparation, self.n = network, preparation, n
        self.rule: MissingRule = preparation.rule()
        self.dtype = next(network.parameters()).dtype

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays that hold the past."""
        return {name: getattr(self, name) for name in self.memory}

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Take arrays of the same names and shapes; others are left alone."""
        for name in self.memory:
            getattr(self, name)[...] = state[name]

    def past(self) -> Any:
        """Return what `go_back` needs to undo the next step."""
        return {name: array.copy() for name, array in self.state().items()}

    def go_back(self, past: Any) -> None:
        """Go back to where the engine was when `past` was called."""
        self.set_state(past)

    @abstractmethod
    def advance(
        self, values: np.ndarray, units: float | np.ndarray, started: np.ndarray
    ) -> np.ndarray:
        """Take in one row of each stream; return what the read-out reads, (n, N).

        Parameters
        ----------
        values : ndarray of shape (n, F)
            Scaled; NaN where missing.
        units : float or ndarray of shape (n,)
            Time since the row before.
        started : ndarray of bool, shape (n,)
            False where this is the first row.
        """

    @abstractmethod
    def last_states(self) -> np.ndarray:
        """Return the last layer's states (n, S) after the last step; a copy."""

    @abstractmethod
    def replay(self, streams: np.ndarray | slice) -> dict[str, Any]:
        """Return the network's arguments of the last steps of some streams."""

    @abstractmethod
    def reset(self, which: np.ndarray | slice) -> None:
        """Forget the past of some streams."""

    def weights_changed(self) -> None:  # noqa: B027 (most keep nothing of them)
        """Take note that the network's weights have changed."""

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.tensor(values, dtype=self.dtype, device="cpu")

    def _walked(
        self, inputs: Tensor, gaps: np.ndarray, lengths: np.ndarray | None
    ) -> dict[str, Any]:
        """Return the network's arguments for rows (B, T, F) and gaps (B, T)."""
        counts, timespans = self.preparation.sub_steps(gaps), self._tensor(gaps)
        walk = None if counts is None else Walk.of(counts, lengths)
        if walk is not None:
            inputs, timespans = walk.held(inputs), walk.cut(timespans)
            lengths = walk.length
        return {
            "inputs": inputs,
            # As a column it cannot be taken for a state (network_state.py).
            "timespans": timespans[..., None],
            "lengths": None if lengths is None else torch.from_numpy(lengths),
        }


class Window(StreamEngine):
    """Keeps the last rows and runs over all of them at each step, as `predict` does.

    Parameters
    ----------
    network, preparation, n
        As in `StreamEngine`.
    n_channels : int
    length : int
        Rows of a window.
    """

    memory = ("values", "gaps", "count")

    def __init__(
        self,
        network: LiquidNetwork,
        preparation: Preparation,
        n: int,
        n_channels: int,
        length: int,
    ):
        super().__init__(network, preparation, n)
        self.length = length
        self.values = np.zeros((n, length, n_channels))
        self.gaps = np.ones((n, length))
        self.count = np.zeros(n, dtype=np.int64)
        self.final: Any = None

    def advance(
        self, values: np.ndarray, units: float | np.ndarray, started: np.ndarray
    ) -> np.ndarray:
        """Take in one row of each stream."""
        full = self.count == self.length
        if full.all():  # the usual case, without a copy of what is moved
            self.values[:, :-1] = self.values[:, 1:]
            self.gaps[:, :-1] = self.gaps[:, 1:]
        elif full.any():
            self.values[full, :-1] = self.values[full, 1:]
            self.gaps[full, :-1] = self.gaps[full, 1:]
        self.count = np.minimum(self.count + 1, self.length)
        here = np.arange(self.n), self.count - 1
        self.values[here], self.gaps[here] = values, units
        with torch.no_grad():
            features, finals = self.network.features(**self.replay(slice(None)))
        self.final = finals[-1]
        return features.numpy()

    def last_states(self) -> np.ndarray:
        """Return the last layer's states (n, S) after the last step."""
        assert self.final is not None  # a step was taken
        return flat_state(self.final).numpy()

    def replay(self, streams: np.ndarray | slice) -> dict[str, Any]:
        """Return the rows of the windows."""
        count = self.count[streams]
        longest = int(count.max())
        values = self._tensor(self.values[streams, :longest])
        gaps = self.gaps[streams, :longest]
        # Filled anew at each step: what is missing in a window may only be held from
        # rows that are still in it, as in training.
        inputs = self.rule.fill(values, self._tensor(gaps))
        return self._walked(inputs, gaps, None if (count == longest).all() else count)

    def reset(self, which: np.ndarray | slice) -> None:
        """Forget the rows of some streams."""
        self.count[which] = 0


class Carry(StreamEngine):
    """Keeps the state, so that a step costs the same however long the past is.

    Parameters
    ----------
    network, preparation, n
        As in `StreamEngine`.
    n_channels : int
    backend : str
    history : int, default=0
        Steps that `replay` goes back.
    """

    memory = ("held", "age")

    def __init__(
        self,
        network: LiquidNetwork,
        preparation: Preparation,
        n: int,
        n_channels: int,
        backend: str,
        history: int = 0,
    ):
        super().__init__(network, preparation, n)
        self.backend = backend
        self.held = np.tile(self.rule.neutral.double().numpy(), (n, 1))
        self.age = np.zeros((n, n_channels))
        # States before a step, its inputs and its time spans; and how many steps there
        # have been of each stream.
        self.history: deque = deque(maxlen=history)
        self.taken = np.zeros(n, dtype=np.int64)
        self.patches: RunningPatches | None = None
        if network.patching is not None:
            self.patches = RunningPatches(network.patching, n)
        self.pool: RunningPool | None = None
        if network.pooling != "last" and not network.return_sequences:
            self.pool = RunningPool(network.pooling, n, network.layers[-1].n_neurons)
        self.steppers: list[Stepper] | None = None
        self.states: list[np.ndarray] = []
        self.weights_changed()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what holds addresses: it is made again."""
        return {**vars(self), "steppers": None, "states": self._copied_states()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.weights_changed()

    @property
    def _running(self) -> list[Running]:
        """What runs along beside the layers' states."""
        return [part for part in (self.patches, self.pool) if part is not None]

    def _copied_states(self) -> list[np.ndarray]:
        return [state.copy() for state in self.states]

    def advance(
        self, values: np.ndarray, units: float | np.ndarray, started: np.ndarray
    ) -> np.ndarray:
        """Take in one row of each stream."""
        if self.rule.policy != "error":
            values = self._fill(values, units, started)
        if self.history.maxlen:
            # Copies: steppers write states where they are, and callers reuse arrays.
            spans = np.broadcast_to(units, self.n).copy()
            self.history.append((self._copied_states(), values.copy(), spans))
            self.taken += 1
        counts = self.preparation.sub_steps(units)
        if counts is None:
            return self._step(values, units)
        return self._walk(values, units / counts, np.broadcast_to(counts, self.n))

    def _walk(
        self, values: np.ndarray, units: float | np.ndarray, counts: np.ndarray
    ) -> np.ndarray:
        """Take in one row of each stream in sub-steps; those with fewer begin later."""
        # Counted down, so that all streams take their last sub-step in the last pass.
        for left in range(counts.max(), 1, -1):
            waiting, before = counts < left, self._of_layers()
            patches = None if self.patches is None else self.patches.state()
            self._step(values, units)
            self._set_layers_back(before, waiting)
            if self.patches is not None and patches is not None:
                self.patches.set_back(patches, waiting)
        return self._step(values, units)

    def _step(self, values: np.ndarray, units: float | np.ndarray) -> np.ndarray:
        """Return what the read-out reads after one step of each stream."""
        if self.patches is None:
            return self._pooled(self._last_states(values, units))
        steps, spans, complete = self.patches.add(values, units)
        before = self._of_layers()
        # A copy: it may be the memory that is set back.
        features = self._pooled(self._last_states(steps, spans)).copy()
        # The next row belongs to the same patch, whose step is taken again.
        self._set_layers_back(before, ~complete)
        return features

    def _pooled(self, states: np.ndarray) -> np.ndarray:
        return states if self.pool is None else self.pool.add(states)

    def _of_layers(self) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
        """Return copies of the states, and what was pooled of them so far."""
        return self._copied_states(), {} if self.pool is None else self.pool.state()

    def _set_layers_back(
        self, past: tuple[list[np.ndarray], dict[str, np.ndarray]], which: np.ndarray
    ) -> None:
        """Go back to what `_of_layers` returned in some streams."""
        states, pool = past
        for now, old in zip(self.states, states, strict=True):
            now[which] = old[which]
        if self.pool is not None:
            self.pool.set_back(pool, which)

    def _last_states(self, values: np.ndarray, units: float | np.ndarray) -> np.ndarray:
        if self.steppers is None:
            return self._advance_on_torch(values, units)
        for stepper, layer in zip(self.steppers, self.network.layers, strict=True):
            stepper.inputs[...] = values
            stepper.timespans[...] = units
            stepper.advance()
            values = stepper.state[:, : layer.n_neurons]
        return values

    def last_states(self) -> np.ndarray:
        """Return the last layer's states (n, S) after the last step."""
        return self.states[-1].copy()

    def _fill(
        self, values: np.ndarray, units: float | np.ndarray, started: np.ndarray
    ) -> np.ndarray:
        # Nothing has been seen before the first row, so nothing has grown older.
        since = np.where(started, units, 0.0)[:, None]
        inputs, self.held, self.age = self.rule.go_on(
            values, since, self.held, self.age
        )
        return inputs

    def _advance_on_torch(
        self, values: np.ndarray, units: float | np.ndarray
    ) -> np.ndarray:
        timespans = self._tensor(np.broadcast_to(units, (self.n,)))[:, None]
        with torch.no_grad():
            states, finals = self.network.run_layers(
                self._tensor(values)[:, None],
                timespans,
                lengths=None,
                state=self._shaped(self.states),
                every=True,
            )
        self.states = [flat_state(final).numpy() for final in finals]
        return states[:, -1].numpy()

    def replay(self, streams: np.ndarray | slice) -> dict[str, Any]:
        """Return the last steps, and the states before them."""
        states, rows, gaps = zip(*self.history, strict=True)
        inputs, spans = np.stack(rows, 1)[streams], np.stack(gaps, 1)[streams]
        # A stream that was reset since goes back to its first row, not beyond.
        steps = inputs.shape[1]
        count = np.minimum(self.taken[streams], steps)
        begin, one = steps - count, np.arange(len(count))
        places = np.minimum(begin[:, None] + np.arange(int(count.max())), steps - 1)
        layers = zip(*states, strict=True)
        before = [np.stack(layer)[:, streams][begin, one] for layer in layers]
        full = (count == count.max()).all()
        rows_taken = self._tensor(inputs[one[:, None], places])
        gaps_taken = spans[one[:, None], places]
        arguments = self._walked(rows_taken, gaps_taken, None if full else count)
        return {**arguments, "state": self._shaped(before)}

    def reset(self, which: np.ndarray | slice) -> None:
        """Forget the states of some streams."""
        for state in self.states:
            state[which] = 0.0
        self.held[which] = self.rule.neutral.numpy()
        self.age[which] = 0.0
        self.taken[which] = 0
        for running in self._running:
            running.reset(which)

    def weights_changed(self) -> None:
        """Pack the weights again; states stay."""
        # Steppers have packed copies of the weights, and the states are their memory:
        # all are made again, and filled with what the old ones held.
        before = self.states
        layers = self.network.layers
        how = self.backend, self.n, self.dtype
        made = [layer.stepper(*how) for layer in layers]
        steppers = [stepper for stepper in made if stepper is not None]
        if len(steppers) == len(layers):
            self.steppers = steppers
            self.states = [stepper.state for stepper in steppers]
        else:
            self.steppers = None
            self.states = [
                self._tensor(np.zeros((self.n, layer.state_size))).numpy()
                for layer in layers
            ]
        if before:
            self._set_states(before)

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays that hold the past, a state of each layer among them."""
        states = {f"state_{k}": state for k, state in enumerate(self.states)}
        found = {**super().state(), **states}
        for running in self._running:
            found |= running.state()
        return found

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Take arrays of the same names and shapes."""
        super().set_state(state)
        self._set_states([state[f"state_{k}"] for k in range(len(self.states))])
        for running in self._running:
            running.set_state(state)
        # Steps of another past lead to another state: none can be replayed.
        self.history.clear()
        self.taken[:] = 0

    def past(self) -> Any:
        """Return what `go_back` needs: replays are part of it."""
        history = list(self.history), self.taken.copy()
        running = [part.state() for part in self._running]
        # What was held or pooled is replaced by a step, not written to.
        return self._copied_states(), self.held, self.age, running, *history

    def go_back(self, past: Any) -> None:
        """Go back to where the engine was when `past` was called."""
        states, self.held, self.age, running, history, self.taken = past
        self._set_states(states)
        for part, state in zip(self._running, running, strict=True):
            part.set_state(state)
        self.history.clear()
        self.history.extend(history)

    def _set_states(self, states: list[np.ndarray]) -> None:
        for mine, given in zip(self.states, states, strict=True):
            mine[...] = given

    def _shaped(self, states: list[np.ndarray]) -> tuple:
        """Return states (n, S) as the layers take them."""
        return shaped_states(self.network.layers, map(self._tensor, states))
