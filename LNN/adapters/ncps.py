"""Weights to and from `ncps.torch`, the reference library of LTC and CfC.

An adapter and no mode of the cells: ncps wires a CfC differently (its time gates have
no mask, its layers recur densely), so each map gets the edges that ncps really uses.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from LNN._warnings import warn
from LNN.adapters.parameters import missing
from LNN.cells.cfc import CfCCell, WiredCfCCell
from LNN.cells.synapses import inverse_softplus
from LNN.exceptions import InvalidInputError
from LNN.layers import LTC, CfC, State
from LNN.wiring import Edges, Wiring

if TYPE_CHECKING:
    import ncps.torch

# Activations whose class name in ncps, in lower case, is not our name.
_ACTIVATION_NAMES = {"LeCun": "lecun_tanh"}
_GATES = ("time_a", "time_b")


def from_ncps(module: ncps.torch.LTC | ncps.torch.CfC) -> LTC | CfC:
    """Turn an `ncps.torch` module into the layer that computes the same.

    Parameters
    ----------
    module : ncps.torch.LTC or ncps.torch.CfC
        Wired or fully connected, in any mode, with or without mixed memory; it is not
        changed. Dtype, device and training mode are kept.

    Returns
    -------
    layer : LTC or CfC
        Same outputs and gradients. ``layer.wiring`` lists every synapse that the
        network has: in a wired CfC of ncps also those that only its unmasked time gates
        use, and all of those inside a layer. Polarities of synapses that the ncps
        wiring does not draw are +1 (a CfC does not use them).

    Warns
    -----
    LNNWarning
        If there is backbone dropout: ncps never drops the first backbone layer, we drop
        all. Predictions agree, training does not.

    Raises
    ------
    InvalidInputError
        For a module that is neither, and for what our layers cannot hold:
        ``batch_first=False``; conductances or capacitances <= 0 in an LTC without
        ``implicit_param_constraints`` (ours are a softplus); masks that were trained
        away from 0 and 1; a layer whose neurons are not in ascending order, or motor
        neurons that are not the first ones; a wired CfC whose projection does not fit
        its last layer, which ncps cannot run either.

    Notes
    -----
    Column j of our state is neuron j of the wiring. So it is in an ncps LTC, but a
    wired ncps CfC orders its state by layer (inter, command, motor): carry states over
    with `state_from_ncps` and `state_to_ncps`.

    Examples
    --------
    >>> import ncps.torch, torch
    >>> from ncps.wirings import AutoNCP
    >>> from LNN.adapters import from_ncps
    >>> theirs = ncps.torch.CfC(3, AutoNCP(12, 2))
    >>> ours = from_ncps(theirs)
    >>> inputs = torch.randn(5, 7, 3)
    >>> torch.allclose(ours(inputs)[0], theirs(inputs)[0], atol=1e-6)
    True
    """
    reference = _reference()

    if not isinstance(module, reference.LTC | reference.CfC):
        raise InvalidInputError(
            "from_ncps takes an ncps.torch.LTC or an ncps.torch.CfC, got "
            f"{type(module).__name__}. Wrap a cell in one of them."
        )
    if not module.batch_first:
        raise InvalidInputError(
            "The module has batch_first=False, our layers are batch first. Set "
            "module.batch_first = True and give inputs as (batch, time, features)."
        )
    # The values drawn here are overwritten: leave torch's own generator alone.
    rng = torch.Generator()
    read = _ltc_from if isinstance(module, reference.LTC) else _cfc_from
    layer = read(module, rng)
    like = next(module.parameters())
    layer.to(device=like.device, dtype=like.dtype).train(module.training)
    cell = module.rnn_cell
    # Without these constraints ncps computes with the parameters themselves; ours go
    # through a softplus, so its inverse is stored.
    explicit = isinstance(layer, LTC) and not cell._implicit_param_constraints
    with torch.no_grad():
        for pair in _pairs(layer, module):
            value = pair.theirs[pair.their_index]
            if explicit and pair.positive:
                value = _inverse_positive(value, pair)
            pair.ours[pair.our_index] = value
    return layer


def to_ncps(layer: LTC | CfC) -> ncps.torch.LTC | ncps.torch.CfC:
    """Turn a layer into the `ncps.torch` module that computes the same.

    Parameters
    ----------
    layer : LTC or CfC
        It is not changed. Dtype, device and training mode are kept.

    Returns
    -------
    module : ncps.torch.LTC or ncps.torch.CfC
        On a `FixedWiring`, which has the layer's synapses and adds none when built.

    Warns
    -----
    LNNWarning
        If there is backbone dropout: ncps never drops the first backbone layer (with
        a single one it drops nothing), we drop all. Predictions agree, training does
        not.

    Raises
    ------
    InvalidInputError
        For another kind of module, and for what ncps cannot hold: an LTC with another
        solver than "semi-implicit" or with a projection; a wired CfC whose time gates
        are masked (every sparse one of ours), whose layers do not recur densely, which
        has synapses from inputs to a later layer, backwards or across a layer, or whose
        outputs are not its last layer. A layer made by `from_ncps` has none of these.

    Examples
    --------
    >>> import torch
    >>> from LNN import LTC, Wiring
    >>> from LNN.adapters import to_ncps
    >>> ours = LTC(3, Wiring.ncp(3, 12, 2))
    >>> theirs = to_ncps(ours)
    >>> inputs = torch.rand(5, 7, 3)
    >>> torch.allclose(ours(inputs)[0], theirs(inputs)[0], atol=1e-5)
    True
    """
    if not isinstance(layer, LTC | CfC):
        raise InvalidInputError(
            f"to_ncps takes an LTC or a CfC layer, got {type(layer).__name__}. Of a "
            "LiquidNetwork, convert one of its layers."
        )
    # ncps draws its initial values from torch's own generator.
    with torch.random.fork_rng(devices=[]):
        module = _ltc_to(layer) if isinstance(layer, LTC) else _cfc_to(layer)
    like = next(layer.parameters())
    module.to(device=like.device, dtype=like.dtype).train(layer.training)
    with torch.no_grad():
        for pair in _pairs(layer, module):
            pair.theirs[pair.their_index] = pair.ours[pair.our_index]
    return module


def state_from_ncps(layer: LTC | CfC, state: State) -> State:
    """Reorder a state (B, N), or pair of states, of ncps for a layer of ours.

    Only a wired CfC has another order there, see `from_ncps`.
    """
    return _reorder(layer, state, "place")


def state_to_ncps(layer: LTC | CfC, state: State) -> State:
    """Reorder a state (B, N), or pair of states, of our layer for ncps."""
    return _reorder(layer, state, "order")


def _reorder(layer: LTC | CfC, state: State, buffer: str) -> State:
    if isinstance(state, tuple):
        h, c = state
        return _reordered(layer, h, buffer), _reordered(layer, c, buffer)
    return _reordered(layer, state, buffer)


def _reordered(layer: LTC | CfC, state: Tensor, buffer: str) -> Tensor:
    cell = _liquid_cell(layer)
    if not isinstance(cell, WiredCfCCell):
        return state
    return state[..., getattr(cell, buffer)]


# ---------------------------------------------------------------- reading ncps modules


def _ltc_from(module: Any, rng: torch.Generator) -> LTC:
    cell = module.rnn_cell
    for name, used in cell._params.items():
        registered = getattr(cell, name)
        if used is not registered and not torch.equal(used, registered):
            # ncps shows one and runs another: whichever we took would surprise someone.
            raise InvalidInputError(
                f"This ncps LTC computes with another {name} than it shows in "
                "parameters() and state_dict(), as it does after "
                "load_state_dict(assign=True). Load the weights without assign."
            )
    drawn = Wiring.from_ncps(module._wiring)
    edges = [
        _signed(_binary(mask, name), matrix)
        for mask, matrix, name in zip(
            (cell.sparsity_mask, cell.sensory_sparsity_mask),
            (module._wiring.adjacency_matrix, module._wiring.sensory_adjacency_matrix),
            ("sparsity_mask", "sensory_sparsity_mask"),
            strict=True,
        )
    ]
    # From the masks: an ncps wiring grows when another model is built on it later.
    wiring = Wiring.from_adjacency(
        *edges, n_outputs=module.motor_size, layers=drawn.layers
    )
    return LTC(
        module.input_size,
        wiring,
        return_sequences=module.return_sequences,
        mixed_memory=module.use_mixed,
        generator=rng,
        ode_unfolds=cell._ode_unfolds,
        epsilon=cell._epsilon,
        input_mapping=cell._input_mapping,
        output_mapping=cell._output_mapping,
    )


def _cfc_from(module: Any, rng: torch.Generator) -> CfC:
    reference = _reference()

    options = {
        "return_sequences": module.return_sequences,
        "mixed_memory": module.use_mixed,
        "proj_size": module.proj_size,
        "generator": rng,
    }
    cell = module.rnn_cell
    if not isinstance(cell, reference.WiredCfCCell):
        options |= _backbone_from(cell)
        return CfC(module.input_size, module.state_size, mode=cell.mode, **options)
    wiring, map_edges = _wired_edges(cell)
    if module.proj_size is not None and module.fc.in_features != wiring.n_outputs:
        raise InvalidInputError(
            f"The projection of this wired ncps CfC reads {module.fc.in_features} "
            f"outputs, but all {wiring.n_outputs} neurons of its last layer are "
            "outputs there, and ncps cannot run it. Give the wiring output_dim="
            f"{wiring.n_outputs}."
        )
    mode = cell.layer_0.mode
    layer = CfC(module.input_size, wiring, mode=mode, **options)
    ours = WiredCfCCell(wiring, mode=mode, map_edges=map_edges, generator=rng)
    if module.use_mixed:
        layer.cell.cell = ours
    else:
        layer.cell = ours
    return layer


def _backbone_from(cell: Any) -> dict[str, Any]:
    """Options of our backbone for an ncps CfCCell."""
    options = {"backbone_layers": cell.backbone_layers}
    if not cell.backbone_layers:
        return options
    name = type(cell.backbone[1]).__name__
    options["backbone_units"] = cell.backbone[0].out_features
    options["backbone_activation"] = _ACTIVATION_NAMES.get(name, name.lower())
    for part in cell.backbone:
        if isinstance(part, torch.nn.Dropout):
            options["backbone_dropout"] = part.p
            _warn_dropout(part.p)
    return options


def _wired_edges(cell: Any) -> tuple[Wiring, dict[str, tuple[Edges, Edges]]]:
    """All synapses of a wired ncps CfC, and those of each map."""
    theirs = cell._wiring
    # In a layer ncps takes neurons in the order given, we by their numbers: only where
    # both agree is its state ours, layer after layer.
    layers = [list(theirs.get_neurons_of_layer(i)) for i in range(theirs.num_layers)]
    drawn = Wiring.from_ncps(theirs)
    last = len(layers[-1])
    if layers != [sorted(ids) for ids in layers] or layers[-1] != list(range(last)):
        raise InvalidInputError(
            "A layer's neurons must be in ascending order and those of the last layer, "
            f"the outputs of a wired ncps CfC, must be neurons 0 to {last - 1}; got "
            f"{layers} from {type(theirs).__name__}. Renumber the neurons."
        )
    shapes = ((theirs.input_dim, theirs.units), (theirs.units, theirs.units))
    masked = tuple(np.zeros(shape, dtype=bool) for shape in shapes)
    dense = tuple(np.zeros(shape, dtype=bool) for shape in shapes)
    for i, ids in enumerate(layers):
        mask = _binary(getattr(cell, f"layer_{i}").sparsity_mask, "sparsity_mask").T
        split = len(mask) - len(ids)
        before = np.arange(theirs.input_dim) if i == 0 else np.array(layers[i - 1])
        kind = 0 if i == 0 else 1
        masked[kind][np.ix_(before, ids)] = mask[:split]
        masked[1][np.ix_(ids, ids)] = mask[split:]
        dense[kind][np.ix_(before, ids)] = True
        dense[1][np.ix_(ids, ids)] = True
    signs = (theirs.sensory_adjacency_matrix, theirs.adjacency_matrix)
    # ncps masks ff1 and ff2 alone: its time gates read everything, which the wiring has
    # to show. The pure mode has no gates, so nothing escapes the mask.
    everything = masked if cell.layer_0.mode == "pure" else dense
    sensory, recurrent = (
        _signed(live, sign) for live, sign in zip(everything, signs, strict=True)
    )
    wiring = Wiring.from_adjacency(
        recurrent, sensory, n_outputs=last, layers=drawn.layers
    )
    edges = _edges(masked[0], signs[0]), _edges(masked[1], signs[1])
    return wiring, {"ff1": edges, "ff2": edges}


def _binary(mask: Tensor, name: str) -> np.ndarray:
    """Return a mask of ncps, which is a parameter there, as bool."""
    values = mask.detach().cpu().numpy()
    if not np.isin(values, (0, 1)).all():
        raise InvalidInputError(
            f"{name} of this ncps module has values other than 0 and 1, so it was "
            "trained: ncps keeps masks as parameters, and setting requires_grad on all "
            "of them thaws the masks. Train it again with the masks frozen."
        )
    return values != 0


def _signed(live: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Return the polarity of live synapses, +1 where the wiring draws none."""
    return np.where(live, np.where(sign != 0, np.sign(sign), 1), 0)


