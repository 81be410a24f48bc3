"""`FittedModel`: what a fit makes, and all that predictions and streams need."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from LNN._plain import plain_number
from LNN._typing import Column, Predictions
from LNN._warnings import warn
from LNN.batching.batches import Batches, Starts
from LNN.batching.scaled_rows import ScaledRows
from LNN.constraints.output import Safety
from LNN.constraints.owned import with_own_constraints
from LNN.data import SequenceSet
from LNN.data.alignment import warn_if_misaligned
from LNN.data.context import warn_if_context_is_unscaled
from LNN.data.continuation import Continuation
from LNN.data.form import GivenX
from LNN.data.training_end import WARM
from LNN.estimators import storage
from LNN.estimators.evaluation import evaluating, in_blocks
from LNN.estimators.limits import AnswerLimits, Kept, first_place
from LNN.estimators.model_parts import ModelParts
from LNN.estimators.parameters import CHANGEABLE
from LNN.exceptions import DeviceMemoryError, InvalidInputError
from LNN.models import find
from LNN.training.copying import with_backend
from LNN.training.device import device_for
from LNN.training.forking import prepare_for_fork

Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False, repr=False)
class FittedModel(ModelParts):
    """A trained network with all that is known of its data.

    The estimators publish it as `model_`. Streams and other users of a fitted model
    take it, not an estimator; `as_fitted` finds it in an estimator.

    Attributes
    ----------
    parameters : mapping of str
        The estimator's parameters that the network was built from, and those of
        `CHANGEABLE`.
    layout : InputLayout
        What X must look like.
    clock : Clock
        What was learnt about time.
    targets : TargetLayout
        What y looked like.
    scaler : SequenceScaler
        Scaler of the inputs.
    target_scaler : SequenceScaler or None
        Scaler of the targets; None for classification.
    network : LiquidNetwork
        On the CPU, in evaluation mode.
    objective : Loss
        What was minimised; it also knows what the outputs mean.
    record : TrainingRecord
        How training went.
    structure : NetworkStructure
        What the network was when it was built: pickles hold no other one.
    continuation : Continuation or None
        The ends of the training data, which `context="fit"` goes on from.
    input_range : InputRange or None
        The range of each input in training; None if a version of LNN stored the model
        that kept none.

    Notes
    -----
    During a fit, callbacks find the unfinished model in the estimator: its network is
    still learning. Once the fit is over, the model never changes.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=8, epochs=2, random_state=0)
    >>> model = lnn.fit(X[:-1], X[1:, 0]).model_
    >>> sequences = model.read(X)
    >>> outputs = model.outputs(sequences)
    >>> bool((model.answers(outputs, sequences) == lnn.predict(X)).all())
    True
    """

    def __repr__(self) -> str:
        kind, n = self.parameters["model_type"], self.network.layers[-1].n_neurons
        return f"FittedModel({kind}, {n} neurons, of a {self.owner})"

    def __getstate__(self) -> dict[str, Any]:
        """Return plain values and arrays: a pickle holds nothing of torch."""
        return self.to_plain()

    def __setstate__(self, plain: dict[str, Any]) -> None:
        vars(self).update(vars(FittedModel.from_plain(plain)))

    def __deepcopy__(self, memo: dict[int, Any]) -> FittedModel:
        # Unlike a pickle, a copy keeps what was changed in the network by hand.
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return FittedModel(**copy.deepcopy(own, memo))

    def to_plain(self) -> dict[str, Any]:
        """Return plain values and named arrays; see `storage.to_plain`."""
        return storage.to_plain(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> FittedModel:
        """Make the model that `to_plain` took apart."""
        return cls(**storage.from_plain(plain))

    @property
    def settled(self) -> dict[str, Any]:
        """All parameters, with what "auto" stood for in the network."""
        return {**self.parameters, **storage.settled_in(self.network)}

    def with_settings(self, settings: Mapping[str, Any]) -> FittedModel:
        """Return the model with other values of `CHANGEABLE` parameters."""
        settings = {name: plain_number(value) for name, value in settings.items()}
        settings = with_own_constraints(settings, self.parameters)
        if all(self.parameters[name] == value for name, value in settings.items()):
            return self
        parameters = {**self.parameters, **settings}
        network = with_backend(self.network, parameters["backend"])
        return replace(self, parameters=parameters, network=network)

    def with_fresh_curves(self) -> FittedModel:
        """Return the model with the curves of a training that begins."""
        return replace(self, record=self.record.fresh())

    def with_random(self, random: np.random.RandomState | None) -> FittedModel:
        """Return the model with the source that later training draws from."""
        return replace(self, record=replace(self.record, random=random))

    def without_context(self) -> FittedModel:
        """Return the model without the ends of its training data.

        Pickles of windowed models then hold no row of these: `est.model_ =
        est.model_.without_context()`. `context="fit"` is refused from then on.
        """
        dropped = Continuation("they were dropped by without_context()")
        return replace(self, continuation=dropped)

    # -------------------------------------------------------------- from X to answers

    def read(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
        context: ArrayLike | str | None = None,
    ) -> SequenceSet:
        """Read X as the training data were read, and check it against them.

        Parameters
        ----------
        X, timestamps, groups, context
            As in `LiquidNeuralNetwork.predict`.

        Returns
        -------
        SequenceSet

        Raises
        ------
        InvalidInputError
            If X does not match the training data.
        """
        warn_if_misaligned(X, None, timestamps=timestamps, groups=groups)
        before = None
        if isinstance(context, str):
            before = continuation_of(self, context)
            context = None
        given = GivenX(
            X,
            timestamps,
            groups,
            context,
            per_step=self.targets.per_step,
            n_jobs=self.parameters["n_jobs"],
        )
        sequences = self.layout.read(given, self.clock, before=before)
        if context is not None:
            window = self.layout.window_length or WARM
            warn_if_context_is_unscaled(sequences, self.scaler, window)
        return sequences

    def outputs(self, sequences: SequenceSet) -> NDArray[np.float64]:
        """Run the network.

        Parameters
        ----------
        sequences : SequenceSet
            As `read` returns them.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs) or, per step, (n_rows, n_outputs)
            In the network's units; for whole recordings one for each row of X.

        Raises
        ------
        InvalidInputError
            If an output is not finite: a label or a mean would hide it.
        DeviceMemoryError
            If the accelerator cannot hold a single sequence.
        """
        outputs = np.empty(0)
        for batches, samples, answer in self.passes(sequences, in_blocks):
            if not samples[0]:
                outputs = batches.empty_outputs(self.network)
            batches.write(outputs, samples, answer)
        if sequences.whole:
            outputs = outputs[sequences.position_of_row]
        self._check_finite(outputs, sequences)
        return outputs

    @torch.no_grad()
    def passes(
        self, sequences: SequenceSet, run: Callable[..., Answer]
    ) -> Iterator[tuple[Batches, NDArray, Answer]]:
        """Run the network over batches of samples, one after another.

        Parameters
        ----------
        sequences : SequenceSet
            As `read` returns them.
        run : callable
            As `in_blocks`: takes the network and its arguments.

        Yields
        ------
        batches : Batches
            Those that these samples are taken from.
        samples : ndarray of int
        answer : object
            What `run` returned for them.
        """
        device, network = self._device(), self.network
        prepare_for_fork()
        if device.type != "cpu":
            # A copy: `to` moves weights in place, from under other threads and streams.
            network = copy.deepcopy(network).to(device)
        preparation = self.preparation
        rows = preparation.rows(sequences.rows, device, self.parameters["n_jobs"])
        starts = self._starts(sequences, rows)
        batches = preparation.batches(sequences, rows, starts=starts)
        size = batches.size_without_gradients()
        done = 0
        while done < len(sequences):
            samples = np.arange(done, min(done + size, len(sequences)))
            try:
                with evaluating(network):
                    how: dict[str, Any] = {**batches.inputs(samples)}
                    if starts is not None:
                        how["state"] = starts.state(network, samples)
                    answer = run(network, **how)
            except torch.OutOfMemoryError as error:
                if size == 1:
                    raise DeviceMemoryError(
                        "The accelerator ran out of memory while predicting a single "
                        f"sequence of {sequences.max_length} steps. Cut it, or use "
                        'set_params(device="cpu").'
                    ) from error
                size //= 2  # the answer is the same, in smaller parts
                continue
            yield batches, samples, answer
            done += len(samples)

    def answers(self, outputs: NDArray, sequences: SequenceSet) -> Predictions:
        """Turn the network's outputs into predictions in the caller's units and layout.

        Parameters
        ----------
        outputs : ndarray
            As `outputs` returns them.
        sequences : SequenceSet
            The sequences that gave these outputs.

        Returns
        -------
        ndarray or list of ndarray
            As `LiquidNeuralNetwork.predict`.
        """
        kept = self.kept(outputs, sequences)
        if not kept.feasible.all():
            limits, place = self.limits, self._first_infeasible(kept, sequences)
            assert limits is not None  # without any, all is feasible
            limits.refuse_infeasible(kept, place)
            warn(limits.warning(kept, place))
        return self.in_layout(kept.values, sequences)

    def answers_and_safety(
        self, outputs: NDArray, sequences: SequenceSet
    ) -> tuple[Predictions, Safety]:
        """Return the answers, and what became of what the network proposed.

        Parameters
        ----------
        outputs, sequences
            As in `answers`.

        Returns
        -------
        answers : ndarray or list of ndarray
        safety : Safety
            Arrays in the same layout.

        Raises
        ------
        InvalidInputError
            If the model has no constraints.
        """
        limits = self.limits
        if limits is None:
            raise InvalidInputError(
                "return_safety=True tells what output_constraints did, but this "
                f"{self.owner} has none. Set output_constraints=[...], or leave it out."
            )
        kept = self.kept(outputs, sequences)
        if not kept.feasible.all():
            limits.refuse_infeasible(kept, self._first_infeasible(kept, sequences))
        parts = (self.in_layout(part, sequences) for part in kept)
        answers, feasible, correction = parts
        return answers, Safety(feasible, correction)

    def kept(self, outputs: NDArray, sequences: SequenceSet) -> Kept:
        """Return answers one after another, within the constraints if there are any.

        Parameters
        ----------
        outputs, sequences
            As in `answers`.

        Returns
        -------
        Kept
            Values of shape (n, ...), in the order of the outputs; `correction` is empty
            without constraints.
        """
        values = self.proposals(outputs, self.anchor_values(sequences))
        limits = self.limits
        if limits is not None:
            return limits.kept(values, sequences)
        return Kept(values, np.ones(len(values), dtype=bool), np.zeros(0))

    @property
    def limits(self) -> AnswerLimits | None:
        """What keeps the answers within `output_constraints`; None without any."""
        if self.parameters["output_constraints"] is None:
            return None
        return AnswerLimits(self)

    def _first_infeasible(self, kept: Kept, sequences: SequenceSet) -> str:
        return first_place(kept, sequences, self.targets.per_step)

    def probabilities(self, outputs: NDArray, sequences: SequenceSet) -> Predictions:
        """Turn the network's outputs into probabilities of the classes.

        Parameters
        ----------
        outputs, sequences
            As in `answers`.

        Returns
        -------
        ndarray or list of ndarray
            As `LiquidNeuralNetwork.predict_proba`.
        """
        return self.in_layout(self.objective.probabilities(outputs), sequences)

    def predict(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
        context: ArrayLike | str | None = None,
    ) -> Predictions:
        """Predict as the estimator does.

        Parameters
        ----------
        X, timestamps, groups, context
            As in `LiquidNeuralNetwork.predict`.

        Returns
        -------
        ndarray or list of ndarray
            As `LiquidNeuralNetwork.predict`.
        """
        sequences = self.read(X, timestamps=timestamps, groups=groups, context=context)
        return self.answers(self.outputs(sequences), sequences)

    # ------------------------------------------------------- the parts of an answer

    def anchor_values(self, sequences: SequenceSet) -> NDArray | None:
        """Return the present values of the targets, from the columns named by `anchor`.

        The network predicts the change from them.

        Returns
        -------
        ndarray of shape (n, n_targets), or None
            One row for each output; None for a model without `anchor`.
        """
        return sequences.anchors_of_targets(self.targets.per_step)

    def values(self, outputs: NDArray, present: NDArray | None = None) -> NDArray:
        """Turn outputs into class labels, or into numbers in the units of y.

        Parameters
        ----------
        outputs : ndarray of shape (n, n_outputs)
        present : ndarray of shape (n, n_targets), default=None
            What `anchor_values` returns.

        Returns
        -------
        ndarray of shape (n,), (n, n_targets), or with quantiles one axis more

        Raises
        ------
        InvalidInputError
            If constraints act on the answers: they need to know the rows.
        """
        self.refuse_constraints("This")
        return self.proposals(outputs, present)

    def refuse_constraints(self, what: str) -> None:
        """Refuse a model with constraints; `what` is the caller, who ignores them."""
        if self.parameters["output_constraints"] is not None:
            raise InvalidInputError(
                f"{what} works on what the network answers, but this {self.owner} has "
                "output_constraints, which it would leave out. predict applies them; "
                "est.set_params(output_constraints=None) looks at the model without."
            )

    def proposals(self, outputs: NDArray, present: NDArray | None = None) -> NDArray:
        """Do what `values` does, for models with constraints too: these are left out.

        Parameters
        ----------
        outputs, present
            As in `values`.

        Returns
        -------
        ndarray
            As `values`.
        """
        if self.targets.classes is not None:
            return self.targets.classes[self.objective.prediction(outputs)]
        values, scaler = self.objective.prediction(outputs), self.target_scaler
        assert scaler is not None  # only a classifier has none
        # (n, targets), and for several quantiles one axis more.
        column = (-1, *(1,) * (values.ndim - 2))
        values = values * scaler.scale_.reshape(column)
        values = values + scaler.center_.reshape(column)
        if present is not None:
            values = values + present.reshape(len(present), *column)
        return values[:, 0] if self.targets.ndim == 0 else values

    def scaled_targets(self, values: NDArray, present: NDArray | None) -> NDArray:
        """Bring targets (n, n_targets) into the network's units; undoes `values`."""
        if present is not None:
            values = values - present
        assert self.target_scaler is not None  # only a classifier has none
        return self.target_scaler.transform_rows(values)

    def not_finite_error(
        self, outputs: NDArray, place: str, hint: str = ""
    ) -> InvalidInputError:
        """Return the error for outputs of the network that are not finite."""
        fix = "Look for extreme values in this row and those before it."
        remedy = find(self.parameters["model_type"]).remedy(self.settled)
        fix = f"{remedy} {fix}" if remedy else fix
        value = outputs[~np.isfinite(outputs)][0]
        return InvalidInputError(
            f"Expected finite outputs of the network, got {value} first for {place}. "
            f"{fix}{hint}"
        )

    def in_layout(self, values: NDArray, sequences: SequenceSet) -> Any:
        """Split predictions per step (n_rows, ...) as X is split; others stay."""
        if not self.targets.per_step:
            return values
        if sequences.layout == "cube":
            return values.reshape(len(sequences), -1, *values.shape[1:])
        return np.split(values, np.cumsum(sequences.length)[:-1])

    def _check_finite(self, outputs: NDArray, sequences: SequenceSet) -> None:
        good = np.isfinite(outputs).all(axis=1)
        if good.all():
            return
        bad = position = int(np.argmin(good))
        if sequences.whole:
            position = int(sequences.position_of_row[bad])
        elif not self.targets.per_step:
            position = int(sequences.start[bad] + sequences.length[bad]) - 1
        raise self.not_finite_error(outputs[bad], sequences.place(position))

    def _starts(self, sequences: SequenceSet, rows: ScaledRows) -> Starts | None:
        """Return where whole recordings go on from; None where all start cold."""
        which = sequences.continues
        states = None if self.continuation is None else self.continuation.states
        if which is None or states is None:
            return None
        on = (which >= 0)[:, None]
        neutral = self.scaler.neutral_
        return Starts(
            [rows.tensor(np.where(on, layer[which], 0)) for layer in states.layers],
            rows.tensor(np.where(on, states.held[which], neutral)),
            rows.tensor(np.where(on, states.age[which], np.nan)),
        )

    def _device(self) -> torch.device:
        """Return where to predict: a model from a GPU also works without one."""
        device = self.parameters["device"]
        try:
            return device_for(device, self.network, self.preparation.torch_dtype)
        except InvalidInputError:
            warn(
                f'device="{device}" is missing on this machine: predictions run on '
                'the CPU. set_params(device="auto") ends this warning.'
            )
            return torch.device("cpu")


