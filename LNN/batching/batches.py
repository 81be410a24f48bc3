"""Batches: samples of a `SequenceSet` as tensors on a device."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from LNN.batching.missing import MissingRule
from LNN.batching.resident import ResidentBatches
from LNN.batching.scaled_rows import ScaledRows, gather
from LNN.batching.target_tensors import TargetTensors
from LNN.batching.walking import Walk
from LNN.data import SequenceSet
from LNN.network import LiquidNetwork
from LNN.network_state import shaped_states

# Per forward pass without gradients: enough to be fast, little in memory.
MAX_SAMPLES, MAX_STEPS = 512, 2**17
# Small batches are gathered several at once: the values of so many stay in the caches.
GATHERED_VALUES = 2**16


@dataclass(frozen=True, eq=False)
class Starts:
    """What the network knows before the first step of each sample.

    Attributes
    ----------
    layers : list of Tensor of shape (n_samples, state_size)
    held, age : Tensor of shape (n_samples, n_channels)
        As in `MissingRule.fill`; an age is NaN where nothing was seen yet.
    """

    layers: list[Tensor]
    held: Tensor
    age: Tensor

    def state(self, network: LiquidNetwork, samples: np.ndarray) -> tuple:
        """Return the states before the first steps of samples as a network's layers."""
        chosen = (layer[samples] for layer in self.layers)
        return shaped_states(network.layers, chosen)


def _part(
    inputs: dict[str, Tensor], part: slice, shortest: int, longest: int
) -> dict[str, Tensor]:
    """Return what the network takes for some samples, padded to their longest only."""
    found = dict(inputs)
    for name in ("inputs", "timespans"):
        if name in inputs:
            found[name] = inputs[name][part, :longest]
    if "lengths" in inputs:
        found["lengths"] = inputs["lengths"][part]
        if shortest == longest:
            del found["lengths"]
    return found


def cut(order: np.ndarray, size: int) -> list[np.ndarray]:
    """Cut an order of samples into batches of at most `size`."""
    return [order[i : i + size] for i in range(0, len(order), size)]


