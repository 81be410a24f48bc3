"""What influences what in a network: inputs, neurons and outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from LNN._results import Result
from LNN._typing import Column
from LNN.data import SequenceSet
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.interventions import Held, Pushed, run_changed
from LNN.inspection.jacobians import direct_effects, refuse_unknown_steps, wired
from LNN.inspection.names import neuron_names, output_names, read_names
from LNN.inspection.passes import MOST_STEPS, Passes
from LNN.inspection.steps import Steps, passes_over, steps_of
from LNN.models import Layer
from LNN.network import LiquidNetwork, MotorReadout

PAIRS = (
    "inputs_to_neurons",
    "neurons_to_neurons",
    "inputs_to_outputs",
    "neurons_to_outputs",
)


def influence_graph(
    model: Any,
    X: ArrayLike,
    *,
    kind: str = "jacobian",
    max_samples: int | None = 500,
    timestamps: Column | None = None,
    groups: Column | None = None,
) -> Result:
    """Measure how inputs, neurons and outputs of a model influence each other.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, timestamps, groups
        As in `predict`; for a Pipeline, as its last step gets it.
    kind : {"jacobian", "ablation", "integrated"}
        "jacobian": the derivative of a neuron by each of its inputs within one step
        (for an LTC, one unfold). It is 0 where the wiring has no synapse.
        "ablation": how much neurons and answers fall if an input or a neuron is held at
        its mean over X at all steps. This includes indirect effects.
        "integrated": the derivative of the last states and the last answer of a
        sequence by a constant that is added to an input or a neuron at every step. This
        includes indirect effects too.
    max_samples : int, default=500
        The most windows or sequences to use, spread evenly over X; None is all.

    Returns
    -------
    Bunch
        mean, mean_absolute : Bunch of ndarray
            `inputs_to_neurons` (F, N), `neurons_to_neurons` (N, N) and
            `neurons_to_outputs` (N, K): entry [i, j] is the effect of i on j, over the
            steps that `neuron_activity` returns. `inputs_to_outputs` (F, K) is 0 with
            "jacobian", since inputs reach outputs only through neurons.
        wired_mask : Bunch of ndarray of bool
            Where there is a direct connection.
        inputs, neurons, outputs : list
            The names. Inputs are what the first layer reads, in standard deviations:
            the columns of X, with `missing="mask"` their masks and ages too, and with
            patches the features of these.
        kind : str

    Raises
    ------
    InvalidInputError
        If `kind` is unknown, or if the model's single steps are not accessible: CfC,
        LTC, LSTM and GRU are.

    Notes
    -----
    It describes the model, not the world. Outputs are in the unit of y, or in log odds
    before the softmax. Each neuron reads its own state, so the diagonal of
    `wired_mask.neurons_to_neurons` is True. The LSTM of mixed memory connects all
    neurons of its layer, so all of these connections count. A whole recording is one
    sample, and is run once for each input and neuron. With "jacobian", a read-out that
    pools states is differentiated as if the states of all steps changed alike. If two
    neurons carry the same information, ablation of either shows little effect.

    References
    ----------
    Lechner et al., Neural circuit policies enabling auditable autonomy, Nature Machine
    Intelligence 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import influence_graph
    >>> X = np.sin(0.3 * np.arange(60))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=6, epochs=3, random_state=0)
    >>> found = influence_graph(lnn.fit(X[:-1], X[1:, 0]), X)
    >>> moves = found.mean_absolute.neurons_to_neurons > 0
    >>> bool((moves == found.wired_mask.neurons_to_neurons).all())
    True
    """
    fitted = as_fitted(model)
    fitted.refuse_constraints("influence_graph")
    ways = {"jacobian": _jacobian, "ablation": _ablation, "integrated": _integrated}
    if kind not in ways:
        raise InvalidInputError(f"Expected kind among {tuple(ways)}, got {kind!r}.")
    for layer in fitted.network.layers:
        refuse_unknown_steps(layer)
    sequences = fitted.read(X, timestamps=timestamps, groups=groups)
    n = len(sequences)
    if max_samples is not None and n > max_samples:
        spread = np.linspace(0, n - 1, max_samples).round().astype(np.int64)
        sequences = sequences.subset(spread)
    passes = passes_over(fitted, sequences)
    means = ways[kind](sequences, passes)
    mean, absolute = (_matrices(*part) for part in means)
    scale = scale_of_outputs(fitted)
    for part in (mean, absolute):
        part.inputs_to_outputs *= scale
        part.neurons_to_outputs *= scale
    return Result(
        mean=mean,
        mean_absolute=absolute,
        wired_mask=wired_masks(fitted.network),
        inputs=read_names(fitted, sequences),
        neurons=neuron_names(fitted.network),
        outputs=output_names(fitted, fitted.network.output_size),
        kind=kind,
    )


def scale_of_outputs(fitted: FittedModel) -> np.ndarray:
    """Return what an output of the network is multiplied by, (K,)."""
    n = fitted.network.output_size
    if fitted.target_scaler is None:
        return np.ones(n)
    scale = np.asarray(fitted.target_scaler.scale_)
    # The quantiles of a target stand side by side.
    return scale[np.arange(n) * len(scale) // n]


def wired_masks(network: LiquidNetwork) -> Result:
    """Return where there is a direct connection."""
    layers = list(network.layers)
    of_layers = [wired(layer) for layer in layers]
    inputs, neurons = _stacked(layers, of_layers, bool)
    outputs = np.zeros((len(neurons), network.output_size), dtype=bool)
    read = slice(len(neurons) - layers[-1].n_neurons, None)
    if isinstance(network.readout, MotorReadout):
        motor = np.arange(network.output_size)
        outputs[read][motor, motor] = True
    else:
        outputs[read] = True
    to_outputs = np.zeros((len(inputs), network.output_size), dtype=bool)
    return _matrices(inputs, neurons, to_outputs, outputs)


def _matrices(*values: np.ndarray) -> Result:
    return Result(**dict(zip(PAIRS, values, strict=True)))


def _stacked(
    layers: list[Layer], of_layers: list[tuple[Any, Any]], dtype: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Put the (n_inputs, N) and (N, N) of layers into the ones of the network."""
    n = sum(layer.n_neurons for layer in layers)
    inputs = np.zeros((layers[0].input_size, n), dtype=dtype)
    neurons = np.zeros((n, n), dtype=dtype)
    begin = 0
    for number, (layer, (own, recurrent)) in enumerate(
        zip(layers, of_layers, strict=True)
    ):
        to = slice(begin, begin + layer.n_neurons)
        if number == 0:
            inputs[:, to] = own
        else:
            neurons[begin - layers[number - 1].n_neurons : begin, to] = own
        neurons[to, to] = recurrent
        begin = to.stop
    return inputs, neurons