def _edges(live: np.ndarray, sign: np.ndarray) -> Edges:
    target, source = np.nonzero(live.T)
    return Edges(source, target, _signed(live, sign)[source, target])


def _inverse_positive(value: Tensor, pair: _Pair) -> Tensor:
    bad = (value <= 0).nonzero()
    if len(bad):
        where = tuple(bad[0].tolist())
        raise InvalidInputError(
            f"{pair.name} of this ncps LTC is {float(value[where]):g} for one of its "
            "live entries. It was built with implicit_param_constraints=False, which "
            "lets values leave the positive range; ours are a softplus and stay in it. "
            f"Clamp {pair.name} to a small positive number first."
        )
    return inverse_softplus(value.double()).to(value.dtype)


# --------------------------------------------------------------- building ncps modules


def _ltc_to(layer: LTC) -> Any:
    reference = _reference()

    cell = _liquid_cell(layer)
    if cell.solver != "semi-implicit":
        raise InvalidInputError(
            f'solver="{cell.solver}" is not in ncps, whose only solver is the '
            'semi-implicit one. Use a layer with solver="semi-implicit".'
        )
    if layer.projection is not None:
        raise InvalidInputError(
            "ncps.torch.LTC has no projection, this layer has "
            f"proj_size={layer.output_size}. Put a torch.nn.Linear after it."
        )
    return reference.LTC(
        layer.input_size,
        _fixed_wiring(layer.wiring, *layer.wiring.adjacency()),
        return_sequences=layer.return_sequences,
        mixed_memory=layer.mixed_memory,
        input_mapping=cell.input_mapping,
        output_mapping=cell.output_mapping,
        ode_unfolds=cell.ode_unfolds,
        epsilon=cell.epsilon,
        implicit_param_constraints=True,  # a softplus, as here
    )


