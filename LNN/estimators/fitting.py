"""From data to a fitted model: the steps of `fit`, in their order.

Nothing here sees an estimator. `settings` are its parameters, changed by what the call
of `fit` overrides.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from LNN._names import arguments_end_in
from LNN._sharing import share
from LNN._warnings import warn
from LNN.batching.batches import Batches
from LNN.batching.preparation import DTYPES
from LNN.batching.scaled_rows import ScaledRows
from LNN.batching.target_tensors import TargetTensors
from LNN.constraints.owned import with_own_constraints
from LNN.data import Rows, SequenceScaler, SequenceSet
from LNN.data.clock import Clock
from LNN.data.examples import Examples, Given, read_examples
from LNN.data.form import DataForm, InputLayout, ReadOptions
from LNN.data.input_range import InputRange
from LNN.data.targets import Targets
from LNN.estimators.agreement import refuse_other_ranks
from LNN.estimators.building import build_network
from LNN.estimators.constant_targets import give_constants
from LNN.estimators.fitted import FittedModel
from LNN.estimators.limited_targets import check_targets
from LNN.estimators.limits import training_limits
from LNN.estimators.parameters import BUILT_FROM, CHANGEABLE, is_by_sequence
from LNN.estimators.settings import Settings
from LNN.estimators.storage import settled_in
from LNN.exceptions import InvalidInputError
from LNN.models import find
from LNN.network import LiquidNetwork
from LNN.training.device import device_for, memory_errors_explained
from LNN.training.distributed import ranks_here
from LNN.training.forking import prepare_for_fork
from LNN.training.loop import Epoch, History, Plan, Step, train
from LNN.training.losses import Loss, find_loss
from LNN.training.optimisers import OPTIMIZERS, Optimizer
from LNN.training.parameter_vector import ParameterVector, gradients_recorded
from LNN.training.record import Moments, TrainingRecord
from LNN.training.validation import WHOLE_RECORDINGS, split_samples

# Unless the caller sets `epochs`, training takes at least this many optimiser steps,
# and at least this many epochs. The small sets of docu/defaults.md are fitted by then.
# Steps on patches take a fraction of the time, and more of them pay.
MIN_STEPS, MIN_STEPS_ON_PATCHES, MIN_EPOCHS = 500, 1500, 30
# Patience: small data take few steps an epoch, and nothing is to be seen in 60 steps.
PATIENT_STEPS, PATIENT_EPOCHS = 250, 20
# A step of training takes chunks of recordings in place of windows, which share fewer
# rows: so many windows weigh as much as one chunk (docu/defaults.md).
ROWS_LIKE_ONE_CHUNK = 8
# With at least this many training sequences, "auto" stops early. With fewer, the tenth
# that validates is under 20 of them, too few to choose an epoch by.
EARLY_STOPPING_FROM = 200


# ------------------------------------------------------------------ read and split


def read_parts(
    given: Given,
    held_out: Given,
    settings: Settings,
    known: FittedModel | None,
    random: np.random.RandomState,
) -> tuple[Examples, Examples | None, DataForm]:
    """Read the data and split them.

    Parameters
    ----------
    given, held_out : Given
        The data to train on and, if the caller passed any, those to validate on.
    settings : Settings
    known : FittedModel or None
        The model that training goes on with.
    random : numpy.random.RandomState

    Returns
    -------
    training : Examples
    validation : Examples or None
    form : DataForm
        What later data have to match.
    """
    training = read_training(given, settings, known)
    validation = None
    if held_out.X is None:
        training, validation = hold_out(training, settings, random)
        _refuse_scoring_nothing(settings, validation)
    # Time is learnt from the part that trains, as scalers are.
    form = form_of(training, settings, known)
    if held_out.X is not None:
        # After the form: what comes to validate must match what trains.
        with arguments_end_in("_val"):
            validation = _read(held_out, settings, form, suffix="_val")
    return in_chunks(training, settings), validation, form


def in_chunks(training: Examples, settings: Settings) -> Examples:
    """Cut whole recordings into what one step of training goes back through."""
    if not training.sequences.whole:
        return training
    how = settings.chunk_length, settings.burn_in
    return share("chunks", (training,), how, lambda: training.cut(*how))


def read_training(
    given: Given, settings: Settings, known: FittedModel | None, classes: Any = None
) -> Examples:
    """Read the data to train on; `classes` lists all labels if y may lack some."""
    form = None if known is None else _continued_form(known, settings)
    training = _read(given, settings, form, classes=classes)
    # Later parts of a partial_fit may well show one class only.
    if known is None and training.classes is not None and len(training.classes) < 2:
        raise InvalidInputError(
            "A classifier needs samples of at least 2 classes in y, got one class "
            f"only: {training.classes.tolist()}. Check how the data were split; the "
            "first partial_fit takes all labels as classes=, if its y lacks some."
        )
    return training


def form_of(
    training: Examples, settings: Settings, known: FittedModel | None
) -> DataForm:
    """Return what later data have to match."""
    if known is not None:
        return _continued_form(known, settings)
    sequences, options = training.sequences, _read_options(settings)
    how = settings.dtype, settings.max_step
    return share(
        "form",
        (training,),
        (repr(options), *how),
        lambda: DataForm(
            InputLayout.of(options, sequences),
            Clock.of(sequences, how[0], training.weights, how[1]),
            training.target_layout,
        ),
    )


def _continued_form(known: FittedModel, settings: Settings) -> DataForm:
    """Return the form of a known model, with the windows that are set now."""
    # The clock stays the first one: the weights have learnt time in its unit.
    layout = replace(known.layout, options=_read_options(settings))
    return known.form._replace(layout=layout)


def hold_out(
    data: Examples, settings: Settings, random: np.random.RandomState
) -> tuple[Examples, Examples | None]:
    """Cut the validation part off the training data, if early stopping wants one."""
    wanted = settings.early_stopping
    if wanted == "auto":
        wanted = data.n_targets >= EARLY_STOPPING_FROM
    if not wanted:
        return data, None
    if data.n_targets < 2:
        raise InvalidInputError(
            "early_stopping=True needs at least two samples, one of them to validate; "
            f"got {data.n_targets}. Set early_stopping=False or pass X_val, y_val."
        )
    if data.sequences.whole and not _many_recordings(data.sequences):
        # A tail is judged as predictions are: after what came before it.
        warm = settings.chunk_length + settings.burn_in
        cut = settings.validation_fraction, warm
        tails = share("tails", (data,), cut, lambda: data.split_tails(*cut))
        return _both_or_all(data, *tails)
    # Windows over rows overlap: a random part would share its rows with training, so
    # the tail in time is held out. Whole sequences and single rows share nothing.
    rows = data.sequences.layout == "rows"
    # Only one class per sample can be stratified.
    single = not data.targets.per_step and data.classes is not None
    training, validation = split_samples(
        data.sequences,
        settings.validation_fraction,
        independent=not rows or settings.window_length == 1,
        codes=data.targets.values if single else None,
        random=random,
    )
    if not len(validation) or not len(training):
        return data, None
    # One split gives one pair of parts, whoever has drawn it.
    chosen = training, validation
    parts = share(
        "parts",
        (data,),
        tuple(samples.tobytes() for samples in chosen),
        lambda: tuple(data.subset(samples) for samples in chosen),
    )
    return _both_or_all(data, *parts)


def _many_recordings(sequences: SequenceSet) -> bool:
    """Tell whether there are recordings enough to hold out whole ones."""
    return len(sequences) >= WHOLE_RECORDINGS


def _both_or_all(
    data: Examples, training: Examples, validation: Examples
) -> tuple[Examples, Examples | None]:
    """Return both parts, or all data where one part lacks something."""
    parts = training, validation
    # A class that one part lacks would be learnt unseen, or never judged.
    shown = [part.classes_shown() for part in parts]
    if all(part.has_targets() for part in parts) and shown[0] == shown[1]:
        return training, validation
    warn(
        "No validation part was held out: it or the training part would have no step "
        "with a target, or lack a class. All samples train, without early stopping; "
        "pass X_val and y_val, or set early_stopping=False."
    )
    return data, None


def _read_options(settings: Settings) -> ReadOptions:
    return ReadOptions(
        owner=settings.owner,
        window_length=settings.window_length,
        stride=settings.stride,
        time_column=settings.time_column,
        group_column=settings.group_column,
        anchor=settings.anchor,
        allow_missing=settings.missing != "error",
    )


def _read(
    given: Given,
    settings: Settings,
    form: DataForm | None,
    classes: Any = None,
    suffix: str = "",
) -> Examples:
    options = _read_options(settings)
    how = {name: settings[name] for name in ("task", "return_sequences", "layout")} | {
        "suffix": suffix
    }
    return share(
        "examples",
        (*given, form, classes),
        (repr(options), *how.values()),
        lambda: read_examples(
            given, options, form, n_jobs=settings.n_jobs, classes=classes, **how
        ),
        given=given,
    )


def _refuse_scoring_nothing(settings: Settings, validation: Examples | None) -> None:
    if settings.scoring == "loss" or validation is not None:
        return
    raise InvalidInputError(
        f"scoring={settings.scoring!r} is the score of a validation part, and there "
        "is none. Pass X_val and y_val, or set early_stopping=True to hold out a part "
        'of X; scoring="loss" needs none.'
    )


# ------------------------------------------------------------------ scale and build


def build(
    training: Examples,
    form: DataForm,
    settings: Settings,
    random: np.random.RandomState,
) -> FittedModel:
    """Fit the scalers to the training part and make the network, untrained."""
    scaler, target_scaler = _shared_scalers(training, settings)
    objective = make_objective(training, settings)
    # What one call of fit overrides is of that call alone; later ones see `declared`.
    parameters = {name: settings.declared[name] for name in CHANGEABLE}
    parameters = with_own_constraints(parameters)
    # Copies: a graph or a transformer that its owner changes later would pass for what
    # this network was built from.
    parameters |= {name: copy.deepcopy(settings[name]) for name in BUILT_FROM}
    network = build_network(training, form, parameters, scaler, objective, random)
    if target_scaler is not None:
        changes = subtract_anchors(training).values
        give_constants(network, training, changes, target_scaler)
    dtype = DTYPES[settings.dtype]
    device = device_for(settings.device, network, dtype)
    record = TrainingRecord(network.backend_for(device, dtype))
    model = FittedModel(
        parameters,
        *form,
        scaler,
        target_scaler,
        network,
        objective,
        record,
        input_range=share(
            "range",
            (training,),
            (),
            lambda: InputRange.of(training.sequences, training.weights),
        ),
    )
    _ = model.limits  # refused here, before training, if they do not suit
    check_targets(model, training)
    return model


def _shared_scalers(
    data: Examples, settings: Settings
) -> tuple[SequenceScaler, SequenceScaler | None]:
    if not isinstance(settings.scale, str):
        # The caller's transformer: each model has one of its own.
        return fit_scalers(data, settings)
    how = settings.scale, settings.scale_target, settings.missing, repr(settings.anchor)
    return share("scalers", (data,), how, lambda: fit_scalers(data, settings))


def fit_scalers(
    data: Examples, settings: Settings
) -> tuple[SequenceScaler, SequenceScaler | None]:
    """Return the scaler of the inputs and, for regression, one of the targets."""
    sequences = data.sequences
    # A row counts as often as windows read it: that is how often the network sees it.
    weights = sequences.row_weights(data.weights)
    if settings.missing != "error":
        _refuse_unseen_channels(sequences, weights)
    # What is scaled by sequence is scaled by column first: one model has one unit.
    scaler = _fit_scaler(
        "standard" if is_by_sequence(settings.scale) else settings.scale,
        lambda: ((values, weights[rows]) for rows, values in sequences.iter_rows()),
        lambda column: f"{sequences.columns.describe(column)} of X",
        settings.n_jobs,
        sequences.columns.input_names,
    )
    if data.classes is not None:
        return scaler, None
    method = "standard" if settings.scale_target else "none"
    # Scaled is what the network learns: the change from the anchor, where there is one.
    values, per_value = subtract_anchors(data).values, data.weight_per_value
    name = "y" if values.shape[1] == 1 else "column {} of y"
    target_scaler = _fit_scaler(method, lambda: [(values, per_value)], name.format)
    if sequences.anchor_rows is not None:
        _warn_of_useless_anchor(settings.anchor, data.targets.values, values, per_value)
    return scaler, target_scaler


def _fit_scaler(
    method: Any,
    chunks: Callable,
    describe: Callable[[int], str],
    n_jobs: int | None = None,
    names: NDArray | None = None,
) -> SequenceScaler:
    """Return a fitted scaler; refuse numbers too large to have a mean and a spread."""
    scaler = SequenceScaler(method)
    if not isinstance(method, str):
        return scaler.fit_rows(chunks, n_jobs, names)
    # What overflows is refused below, where its column can be named.
    with np.errstate(over="ignore", invalid="ignore"):
        scaler.fit_rows(chunks, n_jobs)
    finite = np.isfinite(scaler.center_) & np.isfinite(scaler.scale_)
    if not finite.all():
        bad = np.flatnonzero(~finite).tolist()
        raise InvalidInputError(
            "Expected numbers whose mean and spread float64 can hold, got some that "
            f"are too large in {', '.join(map(describe, bad))}. Look for wrong values "
            "there."
        )
    return scaler


def _refuse_unseen_channels(sequences: SequenceSet, weights: np.ndarray) -> None:
    """Refuse columns that have no value in any training row."""
    seen = np.zeros(sequences.n_features, dtype=bool)
    for rows, values in sequences.iter_rows():
        seen |= ~np.isnan(values[weights[rows] > 0]).all(axis=0)
        if seen.all():  # most data show this in their first rows
            return
    unseen = np.flatnonzero(~seen).tolist()
    columns = ", ".join(map(sequences.columns.describe, unseen))
    raise InvalidInputError(
        f"Expected at least one value in every column of X, but all training rows "
        f"lack one in {columns}: nothing can be learnt from it. Drop it, or train on "
        "more data."
    )


def _warn_of_useless_anchor(
    anchor: Any, target: np.ndarray, change: np.ndarray, weights: np.ndarray
) -> None:
    """Warn where the change from the anchor is not smaller than the target itself."""
    # Learning the change pays only where it varies less than the target does.
    known = (weights > 0) & ~np.isnan(change).any(axis=1)
    counted = functools.partial(np.average, axis=0, weights=weights[known])
    spread = counted((target[known] - counted(target[known])) ** 2)
    if np.mean(counted(change[known] ** 2)) < np.mean(spread):
        return
    warn(
        f"The target differs from the column anchor={anchor!r} by more than it varies. "
        "Is this column its present value, in the same units? A scaler in front of the "
        "estimator, or a TransformedTargetRegressor around it, changes one of them: "
        "scale inside instead."
    )


def subtract_anchors(data: Examples) -> Targets:
    """Return the targets as changes from the anchor, where there is one."""
    targets = data.targets
    present = data.sequences.anchors_of_targets(targets.per_step)
    if present is None:
        return targets
    if present.shape[1] != targets.values.shape[1]:
        raise InvalidInputError(
            f"anchor names {present.shape[1]} columns for {targets.values.shape[1]} "
            "targets. Name one column of X per target: its present value."
        )
    return targets.with_values(targets.values - present)


def make_objective(data: Examples, settings: Settings) -> Loss:
    """Choose the loss, and turn class weights into numbers."""
    loss = find_loss(settings.loss, classifies=data.classes is not None)
    if data.classes is not None:
        weights = class_weights(data, settings.class_weight)
        return loss.for_targets(len(data.classes), class_weights=weights)
    n_targets = data.targets.values.shape[1]
    return loss.for_targets(n_targets, quantile=settings.quantile)


def class_weights(data: Examples, wanted: dict | str | None) -> tuple[float, ...]:
    """Return one weight per class; "balanced" counts weighted samples or steps."""
    classes = data.classes
    if wanted is None or classes is None:
        return ()
    if isinstance(wanted, str):
        codes, weights = data.targets.values, data.weight_per_value
        known = codes >= 0
        counts = np.bincount(codes[known], weights[known], minlength=len(classes))
        # A class that a partial_fit or a training part does not show has no weight.
        counts[counts == 0] = np.inf
        total = counts[np.isfinite(counts)].sum()
        return tuple((total / (len(classes) * counts)).tolist())
    unknown = set(wanted) - set(classes.tolist())
    if unknown:
        raise InvalidInputError(
            f"class_weight names {sorted(unknown, key=str)}, which are not among the "
            f"classes of y: {classes.tolist()}. Leave them out, or check the spelling."
        )
    return tuple(float(wanted.get(c, 1.0)) for c in classes.tolist())


# ----------------------------------------------------------------------------- train


def make_plan(settings: Settings, training: Examples, network: LiquidNetwork) -> Plan:
    """Fill in how long and in which way to train."""
    size = settings.batch_size
    if training.sequences.whole:
        size = max(1, math.ceil(size / ROWS_LIKE_ONE_CHUNK))
    per_epoch = math.ceil(len(training) / size)
    epochs, patience = settings.epochs, settings.n_iter_no_change
    if epochs == "auto":
        steps = MIN_STEPS if network.patch == 1 else MIN_STEPS_ON_PATCHES
        epochs = max(MIN_EPOCHS, math.ceil(steps / per_epoch))
    if patience == "auto":
        patience = max(PATIENT_EPOCHS, math.ceil(PATIENT_STEPS / per_epoch))
    return Plan(
        epochs=int(epochs),
        batch_size=size,
        lr_schedule=settings.lr_schedule,
        clip_value=settings.clip_value,
        clip_by=settings.clip_by,
        n_iter_no_change=int(patience),
        # "auto" is true here: a validation part that the caller passed is there to stop
        # training, however few samples there are.
        stops_early=bool(settings.early_stopping),
        tol=settings.tol,
        remedy=find(settings.model_type).remedy(
            {**settings.declared, **settled_in(network)}
        ),
    )


@dataclass(frozen=True, eq=False)
class Run:
    """One training: what is trained, on what, and how.

    Attributes
    ----------
    model : FittedModel
        Its network is trained in place; nobody else has it yet.
    training : Examples
    validation : Examples or None
    plan : Plan
    settings : Settings
    random : numpy.random.RandomState
    score : callable or None
        As `validation_score` returns it.
    """

    model: FittedModel
    training: Examples
    validation: Examples | None
    plan: Plan
    settings: Settings
    random: np.random.RandomState
    score: Callable[[np.ndarray], float] | None = None

    def record_after(
        self, history: History, scoring: str | None = None
    ) -> TrainingRecord:
        """Return the model's record with the epochs that are over."""
        return self.model.record.after(
            history,
            validated=self.validation is not None,
            keep_last=self.plan.keep_last,
            scoring=None if self.score is None else scoring,
        )


