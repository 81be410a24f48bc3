"""Run a model of LNN with numpy alone: copy this file to where it is needed.

    model = Model("model.npz")          # written by LNN.export.save
    model.predict(X, dt)                # rows (T, F), or sequences (n, T, F)
    model.reset(n=4)                    # four streams
    answers = model.step(rows, dt)      # one row of each, (4, F)

`X` has the input columns of the data alone, in the order of `model.spec["input"]`; `dt`
is the time since the row before: seconds or durations for models fitted on dates, else
the units of their time stamps. The equations are those of docu/spec.md, in float64.
"""

from __future__ import annotations

import json
import math
from importlib import import_module
from typing import Any

import numpy as np

VERSION = 3
MAX_SUB_STEPS = 32  # in which a gap is walked


def _sigmoid(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _softplus(x):
    return np.logaddexp(0.0, x)


_erf = np.vectorize(math.erf, otypes=[float])
ACTIVATIONS = {
    "lecun_tanh": lambda x: 1.7159 * np.tanh(0.666 * x),
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0.0),
    "silu": lambda x: x * _sigmoid(x),
    "gelu": lambda x: 0.5 * x * (1.0 + _erf(x / math.sqrt(2.0))),
}


class _Arrays:
    """The arrays of a spec whose names begin alike, in float64."""

    def __init__(self, arrays, prefix):
        self.arrays, self.prefix = arrays, prefix

    def __getitem__(self, name):
        array = self.arrays[f"{self.prefix}.{name}"]
        return array.astype(np.float64) if array.dtype.kind == "f" else array

    def part(self, name):
        return _Arrays(self.arrays, f"{self.prefix}.{name}")

    def dense(self, n_sources, n_targets):
        """Return synapses as a matrix (sources, targets)."""
        matrix = np.zeros((n_sources, n_targets))
        matrix[self["source"], self["target"]] = self["weight"]
        return matrix


class _LTC:
    def __init__(self, values, arrays):
        self.unfolds, self.n = values["unfolds"], values["n_neurons"]
        self.scale, self.shift = arrays["input_weight"], arrays["input_bias"]
        self.cm, gleak = arrays["cm"], arrays["gleak"]
        self.leak = np.concatenate([gleak * arrays["vleak"], gleak + values["epsilon"]])
        self.sensory = self._synapses(arrays.part("sensory"))
        self.recurrent = self._synapses(arrays.part("recurrent"))
        self.unfold = getattr(self, "_" + values["solver"].replace("-", "_"))

    def _synapses(self, arrays):
        target, weight = arrays["target"], arrays["weight"]
        # Currents, then conductances: both sum the same sigmoids.
        reduce = np.zeros((len(target), 2 * self.n))
        reduce[np.arange(len(target)), target] = weight * arrays["erev"]
        reduce[np.arange(len(target)), self.n + target] = weight
        return arrays["source"], arrays["sigma"], arrays["mu"], reduce

    @staticmethod
    def _currents(x, synapses):
        source, sigma, mu, reduce = synapses
        return _sigmoid(sigma * (x[:, source] - mu)) @ reduce

    def step(self, x, v, dt):
        drive = self._currents(x * self.scale + self.shift, self.sensory) + self.leak
        for _ in range(self.unfolds):
            v = self.unfold(drive, v, dt / self.unfolds)
        return v

    def _sums(self, drive, v):
        total = drive + self._currents(v, self.recurrent)
        return total[:, : self.n], total[:, self.n :]

    def _slope(self, drive, v):
        current, conductance = self._sums(drive, v)
        return (current - conductance * v) / self.cm

    def _semi_implicit(self, drive, v, h):
        current, conductance = self._sums(drive, v)
        return v + h * (current - conductance * v) / (self.cm + h * conductance)

    def _exponential(self, drive, v, h):
        current, conductance = self._sums(drive, v)
        gone = -np.expm1(-h * conductance / self.cm)
        return v + gone * (current / conductance - v)

    def _explicit(self, drive, v, h):
        return v + h * self._slope(drive, v)

    def _rk4(self, drive, v, h):
        k1 = self._slope(drive, v)
        k2 = self._slope(drive, v + 0.5 * h * k1)
        k3 = self._slope(drive, v + 0.5 * h * k2)
        k4 = self._slope(drive, v + h * k3)
        return v + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def _closed_form(mode, maps, state, dt, asymptote=None, rate=None):
    """Return the new state of a CfC from the values of its maps."""
    if mode == "pure":
        return asymptote - asymptote * np.exp(-dt * (rate + np.abs(maps[0]))) * maps[0]
    if mode == "exponential":
        return state - np.expm1(-dt * _softplus(maps[1])) * (np.tanh(maps[0]) - state)
    first, second = np.tanh(maps[0]), np.tanh(maps[1])
    gate = _sigmoid(maps[2] * dt + maps[3])
    return first + gate * (second if mode == "no_gate" else second - first)


