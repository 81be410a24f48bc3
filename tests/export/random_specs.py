"""Specs that nobody fitted: any structure that docu/spec.md allows, random weights."""

import numpy as np

from LNN.export import Spec

MAPS = {
    "default": ["ff1", "ff2", "time_a", "time_b"],
    "no_gate": ["ff1", "ff2", "time_a", "time_b"],
    "exponential": ["ff1", "time_a"],
    "pure": ["ff1"],
}
ACTIVATIONS = ("lecun_tanh", "tanh", "relu", "silu", "gelu")


class Draw:
    """Draws a spec from one seed."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.arrays = {}

    def one_of(self, *choices):
        return choices[self.random.integers(len(choices))]

    def size(self, most=7):
        return int(self.random.integers(1, most + 1))

    def weights(self, *shape):
        return self.random.normal(0, 0.6, shape).astype(np.float32)

    def positive(self, *shape):
        return self.random.uniform(0.2, 1.5, shape).astype(np.float32)

    def spec(self):
        """Return a spec with values and arrays, without test vectors."""
        kind, window, every_step = self.one_of(
            ("rows", None, True),
            ("rows", self.size(9), False),
            ("sequences", None, False),
            ("sequences", None, True),
        )
        missing = self.one_of("error", "hold", "mask")
        n = self.size(4)
        values = {
            "format": "LNN spec",
            "version": 1,
            "dtype": "float32",
            "missing": missing,
            "reading": {
                "kind": kind,
                "window_length": window,
                "every_step": every_step,
            },
            "clock": {
                "kind": self.one_of("numbers", "numbers", None),
                "unit": float(self.one_of(1.0, 0.25, 60.0)),
                "regular": False,
                "tolerance": 1e-6,
                "max_step": self.one_of(None, 0.5, 1.0, 2.0),
            },
            "provenance": {"lnn": "0", "estimator": "LiquidRegressor"},
        }
        values["answer"], anchors = self._answer(n)
        values["task"] = (
            "classification" if values["answer"]["classes"] else "regression"
        )
        values["input"] = {
            "n_columns": n,
            "columns": list(range(n)),
            "names": None,
            "anchors": anchors,
            "n_channels": n,
            "n_read": 3 * n if missing == "mask" else n,
        }
        self._network(values, n)
        self.arrays["scaler.center"] = self.random.normal(size=n)
        self.arrays["scaler.scale"] = self.random.uniform(0.5, 2.0, n)
        self.arrays["scaler.neutral"] = self.random.normal(size=n)
        return Spec(values, self.arrays)

    def _answer(self, n):
        answer = {"classes": None, "quantiles": None, "ndim": 0, "n_targets": 1}
        anchors, what = [], self.one_of("number", "vector", "classes", "quantiles")
        if what == "classes":
            answer |= {"n_targets": self.size(3) + 1}
            answer["classes"] = [f"class {k}" for k in range(answer["n_targets"])]
        else:
            if what == "vector":
                answer |= {"n_targets": self.size(3), "ndim": 1}
            if what == "quantiles":
                answer["quantiles"] = [0.1, 0.5, 0.9][: self.size(3)]
            if answer["n_targets"] <= n and self.random.random() < 0.3:
                chosen = self.random.permutation(n)[: answer["n_targets"]]
                anchors = [int(k) for k in chosen]
            targets = answer["n_targets"]
            self.arrays["target_scaler.center"] = self.random.normal(size=targets)
            self.arrays["target_scaler.scale"] = self.random.uniform(0.5, 3, targets)
        answer["n_outputs"] = answer["n_targets"] * len(answer["quantiles"] or [0])
        return answer, anchors

    def _network(self, values, n):
        read, whole = values["input"]["n_read"], not values["reading"]["every_step"]
        values["own_scale"] = values["patch"] = None
        if whole and self.random.random() < 0.3:
            values["own_scale"] = {"n_channels": n, "flat": 1e-3}
            read += 2 * n
        if whole and self.random.random() < 0.3:
            reads_gaps, outputs, size = (
                self.one_of(True, False),
                self.size(5),
                self.size(4),
            )
            values["patch"] = {
                "size": size,
                "reads_gaps": reads_gaps,
                "n_outputs": outputs,
            }
            self.arrays["patch.weight"] = self.weights(
                outputs, 2 * size * (read + reads_gaps)
            )
            self.arrays["patch.bias"] = self.weights(outputs)
            read = outputs
        values["layers"] = []
        for k in range(self.size(2)):
            values["layers"].append(self._layer(f"layers.{k}.", read))
            read = values["layers"][-1]["n_neurons"]
        values["pooling"] = "last"
        if whole:
            pool = self.one_of("last", "mean", "max", "last+mean+max", "attention")
            values["pooling"] = pool
            if pool == "attention":
                self.arrays["attention.weight"] = self.weights(1, read)
                self.arrays["attention.bias"] = self.weights(1)
            read *= 1 + pool.count("+")
        outputs = values["answer"]["n_outputs"]
        motor = outputs <= read and "+" not in values["pooling"]
        values["readout"] = self.one_of("motor", "dense") if motor else "dense"
        shape = (outputs,) if values["readout"] == "motor" else (outputs, read)
        self.arrays["readout.weight"] = self.weights(*shape)
        self.arrays["readout.bias"] = self.weights(outputs)

    def _layer(self, prefix, n_inputs):
        cell, n = self.one_of("LTC", "wired CfC", "CfC", "LSTM", "GRU"), self.size()
        layer = {"cell": cell, "n_inputs": n_inputs, "n_neurons": n}
        layer["mixed_memory"] = (
            cell not in ("LSTM", "GRU") and self.random.random() < 0.2
        )
        describe = {
            "LTC": self._ltc,
            "wired CfC": self._wired,
            "CfC": self._dense,
            "LSTM": self._gated,
            "GRU": self._gated,
        }[cell]
        own = describe(layer, n_inputs, n)
        if layer["mixed_memory"]:
            own |= {
                "memory.input_weight": self.weights(4 * n, n_inputs),
                "memory.recurrent_weight": self.weights(4 * n, n),
                "memory.bias": self.weights(4 * n),
            }
        self.arrays |= {prefix + name: array for name, array in own.items()}
        return layer

    def _edges(self, n_sources, n):
        source, target = np.nonzero(self.random.random((n_sources, n)) < 0.6)
        return {"source": source.astype(np.int32), "target": target.astype(np.int32)}

    def _ltc(self, layer, n_inputs, n):
        solver = self.one_of("semi-implicit", "exponential", "explicit", "rk4")
        many = solver in ("explicit", "rk4")
        layer |= {"solver": solver, "epsilon": 1e-8}
        layer["unfolds"] = 30 if many else self.size(4)
        own = {
            "gleak": self.positive(n),
            "vleak": self.weights(n),
            "cm": self.positive(n) + 0.5,
            "input_weight": self.weights(n_inputs) + np.float32(1),
            "input_bias": self.weights(n_inputs),
        }
        for kind, n_sources in (("sensory", n_inputs), ("recurrent", n)):
            edges = self._edges(n_sources, n)
            m = len(edges["source"])
            known = {"weight": self.positive(m), "sigma": 3 * self.positive(m)}
            known |= {"mu": self.weights(m), "erev": self.weights(m), **edges}
            own |= {f"{kind}.{name}": array for name, array in known.items()}
        return own

    def _mode(self, layer, n):
        layer["mode"] = self.one_of(*MAPS)
        layer["maps"] = MAPS[layer["mode"]]
        if layer["mode"] != "pure":
            return {}
        return {"asymptote": self.weights(n), "rate": self.positive(n)}

    def _wired(self, layer, n_inputs, n):
        own = self._mode(layer, n)
        cuts = self.random.choice(n + 1, size=self.size(3))
        ends = np.unique([0, *cuts, n])
        layer["groups"] = [int(g) for g in np.diff(ends)]
        own["order"] = self.random.permutation(n).astype(np.int32)
        shared = {"sensory": self._edges(n_inputs, n), "recurrent": self._edges(n, n)}
        for name in layer["maps"]:
            own[f"{name}.bias"] = self.weights(n)
            for kind, sources in (("sensory", n_inputs), ("recurrent", n)):
                known = dict(shared[kind])
                if self.random.random() < 0.2:  # a map with synapses of its own
                    known = self._edges(sources, n)
                known["weight"] = self.weights(len(known["source"]))
                own |= {f"{name}.{kind}.{key}": a for key, a in known.items()}
        return own

    def _dense(self, layer, n_inputs, n):
        own, read = self._mode(layer, n), n_inputs + n
        layer["backbone_layers"] = int(self.random.integers(0, 3))
        layer["activation"] = self.one_of(*ACTIVATIONS)
        for k in range(layer["backbone_layers"]):
            units = self.size()
            own[f"backbone.{k}.weight"] = self.weights(units, read)
            own[f"backbone.{k}.bias"] = self.weights(units)
            read = units
        for name in layer["maps"]:
            own[f"{name}.weight"] = self.weights(n, read)
            own[f"{name}.bias"] = self.weights(n)
        return own

    def _gated(self, layer, n_inputs, n):
        layer |= {
            "reads_time": self.one_of(True, False),
            "time_gates": self.one_of(True, False),
        }
        gates = 4 if layer["cell"] == "LSTM" else 3
        return {
            "input_weight": self.weights(gates * n, n_inputs + layer["reads_time"]),
            "recurrent_weight": self.weights(gates * n, n),
            "input_bias": self.weights(gates * n),
            "recurrent_bias": self.weights(gates * n),
        }


def data_for(spec, seed):
    """Return sequences of rows, and the times of each."""
    random = np.random.default_rng(seed)
    values, found = spec.values, []
    n, unit = values["input"]["n_channels"], values["clock"]["unit"]
    for _ in range(3):
        T = int(random.integers(1, 14))
        X = random.normal(size=(T, n)) * 1.5
        if values["missing"] != "error":
            gone = random.random(X.shape) < 0.3
            gone[:, values["input"]["anchors"]] = False
            X[gone] = np.nan
        gaps = unit * random.exponential(size=T)
        gaps[random.random(T) < 0.3] = unit
        found.append((X, np.cumsum(gaps)))
    return found