# ------------------------------------------------------------------------- the kinds


Means = tuple[list[np.ndarray], list[np.ndarray]]


class _Mean:
    """The mean of matrices and of their absolute values, over many lines."""

    def __init__(self) -> None:
        self._sums: Any = [0.0, 0.0]
        self._count = 0

    def add(self, values: Tensor) -> None:
        """Take in values (L, ...)."""
        for k, part in enumerate((values, values.abs())):
            self._sums[k] = self._sums[k] + part.sum(0).numpy()
        self._count += len(values)

    @property
    def both(self) -> list[np.ndarray]:
        """The mean and the mean of absolute values."""
        return [total / self._count for total in self._sums]


@torch.enable_grad()
def _jacobian(sequences: SequenceSet, passes: Passes) -> Means:
    network = passes.network
    layers = list(network.layers)
    of_inputs, of_states = ([_Mean() for _ in layers] for _ in range(2))
    of_outputs = _Mean()
    for steps in steps_of(sequences, passes):
        # In pieces: there is an entry for each pair of neurons and each line.
        widest = max(layer.n_neurons + layer.input_size for layer in layers)
        size = max(1, MOST_STEPS // widest)
        for k in range(0, len(steps.sample), size):
            at = steps.sample[k : k + size], steps.step[k : k + size]
            for number, own in enumerate(steps.layers):
                effects = direct_effects(own.layer, own.at(*at))
                of_inputs[number].add(effects[0])
                of_states[number].add(effects[1])
        of_outputs.add(_slopes_of_readout(network, steps))
    n_before = sum(layer.n_neurons for layer in layers[:-1])
    found: Means = ([], [])
    for k, part in enumerate(found):
        pairs = [
            (a.both[k], b.both[k]) for a, b in zip(of_inputs, of_states, strict=True)
        ]
        inputs, neurons = _stacked(layers, pairs, float)
        outputs = np.pad(of_outputs.both[k], ((n_before, 0), (0, 0)))
        part += [inputs, neurons, np.zeros((len(inputs), outputs.shape[1])), outputs]
    return found


def _slopes_of_readout(network: LiquidNetwork, steps: Steps) -> Tensor:
    """Return the slopes of outputs by the last layer's states, (L or B, N, K)."""
    states = steps.layers[-1].visible.detach().requires_grad_()
    outputs = _outputs(network, states, steps)
    slopes = []
    for k in range(outputs.shape[1]):
        (slope,) = torch.autograd.grad(outputs[:, k].sum(), states, retain_graph=True)
        told = slope[steps.sample, steps.step]
        slopes.append(told if network.return_sequences else slope.sum(1))
    return torch.stack(slopes, dim=-1)


def _outputs(network: LiquidNetwork, states: Tensor, steps: Steps) -> Tensor:
    """Return the outputs of told steps, or of samples."""
    if network.return_sequences:
        return network.readout(states[steps.sample, steps.step])
    last = steps.last_step
    if network.pooling == "last":
        return network.readout(states[torch.arange(len(states)), last])
    return network.readout(network.pool(_ended(states, steps), steps.lengths))


def _ended(states: Tensor, steps: Steps) -> Tensor:
    """Repeat the last state of each sequence, which a pool that has "last" reads."""
    if steps.lengths is None:
        return states
    step = torch.arange(states.shape[1])
    held = torch.minimum(step, torch.as_tensor(steps.last_step)[:, None])
    return states.gather(1, held[..., None].expand_as(states))


def _pieces(
    sequences: SequenceSet, passes: Passes, n_times: int
) -> Iterator[tuple[Steps, tuple]]:
    """Yield batches that fit into memory so many times, and what the layers read."""
    for steps in steps_of(sequences, passes, n_times):
        first = steps.layers[0]
        yield steps, (first.inputs, first.spans, steps.lengths)


@torch.no_grad()
def _ablation(sequences: SequenceSet, passes: Passes) -> Means:
    """Hold one input or neuron after another; all of them are in one batch."""
    network = passes.network
    means = _means(sequences, passes)
    n_inputs, n = len(means[0]), len(means[1])
    count = n_inputs + n
    on_states, on_outputs = _Mean(), _Mean()
    for steps, (inputs, spans, lengths) in _pieces(sequences, passes, count):
        held = torch.eye(count, dtype=torch.bool).repeat_interleave(len(inputs), 0)
        held_inputs = held[:, None, :n_inputs]
        changed = run_changed(
            network,
            torch.where(held_inputs, means[0], inputs.repeat(count, 1, 1)),
            spans.repeat(count, 1),
            None if lengths is None else lengths.repeat(count),
            Held(held[:, n_inputs:], means[1]),
        )
        whole = [part.visible for part in steps.layers]
        at = steps.sample, steps.step
        before = torch.cat([states[at] for states in whole], dim=1)
        outputs = _outputs(network, whole[-1], steps)
        shape = (count, len(inputs))
        parts = [states.unflatten(0, shape) for states in changed]
        fall = [
            before - torch.cat([part[k][at] for part in parts], dim=1)
            for k in range(count)
        ]
        on_states.add(torch.stack(fall, dim=1))
        fall = [outputs - _outputs(network, parts[-1][k], steps) for k in range(count)]
        on_outputs.add(torch.stack(fall, dim=1))
    return _of_causes(on_states, on_outputs, n_inputs)


def _of_causes(on_states: _Mean, on_outputs: _Mean, n_inputs: int) -> Means:
    """Cut effects (causes, targets) into those of inputs and those of neurons."""
    found: Means = ([], [])
    for k, part in enumerate(found):
        states, outputs = on_states.both[k], on_outputs.both[k]
        part += [states[:n_inputs], states[n_inputs:]]
        part += [outputs[:n_inputs], outputs[n_inputs:]]
    return found


def _means(sequences: SequenceSet, passes: Passes) -> tuple[Tensor, Tensor]:
    """Return the means of what the first layer reads, and of all neurons."""
    totals: Any = [0.0, 0.0]
    count = 0
    for steps in steps_of(sequences, passes):
        at = steps.sample, steps.step
        totals[0] = totals[0] + steps.layers[0].inputs[at].sum(0)
        states = torch.cat([part.visible[at] for part in steps.layers], dim=1)
        totals[1] = totals[1] + states.sum(0)
        count += len(steps.sample)
    return totals[0] / count, totals[1] / count


@torch.enable_grad()
def _integrated(sequences: SequenceSet, passes: Passes) -> Means:
    """Take gradients by what is added at every step."""
    network = passes.network
    n = sum(layer.n_neurons for layer in network.layers)
    on_states, on_outputs = _Mean(), _Mean()
    for steps, (inputs, spans, lengths) in _pieces(sequences, passes, 8):
        by = inputs.new_zeros(len(inputs), inputs.shape[2] + n, requires_grad=True)
        of_inputs, of_neurons = by.split((inputs.shape[2], n), dim=1)
        pushed = inputs + of_inputs[:, None]
        states = run_changed(network, pushed, spans, lengths, Pushed(of_neurons))
        sample = torch.arange(len(inputs))
        ends = [part[sample, steps.last_step] for part in states]
        outputs = (
            network.readout(ends[-1])
            if network.return_sequences
            else _outputs(network, states[-1], steps)
        )
        on_states.add(_slopes(torch.cat(ends, dim=1), by))
        on_outputs.add(_slopes(outputs, by))
    return _of_causes(on_states, on_outputs, inputs.shape[2])


def _slopes(targets: Tensor, by: Tensor) -> Tensor:
    """Return the slopes of targets (B, m) by (B, n), (B, n, m)."""
    slopes = [
        torch.autograd.grad(column.sum(), by, retain_graph=True, materialize_grads=True)
        for column in targets.T
    ]
    return torch.stack([slope[0] for slope in slopes], dim=-1)
