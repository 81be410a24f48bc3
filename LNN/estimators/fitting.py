"""From data to a fitted network: what `fit` does, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state

from LNN._warnings import warn
from LNN.batching.batches import Batches
from LNN.batching.missing import MissingRule
from LNN.batching.scaled_rows import ScaledRows
from LNN.batching.target_tensors import Goals
from LNN.data import SequenceScaler, SequenceSet
from LNN.estimators.built import refuse_rebuilding
from LNN.estimators.parameters import DEFAULTS
from LNN.estimators.reading import (
    Data,
    Given,
    read_data,
    remember_kind,
    remember_time,
)
from LNN.exceptions import InvalidInputError
from LNN.network import LiquidNetwork
from LNN.training.device import DTYPES, memory_errors_explained, resolve_device
from LNN.training.loop import History, Plan, Step, train
from LNN.training.losses import Loss, find_loss
from LNN.training.optimisers import OPTIMIZERS, Optimizer
from LNN.training.parameter_vector import ParameterVector, gradients_recorded
from LNN.training.reporting import Reporter
from LNN.training.validation import split_samples
from LNN.wiring.checks import own_n_neurons

# Unless the caller sets `epochs`: at least so many optimiser steps, and epochs.
MIN_STEPS, MIN_EPOCHS = 500, 30
# "auto" stops early from so many training sequences on.
EARLY_STOPPING_FROM = 200
# From more steps on, pooling="auto" takes the mean of a sequence's states.
LONG_SEQUENCE = 100
# Of irregular gaps the shortest and longest that gates start to watch, and how many do.
GAP_QUANTILES, MOST_GATES = (0.01, 0.9999), 0.5


def random_source(seed: Any) -> np.random.RandomState:
    """Return the source of all randomness of one fit.

    Unlike scikit-learn's `check_random_state`, None does not draw from numpy's global
    generator: a fit leaves no trace in it.
    """
    return np.random.RandomState() if seed is None else check_random_state(seed)


def prepare(
    estimator,
    given: Given,
    held_out: Given,
    random: np.random.RandomState,
    n_jobs: int | None,
) -> tuple[Data, Data | None]:
    """Read the data, part them, and build what is not kept from the last fit."""
    go_on = estimator.warm_start and estimator.__sklearn_is_fitted__()
    if go_on:
        refuse_rebuilding(estimator)
    training = read_data(estimator, given, n_jobs=n_jobs, reset=not go_on)
    if not go_on:
        remember_kind(estimator, training)
    validation = None
    if held_out.X is None:
        training, validation = hold_out(estimator, training, random)
        _refuse_scoring_nothing(estimator, validation)
    if not go_on:
        remember_time(estimator, training.sequences)
    if held_out.X is not None:
        validation = read_data(
            estimator, held_out, n_jobs=n_jobs, reset=False, suffix="_val"
        )
    if not go_on:
        build(estimator, training, random, n_jobs)
    return training, validation


def build(
    estimator, training: Data, random: np.random.RandomState, n_jobs: int | None = None
) -> None:
    """Fit the scalers and make the network; sets what is known of both."""
    stale = "target_scaler_" if estimator.task == "classification" else "classes_"
    vars(estimator).pop(stale, None)
    n_jobs = estimator.n_jobs if n_jobs is None else n_jobs
    fit_scalers(estimator, training, n_jobs)
    estimator._objective = make_objective(estimator, training)
    size = estimator._objective.output_size
    network = build_network(estimator, training, size, random)
    estimator.network_, estimator.wiring_ = network, network.wiring
    estimator.n_parameters_ = sum(p.numel() for p in network.parameters())
    estimator.n_synapses_ = None
    if network.wiring is not None:
        layers = network.layers
        estimator.n_synapses_ = sum(layer.wiring.n_synapses for layer in layers)
    device, dtype = resolve_device(estimator.device), DTYPES[estimator.dtype]
    estimator.backend_ = network.backend_for(device, dtype)
    estimator._optimizer_state = None
    estimator._random = None


def hold_out(estimator, data: Data, random) -> tuple[Data, Data | None]:
    """Cut the validation part off the training data, if early stopping wants one."""
    wanted = estimator.early_stopping
    if wanted == "auto":
        wanted = len(data.sequences) >= EARLY_STOPPING_FROM
    if not wanted:
        return data, None
    if len(data.sequences) < 2:
        raise InvalidInputError(
            "early_stopping=True needs at least two samples, one of them to validate; "
            f"got {len(data.sequences)}. Set early_stopping=False or pass X_val, y_val."
        )
    rows = data.sequences.layout == "rows"
    single = not data.targets.per_step and estimator.task == "classification"
    training, validation = split_samples(
        data.sequences,
        estimator.validation_fraction,
        independent=not rows or estimator.window_length == 1,
        codes=data.targets.values if single else None,
        random=random,
    )
    if not len(validation) or not len(training):
        return data, None
    parts = data.subset(training), data.subset(validation)
    shown = [part.classes_shown() for part in parts]
    if all(part.has_targets() for part in parts) and shown[0] == shown[1]:
        return parts
    warn(
        "No validation part was held out: it or the training part would have no step "
        "with a target, or lack a class. All samples train, without early stopping; "
        "pass X_val and y_val, or set early_stopping=False."
    )
    return data, None


def _refuse_scoring_nothing(estimator, validation: Data | None) -> None:
    if estimator.scoring == "loss" or validation is not None:
        return
    raise InvalidInputError(
        f"scoring={estimator.scoring!r} is the score of a validation part, and there "
        "is none. Pass X_val and y_val, or set early_stopping=True to hold out a part "
        'of X; scoring="loss" needs none.'
    )


def fit_scalers(estimator, data: Data, n_jobs: int | None) -> None:
    """Set `scaler_` and, for regression, `target_scaler_` from the training part."""
    sequences = data.sequences
    weights = sequences.row_weights(data.weights)
    if estimator.missing != "error":
        _refuse_unseen_channels(sequences, weights)
    method = estimator.scale
    estimator.scaler_ = _fitted(
        method,
        lambda: ((values, weights[rows]) for rows, values in sequences.iter_rows()),
        lambda column: f"{sequences.columns.describe(column)} of X",
        n_jobs,
    )
    if estimator.task == "regression":
        method = "standard" if estimator.scale_target else "none"
        values = relative(data).values
        per_value = _weight_per_value(data)
        name = "y" if values.shape[1] == 1 else "column {} of y"
        estimator.target_scaler_ = _fitted(
            method, lambda: [(values, per_value)], name.format
        )
        if sequences.anchor_rows is not None:
            _doubt_anchor(estimator, data, values, per_value)


def _fitted(
    method: Any, chunks: Callable, describe: Callable[[int], str], n_jobs=None
) -> SequenceScaler:
    """Return a fitted scaler; refuse numbers too large to have a mean and a spread."""
    scaler = SequenceScaler(method)
    if not isinstance(method, str):
        return scaler.fit_rows(chunks, n_jobs)
    with np.errstate(over="ignore", invalid="ignore"):
        scaler.fit_rows(chunks, n_jobs)
    finite = np.isfinite(scaler.center_) & np.isfinite(scaler.scale_)
    if not finite.all():
        raise InvalidInputError(
            "Expected numbers whose mean and spread float64 can hold, got some that "
            f"are too large in {', '.join(map(describe, np.flatnonzero(~finite)))}. "
            "Look for wrong values there."
        )
    return scaler


def _refuse_unseen_channels(sequences: SequenceSet, weights: np.ndarray) -> None:
    """Name the columns of which training shows no value at all."""
    seen = np.zeros(sequences.n_features, dtype=bool)
    for rows, values in sequences.iter_rows():
        seen |= ~np.isnan(values[weights[rows] > 0]).all(axis=0)
        if seen.all():
            return
    columns = ", ".join(map(sequences.columns.describe, np.flatnonzero(~seen)))
    raise InvalidInputError(
        f"Expected at least one value in every column of X, but all training rows "
        f"lack one in {columns}: nothing can be learnt from it. Drop it, or train on "
        "more data."
    )


def _doubt_anchor(estimator, data: Data, change: np.ndarray, weights) -> None:
    """Warn where the change from the anchor is no smaller than the target itself."""
    target = data.targets.values
    known = (weights > 0) & ~np.isnan(change).any(axis=1)
    if np.mean(change[known] ** 2) < np.mean(target[known].var(axis=0)):
        return
    warn(
        f"The target differs from the column anchor={estimator.anchor!r} by more than "
        "it varies. Is this column its present value, in the same units? A scaler "
        "in front of the estimator, or a TransformedTargetRegressor around it, changes "
        "one of them: scale inside instead."
    )


def _weight_per_value(data: Data) -> np.ndarray:
    """Return the weight of each row of the targets' values."""
    if not data.targets.per_step:
        return data.weights
    return data.sequences.row_weights(data.weights)


