"""Models that know no time: every step is 1, so that the maps of a gate are one map."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.export.spec import Spec

GATED = ("default", "no_gate")


def without_time(spec: Spec) -> Spec:
    """Return a spec that answers alike, with `time_a` added to `time_b` if it may be.

    What is left of `time_a` is 0, so that C has no place for it.
    """
    values, arrays = spec.values, dict(spec.arrays)
    if steps_differ(values):
        return spec
    for k, layer in enumerate(values["layers"]):
        if layer["cell"] == "CfC" and layer["mode"] in GATED:
            _add_dense(arrays, f"layers.{k}.")
        if layer["cell"] == "wired CfC" and layer["mode"] in GATED:
            _add_wired(arrays, f"layers.{k}.", layer)
    return Spec(values, arrays)


def steps_differ(values: dict[str, Any]) -> bool:
    """Whether steps of a model may be of another length than 1."""
    max_step = values["clock"]["max_step"]
    walked = max_step is not None and max_step < 1
    # A patch that is not full is a shorter step.
    return values["clock"]["kind"] is not None or walked or bool(values["patch"])


def reads_time(maps: list[str], arrays: dict[str, np.ndarray]) -> bool:
    """Whether the values of a CfC's maps hang on the length of a step."""
    own = [a for name, a in arrays.items() if name.startswith("time_a.")]
    return "time_b" not in maps or any(a.any() for a in own if a.dtype.kind == "f")


def _add_dense(arrays: dict[str, np.ndarray], prefix: str) -> None:
    for name in ("weight", "bias"):
        first, second = f"{prefix}time_a.{name}", f"{prefix}time_b.{name}"
        arrays[second] = arrays[first].astype(np.float64) + arrays[second]
        arrays[first] = np.zeros_like(arrays[second])


def _add_wired(
    arrays: dict[str, np.ndarray], prefix: str, layer: dict[str, Any]
) -> None:
    first, second = f"{prefix}time_a.", f"{prefix}time_b."
    arrays[f"{second}bias"] = (
        arrays[f"{first}bias"].astype(np.float64) + (arrays[f"{second}bias"])
    )
    arrays[f"{first}bias"] = np.zeros(layer["n_neurons"])
    sizes = {"sensory": layer["n_inputs"], "recurrent": layer["n_neurons"]}
    for kind, n_sources in sizes.items():
        total = np.zeros((n_sources, layer["n_neurons"]))
        alive = np.zeros(total.shape, dtype=bool)
        for own in (f"{first}{kind}.", f"{second}{kind}."):
            place = arrays[f"{own}source"], arrays[f"{own}target"]
            total[place] += arrays[f"{own}weight"]
            alive[place] = True
        source, target = np.nonzero(alive)
        arrays[f"{second}{kind}.source"] = source.astype(np.int32)
        arrays[f"{second}{kind}.target"] = target.astype(np.int32)
        arrays[f"{second}{kind}.weight"] = total[alive]
        for name in ("source", "target", "weight"):
            arrays[f"{first}{kind}.{name}"] = arrays[f"{first}{kind}.{name}"][:0]
