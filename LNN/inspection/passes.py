"""A fitted model in double precision, on values in place of the data's own."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from LNN.batching.batches import Batches
from LNN.data import SequenceSet
from LNN.data.form import InputLayout
from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError
from LNN.network import LiquidNetwork

# Network steps at a time: it is what memory grows with.
MOST_STEPS = 100_000


class Passes:
    """Runs a model in double precision on values in place of the data's own."""

    def __init__(
        self,
        fitted: FittedModel,
        sequences: SequenceSet,
        samples: SequenceSet,
        output: Any,
    ):
        self._fitted = fitted
        cpu = torch.device("cpu")
        preparation = replace(fitted.preparation, dtype="float64")
        rows = preparation.rows(sequences.rows, cpu, fitted.parameters["n_jobs"])
        self._samples = samples
        self.batches: Batches = preparation.batches(samples, rows)
        network = copy.deepcopy(fitted.network)
        self.network: LiquidNetwork = network.double().eval().requires_grad_(False)
        self._place, self._scale, self.center = _what_is_explained(fitted, output)
        self.classifies = fitted.classifies
        if self._place is None:
            self._place = self._predicted()

    @property
    def place(self) -> int:
        """The number of the output that is explained, of the first sample."""
        return int(np.ravel(self._place)[0])

    def pieces(self, n: int, n_times: int = 1) -> list[np.ndarray]:
        """Return the numbers up to n in pieces that fit into memory as a batch.

        So many times, where it is run on that many at once.
        """
        size = max(1, MOST_STEPS // (n_times * max(1, self._samples.max_length)))
        return np.array_split(np.arange(n), -(-n // size)) if n else []

    def answers(self, batch: np.ndarray, values: Tensor) -> Tensor:
        """Return the number that is explained, (B,)."""
        return self.of_outputs(batch, self.outputs(batch, values))

    def of_outputs(self, batch: np.ndarray, outputs: Tensor) -> Tensor:
        """Return the number that is explained, (B,), of outputs (B, n_outputs)."""
        self._fitted.refuse_constraints("This explanation")
        place = torch.as_tensor(np.broadcast_to(self._place, len(self._samples))[batch])
        own = outputs.gather(1, place[:, None])
        if not self.classifies:
            return self._scale * own[:, 0]
        others = outputs.scatter(1, place[:, None], -torch.inf)
        return own[:, 0] - others.logsumexp(-1)

    def outputs(self, batch: np.ndarray, values: Tensor | None = None) -> Tensor:
        """Return the network's outputs (B, n_outputs) at the last step."""
        inputs = self._inputs(batch, values)
        return _at_the_last_step(self.network(**inputs), inputs)

    @torch.no_grad()
    def features(self, batch: np.ndarray, values: Tensor) -> Tensor:
        """Return what the read-out reads (B, n_read), at the last step."""
        inputs = self._inputs(batch, values)
        return _at_the_last_step(self.network.features(**inputs)[0], inputs)

    def _inputs(self, batch: np.ndarray, values: Tensor | None) -> dict[str, Any]:
        if values is not None:
            # They may be padded to the longest of a batch that these are a part of.
            values = values[:, : self._samples.length[batch].max(initial=0)]
        return self.batches.inputs(batch, values)

    @torch.no_grad()
    def _predicted(self) -> np.ndarray:
        """Return the number of the class that is predicted for each sample."""
        pieces = self.pieces(len(self._samples))
        parts = [self.outputs(piece).argmax(-1).numpy() for piece in pieces]
        return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _at_the_last_step(outputs: Tensor, inputs: dict[str, Tensor]) -> Tensor:
    """Return outputs (B, n), of outputs (B, T, n) those at each last step."""
    if outputs.ndim == 2:
        return outputs
    if "lengths" not in inputs:
        return outputs[:, -1]
    return outputs[torch.arange(len(outputs)), inputs["lengths"] - 1]


def _what_is_explained(fitted: FittedModel, output: Any) -> tuple[Any, float, float]:
    """Return the number of the output, its unit in that of y, and the center of y.

    The number is None where it is the class that is predicted.
    """
    classes = fitted.targets.classes
    if classes is not None:
        known = list(classes)
        if output is not None and output not in known:
            raise InvalidInputError(
                f"Expected output as one of the classes {known}, got {output!r}."
            )
        if output is None:
            return (1 if len(known) == 2 else None), 1.0, 0.0
        return known.index(output), 1.0, 0.0
    n = fitted.network.output_size
    place = 0 if output is None else output
    if not isinstance(place, int | np.integer) or not 0 <= place < n:
        raise InvalidInputError(
            f"Expected output as a number from 0 to {n - 1}, got {output!r}."
        )
    scaler = fitted.target_scaler
    assert scaler is not None  # only a classifier has none
    target = int(place) * len(scaler.scale_) // n
    return int(place), float(scaler.scale_[target]), float(scaler.center_[target])


def spans_of_answers(
    sequences: SequenceSet, rows: Any, step: int, per_step: bool
) -> SequenceSet:
    """Return the spans that end at the answers of these rows or sequences."""
    n = int(sequences.row_of_sample.max(initial=-1)) + 1
    if sequences.whole:
        n = len(sequences.position_of_row)
    chosen = np.arange(n) if rows is None else np.asarray(rows)
    if chosen.dtype.kind not in "iu" or chosen.ndim != 1:
        raise InvalidInputError(
            f"Expected rows as numbers of rows (or sequences), got {rows!r}."
        )
    if len(chosen) and not (-n <= chosen.min() and chosen.max() < n):
        raise InvalidInputError(
            f"Expected rows as numbers from {-n} to {n - 1}, got {rows!r}."
        )
    chosen = chosen % n if n else chosen
    if sequences.whole:
        position = sequences.position_of_row[chosen]
        sample = np.searchsorted(sequences.start, position, side="right") - 1
        spans = sequences.subset(sample)
        return replace(spans, length=position - spans.start + 1)
    sample_of_row = np.empty(n, dtype=np.int64)
    sample_of_row[sequences.row_of_sample] = np.arange(len(sequences))
    spans = sequences.subset(sample_of_row[chosen])
    if not per_step:
        return spans
    longest = int(spans.length.min(initial=np.iinfo(np.int64).max))
    if not -longest <= step < longest:
        raise InvalidInputError(
            f"Expected a step that each sequence has, from {-longest} to "
            f"{longest - 1}, got {step}."
        )
    length = spans.length + step + 1 if step < 0 else np.full(len(spans), step + 1)
    return replace(spans, length=length)


def steps_of_spans(sequences: SequenceSet, samples: SequenceSet) -> np.ndarray:
    """Return which row of X (or step of the sequence) each explained step is."""
    longest = samples.max_length
    step = np.arange(longest) - (longest - samples.length[:, None])
    if samples.layout != "rows":
        return np.where(step < 0, -1, step)
    row_of_position = sequences.row_of_position
    if row_of_position is None:
        row_of_position = np.full(sequences.rows.n_rows, -1)
        last = sequences.start + sequences.length - 1
        row_of_position[last] = sequences.row_of_sample
    places = samples.start[:, None] + np.maximum(step, 0)
    return np.where(step < 0, -1, row_of_position[places])


def input_names(sequences: SequenceSet | InputLayout) -> list[Any]:
    """Return the inputs, as columns of X."""
    names = sequences.columns.input_names
    return sequences.columns.inputs.tolist() if names is None else names.tolist()


def scaled_baseline(
    fitted: FittedModel, sequences: SequenceSet, baseline: ArrayLike | str
) -> Tensor:
    """Return the scaled baseline, (F,)."""
    n = sequences.n_features
    if isinstance(baseline, str):
        if baseline != "mean":
            raise InvalidInputError(
                f'Expected baseline as "mean" or {n} numbers, got {baseline!r}.'
            )
        return torch.as_tensor(fitted.scaler.neutral_, dtype=torch.float64)
    given = np.asarray(baseline, dtype=np.float64)
    if given.shape != (n,) or not np.isfinite(given).all():
        raise InvalidInputError(
            f"Expected a baseline of {n} finite numbers, one for each of "
            f"{input_names(sequences)}, got {baseline!r}."
        )
    scaled = fitted.scaler.transform_rows(given[None])[0]
    return torch.as_tensor(scaled, dtype=torch.float64)