def _cfc_to(layer: CfC) -> Any:
    reference = _reference()

    cell = _liquid_cell(layer)
    if cell.mode == "exponential":
        raise InvalidInputError(
            'mode="exponential" is not in ncps, whose CfC has the modes "default", '
            '"no_gate" and "pure". Use a layer with one of them.'
        )
    options = {
        "mode": cell.mode,
        "return_sequences": layer.return_sequences,
        "mixed_memory": layer.mixed_memory,
        "proj_size": None if layer.projection is None else layer.output_size,
    }
    if isinstance(cell, CfCCell):
        if len(cell.backbone) and cell.dropout.p:
            _warn_dropout(cell.dropout.p)
        units = cell.backbone[0].out_features if len(cell.backbone) else None
        return reference.CfC(
            layer.input_size,
            layer.n_neurons,
            activation=cell.backbone_activation,
            backbone_units=units,
            backbone_layers=len(cell.backbone),
            backbone_dropout=cell.dropout.p,
            **options,
        )
    masked = _masks_ncps_can_hold(cell)
    signs = cell.wiring.adjacency()
    matrices = [np.where(m, sign, 0) for m, sign in zip(masked, signs, strict=True)]
    wiring = _fixed_wiring(cell.wiring, *matrices)
    return reference.CfC(layer.input_size, wiring, **options)