def continuation_of(model: FittedModel, context: str) -> Continuation | None:
    """Return what `context="fit"` goes on from; None where rows are independent.

    Raises
    ------
    InvalidInputError
        If the model knows no end of its training data, with the reason.
    """
    if context != "fit":
        raise InvalidInputError(
            f'Expected context as rows or "fit", got {context!r}. "fit" goes on from '
            "the end of the training data."
        )
    layout, known = model.layout, model.continuation
    if layout.timeless:
        return None
    if not layout.in_rows:
        raise InvalidInputError(
            f'Expected context="fit" of a model fitted on 2-D rows, but {model.owner} '
            "was fitted on sequences (3-D or a list), each of which is complete. Put "
            "the earlier steps into the sequences themselves."
        )
    if known is None or known.reason is not None:
        reason = (
            "its training is not over, or a version of LNN stored it that kept none"
            if known is None
            else known.reason
        )
        raise InvalidInputError(
            'Expected the end of the training data for context="fit", but this '
            f"{model.owner} has none: {reason}. Pass the rows before X as context=."
        )
    return known


_WHOLE_METHOD = (
    "Expected a fitted LiquidRegressor, LiquidClassifier or LiquidNeuralNetwork, a "
    "Pipeline that ends in one, or a FittedModel, got {}, of which a network is only a "
    "part: what it adds would be left out. Use its own methods, keep it as a pickle, "
    "or fit a LiquidRegressor on the same rows."
)


