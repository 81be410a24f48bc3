"""`summary()`: a fitted estimator in a few lines of text."""

from __future__ import annotations

from LNN.estimators.built import built


def summarise(estimator) -> str:
    """Return what was fitted, on what, and how; see `LiquidNeuralNetwork.summary`."""
    lines = {
        "data": _data(estimator),
        "time": _time(estimator),
        "missing": _missing(estimator),
        "network": _network(estimator),
        "wiring": _wiring(estimator),
        "read-out": _readout(estimator),
        "weights": f"{estimator.n_parameters_:,} in {built(estimator, 'dtype')}",
        "training": _training(estimator),
    }
    shown = [f"  {name:10s}{text}" for name, text in lines.items() if text]
    return "\n".join([type(estimator).__name__, *shown])


def _data(estimator) -> str:
    columns = estimator._columns
    n_inputs = len(columns.inputs)
    what = "sequences"
    if estimator._fitted_on_rows:
        what = f"rows in windows of {estimator._window_length}"
    if built(estimator, "task") == "classification":
        goal = f"{len(estimator.classes_)} classes"
    else:
        goal = f"{estimator._n_targets} target(s)"
    step = " per step" if estimator._per_step else ""
    return f"{what}, {n_inputs} feature(s), {goal}{step}"


def _time(estimator) -> str:
    kind = estimator._time_kind
    if kind is None:
        return "no time stamps: every step is one unit"
    seconds = " s" if kind != "numbers" else ""
    unit = f"{estimator.time_unit_:g}{seconds}"
    if estimator._regular_time:
        return f"equal gaps of {unit} (time_unit_)"
    return f"irregular, from {kind}; one unit is the median gap, {unit} (time_unit_)"


def _missing(estimator) -> str:
    policy = built(estimator, "missing")
    n = len(estimator._columns.inputs)
    return {
        "error": "",
        "hold": "the last value is held",
        "mask": f"held, with masks and ages: {3 * n} inputs of {n} channels",
    }[policy]


def _network(estimator) -> str:
    kind = built(estimator, "model_type")
    options = [f"{estimator.network_.layers[-1].n_neurons} neurons"]
    n_layers = built(estimator, "n_layers")
    if n_layers > 1:
        options[0] += f" in each of {n_layers} layers"
    if kind == "CfC":
        options.append(f"mode {built(estimator, 'mode')}")
    if kind == "LTC":
        unfolds = built(estimator, "ode_unfolds")
        options.append(f"{built(estimator, 'solver')}, {unfolds} unfolds")
    if built(estimator, "mixed_memory"):
        options.append("mixed memory")
    return f"{kind}, " + ", ".join(options)


def _wiring(estimator) -> str:
    if estimator.wiring_ is None:
        return ""
    groups = estimator.wiring_.layers
    names = ", ".join(f"{len(group.neurons)} {group.name}" for group in groups)
    layers = estimator.network_.layers
    n_sensory = sum(layer.wiring.n_sensory_synapses for layer in layers)
    total = f"{estimator.n_synapses_:,} synapses"
    return f"{names}; {total}, {n_sensory:,} of them from inputs"


def _readout(estimator) -> str:
    pooling = estimator.network_.pooling
    of = "" if estimator._per_step else f" of the {pooling} state"
    if pooling == "attention":
        of = " of states weighed by attention"
    return f"{built(estimator, 'readout')}{of}"


def _training(estimator) -> str:
    text = f"{estimator.n_iter_} epoch(s) on {estimator.backend_}, "
    text += f"best loss {estimator.best_loss_:.4g}"
    if estimator.best_validation_score_ is not None:
        name = getattr(estimator.scoring, "__name__", estimator.scoring)
        text += f", in validation {name} {estimator.best_validation_score_:.4g}"
    elif estimator.best_validation_loss_ is not None:
        text += f", in validation {estimator.best_validation_loss_:.4g}"
    return text