def train_model(
    run: Run, after_epoch: Callable[[Epoch], bool], history: History
) -> Moments:
    """Train the network of a run in place; return the optimiser's final state.

    However it ends, the network is on the CPU with its best weights, and `history` says
    what happened.
    """
    network, settings, parameters = run.model.network, run.settings, None
    prepare_for_fork()  # the steps below may start torch's threads
    with gradients_recorded():
        try:
            with memory_errors_explained(run.plan.batch_size):
                device = device_for(settings.device, network, DTYPES[settings.dtype])
                # Moved first: on another device each parameter gets memory of its own,
                # and would no longer be a view of the vector.
                parameters = ParameterVector(network.to(device))
                kept = run.model.record.moments
                optimizer = _optimizer(settings, parameters, kept)
                objective = run.model.objective
                how = objective, run.plan, ranks_here()
                step = Step(network, parameters, optimizer, *how)
                refuse_other_ranks(step, run.training, run.validation, run.random)
                parts = _batches(run, device)
                train(step, *parts, run.random, after_epoch, history, run.score)
            return Moments.of(optimizer, settings.optimizer, parameters.names)
        finally:
            # Also after an error: an epoch that was over has been published.
            if parameters is not None:
                parameters.release()
            network.to("cpu")


def _optimizer(
    settings: Settings, parameters: ParameterVector, kept: Moments | None
) -> Optimizer:
    """Make the optimiser, with the moments that an earlier training has left."""
    name, vector = settings.optimizer, parameters.vector
    optimizer = OPTIMIZERS[name](vector, settings.learning_rate, settings.weight_decay)
    # Moments of another optimiser, or of other weights than those that are trainable
    # now, would be taken for those of this vector.
    if kept is not None and kept.suits(name, parameters.names):
        # The moments continue; learning rate and decay are the current ones.
        optimizer.state = kept.state(vector.device)
    return optimizer


