"""Small fits of every kind of model that runtimes run: one list for all of them."""

import functools
from dataclasses import dataclass, field

import numpy as np

from LNN import LiquidClassifier, LiquidRegressor

N_ROWS, F = 48, 3


@dataclass(frozen=True)
class Case:
    """A fit: options of the estimator, and the data it is given.

    `data` is "rows", "cube", "ragged" or "per step"; `target` "number", "vector",
    "levels" or "label"; `time` "irregular", "regular", "rounded" or None.
    """

    options: dict = field(default_factory=dict)
    data: str = "rows"
    target: str = "number"
    time: str | None = "irregular"
    missing: bool = False


WHOLE = {"window_length": None}
CASES = {
    # Cells on windows, with irregular gaps.
    **{
        f"CfC {mode}": Case({"mode": mode})
        for mode in ("default", "no_gate", "pure", "exponential")
    },
    **{
        f"CfC full {mode}": Case({"mode": mode, "wiring": "full"})
        for mode in ("default", "no_gate", "pure", "exponential")
    },
    **{
        f"CfC full {activation}": Case(
            {
                "mode": "default",
                "wiring": "full",
                "backbone_activation": activation,
                "backbone_layers": 2,
                "backbone_units": 10,
            }
        )
        for activation in ("lecun_tanh", "tanh", "relu", "silu", "gelu")
    },
    **{
        f"LTC {solver}": Case({"model_type": "LTC", "solver": solver})
        for solver in ("semi-implicit", "exponential")
    },
    **{
        # Many unfolds, as explicit solvers explode in long gaps.
        f"LTC {solver}": Case(
            {"model_type": "LTC", "solver": solver, "ode_unfolds": 40}, time=None
        )
        for solver in ("explicit", "rk4")
    },
    "LTC full": Case({"model_type": "LTC", "wiring": "full"}),
    "LTC random": Case({"model_type": "LTC", "wiring": "random"}),
    "LTC motor": Case({"model_type": "LTC", "readout": "motor"}),
    "CfC random": Case({"wiring": "random"}),
    "CfC strict": Case({"layer_recurrence": False}),
    "CfC motor": Case({"readout": "motor", "pooling": "max"}),
    "LSTM": Case({"model_type": "LSTM"}),
    "GRU": Case({"model_type": "GRU"}),
    "LSTM gates": Case({"model_type": "LSTM", "time_gates": True}),
    "GRU gates": Case({"model_type": "GRU", "time_gates": True}),
    "LSTM regular": Case({"model_type": "LSTM"}, time=None),
    "GRU regular": Case({"model_type": "GRU"}, time=None),
    "CfC memory": Case({"mixed_memory": True}),
    "CfC full memory": Case({"mixed_memory": True, "wiring": "full"}),
    "LTC memory": Case({"mixed_memory": True, "model_type": "LTC"}),
    # Layers, and what the read-out sees.
    "two layers": Case({"n_layers": 2}),
    "two LTC layers": Case({"n_layers": 2, "model_type": "LTC"}),
    "three LSTM layers": Case({"n_layers": 3, "model_type": "LSTM"}),
    "two layers memory": Case({"n_layers": 2, "mixed_memory": True}),
    **{
        f"pooling {pooling}": Case({"pooling": pooling}, data="cube")
        for pooling in ("last", "mean", "max", "last+mean+max", "attention")
    },
    "pooling ragged": Case({"pooling": "last+mean+max"}, data="ragged"),
    "pooling window": Case({"pooling": "mean"}),
    # Whole recordings, and sequences with an answer at each step.
    "whole": Case(WHOLE),
    "whole LTC": Case({**WHOLE, "model_type": "LTC"}),
    "whole GRU": Case({**WHOLE, "model_type": "GRU"}),
    "whole memory": Case({**WHOLE, "mixed_memory": True, "n_layers": 2}),
    "whole regular": Case(WHOLE, time="regular"),
    "per step": Case({"return_sequences": True}, data="per step"),
    "per step label": Case(data="per step", target="label"),
    # Windows of one row have no time.
    "one row": Case({"window_length": 1}, time=None),
    # Missing values.
    "hold window": Case({"missing": "hold"}, missing=True),
    "mask window": Case({"missing": "mask"}, missing=True),
    "hold whole": Case({**WHOLE, "missing": "hold"}, missing=True),
    "mask whole": Case({**WHOLE, "missing": "mask"}, missing=True),
    "mask LTC": Case({**WHOLE, "missing": "mask", "model_type": "LTC"}, missing=True),
    "mask cube": Case({"missing": "mask"}, data="cube", missing=True),
    # Targets, scalers and anchors.
    "vector": Case(target="vector"),
    "label": Case(target="label"),
    "whole label": Case(WHOLE, target="label"),
    "quantiles": Case({"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}),
    "quantiles vector": Case(
        {"loss": "quantile", "quantile": [0.1, 0.9]}, target="vector"
    ),
    "one quantile": Case({"loss": "quantile", "quantile": 0.8}),
    "huber": Case({"loss": "huber", "scale_target": False}),
    "minmax": Case({"scale": "minmax", "missing": "hold"}, missing=True),
    "robust": Case({"scale": "robust"}),
    "no scale": Case({"scale": "none"}),
    "anchor": Case({"anchor": 0}),
    "anchor whole": Case({**WHOLE, "anchor": 0}),
    "anchors": Case({"anchor": [2, 0]}, target="levels"),
    "anchor cube": Case({"anchor": 1}, data="cube"),
    # Long sequences, own scales, long gaps.
    "patch": Case({"patch": 4}, data="cube"),
    "patch regular": Case({"patch": 4}, data="ragged", time=None),
    "patch mean": Case({"patch": 3, "pooling": "mean"}, data="cube"),
    "patch layers": Case({"patch": 3, "n_layers": 2}, data="ragged"),
    "own scale": Case({"scale": "sequence"}, data="ragged"),
    "own scale patch": Case({"scale": "sequence", "patch": 3}, data="cube"),
    "walk window": Case({"max_step": 1.0}),
    "walk whole": Case({**WHOLE, "max_step": 0.5}),
    "walk pool": Case({"max_step": 1.0, "pooling": "last+mean+max"}, data="cube"),
    "walk patch": Case({"max_step": 1.0, "patch": 3}, data="cube"),
    "walk steps": Case({"max_step": 1.0, "return_sequences": True}, data="per step"),
    "walk mask": Case({**WHOLE, "max_step": 1.0, "missing": "mask"}, missing=True),
    "walk auto": Case(WHOLE, time="rounded"),
    "float64": Case({"dtype": "float64"}),
    # Windows are sequences with rows before them: they can be stepped.
    "own scale window": Case({"scale": "sequence", "max_step": 1.0}),
    "attention window": Case({"pooling": "attention", "missing": "mask"}, missing=True),
}
# Of each cell, pooling, kind of data, target and way to prepare them at least one. Slow
# tests tell what the others have in common with these.
QUICK = ("CfC default", "CfC exponential", "CfC full gelu", "CfC full pure")
QUICK += ("CfC strict", "CfC memory", "LTC semi-implicit", "LTC rk4", "LTC random")
QUICK += ("LTC motor", "LTC memory", "LSTM", "GRU gates", "two layers memory")
QUICK += ("three LSTM layers", "pooling last+mean+max", "pooling attention")
QUICK += ("pooling ragged", "whole", "whole regular", "per step label", "one row")
QUICK += ("hold window", "mask whole", "vector", "label", "quantiles vector", "huber")
QUICK += ("robust", "no scale", "anchor", "anchors", "patch mean", "own scale patch")
QUICK += ("walk window", "walk steps", "walk mask", "float64")
# Only whole sequences tell what these read.
NO_STEPS = ("pooling attention", "own scale", "own scale patch")


@dataclass(frozen=True)
class Fit:
    """A fitted model, new data, and what it predicts of them."""

    estimator: object
    X: object
    timestamps: object
    groups: object

    def expected(self):
        """Return the estimator's predictions."""
        return self.estimator.predict(self.X, **self.given())

    def given(self):
        """Return the data besides X, as the estimator takes them."""
        given = {"timestamps": self.timestamps, "groups": self.groups}
        return {name: value for name, value in given.items() if value is not None}

    def gaps(self):
        """Return the time before each row as runtimes take it."""
        if self.timestamps is None:
            return None
        return _each(lambda t: np.diff(t, prepend=np.nan), self.timestamps, self.X)

    def starts(self):
        """Return where recordings of rows begin."""
        if self.groups is None:
            return None
        return np.diff(self.groups, prepend=-1) != 0


def _each(function, times, X):
    """Apply a function to the times of rows, or of each sequence."""
    if np.ndim(times[0]) == 0:
        return function(np.asarray(times))
    found = [function(np.asarray(t)) for t in times]
    return np.stack(found) if isinstance(X, np.ndarray) else found


@functools.cache
def fitted(name):
    """Return the fit of a case; the same one to all who ask."""
    case = CASES[name]
    random = np.random.default_rng(list(CASES).index(name))
    kind = LiquidClassifier if case.target == "label" else LiquidRegressor
    options = {"epochs": 1, "random_state": 0, "early_stopping": False}
    if case.data == "rows":
        options["window_length"] = 6
    estimator = kind(8, **{**options, **case.options})
    data = [_data(case, random) for _ in range(2)]
    for number, (X, y, times, groups) in enumerate(data):
        made = Fit(estimator, X, times, groups)
        if not number:
            estimator.fit(X, y, **made.given())
    return made


def _data(case, random):
    rows = case.data == "rows"
    lengths = [N_ROWS // 2] * 2 if rows else _lengths(case, random)
    recordings = [_recording(case, n, random) for n in lengths]
    X, y, times = ([r[k] for r in recordings] for k in range(3))
    if not rows and case.data != "per step":
        y = [own[-1] for own in y]
    groups = None
    if rows:
        groups = np.repeat([0, 1], lengths)
        X, y, times = np.concatenate(X), np.concatenate(y), np.concatenate(times)
        if case.options.get("window_length") == 1:
            groups = None
    elif case.data == "ragged":
        y = np.array(y)
    else:
        X, y, times = np.stack(X), np.stack(y), np.stack(times)
    return X, y, None if case.time is None else times, groups


def _lengths(case, random):
    if case.data == "ragged":
        return [5, 9, 7, 12, 9, 10, 6, 11]
    return [10] * 8


def _recording(case, n, random):
    X = np.cumsum(random.normal(size=(n, F)), axis=0) + [5.0, 0.0, -3.0]
    y = X.sum(axis=1) + random.normal(size=n)
    if case.target == "vector":
        y = np.column_stack([y, X[:, 0] * 0.5])
    if case.target == "levels":
        y = X[:, [2, 0]] + random.normal(size=(n, 2))
    if case.target == "label":
        y = np.where(y > 2.0, "up", np.where(y > -2.0, "flat", "down"))
        y[:1], y[-1:] = "up", random.choice(["down", "up", "flat"])
    if case.missing:
        X[random.random(X.shape) < 0.2] = np.nan
    gaps = random.exponential(size=n) + 0.05
    if case.time == "regular":
        gaps = np.ones(n)
    if case.time == "rounded":  # whole steps, of which some are not there in new data
        gaps = np.ones(n)
    return X, y, np.cumsum(gaps)