class _WiredCfC:
    def __init__(self, values, arrays):
        self.mode, maps = values["mode"], values["maps"]
        pure = self.mode == "pure"
        self.own = (arrays["asymptote"], arrays["rate"]) if pure else ()
        n_inputs, n = values["n_inputs"], values["n_neurons"]
        inputs = [arrays.part(f"{m}.sensory").dense(n_inputs, n) for m in maps]
        states = [arrays.part(f"{m}.recurrent").dense(n, n) for m in maps]
        biases = [arrays.part(m)["bias"] for m in maps]
        # Groups of neurons are updated in order; each reads those before it anew.
        ends = np.cumsum(values["groups"])[:-1]
        self.groups = []
        for group in np.split(arrays["order"], ends):
            own = [w[:, group] for w in inputs], [w[:, group] for w in states]
            self.groups.append((group, *own, [b[group] for b in biases]))

    def step(self, x, h, dt):
        h = h.copy()
        for group, inputs, states, biases in self.groups:
            parts = zip(inputs, states, biases, strict=True)
            maps = [x @ of_x + h @ of_h + bias for of_x, of_h, bias in parts]
            own = [array[group] for array in self.own]
            h[:, group] = _closed_form(self.mode, maps, h[:, group], dt, *own)
        return h


class _CfC:
    def __init__(self, values, arrays):
        self.mode = values["mode"]
        self.activation = ACTIVATIONS[values["activation"]]
        pure = self.mode == "pure"
        self.own = (arrays["asymptote"], arrays["rate"]) if pure else ()
        layers = range(values["backbone_layers"])
        self.backbone = [_linear(arrays.part(f"backbone.{k}")) for k in layers]
        self.maps = [_linear(arrays.part(name)) for name in values["maps"]]

    def step(self, x, h, dt):
        z = np.concatenate([x, h], axis=1)
        for weight, bias in self.backbone:
            z = self.activation(z @ weight + bias)
        maps = [z @ weight + bias for weight, bias in self.maps]
        return _closed_form(self.mode, maps, h, dt, *self.own)


def _linear(arrays):
    return arrays["weight"].T, arrays["bias"]


class _MixedMemory:
    def __init__(self, cell, values, arrays):
        self.cell, self.n = cell, values["n_neurons"]
        self.of_x = arrays["memory.input_weight"].T
        self.of_h = arrays["memory.recurrent_weight"].T
        self.bias = arrays["memory.bias"]

    def step(self, x, state, dt):
        h, c = state[:, : self.n], state[:, self.n :]
        gates = x @ self.of_x + h @ self.of_h + self.bias
        candidate, write, keep, read = np.split(gates, 4, axis=1)
        c = c * _sigmoid(keep) + np.tanh(candidate) * _sigmoid(write)
        h = self.cell.step(x, np.tanh(c) * _sigmoid(read), dt)
        return np.concatenate([h, c], axis=1)