def relative(data: Data):
    """Return the targets as changes from the anchor, where there is one."""
    sequences, targets = data.sequences, data.targets
    if sequences.anchor_rows is None:
        return targets
    if targets.per_step:
        present = sequences.anchor_rows.take(np.arange(sequences.rows.n_rows))
    else:
        present = sequences.anchors(np.arange(len(sequences)))
    if present.shape[1] != targets.values.shape[1]:
        raise InvalidInputError(
            f"anchor names {present.shape[1]} columns for {targets.values.shape[1]} "
            "targets. Name one column of X per target: its present value."
        )
    return targets.with_values(targets.values - present)


def all_batches(
    estimator,
    training: Data,
    validation: Data | None,
    objective: Loss,
    device: torch.device,
    n_jobs: int | None,
) -> tuple[Batches, Batches | None]:
    """Return the batches to train on and those to validate on; rows may be shared."""
    how = estimator.scaler_, DTYPES[estimator.dtype], device, n_jobs
    rows = ScaledRows(training.sequences.rows, *how)
    batches = make_batches(estimator, training, objective, rows)
    if validation is None:
        return batches, None
    if validation.sequences.rows is not rows.rows:
        rows = ScaledRows(validation.sequences.rows, *how)
    return batches, make_batches(estimator, validation, objective, rows)


