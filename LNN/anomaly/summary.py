"""`summary()`: a detector in a few lines."""

from __future__ import annotations

from LNN.anomaly.fitted import FittedDetector
from LNN.data.timestamps import in_words
from LNN.estimators.summary import described

__all__ = ["summarise"]


def summarise(model: FittedDetector) -> str:
    """Return what was fitted, on what, and where alarms begin."""
    lines = {
        "data": _data(model),
        "time": _time(model),
        "season": _season(model),
        "foreseen": _foreseen(model),
        "network": _network(model),
        "training": described(model.engine.model)["training"],
        "alarms": _alarms(model),
    }
    shown = [f"  {name:10s}{text}" for name, text in lines.items()]
    return "\n".join(["LiquidAnomalyDetector", *shown])


def _data(model: FittedDetector) -> str:
    what = "sequences" if model.form.per_sequence else "rows"
    return f"{what} of {len(model.channels)} channel(s)"


def _time(model: FittedDetector) -> str:
    plan, kind = model.engine.plan, model.form.clock.kind
    if kind is None:
        return "no time stamps: every row is one step"
    how = "equal gaps of" if plan.regular else "irregular, usually"
    return f"{how} {in_words(plan.unit, kind)} (one step)"


def _season(model: FittedDetector) -> str:
    plan, kind = model.engine.plan, model.form.clock.kind
    text = f"{plan.season:g} steps"
    if kind not in (None, "numbers"):
        text += f", {in_words(plan.season * plan.unit, kind)}"
    if not plan.seasonal:
        how = "none" if model.parameters["season"] is None else "none found"
        text = f"{how}; in its place {text}"
    cycles = ", ".join(plan.calendar.cycles)
    return f"{text}; the network reads the {cycles}" if cycles else text


def _foreseen(model: FittedDetector) -> str:
    plan = model.engine.plan
    ahead = ", ".join(f"{horizon:g}" for horizon in plan.horizons)
    return (
        f"{ahead} step(s) ahead, from windows of {plan.window_length} rows; rows are "
        f"judged from {plan.first_judged:g} steps after the first one on"
    )


def _network(model: FittedDetector) -> str:
    parameters = model.engine.model.parameters
    return f"{parameters['model_type']}, {parameters['n_neurons']} neurons"


def _alarms(model: FittedDetector) -> str:
    rate = model.parameters["alarm_rate"]
    spans = [span for span in model.calibration.scorer.spans if span]
    means = " and ".join(f"{span:g}" for span in spans)
    by = f"the rarest of the row and the means of {means} steps" if spans else "the row"
    return f"by {by}, where rarer than {rate:g} of usual rows"