def _batches(run: Run, device: torch.device) -> tuple[Batches, Batches | None]:
    """Return the batches to train on and those to validate on; rows may be shared."""
    model, training, validation = run.model, run.training, run.validation
    preparation, n_jobs = model.preparation, run.settings.n_jobs

    def scaled(rows: Rows) -> ScaledRows:
        return share(
            "rows",
            (rows, model.scaler),
            (preparation.dtype, str(device)),
            lambda: preparation.rows(rows, device, n_jobs),
        )

    rows = scaled(training.sequences.rows)

    def batches(data: Examples, rows: ScaledRows) -> Batches:
        targets = subtract_anchors(data)
        if model.target_scaler is not None:
            values = model.target_scaler.transform_rows(targets.values)
            targets = targets.with_values(values)
        tensors = TargetTensors.of_targets(
            targets, data.weight_per_value, model.objective, rows.dtype, rows.device
        )
        limits = training_limits(model, data.sequences)
        return preparation.batches(data.sequences, rows, tensors, limits=limits)

    if validation is None:
        return batches(training, rows), None
    # A part that was held out of X is spans over the same rows, scaled already.
    other = rows
    if validation.sequences.rows is not rows.rows:
        other = scaled(validation.sequences.rows)
    return batches(training, rows), batches(validation, other)