def make_batches(estimator, data: Data, objective: Loss, rows: ScaledRows) -> Batches:
    """Bring targets into the network's units and pair them with their inputs."""
    targets = data.targets
    if estimator.task == "regression":
        targets = relative(data)
        targets = targets.with_values(
            estimator.target_scaler_.transform_rows(targets.values)
        )
    goals = Goals.of_targets(
        targets, _weight_per_value(data), objective, rows.dtype, rows.device
    )
    return Batches(
        data.sequences,
        rows,
        estimator.time_unit_,
        estimator._time_resolution,
        MissingRule.of_scaler(
            estimator.missing, estimator.scaler_, rows.dtype, rows.device
        ),
        goals,
    )


def make_objective(estimator, data: Data) -> Loss:
    """Choose the loss, and turn class weights into numbers."""
    classifies = estimator.task == "classification"
    loss = find_loss(estimator.loss, classifies=classifies)
    if classifies:
        weights = class_weights(estimator, data)
        return loss.for_targets(len(estimator.classes_), class_weights=weights)
    n_targets = data.targets.values.shape[1]
    return loss.for_targets(n_targets, quantile=estimator.quantile)


def class_weights(estimator, data: Data) -> tuple[float, ...]:
    """Return one weight per class; "balanced" counts weighted samples or steps."""
    classes, wanted = estimator.classes_, estimator.class_weight
    if wanted is None:
        return ()
    if wanted == "balanced":
        codes, weights = data.targets.values, _weight_per_value(data)
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
            f"classes of y: {classes.tolist()}."
        )
    return tuple(float(wanted.get(c, 1.0)) for c in classes.tolist())


