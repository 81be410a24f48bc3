"""`output_constraints` of an estimator: on its answers, and in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from LNN.constraints.keeping import Keeper, kept_in_training
from LNN.constraints.kinds import Bounds, Constraint
from LNN.constraints.numpy_limits import as_before, by_level
from LNN.constraints.output import CHOICES
from LNN.constraints.plain import is_plain
from LNN.data import SequenceSet
from LNN.estimators.model_parts import ModelParts
from LNN.exceptions import InfeasibleError, InvalidInputError


class Kept(NamedTuple):
    """Answers within their constraints, one after another.

    Attributes
    ----------
    values : ndarray of shape (n, ...)
        In the units of y.
    feasible : ndarray of bool, shape (n,)
        Whether an answer satisfies every constraint.
    correction : ndarray of shape (n, ...)
        What was added to what the network proposed.
    """

    values: NDArray
    feasible: NDArray[np.bool_]
    correction: NDArray


class AnswerLimits:
    """What keeps the answers of one fitted model within its constraints.

    Parameters
    ----------
    model : FittedModel
        With constraints.

    Raises
    ------
    InvalidInputError
        If they do not suit the model.
    """

    def __init__(self, model: ModelParts):
        parameters = model.parameters
        self.constraints: Sequence[Constraint] = parameters["output_constraints"]
        self.on_infeasible: str = parameters["on_infeasible"]
        self.model, self.n = model, model.targets.n_targets
        if self.on_infeasible not in CHOICES:
            raise InvalidInputError(
                f"Expected on_infeasible as one of {CHOICES}, got "
                f"{self.on_infeasible!r}."
            )
        if not isinstance(self.constraints, list | tuple) or not self.constraints:
            raise InvalidInputError(
                "Expected output_constraints as a list of at least one constraint, or "
                f"None for no limits, got {self.constraints!r}."
            )
        others = [c for c in self.constraints if not isinstance(c, Constraint)]
        if others:
            raise InvalidInputError(
                "Expected output_constraints as a list of constraints of LNN.safety, "
                f"got {others[0]!r} among them."
            )
        refuse_constraints(
            {
                "task": "classification" if model.classifies else "regression",
                "loss": model.objective.name,
                "missing": parameters["missing"],
                "output_constraints": self.constraints,
                "on_infeasible": self.on_infeasible,
            }
        )
        self._try()
        self.keeper = Keeper(self.constraints, self.on_infeasible, self.n)
        self._refuse_no_order()

    def _refuse_no_order(self) -> None:
        """Refuse to look back where answers do not follow each other."""
        layout = self.model.layout
        ordered = layout.in_rows and not layout.timeless
        if ordered or self.model.targets.per_step or not self.keeper.looks_back:
            return
        what = "RateLimit"
        if not any(one.reads_previous for one in self.constraints):
            what = 'on_infeasible="hold"'
        raise InvalidInputError(
            f"Expected rows that follow each other in time for {what}, but samples are "
            "independent here (window_length=1, or one target for each sequence): "
            "there is no answer before. Leave it out, or fit on the rows of recordings "
            "or on targets per step."
        )

    def _try(self) -> None:
        """Refuse constraints of other sizes."""
        y = torch.zeros(1, self.n, dtype=torch.float64)
        x = torch.zeros(1, self.model.layout.n_channels, dtype=torch.float64)
        context = {"inputs": x, "state": x, "previous": y, "elapsed": 1.0}
        for one in self.constraints:
            if not is_plain(one):
                continue  # a function may not take zeros
            try:
                one.limits(y, context)
            except InvalidInputError as error:
                raise InvalidInputError(
                    f"{one!r} does not suit {self.n} target(s) and {x.shape[1]} input "
                    f"column(s): {error}"
                ) from error

    def kept(self, values: NDArray, sequences: SequenceSet) -> Kept:
        """Return answers within the constraints.

        Parameters
        ----------
        values : ndarray of shape (n, ...)
            What the network proposes, in the units of y.
        sequences : SequenceSet
            What it answers to.
        """
        model = self.model
        proposed, flat = values, by_level(values, self.n)
        places = places_of_answers(sequences, model.targets.per_step)
        inputs = None
        if self.keeper.reads_inputs:
            inputs = inputs_at(sequences, places)
        if self.keeper.looks_back:
            # Without time stamps a row is one usual gap after the row before.
            elapsed = np.full(len(places), float(model.clock.unit))
            if sequences.elapsed is not None:
                units = model.preparation.units(
                    sequences.elapsed[places], sequences.time_resolution
                )
                elapsed = units * model.clock.unit
            order = np.argsort(places, kind="stable")
            kept, feasible = np.empty_like(flat), np.empty(len(flat), dtype=bool)
            kept[order], feasible[order] = self.keeper.keep_in_order(
                flat[order],
                None if inputs is None else inputs[order],
                sequences.recording[places[order]],
                elapsed[order],
            )
        else:
            kept, feasible = self.keeper.keep_all(flat, inputs)
        values = as_before(kept, values.shape, self.n)
        good = feasible.reshape(len(proposed), -1).all(axis=1)
        return Kept(values, np.asarray(good), values - proposed)

    def step(
        self,
        values: NDArray,
        inputs: NDArray,
        previous: NDArray,
        elapsed: NDArray | float,
    ) -> Kept:
        """Return answers within the constraints to one row of each stream.

        Parameters
        ----------
        values : ndarray of shape (n, ...)
        inputs : ndarray of shape (n, n_inputs)
            In the units of X.
        previous : ndarray of shape (n, n_targets)
            The answers before; NaN where there are none.
        elapsed : ndarray of shape (n,) or float
            Time since then, in the units of the time stamps.
        """
        before = previous if self.keeper.looks_back else None
        own = inputs if self.keeper.reads_inputs else None
        flat = by_level(values, self.n)
        kept, feasible = self.keeper.keep(flat, own, before, elapsed)
        kept = as_before(kept, values.shape, self.n)
        good = feasible.reshape(len(values), -1).all(axis=1)
        return Kept(kept, np.asarray(good), kept - values)

    def refuse_infeasible(self, kept: Kept, place: str) -> None:
        """Raise, if that is wanted; `place` is the first row without an answer."""
        if self.on_infeasible == "raise":
            raise InfeasibleError(
                "Expected constraints that some output satisfies, but for "
                f"{int((~kept.feasible).sum())} of {len(kept.feasible)} answers there "
                f"is none, first for {place}. Loosen them, or choose "
                'on_infeasible="project" or "hold" and look at the flag.'
            )

    def warning(self, kept: Kept, place: str) -> str:
        """Return what to say of answers that break a constraint."""
        return (
            f"{int((~kept.feasible).sum())} of {len(kept.feasible)} answers break a "
            f"constraint, first for {place}: no output satisfies all of them there. "
            "predict(X, return_safety=True) tells which, without this warning."
        )


class TrainingLimits:
    """What constraints make of a network's outputs while it trains.

    Parameters
    ----------
    model : FittedModel
    sequences : SequenceSet
        What it trains on.
    """

    def __init__(self, model: ModelParts, sequences: SequenceSet):
        known = AnswerLimits(model)
        self.constraints, self.reads_inputs = (
            known.constraints,
            known.keeper.reads_inputs,
        )
        self.sequences, self.n = sequences, model.targets.n_targets
        scaler = model.target_scaler
        assert scaler is not None  # only a classifier has none
        self.scale = torch.as_tensor(scaler.scale_)
        self.center = torch.as_tensor(scaler.center_)
        self.anchored = sequences.anchor_rows

    def __call__(self, outputs: Tensor, places: NDArray) -> Tensor:
        """Return outputs that satisfy the constraints, in the network's units.

        Parameters
        ----------
        outputs : Tensor of shape (..., n_outputs)
        places : ndarray of int, shape (...)
            The rows that are answered.
        """
        places = places.ravel()
        wide = outputs.reshape(len(places), self.n, -1)
        levels = wide.shape[2]
        flat = wide.transpose(1, 2).reshape(-1, self.n)  # level by level
        scale, center = self.scale.to(flat.device), self.center.to(flat.device)
        if self.anchored is not None:
            present = torch.as_tensor(self.anchored.take(places)).to(center)
            center = center + present.repeat_interleave(levels, dim=0)
        inputs = None
        if self.reads_inputs:
            inputs = torch.as_tensor(inputs_at(self.sequences, places)).to(scale)
        proposed = flat.double() * scale + center
        # Training ends with a named error where outputs are not finite.
        good = proposed.isfinite().all(1, keepdim=True)
        safe = torch.where(good, proposed, 0.0)
        kept = kept_in_training(self.constraints, safe, inputs)
        moved = (kept != safe).any(1, keepdim=True) & good
        # What satisfies all constraints stays what it was, bit by bit.
        back = ((kept - center) / scale).to(flat)
        flat = torch.where(moved, back, flat)
        wide = flat.reshape(len(places), levels, self.n).transpose(1, 2)
        return wide.reshape(outputs.shape)


def training_limits(model: ModelParts, sequences: SequenceSet) -> TrainingLimits | None:
    """Return what acts on outputs in training; None if nothing does."""
    constraints = model.parameters["output_constraints"] or ()
    if all(one.reads_previous for one in constraints):
        return None
    return TrainingLimits(model, sequences)


def places_of_answers(sequences: SequenceSet, per_step: bool) -> NDArray[np.int64]:
    """Return the position of the row that each answer belongs to."""
    if per_step:
        return np.arange(sequences.rows.n_rows)
    if sequences.whole:
        return sequences.position_of_row
    return sequences.start + sequences.length - 1


def inputs_at(sequences: SequenceSet, places: NDArray) -> NDArray[np.float64]:
    """Return the input columns of rows in the units of X, anchors as they came."""
    rows = np.array(sequences.rows.take(places), np.float64)
    if sequences.anchor_rows is not None and sequences.columns.anchors is not None:
        rows[:, sequences.columns.anchors] = sequences.anchor_rows.take(places)
    return rows


def refuse_constraints(values: Mapping[str, Any]) -> None:
    """Refuse constraints that make no sense beside other parameters.

    Parameters
    ----------
    values : mapping of str
        `task`, `loss`, `missing`, `output_constraints` and `on_infeasible`.
    """
    constraints = values["output_constraints"]
    if constraints is None:
        return
    if values["task"] == "classification":
        raise InvalidInputError(
            "output_constraints are limits of numbers, but a classifier answers with "
            "classes. Leave output_constraints out."
        )
    if values["loss"] == "quantile" and values["on_infeasible"] == "hold":
        raise InvalidInputError(
            'Expected on_infeasible="project" or "raise" with loss="quantile", got '
            '"hold": bounds are the same in every row, so that what they leave no room '
            "for was no answer before either."
        )
    for one in constraints:
        name = type(one).__name__
        if one.learns:
            raise InvalidInputError(
                f"Expected output_constraints of numbers and functions, got {name} "
                "with parameters that learn. Put a SafeOutput into a torch network of "
                "your own for that."
            )
        if values["loss"] == "quantile" and type(one) is not Bounds:
            raise InvalidInputError(
                f'Expected Bounds alone with loss="quantile", got {name}: the nearest '
                "point of several quantiles is a quantile of nothing. (Bounds clip, "
                "which keeps quantiles what they are.)"
            )
        if values["missing"] != "error" and one.reads_inputs:
            raise InvalidInputError(
                f"{name} reads the inputs of the row, which may be missing with "
                f'missing="{values["missing"]}": its limit would be unknown there. '
                'Fill gaps in before, and leave missing="error".'
            )


def first_place(kept: Kept, sequences: SequenceSet, per_step: bool) -> str:
    """Return the first row whose answer breaks a constraint, in words."""
    bad = int(np.argmin(kept.feasible))
    return sequences.place(int(places_of_answers(sequences, per_step)[bad]))