class _Gated:
    """An LSTM or a GRU, as torch has them; with `time_gates` to the power of dt."""

    def __init__(self, values, arrays):
        self.n, self.reads_time = values["n_neurons"], values["reads_time"]
        self.power = values["time_gates"]
        self.of_x, self.of_h = arrays["input_weight"].T, arrays["recurrent_weight"].T
        self.bias_x, self.bias_h = arrays["input_bias"], arrays["recurrent_bias"]
        self.step = self._lstm if values["cell"] == "LSTM" else self._gru

    def _mapped(self, x, h, dt):
        if self.reads_time:
            x = np.concatenate([x, dt], axis=1)
        return x @ self.of_x + self.bias_x, h @ self.of_h + self.bias_h

    def _lstm(self, x, state, dt):
        h, c = state[:, : self.n], state[:, self.n :]
        of_x, of_h = self._mapped(x, h, dt)
        write, keep, new, read = np.split(of_x + of_h, 4, axis=1)
        dt = dt if self.power else 1.0
        log_keep = -_softplus(-keep)
        # (1 - f^dt) / (1 - f), which is dt where the gate is open.
        capped = np.minimum(keep, 30.0)
        series = -np.expm1(-dt * _softplus(-capped)) / _sigmoid(-capped)
        c = np.exp(dt * log_keep) * c + _sigmoid(write) * np.tanh(new) * series
        return np.concatenate([_sigmoid(read) * np.tanh(c), c], axis=1)

    def _gru(self, x, h, dt):
        of_x, of_h = self._mapped(x, h, dt)
        reset_x, keep_x, new_x = np.split(of_x, 3, axis=1)
        reset_h, keep_h, new_h = np.split(of_h, 3, axis=1)
        new = np.tanh(new_x + _sigmoid(reset_x + reset_h) * new_h)
        kept = np.exp(-(dt if self.power else 1.0) * _softplus(-(keep_x + keep_h)))
        return new + kept * (h - new)


_CELLS = {"LTC": _LTC, "wired CfC": _WiredCfC, "CfC": _CfC}
_CELLS |= {"LSTM": _Gated, "GRU": _Gated}


def _layer(values, arrays):
    """Return the cell of a layer, and the columns of its state."""
    if values["cell"] not in _CELLS:
        raise ValueError(
            f"Expected a layer of {', '.join(_CELLS)}, got {values['cell']!r}. A later "
            "version of LNN wrote it: take its numpy_model.py."
        )
    cell = _CELLS[values["cell"]](values, arrays)
    size = values["n_neurons"]
    if values["mixed_memory"]:
        return _MixedMemory(cell, values, arrays), 2 * size
    return cell, (2 * size if values["cell"] == "LSTM" else size)


class _Network:
    """What stands between scaled rows and outputs."""

    def __init__(self, values, arrays):
        self.own_scale, self.patch = values["own_scale"], values["patch"]
        self.pooling = values["pooling"]
        own = [_Arrays(arrays, f"layers.{k}") for k in range(len(values["layers"]))]
        self.cells, self.sizes = zip(*map(_layer, values["layers"], own), strict=True)
        self.n_neurons = [layer["n_neurons"] for layer in values["layers"]]
        if self.patch:
            self.patch_map = _linear(_Arrays(arrays, "patch"))
        if self.pooling == "attention":
            self.attention = _linear(_Arrays(arrays, "attention"))
        self.motor = values["readout"] == "motor"
        readout = _Arrays(arrays, "readout")
        self.weight, self.bias = readout["weight"], readout["bias"]

    def start(self, n):
        return [np.zeros((n, size)) for size in self.sizes]

    def layers(self, x, states, dt):
        """Take one step; return what the last layer shows, and the new states."""
        new = []
        for cell, n, state in zip(self.cells, self.n_neurons, states, strict=True):
            state = cell.step(x, state, dt)
            new.append(state)
            x = state[:, :n]
        return x, new

    def read_out(self, features):
        """Map features (..., N) to outputs."""
        if self.motor:
            return features[..., : len(self.weight)] * self.weight + self.bias
        return features @ self.weight.T + self.bias

    def patch_rows(self, x, units):
        """Return what patches read of rows (..., F)."""
        if not self.patch["reads_gaps"]:
            return x
        return np.concatenate([x, np.log1p(units)[..., None]], axis=-1)

    def run(self, x, units, every_step):
        """Run over sequences (B, T, F) of one length; outputs (B, S, n_outputs)."""
        if self.own_scale:
            x = self._by_own_scale(x)
        if self.patch:
            x, units = self._patched(x, units)
        states, shown = self.start(len(x)), []
        for t in range(x.shape[1]):
            features, states = self.layers(x[:, t], states, units[:, t, None])
            shown.append(features)
        shown = np.stack(shown, axis=1)
        return self.read_out(shown if every_step else self._pooled(shown)[:, None])

    def _by_own_scale(self, x):
        n, flat = self.own_scale["n_channels"], self.own_scale["flat"]
        channels = x[..., :n]
        mean = channels.mean(axis=1, keepdims=True)
        spread = np.sqrt(channels.var(axis=1, keepdims=True) + flat**2)
        size = np.concatenate([mean, np.log(spread)], axis=-1).repeat(x.shape[1], 1)
        return np.concatenate([(channels - mean) / spread, x[..., n:], size], axis=-1)

    def _patched(self, x, units):
        size, rows = self.patch["size"], self.patch_rows(x, units)
        missing = -x.shape[1] % size
        rows = np.pad(rows, ((0, 0), (size, missing), (0, 0)))
        patches = rows.reshape(len(rows), -1, size * rows.shape[2])
        both = np.concatenate([patches[:, :-1], patches[:, 1:]], axis=-1)
        spans = np.pad(units, ((0, 0), (0, missing))).reshape(len(x), -1, size)
        weight, bias = self.patch_map
        return both @ weight + bias, spans.sum(axis=-1) / size

    def _pooled(self, states):
        if self.pooling == "attention":
            weight, bias = self.attention
            return (_softmax(states @ weight + bias, axis=1) * states).sum(axis=1)
        return self.parts(states[:, -1], states.mean(axis=1), states.max(axis=1))

    def parts(self, last, mean, largest):
        """Return what the pooling takes of these."""
        known = {"last": last, "mean": mean, "max": largest}
        return np.concatenate([known[p] for p in self.pooling.split("+")], axis=1)


