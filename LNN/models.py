"""The model types: each liquid cell and each comparison, by its `model_type`.

To add a liquid cell, write one file with its equations and one entry here. `register`
adds a cell from outside LNN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from LNN.baselines import BASELINES, Baseline, baseline_class, make_baseline
from LNN.cells.base import Cell, choice
from LNN.exceptions import InvalidInputError
from LNN.layers import LTC, CfC, SequenceLayer
from LNN.wiring import Wiring

# A layer of a network, of whatever model type.
Layer = SequenceLayer | Baseline
# The parameters that only some model types have, and what each of them is about.
OPTIONS = {
    "mode": "forms to choose from",
    "wiring": "a wiring",
    "sparsity": "a wiring",
    "layer_recurrence": "a wiring",
    "readout": "motor neurons",
    "solver": "a solver",
    "ode_unfolds": "solver steps",
    "mixed_memory": "room for an LSTM around the cell",
    "backbone_units": "a backbone",
    "backbone_layers": "a backbone",
    "backbone_dropout": "a backbone",
    "backbone_activation": "a backbone",
    "time_gates": "gates that can be raised to the power of the elapsed time",
}
# Whatever lives on a wiring has these.
LIQUID_OPTIONS = ("wiring", "sparsity", "layer_recurrence", "readout", "mixed_memory")
BACKBONE = tuple(name for name in OPTIONS if name.startswith("backbone_"))


def _nothing(values: Mapping[str, Any]) -> str:
    return ""


@dataclass(frozen=True)
class ModelType:
    """What a `model_type` stands for.

    Attributes
    ----------
    name : str
    line : str
        What a step does, in one line.
    make : callable
        Makes a layer: ``make(n_inputs, units, *, generator, **taken)``, where units is
        the layer's `Wiring` if the model is liquid, else the number of neurons. The
        layer is a `SequenceLayer` if it is liquid, else a `Baseline`.
    takes : tuple of str
        Arguments of `LiquidNetwork` that are passed to `make` by name. Those of
        `OPTIONS` that are not among them have no effect with this model.
    liquid : bool
        Whether it has a wiring; otherwise it is a comparison.
    layer_recurrence : bool
        What `layer_recurrence=None` means on the "ncp" wiring.
    details : callable
        Says how it was set, from the parameters: for `describe`.
    remedy : callable
        Says what to change where outputs are not finite, from the parameters; "" where
        the parameters are not to blame.
    """

    name: str
    line: str
    make: Callable[..., Layer]
    takes: tuple[str, ...] = ()
    liquid: bool = False
    layer_recurrence: bool = False
    details: Callable[[Mapping[str, Any]], str] = _nothing
    remedy: Callable[[Mapping[str, Any]], str] = _nothing

    def has(self, option: str) -> bool:
        """Tell whether a parameter has an effect with this model."""
        if option not in OPTIONS or option in self.takes:
            return True
        return self.liquid and option in LIQUID_OPTIONS

    def describe(self, values: Mapping[str, Any], n_neurons: int) -> str:
        """Return the model, its size and its settings in one line.

        Parameters
        ----------
        values : mapping
            All parameters of the estimator.
        n_neurons : int
            Neurons of a layer.
        """
        n_layers = values["n_layers"]
        each = f" in each of {n_layers} layers" if n_layers > 1 else ""
        memory = "mixed memory" if values["mixed_memory"] else ""
        patches = values["patch"]
        # "auto" says nothing yet: how many rows it means is known once there are data.
        front = "" if patches in (1, "auto") else f"patches of {patches} rows"
        neurons = f"{n_neurons} neurons{each}"
        parts = [self.name, neurons, self.details(values), memory, front]
        return ", ".join(part for part in parts if part)


MODELS: dict[str, ModelType] = {}


def register(model: ModelType) -> ModelType:
    """Add a model type: estimators and networks then know its name.

    The registry belongs to the process. A search with several processes needs the call
    in a module that they import too.

    Raises
    ------
    InvalidInputError
        If the name is taken.
    """
    if model.name in MODELS:
        raise InvalidInputError(
            f"There is a model type {model.name!r} already. Choose another name, or "
            f"call unregister({model.name!r}) first."
        )
    MODELS[model.name] = model
    return model


def unregister(name: str) -> None:
    """Remove a model type from the registry.

    Raises
    ------
    InvalidInputError
        If there is none of this name.
    """
    find(name)
    del MODELS[name]


def find(name: str) -> ModelType:
    """Return the model type of a name.

    Raises
    ------
    InvalidInputError
        If there is none; it names all there are.
    """
    choice("model_type", name, tuple(MODELS))
    return MODELS[name]


def names(*, liquid: bool) -> list[str]:
    """Return the names of the liquid cells, or of the comparisons."""
    return [model.name for model in MODELS.values() if model.liquid == liquid]


def without_effect(name: str, option: str) -> str:
    """Return why a parameter has no effect with a model type; "" if it has one."""
    if find(name).has(option):
        return ""
    owners = [model.name for model in MODELS.values() if model.has(option)]
    first = ", ".join(owners[:-1])
    who = f"{first} and {owners[-1]} have" if first else f"{owners[-1]} has"
    return f"only {who} {OPTIONS[option]}"


def liquid(
    name: str,
    line: str,
    cell: Callable[..., Cell],
    *,
    takes: tuple[str, ...] = (),
    layer_recurrence: bool = False,
    details: Callable[[Mapping[str, Any]], str] = _nothing,
    remedy: Callable[[Mapping[str, Any]], str] = _nothing,
) -> ModelType:
    """Describe a liquid cell, to `register` it.

    Parameters
    ----------
    name, line, layer_recurrence, details, remedy
        As in `ModelType`.
    cell : callable
        Makes the cell: ``cell(wiring, *, generator, **taken)``; most often its class.
    takes : tuple of str, default=()
        Arguments of `LiquidNetwork` that are passed to it by name.

    Returns
    -------
    ModelType
    """

    def make(
        n_inputs: int,
        wiring: Wiring,
        *,
        mixed_memory: bool,
        backend: str,
        generator: torch.Generator | None,
        **taken: Any,
    ) -> SequenceLayer:
        return SequenceLayer(
            cell(wiring, generator=generator, **taken),
            wiring,
            mixed_memory=mixed_memory,
            backend=backend,
            generator=generator,
        )

    return ModelType(
        name,
        line,
        make,
        takes=("mixed_memory", "backend", *takes),
        liquid=True,
        layer_recurrence=layer_recurrence,
        details=details,
        remedy=remedy,
    )


# -------------------------------------------------------------------- the entries


def _cfc(
    n_inputs: int,
    wiring: Wiring,
    *,
    fully_connected: bool,
    time_constants: tuple[float, float] | None,
    gaps: tuple[float, float, float] | None,
    **options: Any,
) -> CfC:
    """Make the wired CfC; on the wiring that is named "full", that with a backbone."""
    if not fully_connected:
        return CfC(n_inputs, wiring, time_constants=time_constants, **options)
    # No other mode of the fully connected cell starts with time constants.
    if options["mode"] == "exponential":
        options["time_constants"] = time_constants
    layer = CfC(n_inputs, wiring.n_neurons, gaps=gaps, **options)
    layer.wiring = wiring  # with the motor neurons that the read-out takes
    return layer


def _ltc(n_inputs: int, wiring: Wiring, **options: Any) -> LTC:
    # The read-out has an output map of its own.
    return LTC(n_inputs, wiring, output_mapping=None, **options)


def _ltc_remedy(values: Mapping[str, Any]) -> str:
    """Blame an explicit solver."""
    solver = values["solver"]
    if solver in ("semi-implicit", "exponential"):
        return ""
    return (
        f'solver="{solver}" explodes where a gap in time is too long for its '
        f"{values['ode_unfolds']} unfolds: fit with "
        'solver="semi-implicit", which takes gaps of any length, or with more '
        "ode_unfolds."
    )


def _baseline_details(values: Mapping[str, Any]) -> str:
    return "gates to the power of dt" if values["time_gates"] else ""


register(
    ModelType(
        "CfC",
        "a gate that depends on the elapsed time mixes two candidate states",
        _cfc,
        takes=(
            "mode",
            *BACKBONE,
            "mixed_memory",
            "time_constants",
            "gaps",
            "fully_connected",
            "backend",
        ),
        liquid=True,
        # Its neurons have no membrane of their own: the strict wiring starves it.
        layer_recurrence=True,
        details=lambda values: f"mode {values['mode']}",
    )
)
register(
    ModelType(
        "LTC",
        "c dv/dt = I - G v over dt, with currents and conductances of its synapses",
        _ltc,
        takes=("solver", "ode_unfolds", "mixed_memory", "time_constants", "backend"),
        liquid=True,
        details=lambda values: f"{values['solver']}, {values['ode_unfolds']} unfolds",
        remedy=_ltc_remedy,
    )
)
for _name in BASELINES:
    _class = baseline_class(_name)
    register(
        ModelType(
            _name,
            _class.line,
            partial(make_baseline, _name),
            takes=_class.takes,
            details=_baseline_details,
        )
    )