class Batches:
    """Gather what the network takes when it is needed, and not before.

    Parameters
    ----------
    sequences : SequenceSet
    rows : ScaledRows
        Those of the sequences.
    gaps : Tensor of shape (n_rows,), or None
        Time elapsed before each row, in units; None without time stamps.
    missing : MissingRule
        What the network reads where values are missing.
    targets : TargetTensors, default=None
        What the network should answer, to train on or to evaluate.
    sub_steps : ndarray of int64, shape (n_rows,), or None
        Into how many sub-steps the gap before each row is cut; None cuts no gap.
    starts : Starts, default=None
        Where samples go on from; None starts all of them cold.
    limits : callable, default=None
        What makes outputs that satisfy constraints of outputs and the rows that they
        belong to.
    """

    def __init__(
        self,
        sequences: SequenceSet,
        rows: ScaledRows,
        gaps: Tensor | None,
        missing: MissingRule,
        targets: TargetTensors | None = None,
        sub_steps: np.ndarray | None = None,
        starts: Starts | None = None,
        limits: Callable[[Tensor, np.ndarray], Tensor] | None = None,
    ):
        self.sequences, self.rows, self.limits = sequences, rows, limits
        self._gaps, self._missing, self._targets = gaps, missing, targets
        self._sub_steps, self._starts = sub_steps, starts

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    def device(self) -> torch.device:
        """Where the batches are."""
        return self.rows.device

    @property
    def targets(self) -> TargetTensors:
        """What the network should answer; batches to predict on have none."""
        if self._targets is None:
            raise AttributeError("These batches were made without targets=.")
        return self._targets

    @property
    def mean_weight(self) -> float:
        """The mean weight of a sample, summed over all terms of its loss."""
        return self.targets.total_weight / len(self)

    def inputs(
        self, samples: np.ndarray, values: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return what the network takes: inputs, timespans, lengths.

        Parameters
        ----------
        samples : ndarray of int
        values : Tensor of shape (B, T, F), default=None
            Scaled rows in place of `values(samples)`: gradients flow back to them.
        """
        positions, length = self.sequences.spans(samples)
        walk = self._walk(positions, length)
        return self._inputs(samples, positions, length, walk, values)

    def values(self, samples: np.ndarray) -> Tensor:
        """Return the scaled rows (B, T, F), NaN where missing."""
        positions, _ = self.sequences.spans(samples)
        return self.rows.take(positions)

    def inputs_and_targets(
        self, samples: np.ndarray
    ) -> tuple[dict[str, Tensor], tuple[Tensor, Tensor | None]]:
        """Return what the network takes, and what `TargetTensors.of` returns."""
        positions, length = self.sequences.spans(samples)
        walk = self._walk(positions, length)
        places, counted = positions, None
        if self.targets.per_step:  # else targets go by sample
            places, counted = self._places(samples, positions, length, walk)
        targets = self.targets.of(samples, places, counted)
        return self._inputs(samples, positions, length, walk), targets

    def resident(self) -> ResidentBatches | str:
        """Return batches that are gathered on the device alone, or why there are none.

        The reason is one that a user can read.
        """
        sequences = self.sequences
        if self.rows.kept is None:
            return "the rows are too large to be kept on the device"
        if self._sub_steps is not None:
            return "long gaps are walked in sub-steps (max_step)"
        if self._starts is not None:
            return "sequences go on from known states"
        if self.limits is not None:
            return "constraints change the outputs"
        if self._gaps is not None and not bool(
            ((self._gaps >= 0) & torch.isfinite(self._gaps)).all()
        ):
            return "some elapsed times are negative or not finite"
        names = ("start", "length", "first_target")
        # From numpy: torch.tensor would go to the default device.
        spans = {n: torch.from_numpy(getattr(sequences, n)) for n in names}
        return ResidentBatches(
            self.rows.kept,
            self._gaps,
            self._missing,
            self.targets,
            **{name: span.to(self.device) for name, span in spans.items()},
            steps=int(sequences.max_length),
            is_ragged=bool((sequences.length < sequences.max_length).any()),
            whole=sequences.whole,
        )

    def in_order(
        self, order: np.ndarray, size: int
    ) -> Iterator[tuple[np.ndarray, dict[str, Tensor], tuple[Tensor, Tensor | None]]]:
        """Go through samples in this order, in batches of at most `size`.

        Yields
        ------
        samples : ndarray of int
        inputs, targets
            What `inputs_and_targets` returns for them.
        """
        for block in cut(order, size * self._batches_at_once(size)):
            inputs, (target, weight) = self.inputs_and_targets(block)
            if len(block) <= size:
                yield block, inputs, (target, weight)
                continue
            begins, length = range(0, len(block), size), self.sequences.length[block]
            bounds = zip(
                np.minimum.reduceat(length, begins).tolist(),
                np.maximum.reduceat(length, begins).tolist(),
                strict=True,
            )
            for begin, (shortest, longest) in zip(begins, bounds, strict=True):
                part = slice(begin, begin + size)
                own = target[part], None if weight is None else weight[part]
                yield block[part], _part(inputs, part, shortest, longest), own

    def _batches_at_once(self, size: int) -> int:
        """Return how many batches are gathered by one call."""
        if self._sub_steps is not None or self.targets.per_step:
            return 1
        length, longest = self.sequences.length, self.sequences.max_length
        # Sequences of many lengths: a batch is padded to its own longest one.
        if 2 * np.count_nonzero(length == longest) < len(length):
            return 1
        values = size * longest * self.rows.rows.n_features
        return max(1, GATHERED_VALUES // max(1, values))

    def limited(self, outputs: Tensor, samples: np.ndarray) -> Tensor:
        """Return the network's outputs for samples as the constraints leave them."""
        if self.limits is None:
            return outputs
        if outputs.ndim == 3:
            return self.limits(outputs, self.places(samples)[0])
        last = self.sequences.start[samples] + self.sequences.length[samples] - 1
        return self.limits(outputs, last)

    def _walk(self, positions: np.ndarray, length: np.ndarray | None) -> Walk | None:
        if self._sub_steps is None:
            return None
        return Walk.of(self._sub_steps[positions], length)

    def _inputs(
        self,
        samples: np.ndarray,
        positions: np.ndarray,
        length: np.ndarray | None,
        walk: Walk | None,
        values: Tensor | None = None,
    ) -> dict[str, Tensor]:
        values = self.rows.take(positions) if values is None else values
        spans = None if self._gaps is None else gather(self._gaps, positions)
        # Filled here, not once for all rows: a window may hold values of its own rows
        # only, or training would see more of the past than `predict`.
        before = self._held_before(samples, spans)
        inputs = self._missing.fill(values, spans, *before)
        if walk is not None and spans is not None:
            inputs, spans, length = walk.held(inputs), walk.cut(spans), walk.length
        arguments = {"inputs": inputs}
        if spans is not None:
            # As a column it cannot be taken for a state (network_state.py).
            arguments["timespans"] = spans[..., None]
        if length is not None:
            arguments["lengths"] = torch.from_numpy(length).to(self.device)
        return arguments

    def _held_before(self, samples: np.ndarray, spans: Tensor | None) -> tuple:
        """Return what was held before the first step, and for how long."""
        if self._starts is None:
            return ()
        held, age = self._starts.held[samples], self._starts.age[samples]
        first = torch.ones_like(age) if spans is None else spans[:, :1]
        return held, torch.where(age.isnan(), -first, age)

    def places(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the row of each step that the network takes, and which steps count.

        Returns
        -------
        places : ndarray of int64, shape (B, W)
            Positions of the rows.
        counted : ndarray of bool, shape (B, W), or None
            None if all steps count.
        """
        spans = self.sequences.spans(samples)
        return self._places(samples, *spans, self._walk(*spans))

    def _places(
        self,
        samples: np.ndarray,
        positions: np.ndarray,
        length: np.ndarray | None,
        walk: Walk | None,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the row of each step that the network takes, and which steps count.

        Padding does not count, nor do sub-steps that end before their row is reached,
        nor the rows before the first target. None if all steps count.
        """
        step = np.arange(positions.shape[1])
        counted = None if length is None else step < length[:, None]
        if walk is not None:
            places, step = np.take_along_axis(positions, walk.step, axis=1), walk.step
            counted = walk.ends
        else:
            places = positions
        if self.sequences.whole:
            late = step >= self.sequences.first_target[samples][:, None]
            counted = late if counted is None else counted & late
        return places, counted

    def empty_outputs(self, network: LiquidNetwork) -> np.ndarray:
        """Return room for all outputs: one a sample or, per step, one a row."""
        per_step = network.return_sequences
        n = self.sequences.rows.n_rows if per_step else len(self)
        return np.empty((n, network.output_size))

    def write(self, outputs: np.ndarray, samples: np.ndarray, answer: Tensor) -> None:
        """Put the network's answer to these samples into their places."""
        values = answer.double().cpu().numpy()
        # Per step outputs lie by row, so that sequences of any length need no padding.
        if answer.ndim == 2:
            outputs[samples] = values
        else:
            places, counted = self.places(samples)
            if counted is None:
                outputs[places] = values
            else:
                outputs[places[counted]] = values[counted]

    def size_without_gradients(self) -> int:
        """Return how many samples a forward pass takes if no gradients follow."""
        # By the longest: a batch is padded to it.
        steps = max(1, self.sequences.max_length)
        if self._sub_steps is not None:
            steps *= math.ceil(self._sub_steps.mean())
        return min(MAX_SAMPLES, max(1, MAX_STEPS // steps))