def build_network(estimator, data: Data, output_size: int, random) -> LiquidNetwork:
    """Make the network that the estimator's parameters describe."""
    generator = torch.Generator().manual_seed(int(random.randint(2**31 - 1)))
    typical = float(np.median(data.sequences.length))
    pooling = estimator.pooling
    if pooling == "auto":
        # The last state learns more, but little from long sequences, where the mean
        # does better (docu/defaults.md). Of a window, the end is what matters.
        whole = data.sequences.layout != "rows" and not data.targets.per_step
        pooling = "mean" if whole and typical > LONG_SEQUENCE else "last"
    # On the CPU whatever torch's default device is: the generator is there.
    with torch.device("cpu"), gradients_recorded():
        network = _network(estimator, data, output_size, pooling, typical, generator)
    return network.to(DTYPES[estimator.dtype])


def _network(estimator, data: Data, output_size, pooling, typical, generator):
    rule = MissingRule.of_scaler(estimator.missing, estimator.scaler_, None, None)
    return LiquidNetwork(
        rule.n_inputs(data.sequences.n_features),
        _n_neurons(estimator),
        output_size,
        model_type=estimator.model_type,
        mode=estimator.mode,
        wiring=estimator.wiring,
        sparsity=estimator.sparsity,
        wiring_seed=estimator.wiring_seed,
        layer_recurrence=estimator.layer_recurrence,
        readout=estimator.readout,
        pooling=pooling,
        return_sequences=data.targets.per_step,
        n_layers=estimator.n_layers,
        dropout=estimator.dropout,
        mixed_memory=estimator.mixed_memory,
        solver=estimator.solver,
        ode_unfolds=estimator.ode_unfolds,
        backbone_units=estimator.backbone_units,
        backbone_layers=estimator.backbone_layers,
        backbone_dropout=estimator.backbone_dropout,
        backbone_activation=estimator.backbone_activation,
        time_constants=_memories(data.targets.per_step, typical),
        gaps=_gaps(estimator, data.sequences),
        backend=estimator.backend,
        use_time=not estimator._regular_time,
        neutral=rule.neutral if rule.policy == "mask" else None,
        generator=generator,
    )


def _n_neurons(estimator) -> int:
    """Return `n_neurons`; a wiring with neurons of its own needs it not said twice."""
    if isinstance(estimator.wiring, str):
        return estimator.n_neurons
    if estimator.n_neurons != DEFAULTS["n_neurons"]:
        return estimator.n_neurons  # a contradiction is refused
    return own_n_neurons(estimator.wiring) or estimator.n_neurons


def _memories(per_step: bool, steps: float) -> tuple[float, float] | None:
    """Return the time constants at the start, in steps (docu/defaults.md).

    What is told at the end of a sequence has to be remembered: one step up to half of
    it. What is told at every step is mostly in that step: neurons start fast.
    """
    return None if per_step else (1.0, max(2.0, steps / 2))


def _gaps(estimator, sequences: SequenceSet) -> tuple[float, float, float] | None:
    """Return the share of gaps that are not typical, the shortest and the longest.

    In units of time. The share is a half at most, so that inputs still move the other
    gates. Long gaps count although they are rare, since many short ones surround each;
    but not one outage in a year. Jitter of the clock is no short gap, and below a
    thousandth of what is typical, gaps are alike.
    """
    gaps = sequences.covered_gaps() / estimator.time_unit_
    gaps = gaps[gaps > 0]
    if estimator._regular_time or not len(gaps):
        return None
    shortest, longest = np.quantile(gaps, GAP_QUANTILES)
    share = np.mean(np.abs(gaps - 1) >= 0.5)
    return min(float(share), MOST_GATES), max(float(shortest), 1e-3), float(longest)