def _masks_ncps_can_hold(cell: WiredCfCCell) -> tuple[np.ndarray, np.ndarray]:
    """Return the mask of ff1 and ff2, or refuse a cell that ncps cannot run."""
    wiring, layer_of = cell.wiring, cell.wiring.layer_of
    last = wiring.layers[-1]
    if not np.array_equal(last.neurons, np.arange(wiring.n_outputs)):
        raise InvalidInputError(
            "The outputs of a wired CfC are its last layer in ncps, here they are "
            f"neurons 0 to {wiring.n_outputs - 1} and the last layer, {last.name!r}, "
            f"{last.neurons.tolist()}. Use a wiring whose outputs are its last layer."
        )
    first = np.broadcast_to(layer_of == 0, (wiring.n_inputs, wiring.n_neurons))
    step = layer_of[None, :] - layer_of[:, None]
    # What ncps lets its gates read, and, under the mask, its other maps.
    reads = (first, (step == 0) | (step == 1))
    masks = {name: _live(cell, name) for name in cell.maps}
    for name, (sensory, recurrent) in masks.items():
        _refuse(sensory & ~first, "input", name, "beyond the first layer", wiring)
        _refuse(recurrent & ~reads[1], "neuron", name, "to no next layer", wiring)
        inside = (step == 0) & ~recurrent
        _refuse(inside, "neuron", name, "inside a layer missing", wiring)
        if name in _GATES:
            strict = [must & ~has for must, has in zip(reads, masks[name], strict=True)]
            for missing, kind in zip(strict, ("input", "neuron"), strict=True):
                _refuse(missing, kind, name, "masked", wiring)
    if "ff2" in masks and any(
        not np.array_equal(a, b)
        for a, b in zip(masks["ff1"], masks["ff2"], strict=True)
    ):
        raise InvalidInputError(
            "ff1 and ff2 of this wired CfC have different synapses; ncps has one mask "
            "for both."
        )
    return masks["ff1"]