class _Carried:
    """The past of `n` streams as states, so that a step costs always the same."""

    def __init__(self, model, n):
        network, rule = model.network, model.rule
        if network.own_scale or network.pooling == "attention":
            raise ValueError(
                'Expected a model that reads rows one by one, got scale="sequence" or '
                'pooling="attention", which look at the whole sequence. Use predict.'
            )
        self.network, self.rule, self.n = network, rule, n
        self.past = {f"state_{k}": s for k, s in enumerate(network.start(n))}
        if network.patch:
            size, width = network.patch["size"], len(network.patch_map[0])
            self.past["rows"] = np.zeros((n, 2 * size, width // (2 * size)))
            self.past["row_count"] = np.zeros(n, dtype=int)
            self.past["row_time"] = np.zeros(n)
        neurons = network.n_neurons[-1]
        self.past["total"] = np.zeros((n, neurons))
        self.past["steps"] = np.zeros((n, 1))
        self.past["largest"] = np.full((n, neurons), -np.inf)
        self.past["held"] = np.tile(rule.neutral, (n, 1))
        self.past["age"] = np.zeros_like(self.past["held"])
        self.past["started"] = np.zeros(n, dtype=bool)
        self.fresh = {name: array.copy() for name, array in self.past.items()}

    def reset(self, streams):
        for name, array in self.past.items():
            array[streams] = self.fresh[name][streams]

    def advance(self, values, units):
        """Take in scaled rows (n, F); return the outputs."""
        held, age, started = (self.past[k] for k in ("held", "age", "started"))
        since = np.where(started, units, 0.0)[:, None]
        x, held, age = self.rule.go_on(values, since, held, age)
        self.past |= {"held": held, "age": age, "started": np.ones(self.n, dtype=bool)}
        counts = self.rule.sub_steps(units)
        features = np.empty((self.n, 0))
        for left in range(counts.max(), 0, -1):
            going = np.flatnonzero(counts >= left)  # all of them in the last pass
            past = {name: array[going] for name, array in self.past.items()}
            spans = units[going] / counts[going]
            features, past = self._step(x[going], spans, past)
            for name, array in past.items():
                self.past[name][going] = array
        return self.network.read_out(features)

    def _step(self, x, units, past):
        network, keys = self.network, [k for k in past if k.startswith("state_")]
        complete, new = True, dict(past)
        if network.patch:
            x, units, complete = self._add_row(x, units, new)
        shown, states = network.layers(x, [past[k] for k in keys], units[:, None])
        total, steps = past["total"] + shown, past["steps"] + 1
        largest = np.maximum(past["largest"], shown)
        later = dict(zip(keys, states, strict=True))
        later |= {"total": total, "steps": steps, "largest": largest}
        for name, array in later.items():
            # The next row may belong to the same patch, whose step is taken again.
            new[name] = np.where(complete, array, past[name])
        return network.parts(shown, total / steps, largest), new

    def _add_row(self, x, units, past):
        size, one = self.network.patch["size"], np.arange(len(x))
        rows, count, time = (past[k].copy() for k in ("rows", "row_count", "row_time"))
        begun = count == size
        rows[begun, :size] = rows[begun, size:]
        rows[begun, size:], count[begun], time[begun] = 0.0, 0, 0.0
        rows[one, size + count] = self.network.patch_rows(x, units)
        count, time = count + 1, time + units
        past["rows"], past["row_count"], past["row_time"] = rows, count, time
        weight, bias = self.network.patch_map
        x = rows.reshape(len(x), -1) @ weight + bias
        return x, time / size, (count == size)[:, None]


class _Windows:
    """The past of `n` streams as the last rows, over which each step runs anew."""

    def __init__(self, model, n):
        self.model, self.rows = model, [[] for _ in range(n)]

    def reset(self, streams):
        for k in np.arange(len(self.rows))[streams]:
            self.rows[k] = []

    def advance(self, values, units):
        """Take in scaled rows (n, F); return the outputs."""
        sequences = []
        for row, gap, past in zip(values, units, self.rows, strict=True):
            past.append((row, gap))
            del past[: -self.model.window]
            sequences.append(tuple(map(np.array, zip(*past, strict=True))))
        return np.concatenate(self.model.run(sequences))


class _Rule:
    """Missing values, and long gaps."""

    def __init__(self, values, neutral):
        self.policy, self.neutral = values["missing"], neutral
        self.max_step = values["clock"]["max_step"]

    def sub_steps(self, units):
        """Return into how many sub-steps gaps are cut."""
        if self.max_step is None:
            return np.ones(np.shape(units), dtype=int)
        count = np.ceil(np.asarray(units) / self.max_step - 1e-4)
        return np.clip(count, 1, MAX_SUB_STEPS).astype(int)

    def go_on(self, values, since, held, age):
        """Fill one row of each stream from what was held before it."""
        if self.policy == "error":
            return values, held, age
        missing = np.isnan(values)
        held = np.where(missing, held, values)
        if self.policy == "hold":
            return held, held, age
        age = np.where(missing, age + since, 0.0)
        return np.concatenate([held, ~missing, np.log1p(age)], axis=1), held, age

    def fill(self, values, units):
        """Fill a sequence (T, F) from its own rows."""
        held, age = self.neutral[None], np.zeros((1, len(self.neutral)))
        if self.policy == "error":
            return values
        filled = []
        for row, since in zip(values, [0.0, *units[1:]], strict=True):
            x, held, age = self.go_on(row[None], since, held, age)
            filled.append(x[0])
        return np.array(filled)


class Model:
    """A fitted model that was stored by `LNN.export.save` in a file of .npz.

    `spec` and `arrays` are what docu/spec.md describes. Of a model with constraints
    `limits.feasible` tells which of the last answers satisfy all of them.
    """

    def __init__(self, path: Any):
        self.spec, self.arrays = load_spec(path)
        values, own = self.spec, _Arrays(self.arrays, "scaler")
        self.center, self.scale = own["center"], own["scale"]
        self.rule = _Rule(values, own["neutral"])
        self.network = _Network(values, self.arrays)
        self.clock, self.reading = values["clock"], values["reading"]
        self.anchors = np.array(values["input"]["anchors"], dtype=int)
        self.every_step = self.reading["every_step"]
        self.window = self.reading["window_length"]
        self.limits = _limits(values, self.arrays)
        self.past: Any = None
        self.n, self._before = 1, np.empty(0)

    def reset(self, n=None, streams=slice(None)):
        """Begin `n` streams; None leaves how many, and begins `streams` anew."""
        if n is None and self.past is not None:
            self.past.reset(streams)
            self._started[streams] = False
            self.limits.reset(None, streams)
            return
        self.n = self.n if n is None else int(n)
        self.past = (_Carried if self.window is None else _Windows)(self, self.n)
        self.limits.reset(self.n)
        self._started = np.zeros(self.n, dtype=bool)
        self._before = np.zeros((self.n, len(self.anchors)))

    def step(self, x, dt=None):
        """Take in one row of each stream; return the answer to each, or the only one.

        Parameters
        ----------
        x : array of shape (n, F), or (F,) of a single stream
            NaN where missing, if the model was fitted with missing values.
        dt : float or array of shape (n,), default=None
            Time since the row before; None is one usual gap. At the first row of a
            stream it has no meaning.
        """
        if self.past is None:
            self.reset()
        rows = np.atleast_2d(np.asarray(x, dtype=np.float64))
        self._check(rows, (self.n, len(self.center)))
        gaps = np.where(self._started, np.full(self.n, self._numbers(dt)), np.nan)
        present = rows[:, self.anchors]
        before = np.where(self._started[:, None], self._before, present)
        values = rows.copy()
        values[:, self.anchors] = present - before
        units = self._units(gaps)
        outputs = self.past.advance((values - self.center) / self.scale, units)
        self._before, self._started[:] = present, True
        answers = self.limits.step(self.answers(outputs, present), rows, units)
        return answers[0] if np.ndim(x) == 1 else answers

    def predict(self, X, dt=None, starts=None):
        """Predict as the estimator does: an array, or a list of arrays.

        Parameters
        ----------
        X : array of shape (T, F) for models of rows; else (n, T, F), or list of (T, F)
        dt : array of shape (T,), or (n, T), or list; default=None
            Time since the row before; None is one usual gap, if time was regular.
        starts : array of bool, shape (T,), default=None
            Of rows: where a recording begins. None: at the first alone.
        """
        return self._predicted(X, dt, starts, self._within)

    def predict_proba(self, X, dt=None, starts=None):
        """Return probabilities of the classes; as `predict`."""
        if self.spec["task"] != "classification":
            raise ValueError("Expected a classifier, got a regressor: use predict.")
        return self._predicted(X, dt, starts, lambda outputs, *_: _softmax(outputs))

    def check(self):
        """Return the largest difference from the outputs that the file tells."""
        found = 0.0
        names = ("test.inputs", "test.gaps", "test.outputs")
        for x, dt, expected in zip(*(self.arrays[n] for n in names), strict=True):
            outputs = np.concatenate(self.run(self._sequences(x, dt)))
            found = max(found, float(np.abs(outputs - expected).max()))
        return found

    def _predicted(self, X, dt, starts, answer):
        if dt is None and self.clock["kind"] is not None and not self.clock["regular"]:
            raise ValueError("Expected dt, as the fit had irregular time, got none.")
        recordings = X
        if self.reading["kind"] == "rows":
            cuts = self._cuts(len(X), starts)
            recordings = np.split(np.asarray(X), cuts)
            dt = None if dt is None else np.split(np.atleast_1d(dt), cuts)
        elif starts is not None:
            raise ValueError("Expected no starts: each sequence is a recording.")
        recordings = [np.asarray(x, dtype=np.float64) for x in recordings]
        gaps = [None] * len(recordings) if dt is None else dt
        gaps = [own if own is None else self._numbers(own) for own in gaps]
        sequences, answered = [], []
        for x, own in zip(recordings, gaps, strict=True):
            sequences += self._sequences(x, own)
            rows = self.every_step or self.window is not None
            answered.append(x if rows else x[-1:])
        ends = np.cumsum([len(x) for x in answered])[:-1]
        outputs = np.split(np.concatenate(self.run(sequences)), ends)
        self.limits.begin()
        found = list(map(answer, outputs, answered, gaps))
        if self.reading["kind"] == "rows" or not self.every_step:
            return np.concatenate(found)
        return np.array(found) if isinstance(X, np.ndarray) else found

    def _within(self, outputs, rows, gaps):
        answers = self.answers(outputs, rows[:, self.anchors])
        return self.limits.sequence(answers, rows, gaps, self._units)

    def _cuts(self, n, starts):
        mask = np.zeros(n, dtype=bool) if starts is None else np.asarray(starts)
        if mask.shape != (n,) or mask.dtype != bool:
            raise ValueError(f"Expected starts as {n} bools, got {starts!r:.60}.")
        return [k for k in np.flatnonzero(mask) if k > 0]

    def _sequences(self, x, gaps):
        """Return what the network reads of a recording: pairs of rows and gaps."""
        self._check(x, (len(x), len(self.center)))
        gaps = np.full(len(x), np.nan) if gaps is None else np.array(gaps, np.float64)
        if gaps.shape != x.shape[:1]:
            raise ValueError(f"Expected {len(x)} gaps, one a row, got {gaps.shape}.")
        gaps[:1] = np.nan
        values, present = x.astype(np.float64), x[:, self.anchors]
        values[:, self.anchors] = np.diff(present, axis=0, prepend=present[:1])
        scaled, units = (values - self.center) / self.scale, self._units(gaps)
        if self.window is None:
            return [(scaled, units)]
        own = (slice(max(0, k - self.window), k) for k in range(1, len(x) + 1))
        return [(scaled[window], units[window]) for window in own]

    def run(self, sequences):
        """Run over sequences of any length; return outputs (S, n_outputs) of each."""
        walked, by_length = [], {}
        for k, (x, units) in enumerate(sequences):
            counts = self.rule.sub_steps(units)
            x = np.repeat(self.rule.fill(x, units), counts, axis=0)
            walked.append((x, np.repeat(units / counts, counts), counts.cumsum() - 1))
            by_length.setdefault(len(x), []).append(k)
        found = [np.empty(0)] * len(sequences)
        for same in by_length.values():
            x = np.stack([walked[k][0] for k in same])
            units = np.stack([walked[k][1] for k in same])
            outputs = self.network.run(x, units, self.every_step)
            for k, own in zip(same, outputs, strict=True):
                # Of a gap that was walked, the last sub-step alone is an answer.
                found[k] = own[walked[k][2]] if self.every_step else own
        return found

    def answers(self, outputs, present):
        """Turn outputs (n, n_outputs) into labels, or into the units of y."""
        answer = self.spec["answer"]
        if answer["classes"] is not None:
            return np.array(answer["classes"])[outputs.argmax(axis=-1)]
        own = _Arrays(self.arrays, "target_scaler")
        levels = len(answer["quantiles"] or [0])
        if levels > 1:
            outputs = outputs.reshape(len(outputs), answer["n_targets"], levels)
        column = (-1,) + (1,) * (outputs.ndim - 2)
        values = outputs * own["scale"].reshape(column) + own["center"].reshape(column)
        if len(self.anchors):
            values = values + present.reshape(len(present), *column)
        return values[:, 0] if answer["ndim"] == 0 else values

    def _numbers(self, dt):
        """Return gaps as numbers, NaN where there is none: durations in seconds."""
        gaps = np.asarray(np.nan if dt is None else dt)
        if gaps.dtype.kind == "O" and any(hasattr(gap, "days") for gap in gaps.flat):
            gaps = gaps.astype("m8[us]")  # of datetime.timedelta
        if gaps.dtype.kind not in "mM":
            return gaps.astype(np.float64)
        if gaps.dtype.kind == "M" or self.clock["kind"] in (None, "numbers"):
            raise ValueError(f"Expected dt in numbers, got {gaps.dtype}.")
        return gaps / np.timedelta64(1, "s")

    def _units(self, gaps):
        if (gaps < 0).any() or np.isinf(gaps).any():
            raise ValueError("Expected gaps that are numbers >= 0. Sort rows by time.")
        units = gaps / self.clock["unit"]
        one = np.isnan(units) | (np.abs(units - 1) <= self.clock["tolerance"])
        return np.where(one, 1.0, units)

    def _check(self, rows, shape):
        if rows.shape != shape:
            hint = "Pass input columns alone; reset(n=...) says how many streams."
            raise ValueError(f"Expected shape {shape}, got {rows.shape}. {hint}")
        bad = ~np.isfinite(rows)
        if self.rule.policy != "error":
            bad = np.isinf(rows)
            bad[:, self.anchors] |= np.isnan(rows[:, self.anchors])
        if bad.any():
            known = "" if self.rule.policy == "error" else " or NaN, not in anchors"
            raise ValueError(f"Expected finite numbers{known}, got {rows[bad][0]}.")


def _softmax(x, axis=-1):
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


class _NoLimits:
    begin = reset = staticmethod(lambda *given: None)
    step = sequence = staticmethod(lambda answers, *given: answers)


def _limits(spec, arrays):
    if not spec.get("constraints"):
        return _NoLimits()
    # It lies beside this file where both were copied to.
    inside = __name__.startswith("LNN.")
    name = "LNN.constraints.numpy_limits" if inside else "numpy_limits"
    return import_module(name).ModelLimits(spec, arrays)


def load_spec(path):
    """Read a spec and its arrays from a file, and nothing else of it."""
    with np.load(path, allow_pickle=False) as file:
        if "spec" not in file:
            told = json.loads(file["model"].tobytes() if "model" in file else b"{}")
            why = told.get("no_spec", f"{path!s} is another file.")
            raise ValueError(f"Expected a file of LNN.export.save with a spec: {why}")
        values = json.loads(file["spec"].tobytes().decode("utf-8"))
        if values["version"] > VERSION:
            told = f"version {VERSION} or older, got version {values['version']}"
            raise ValueError(f"Expected a spec of {told}. Take a later numpy_model.py.")
        return values, {n[5:]: file[n] for n in file.files if n.startswith("spec.")}