def as_fitted(fitted: Any) -> FittedModel:
    """Find the fitted model in what a user has.

    Parameters
    ----------
    fitted : FittedModel, fitted estimator, or Pipeline that ends in one
        Parameters that may change after a fit (`device`, `n_jobs`, ...) have the values
        that the estimator has now. Only the last step of a Pipeline is used: transform
        the data with the steps before it.

    Returns
    -------
    FittedModel

    Raises
    ------
    NotFittedError
        If the estimator has not been fitted.
    InvalidInputError
        If this is something else.
    """
    if isinstance(fitted, FittedModel):
        return fitted
    estimator = last_step(fitted)
    if hasattr(estimator, "fit") and not isinstance(estimator, type):
        check_is_fitted(estimator)
    model = getattr(estimator, "model_", None)
    if not isinstance(model, FittedModel):
        name = type(estimator).__name__
        if name in ("LiquidForecaster", "LiquidAnomalyDetector"):
            raise InvalidInputError(_WHOLE_METHOD.format(name))
        raise InvalidInputError(
            "Expected a fitted LNN estimator, a Pipeline that ends in one, or a "
            f"FittedModel, got {type(fitted).__name__}. Pass the estimator itself, for "
            "example search.best_estimator_."
        )
    return model.with_settings({name: getattr(estimator, name) for name in CHANGEABLE})


def last_step(fitted: Any) -> Any:
    """Return the last step of a Pipeline; anything else is returned as it is."""
    # By its module, as importing Pipeline takes long. `steps` alone may be anything.
    kinds = type(fitted).__mro__
    piped = any(k.__module__ == "sklearn.pipeline" for k in kinds)
    return fitted.steps[-1][1] if piped and hasattr(fitted, "steps") else fitted


def steps_before(fitted: Any) -> list[tuple[str, Any]]:
    """Return the names and steps of a Pipeline that transform X for the last one."""
    if last_step(fitted) is fitted:  # it is no Pipeline
        return []
    return [
        (name, step)
        for name, step in fitted.steps[:-1]
        if step is not None and step != "passthrough"
    ]