def make_plan(estimator, n_samples: int, **overrides) -> Plan:
    """Fill in how long and in which way to train."""

    def value(name: str) -> Any:
        given = overrides.get(name)
        return getattr(estimator, name) if given is None else given

    per_epoch = math.ceil(n_samples / estimator.batch_size)
    epochs = value("epochs")
    if epochs == "auto":
        epochs = max(MIN_EPOCHS, math.ceil(MIN_STEPS / per_epoch))
    return Plan(
        epochs=int(epochs),
        batch_size=estimator.batch_size,
        lr_schedule=estimator.lr_schedule,
        clip_value=value("clip_value"),
        clip_by=estimator.clip_by,
        n_iter_no_change=estimator.n_iter_no_change,
        stops_early=bool(estimator.early_stopping),
        tol=estimator.tol,
        n_jobs=value("n_jobs"),
    )


def run(
    estimator,
    training: Data,
    validation: Data | None,
    plan: Plan,
    learning_rate: float,
    random,
    history: History,
    protocol=None,
    score=None,
) -> None:
    """Train `network_` in place on the chosen device and bring it back to the CPU."""
    network, kept = estimator.network_, estimator._optimizer_state
    # Whatever goes wrong from here on, the network comes back to the CPU, and moments
    # that led to a failure are forgotten.
    estimator._optimizer_state, report, parameters = None, None, None
    with gradients_recorded():
        try:
            report = Reporter(
                estimator.verbose, estimator.callback, protocol, plan.epochs
            )
            with memory_errors_explained(plan.batch_size):
                device = resolve_device(estimator.device)
                parameters = ParameterVector(network.to(device))
                step = Step(
                    network,
                    parameters,
                    make_optimizer(estimator, parameters, learning_rate, kept),
                    make_objective(estimator, training),
                    plan,
                )
                how = step.objective, device, plan.n_jobs
                batches = all_batches(estimator, training, validation, *how)
                train(step, *batches, random, report, history, score)
            estimator._optimizer_state = {
                "name": estimator.optimizer,
                "trained": parameters.names,
                "state": _moved(step.optimizer.state, torch.device("cpu")),
            }
        finally:
            if report is not None:
                report.close()
            if parameters is not None:
                parameters.release()
            estimator.network_ = network.to("cpu")


def start_curves(estimator) -> None:
    """Forget what training was like before."""
    estimator.loss_curve_ = []
    estimator.validation_loss_curve_ = None
    estimator.best_loss_ = math.inf
    estimator.best_validation_loss_ = None
    estimator.validation_scores_ = None
    estimator.best_validation_score_ = None
    estimator.n_iter_ = 0


def keep_curves(estimator, history: History, plan: Plan, validated: bool) -> None:
    """Add what happened in training, however it ended."""
    estimator.loss_curve_ = estimator.loss_curve_ + history.loss
    estimator.best_loss_ = min(estimator.loss_curve_, default=math.inf)
    if validated:
        estimator.validation_loss_curve_ = history.validation_loss
        best = min(history.validation_loss, default=math.inf)
        estimator.best_validation_loss_ = best
    elif not plan.keep_last:
        estimator.best_loss_ = history.kept
    if validated and estimator.scoring != "loss":
        estimator.validation_scores_ = history.validation_score
        best = max(history.validation_score, default=-math.inf)
        estimator.best_validation_score_ = best
    estimator.n_iter_ += len(history.loss)


def make_optimizer(
    estimator, parameters: ParameterVector, learning_rate: float, kept: dict | None
) -> Optimizer:
    """Make the optimiser, with the moments that a call before has left."""
    name, vector = estimator.optimizer, parameters.vector
    optimizer = OPTIMIZERS[name](vector, learning_rate, estimator.weight_decay)
    same = kept is not None and kept["name"] == name
    if same and kept["trained"] == parameters.names:
        # The moments go on; settings are those of now.
        optimizer.state = _moved(kept["state"], vector.device)
    return optimizer


def _moved(state: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Copy an optimiser's state to a device; on the CPU it can be pickled anywhere."""
    return {
        name: value.to(device, copy=True) if torch.is_tensor(value) else value
        for name, value in state.items()
    }
