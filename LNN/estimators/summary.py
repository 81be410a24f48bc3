"""`summary()`: a fitted model in a few lines of text."""

from __future__ import annotations

from LNN.data.clock import Clock
from LNN.estimators.fitted import FittedModel
from LNN.models import find
from LNN.training.device import device_for, resolve_device


def summarise(model: FittedModel) -> str:
    """Return what was fitted, on what, and how; see `LiquidNeuralNetwork.summary`."""
    shown = [f"  {name:10s}{text}" for name, text in described(model).items()]
    return "\n".join([model.owner, *shown])


def described(model: FittedModel) -> dict[str, str]:
    """Return what was fitted, on what, and how: a line of words for each part."""
    size = sum(p.numel() for p in model.network.parameters())
    lines = {
        "data": _data(model),
        "time": _time(model),
        "scale": _scale(model),
        "missing": _missing(model),
        "network": _network(model),
        "wiring": _wiring(model),
        "read-out": _readout(model),
        "limits": _limits(model),
        "weights": f"{size:,} in {model.parameters['dtype']}",
        "training": _training(model),
    }
    return {name: text for name, text in lines.items() if text}


def _data(model: FittedModel) -> str:
    layout, targets = model.layout, model.targets
    what = "sequences"
    if layout.in_rows:
        what = f"rows in windows of {layout.window_length}"
    if layout.whole:
        what = "rows of whole recordings"
    goal = f"{targets.n_targets} target(s)"
    if targets.classes is not None:
        goal = f"{len(targets.classes)} classes"
    step = " per step" if targets.per_step else ""
    return f"{what}, {layout.n_channels} feature(s), {goal}{step}"


def _time(model: FittedModel) -> str:
    clock = model.clock
    walked = clock.max_step
    cut = (
        ""
        if walked is None
        else f"; long gaps are walked in steps of at most {walked:g}"
    )
    return _gaps(clock) + cut


def _gaps(clock: Clock) -> str:
    if clock.kind is None:
        return "no time stamps: every step is one unit"
    seconds = " s" if clock.kind != "numbers" else ""
    unit = f"{clock.unit:g}{seconds}"
    if clock.regular:
        return f"equal gaps of {unit} (time_unit_)"
    return (
        f"irregular, from {clock.kind}; one unit is the median gap, {unit} (time_unit_)"
    )


def _scale(model: FittedModel) -> str:
    if model.network.own_scale is None:
        return ""
    n = model.layout.n_channels
    return f"each sequence by its own, {2 * n} further inputs tell its size"


def _missing(model: FittedModel) -> str:
    n = model.layout.n_channels
    return {
        "error": "",
        "hold": "the last value is held",
        "mask": f"held, with masks and ages: {3 * n} inputs of {n} channels",
    }[model.parameters["missing"]]


def _network(model: FittedModel) -> str:
    kind = find(model.parameters["model_type"])
    return kind.describe(model.settled, model.network.layers[-1].n_neurons)


def _wiring(model: FittedModel) -> str:
    wiring, wirings = model.network.wiring, model.network.wirings
    if wiring is None:
        return ""
    names = ", ".join(f"{len(group.neurons)} {group.name}" for group in wiring.layers)
    total = sum(own.n_synapses for own in wirings)
    sensory = sum(own.n_sensory_synapses for own in wirings)
    return f"{names}; {total:,} synapses, {sensory:,} of them from inputs"


def _readout(model: FittedModel) -> str:
    pooling = model.network.pooling
    of = "" if model.form.every_step else f" of the {pooling} state"
    if pooling == "last+mean+max":
        of = " of the last state, the mean and the maximum"
    elif pooling == "attention":
        of = " of states weighed by attention"
    return f"{model.parameters['readout']}{of}"


def _limits(model: FittedModel) -> str:
    constraints = model.parameters["output_constraints"] or ()
    names = ", ".join(type(one).__name__ for one in constraints)
    how = model.parameters["on_infeasible"]
    return names and f"{names}; where none of the answers satisfies all: {how}"


def _training(model: FittedModel) -> str:
    record = model.record
    text = f"{record.n_iter} epoch(s) on {record.backend}{_idle_gpu(model)}, "
    text += f"{record.batches}, " if record.batches else ""
    text += f"best loss {record.best_loss:.4g}"
    if record.best_validation_score is not None:
        text += f", in validation {record.scoring} {record.best_validation_score:.4g}"
    elif record.best_validation_loss is not None:
        text += f", in validation {record.best_validation_loss:.4g}"
    return text


def _idle_gpu(model: FittedModel) -> str:
    asked, dtype = model.parameters["device"], model.preparation.torch_dtype
    if asked != "auto":
        return ""
    idle = device_for(asked, model.network, dtype) != resolve_device(asked)
    return " (of the CPU, though there is a GPU)" if idle else ""