def _live(cell: WiredCfCCell, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return which synapses one map has, as bool matrices (sensory, recurrent)."""

    def matrix(kind: str) -> np.ndarray:
        index = getattr(cell, f"{name}_{kind}_index")
        live = np.zeros((index.n_sources, index.n_targets), dtype=bool)
        live[_endpoints(index)] = True
        return live

    return matrix("sensory"), matrix("recurrent")


_WHY = {
    "beyond the first layer": "is there, but in ncps inputs reach the first layer only",
    "to no next layer": "is there, but in ncps a layer reads the one before and itself",
    "inside a layer missing": "is not there, but ncps recurs densely inside each layer",
    "masked": "is masked (a strict mask), but ncps does not mask its time gates",
}


def _refuse(bad: np.ndarray, kind: str, name: str, why: str, wiring: Wiring) -> None:
    if not bad.any():
        return
    source, target = (int(i[0]) for i in np.nonzero(bad))
    raise InvalidInputError(
        f"ncps cannot hold this wired CfC, {wiring!r}: in map {name} the synapse from "
        f"{kind} {source} to neuron {target} {_WHY[why]} "
        f"({int(bad.sum())} such synapses). An LTC on this wiring, a CfC with an int "
        "for units, or one made by from_ncps can be converted."
    )


def _fixed_wiring(wiring: Wiring, sensory: np.ndarray, recurrent: np.ndarray) -> Any:
    layers = [(name, ids.tolist()) for name, ids in wiring.layers]
    return _wiring_class()(sensory, recurrent, wiring.n_outputs, layers)


def _reference() -> Any:
    """Import ncps.torch, which only those who have its modules need."""
    try:
        import ncps.torch
    except ImportError as error:
        raise missing("ncps", error) from error
    return ncps.torch


@functools.cache
def _wiring_class() -> type:
    """Make `FixedWiring`, whose base class is in ncps and so not imported before."""
    from ncps.wirings import Wiring as NcpsWiring

    class FixedWiring(NcpsWiring):
        """An ncps wiring with given matrices and layers; building adds no synapse."""

        def __init__(
            self,
            sensory: np.ndarray,
            recurrent: np.ndarray,
            output_dim: int,
            layers: Sequence[tuple[str, list[int]]],
        ):
            super().__init__(len(recurrent))
            self.set_input_dim(len(sensory))
            self.set_output_dim(output_dim)
            self.sensory_adjacency_matrix[:] = sensory
            self.adjacency_matrix[:] = recurrent
            self._layers = layers

        @property
        def num_layers(self) -> int:
            return len(self._layers)

        def get_neurons_of_layer(self, layer_id: int) -> list[int]:
            return self._layers[layer_id][1]

        def get_type_of_neuron(self, neuron_id: int) -> str:
            if self.num_layers == 1:
                return super().get_type_of_neuron(neuron_id)
            return next(name for name, ids in self._layers if neuron_id in ids)

    # Defined in a function it would have its name, and pickle could not find it.
    FixedWiring.__qualname__ = "FixedWiring"
    return FixedWiring


def __getattr__(name: str) -> Any:
    # Pickles of converted modules look the class up here.
    if name == "FixedWiring":
        return _wiring_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _warn_dropout(p: float) -> None:
    warn(
        f"backbone_dropout={p:g}: ncps drops after every backbone layer but the first, "
        "LNN after every one. Predictions agree, further training does not."
    )


# ---------------------------------------------------------------- which is which there


class _Pair(NamedTuple):
    """Entries of one of our parameters and of an ncps one that are the same number."""

    ours: Tensor
    our_index: Any
    theirs: Tensor
    their_index: Any
    name: str
    positive: bool = False  # softplus here, and there if the constraints are implicit


_ALL = slice(None)


def _pairs(layer: LTC | CfC, module: Any) -> Iterator[_Pair]:
    """List all parameters of a layer beside those of its ncps counterpart."""
    # One list for both directions: what is read cannot differ from what is written.
    cell = _liquid_cell(layer)
    order = np.arange(layer.n_neurons)
    if isinstance(cell, WiredCfCCell):
        # ncps has the neurons of a wired CfC layer after layer, we by their numbers.
        order = cell.place.cpu().numpy()
        yield from _wired_pairs(cell, module.rnn_cell)
    elif isinstance(cell, CfCCell):
        yield from _backbone_pairs(cell, module.rnn_cell)
    else:
        yield from _ltc_pairs(cell, module.rnn_cell)
    if layer.mixed_memory:
        yield from _memory_pairs(layer.cell, module.lstm, order)
    if layer.projection is not None:
        yield from _linear_pairs(layer.projection, module.fc, "fc")


def _ltc_pairs(ours: Any, theirs: Any) -> Iterator[_Pair]:
    for name in ("gleak", "vleak", "cm"):
        positive = name != "vleak"
        tensors = (getattr(ours, name), _ALL, getattr(theirs, name), _ALL)
        yield _Pair(*tensors, name, positive)
    for prefix, synapses in (("sensory_", ours.sensory), ("", ours.recurrent)):
        live = _endpoints(synapses.index)
        for name in ("w", "sigma", "mu", "erev"):
            there = prefix + name
            mine, other = getattr(synapses, name), getattr(theirs, there)
            yield _Pair(mine, _ALL, other, live, there, name == "w")
    for side in ("input", "output"):
        for kind in ("weight", "bias"):
            mine, there = getattr(ours, f"{side}_{kind}"), f"{side}_{kind[0]}"
            if mine is not None:
                yield _Pair(mine, _ALL, getattr(theirs, there), _ALL, there)


def _backbone_pairs(ours: CfCCell, theirs: Any) -> Iterator[_Pair]:
    linears = [p for p in theirs.backbone or () if isinstance(p, torch.nn.Linear)]
    for i, (mine, there) in enumerate(zip(ours.backbone, linears, strict=True)):
        yield from _linear_pairs(mine, there, f"backbone {i}")
    for name in ours.maps:
        yield from _linear_pairs(getattr(ours, name), getattr(theirs, name), name)
    if ours.mode == "pure":
        for name in ("A", "w_tau"):
            yield _Pair(getattr(ours, name), _ALL, getattr(theirs, name), 0, name)


def _wired_pairs(ours: WiredCfCCell, theirs: Any) -> Iterator[_Pair]:
    wiring = ours.wiring
    layer_of = wiring.layer_of
    row = np.empty(wiring.n_neurons, dtype=np.int64)
    for layer in wiring.layers:
        row[layer.neurons] = np.arange(len(layer.neurons))
    before = wiring.n_inputs
    for i, (_, neurons) in enumerate(wiring.layers):
        ids = neurons.copy()  # torch warns of read-only arrays
        part = getattr(theirs, f"layer_{i}")
        for name in ours.maps:
            there = getattr(part, name)
            label = f"layer_{i}.{name}"
            bias = getattr(ours, f"{name}_bias")
            yield _Pair(bias, ids, there.bias, _ALL, f"{label}.bias")
            for kind in ("sensory", "recurrent"):
                weight = getattr(ours, f"{name}_{kind}")
                source, target = _endpoints(getattr(ours, f"{name}_{kind}_index"))
                mine = np.flatnonzero(layer_of[target] == i)
                source, target = source[mine], target[mine]
                if kind == "recurrent":
                    # ncps puts [previous layer, own layer] side by side.
                    source = row[source] + before * (layer_of[source] == i)
                place = (row[target], source)
                yield _Pair(weight, mine, there.weight, place, f"{label}.weight")
        if ours.mode == "pure":
            for name in ("A", "w_tau"):
                there = getattr(part, name)
                yield _Pair(getattr(ours, name), ids, there, 0, f"layer_{i}.{name}")
        before = len(ids)


def _memory_pairs(ours: Any, theirs: Any, order: np.ndarray) -> Iterator[_Pair]:
    """Four gates of N rows each, in the order in which ncps has the neurons."""
    n = len(order)
    rows = (np.arange(4)[:, None] * n + order).ravel()
    weight, bias = theirs.input_map.weight, theirs.input_map.bias
    yield _Pair(ours.input_map.weight, _ALL, weight, rows, "lstm.input_map.weight")
    yield _Pair(ours.input_map.bias, _ALL, bias, rows, "lstm.input_map.bias")
    weight, place = theirs.recurrent_map.weight, (rows[:, None], order[None, :])
    yield _Pair(ours.recurrent_weight, _ALL, weight, place, "lstm.recurrent_map.weight")


def _linear_pairs(ours: Any, theirs: Any, name: str) -> Iterator[_Pair]:
    yield _Pair(ours.weight, _ALL, theirs.weight, _ALL, f"{name}.weight")
    yield _Pair(ours.bias, _ALL, theirs.bias, _ALL, f"{name}.bias")


def _endpoints(index: Any) -> tuple[np.ndarray, np.ndarray]:
    return index.source.cpu().numpy(), index.target.cpu().numpy()


def _liquid_cell(layer: LTC | CfC) -> Any:
    return layer.cell.cell if layer.mixed_memory else layer.cell
