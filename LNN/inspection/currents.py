"""Which synapse pushed a neuron: the currents of an LTC, the drives of a CfC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from LNN._results import Result
from LNN._typing import Column
from LNN.cells import LTCCell, WiredCfCCell
from LNN.cells.ltc import Synapses
from LNN.data import SequenceSet
from LNN.estimators.fitted import as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.activity import places_of
from LNN.inspection.decays import called, cell_moment, inner
from LNN.inspection.names import neuron_names, read_names
from LNN.inspection.steps import Moments, passes_over, steps_of
from LNN.models import Layer


def currents(
    model: Any,
    X: ArrayLike,
    *,
    rows: Sequence[int] | NDArray[np.int64] | None = None,
    timestamps: Column | None = None,
    groups: Column | None = None,
) -> Result:
    r"""Return what each synapse did to its neuron at each step.

    In an LTC the current of a synapse is
    :math:`w\, \mathrm{sigmoid}(\sigma (v_i - \mu))\, (E - v_j)`. Those of a neuron add
    up with its leak to :math:`c_j \dot v_j`, all at the state before the step, which
    the first unfold of the solver holds: positive currents raise the neuron.

    In a CfC with `mode="exponential"` on a wiring there is no current. What adds up is
    the drive of the value that the neuron goes to: weight times what is read, for each
    synapse, and the bias; the tanh of the sum is that value.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, timestamps, groups
        As in `predict`; of a Pipeline what its last step gets.
    rows : sequence of int, default=None
        The rows (or sequences) of X that are told of; None is all.

    Returns
    -------
    Bunch
        currents : ndarray of shape (R, S)
            Of each synapse. Lines are those of `neuron_activity`.
        leak : ndarray of shape (R, N)
            The current through the leak; of a CfC the bias.
        total : ndarray of shape (R, N)
            The sum for each neuron: :math:`c \dot v`, or the argument of the tanh.
        source, target : list of str
            From where and to where each synapse goes, of length S.
        target_index : ndarray of int, shape (S,)
            Its target's number among `neurons`.
        kind : {"current", "drive"}
        row, sequence, step, time : ndarray of shape (R,)
            As in `neuron_activity`.
        neurons : list of str

    Raises
    ------
    InvalidInputError
        If a model has no synapses whose effects add up, or no such row.

    Notes
    -----
    With mixed memory the neurons read what the LSTM around the cell made of their
    states. How fast a CfC follows its drive is told by `time_constants`.

    References
    ----------
    Hasani et al., Liquid time-constant networks, AAAI 2021; Lechner et al., Neural
    circuit policies, Nature Machine Intelligence 2020, eq. 1.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import currents
    >>> X = np.sin(0.3 * np.arange(60))[:, None]
    >>> lnn = LiquidRegressor(8, model_type="LTC", epochs=3, random_state=0)
    >>> lnn = lnn.set_params(window_length=6).fit(X[:-1], X[1:, 0])
    >>> found = currents(lnn, X, rows=[-1])
    >>> found.kind, found.currents.shape == (1, lnn.wiring_.n_synapses)
    ('current', True)
    >>> strongest = np.abs(found.currents[0]).argmax()
    >>> who = found.source[strongest], found.target[strongest]
    """
    fitted = as_fitted(model)
    for layer in fitted.network.layers:
        _refuse_without(layer)
    sequences = fitted.read(X, timestamps=timestamps, groups=groups)
    wanted = _wanted(sequences, rows)
    passes = passes_over(fitted, sequences)
    parts = []
    for steps in steps_of(sequences, passes):
        place = places_of(sequences, steps.of, steps.position)
        number = place["row"] if sequences.layout == "rows" else place["sequence"]
        told = np.isin(number, wanted)
        at = steps.sample[told], steps.step[told]
        pushes = [pushes_of(part.layer, part.at(*at)) for part in steps.layers]
        parts.append((pushes, {name: column[told] for name, column in place.items()}))
    layers, names = list(passes.network.layers), neuron_names(passes.network)
    source, target = _names_of(layers, names, read_names(fitted, sequences))
    place = {k: np.concatenate([part[1][k] for part in parts]) for k in parts[0][1]}
    order = np.argsort(place["row"], kind="stable")
    synapses, leak, total = (
        np.concatenate([np.hstack([p[k] for p in part[0]]) for part in parts])[order]
        for k in range(3)
    )
    return Result(
        currents=synapses,
        leak=leak,
        total=total,
        source=source,
        target=[names[j] for j in target],
        target_index=np.array(target),
        kind="current" if _is_ltc(layers[0]) else "drive",
        **{name: column[order] for name, column in place.items()},
        neurons=names,
    )


def _is_ltc(layer: Layer) -> bool:
    return isinstance(inner(layer), LTCCell)


def _refuse_without(layer: Layer) -> None:
    cell = inner(layer)
    wired = isinstance(cell, WiredCfCCell) and cell.mode == "exponential"
    if _is_ltc(layer) or wired:
        return
    mode = getattr(cell, "mode", None)
    raise InvalidInputError(
        "Expected synapses whose effects add up, those of an LTC or of a CfC with "
        f'mode="exponential" on a wiring, got {called(layer)}'
        f"{f' with mode={mode!r}' if mode else ''}. LNN.inspection.influence_graph "
        "tells of any model."
    )


def _wanted(sequences: SequenceSet, rows: Any) -> np.ndarray:
    """Return the numbers of the rows (or sequences) that are told of."""
    n = int(sequences.row_of_sample.max(initial=-1)) + 1
    if sequences.whole:
        n = len(sequences.position_of_row)
    if rows is None:
        return np.arange(n)
    chosen = np.asarray(rows)
    good = chosen.ndim == 1 and (chosen.dtype.kind in "iu" or not len(chosen))
    if not good or (len(chosen) and not (-n <= chosen.min() and chosen.max() < n)):
        raise InvalidInputError(
            f"Expected rows as numbers from {-n} to {n - 1}, got {rows!r}."
        )
    return chosen.astype(int) % max(n, 1)


def _names_of(
    layers: Sequence[Layer], names: list[str], inputs: list[str]
) -> tuple[list[str], list[int]]:
    """Return the source of each synapse by name, and its target by number."""
    source: list[str] = []
    target: list[int] = []
    begin = 0
    for layer in layers:
        own = names[begin : begin + layer.n_neurons]
        for edges, read in zip(_edges(layer), (inputs, own), strict=True):
            source += [read[i] for i in edges[0]]
            target += [begin + int(j) for j in edges[1]]
        begin, inputs = begin + layer.n_neurons, own
    return source, target


def _edges(layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """Return sources and targets of the synapses of inputs and of neurons."""
    cell = inner(layer)
    if isinstance(cell, LTCCell):
        return cell.sensory.index.edges, cell.recurrent.index.edges
    assert isinstance(cell, WiredCfCCell)
    return cell.ff1_sensory_index.edges, cell.ff1_recurrent_index.edges


class Pushes(NamedTuple):
    """What synapses do to neurons at single steps."""

    synapses: np.ndarray
    """(L, S), those of inputs first."""
    leak: np.ndarray
    """(L, N)"""
    total: np.ndarray
    """(L, N)"""


@torch.no_grad()
def pushes_of(layer: Layer, moments: Moments) -> Pushes:
    """Return what each synapse of a layer does, and their sums."""
    cell = inner(layer)
    assert isinstance(cell, LTCCell | WiredCfCCell)
    # Back in the order of the wiring; mixed memory has its own start.
    start = cell.leave(cell_moment(layer, moments)[1])
    if isinstance(cell, LTCCell):
        synapses, rest = _currents(cell, moments.inputs, start)
    else:
        after = moments.after[:, : layer.n_neurons]
        synapses, rest = _drives(cell, moments.inputs, start, after)
    total = rest.clone()
    for edges, each in zip(_edges(layer), synapses, strict=True):
        total = total.index_add(1, torch.as_tensor(edges[1]), each)
    return Pushes(torch.cat(synapses, dim=1).numpy(), rest.numpy(), total.numpy())


def _currents(
    cell: LTCCell, inputs: Tensor, state: Tensor
) -> tuple[list[Tensor], Tensor]:
    if cell.input_weight is not None:
        inputs = inputs * cell.input_weight
    if cell.input_bias is not None:
        inputs = inputs + cell.input_bias
    found = [
        _of_synapses(synapses, read, state)
        for synapses, read in ((cell.sensory, inputs), (cell.recurrent, state))
    ]
    leak = F.softplus(cell.gleak) * (cell.vleak - state) - cell.epsilon * state
    return found, leak


def _of_synapses(synapses: Synapses, read: Tensor, state: Tensor) -> Tensor:
    source, target = synapses.index.source, synapses.index.target
    open_ = torch.sigmoid(synapses.sigma * (read[:, source] - synapses.mu))
    return F.softplus(synapses.w) * open_ * (synapses.erev - state[:, target])


def _drives(
    cell: WiredCfCCell, inputs: Tensor, state: Tensor, after: Tensor
) -> tuple[list[Tensor], Tensor]:
    layer_of = torch.as_tensor(cell.wiring.layer_of)
    recurrent = cell.ff1_recurrent_index
    source, target = recurrent.source, recurrent.target
    # A synapse from an earlier layer carries the new value.
    is_new = layer_of[source] < layer_of[target]
    read = torch.where(is_new, after[:, source], state[:, source])
    found = [
        cell.ff1_sensory * inputs[:, cell.ff1_sensory_index.source],
        cell.ff1_recurrent * read,
    ]
    return found, cell.ff1_bias.expand(len(inputs), -1)
