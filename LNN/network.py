"""The whole network: optional encoder, liquid layers, read-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from LNN.baselines import BASELINES, make_baseline
from LNN.cells.base import check_timespans, choice, past_end
from LNN.cells.dropout import Dropout
from LNN.cells.synapses import linear
from LNN.exceptions import InvalidInputError
from LNN.layers import LTC, CfC, check_lengths
from LNN.wiring import Wiring, build_wiring

MODEL_TYPES = ("CfC", "LTC", *BASELINES)
POOLINGS = ("last", "mean", "attention")


class LiquidNetwork(nn.Module):
    """Liquid layers with a read-out, as one torch module.

    Parameters
    ----------
    input_size : int
        Features per step that the first layer reads: those of the data, or the
        outputs of the encoder if there is one.
    hidden_size : int
        Neurons per layer.
    output_size : int
    model_type : str, default="CfC"
        "CfC", "LTC", or one of `LNN.baselines.BASELINES`: "LSTM", "GRU", "CT-RNN",
        "CT-GRU", "CT-GRU-published", "Neural-ODE", "GRU-D", "RNN-decay".
    wiring : {"ncp", "full", "random"}, Wiring, ncps wiring or matrix, default="ncp"
        See `LNN.wiring.build_wiring`. "full" gives CfC its backbone.
    sparsity, wiring_seed
        For the named wirings; None is their default.
    layer_recurrence : bool, default=None
        Wire every layer densely to itself. None: True for CfC on the "ncp" wiring, as
        its neurons have no membrane of their own; else what the wiring says.
    readout : {"dense", "motor"}, default="dense"
        A linear map of all neurons, or an affine map of each motor neuron.
    pooling : {"last", "mean", "attention"}, default="last"
        How the states of a sequence become one, when there is one output a sequence.
    return_sequences : bool, default=False
        One output per step, or one per sequence.
    n_layers : int, default=1
        Each further layer reads all neurons of the one before.
    dropout : float, default=0.0
        On the states that the dense read-out reads.
    mixed_memory, mode, solver, ode_unfolds, backbone_*, time_constants, gaps, backend
        As in `CfC` and `LTC`. `solver="explicit"` and "rk4" cannot take long gaps.
    encoder : nn.Module, default=None
        Applied to each step before the first layer: it gets (B * T, ...) and returns
        (B * T, input_size). For images, spectra, raw channels.
    use_time : bool, default=False
        Give LSTM and GRU the elapsed time as an input; all others always use it.
    neutral : Tensor of shape (F,), default=None
        For GRU-D where the inputs are what `missing="mask"` makes of F channels: the
        values that stand for the unknown.
    generator : torch.Generator, default=None
        Source of the initial weights; None is torch's global generator.

    Examples
    --------
    >>> import torch
    >>> from LNN import LiquidNetwork
    >>> network = LiquidNetwork(3, 16, 2)
    >>> inputs, timespans = torch.randn(5, 7, 3), torch.rand(5, 7)
    >>> loss = network(inputs, timespans).square().mean()
    >>> loss.backward()
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        model_type: str = "CfC",
        mode: str = "default",
        wiring="ncp",
        sparsity: float | None = None,
        wiring_seed: int | None = None,
        layer_recurrence: bool | None = None,
        readout: str = "dense",
        pooling: str = "last",
        return_sequences: bool = False,
        n_layers: int = 1,
        dropout: float = 0.0,
        mixed_memory: bool = False,
        solver: str = "semi-implicit",
        ode_unfolds: int = 6,
        backbone_units: int | None = None,
        backbone_layers: int | None = None,
        backbone_dropout: float | None = None,
        backbone_activation: str | None = None,
        time_constants: tuple[float, float] | None = None,
        gaps: tuple[float, float, float] | None = None,
        backend: str = "auto",
        encoder: nn.Module | None = None,
        use_time: bool = False,
        neutral: Tensor | None = None,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        _check_head(model_type, readout, pooling, return_sequences)
        self.input_size, self.output_size = input_size, output_size
        self.pooling, self.return_sequences = pooling, return_sequences
        self.encoder = encoder
        plan = _LayerPlan(
            model_type=model_type,
            n_neurons=hidden_size,
            wiring=wiring,
            n_motor=output_size if readout == "motor" else None,
            n_outputs=output_size,
            wiring_options={"sparsity": sparsity, "seed": wiring_seed},
            layer_recurrence=layer_recurrence,
            mode=mode,
            solver_options={"solver": solver, "ode_unfolds": ode_unfolds},
            backbone={
                "backbone_units": backbone_units,
                "backbone_layers": backbone_layers,
                "backbone_dropout": backbone_dropout,
                "backbone_activation": backbone_activation,
            },
            common={
                "mixed_memory": mixed_memory,
                "time_constants": time_constants,
                "backend": backend,
                "generator": generator,
            },
            gaps=gaps,
            use_time=use_time,
            neutral=neutral,
        )
        self.layers = plan.stack(input_size, n_layers)
        self._make_head(readout, dropout, generator)

    def _make_head(self, readout: str, dropout: float, generator) -> None:
        """Make what turns states into outputs."""
        n_neurons = self.layers[-1].n_neurons
        self.attention = None
        if self.pooling == "attention":
            self.attention = linear(n_neurons, 1, generator)
        if readout == "motor":
            self.readout: nn.Module = MotorReadout(self.output_size)
        else:
            head = linear(n_neurons, self.output_size, generator)
            self.readout = nn.Sequential(Dropout(dropout), head)

    def backend_for(self, device: torch.device, dtype: torch.dtype) -> str:
        """Return the kernel backend that training on this device runs on."""
        return self.layers[0].backend_for(device, dtype)

    @property
    def wiring(self) -> Wiring | None:
        """The wiring of the last layer; None for the baselines."""
        return getattr(self.layers[-1], "wiring", None)

    def forward(
        self,
        inputs: Tensor,
        timespans: Tensor | float | None = None,
        *,
        lengths: Tensor | None = None,
        state: tuple | None = None,
        return_state: bool = False,
    ):
        """Map sequences to outputs.

        Parameters
        ----------
        inputs : Tensor of shape (B, T, input_size)
            With an encoder (B, T, ...), whatever it takes.
        timespans : Tensor of shape (B, T) or float, default=None
            Time elapsed before each step; None is 1.
        lengths : Tensor of shape (B,), default=None
            Valid steps per sequence.
        state : tuple, default=None
            One state per layer, as returned; None is zeros.
        return_state : bool, default=False

        Returns
        -------
        outputs : Tensor of shape (B, output_size) or (B, T, output_size)
        state : tuple
            Only if `return_state`.
        """
        features, last = self.features(inputs, timespans, lengths=lengths, state=state)
        outputs = self.readout(features)
        return (outputs, last) if return_state else outputs

    def features(self, inputs, timespans=None, *, lengths=None, state=None):
        """Return what the read-out reads, (B, N) or (B, T, N), and all final states."""
        # Of the last layer, only what is read has to be there.
        every = self.return_sequences or self.pooling != "last"
        states, last = self._run(inputs, timespans, lengths, state, every)
        if not self.return_sequences:
            states = self._pool(states, lengths)
        return states, last

    def states(self, inputs, timespans=None, *, lengths=None, state=None):
        """Return the last layer's states (B, T, hidden_size) and all final states."""
        return self._run(inputs, timespans, lengths, state, every=True)

    def _run(self, inputs, timespans, lengths, state, every: bool):
        """Run all layers; the states of the last one are (B, N) unless `every`."""
        shape = tuple(inputs.shape[:2])
        lengths = check_lengths(lengths, *shape, inputs.device)
        if self.encoder is not None:
            inputs = self._encode(inputs, lengths)
        timespans = check_timespans(timespans, shape, inputs, lengths)
        starts = state or (None,) * len(self.layers)
        finals = []
        for layer, start in zip(self.layers, starts, strict=True):
            all_steps = every or layer is not self.layers[-1]
            inputs, final = layer.run(inputs, start, timespans, lengths, all_steps)
            finals.append(final)
        return inputs, tuple(finals)

    def _encode(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Apply the encoder to the valid steps, and to no other."""
        batch, steps = inputs.shape[:2]
        if lengths is None:
            return self.encoder(inputs.flatten(0, 1)).unflatten(0, (batch, steps))
        valid = ~past_end(lengths, steps)
        features = self.encoder(inputs[valid])
        encoded = features.new_zeros(batch, steps, *features.shape[1:])
        return encoded.masked_scatter(valid[..., None], features)

    def _pool(self, states: Tensor, lengths: Tensor | None) -> Tensor:
        """Make one state (B, N) of a sequence's states (B, T, N)."""
        if self.pooling == "last":
            return states  # it is one already
        # Equal scores make the mean.
        score = torch.zeros_like(states[..., 0])
        if self.attention is not None:
            score = self.attention(states).squeeze(-1)
        if lengths is not None:
            lengths = torch.as_tensor(lengths, device=states.device)
            # An empty sequence still has its start, which every step repeats.
            padded = past_end(lengths.clamp_min(1), states.shape[1])
            score = score.masked_fill(padded, -torch.inf)
        weight = torch.softmax(score, dim=1)
        return (weight.unsqueeze(-1) * states).sum(1)


class MotorReadout(nn.Module):
    """Affine map of each motor neuron, the first `output_size` state columns.

    Parameters
    ----------
    output_size : int
    """

    def __init__(self, output_size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(output_size))
        self.bias = nn.Parameter(torch.zeros(output_size))

    def forward(self, states: Tensor) -> Tensor:
        """Map states (..., N) to outputs (..., output_size)."""
        return states[..., : len(self.weight)] * self.weight + self.bias


def _check_head(model_type, readout, pooling, return_sequences) -> None:
    choice("model_type", model_type, MODEL_TYPES)
    choice("readout", readout, ("dense", "motor"))
    choice("pooling", pooling, POOLINGS)
    if return_sequences and pooling != "last":
        raise InvalidInputError(
            f'pooling="{pooling}" makes one output of a whole sequence, but '
            'return_sequences asks for one per step. Use pooling="last".'
        )


@dataclass(frozen=True)
class _LayerPlan:
    """How to make each layer of a network: its parameters, sorted by who takes them."""

    model_type: str
    n_neurons: int
    wiring: Any
    n_motor: int | None
    n_outputs: int
    wiring_options: dict[str, Any]
    layer_recurrence: bool | None
    mode: str
    solver_options: dict[str, Any]
    backbone: dict[str, Any]
    common: dict[str, Any]
    gaps: tuple[float, float, float] | None
    use_time: bool
    neutral: Tensor | None

    @property
    def named(self) -> str | None:
        """The name of the wiring, if it has one."""
        return self.wiring if isinstance(self.wiring, str) else None

    def stack(self, n_inputs: int, n_layers: int) -> nn.ModuleList:
        """Make layers on top of each other; each reads all neurons of the one below."""
        sizes = [n_inputs] + [self.n_neurons] * (n_layers - 1)
        return nn.ModuleList(self.layer(size, k) for k, size in enumerate(sizes))

    def layer(self, n_inputs: int, k: int) -> nn.Module:
        """Make layer k, which reads so many inputs."""
        if self.model_type in BASELINES:
            return make_baseline(
                self.model_type,
                n_inputs,
                self.n_neurons,
                use_time=self.use_time,
                neutral=self.neutral if k == 0 else None,
                time_constants=self.common["time_constants"],
                generator=self.common["generator"],
            )
        wiring = self.make_wiring(n_inputs, k)
        if self.model_type == "LTC":
            # The read-out has an output map of its own.
            options = {"output_mapping": None, **self.solver_options, **self.common}
            return LTC(n_inputs, wiring, **options)
        options = {"mode": self.mode, **self.backbone, **self.common}
        if self.named == "full":
            # The fully connected CfC is another cell, with a backbone.
            options |= {"units": self.n_neurons, "gaps": self.gaps}
            del options["time_constants"]
        else:
            options["units"] = wiring
        layer = CfC(n_inputs, **options)
        layer.wiring = wiring  # with the motor neurons that the read-out takes
        return layer

    def make_wiring(self, n_inputs: int, k: int) -> Wiring:
        """Build the wiring of layer k."""
        options = dict(self.wiring_options)
        if k:  # layers of a stack differ, and the first is what one layer would be
            options["seed"] = (options["seed"] or 0) + k
        recurrence = self.layer_recurrence
        if recurrence is None:
            recurrence = self.model_type == "CfC" and self.named == "ncp"
        return build_wiring(
            self.wiring,
            n_inputs,
            self.n_neurons,
            self._motor_neurons(),
            layer_recurrence=recurrence,
            **options,
        )

    def _motor_neurons(self) -> int | None:
        """Return how many motor neurons there must be; None takes what there are."""
        if self.n_motor is not None or self.named is None:
            return self.n_motor
        return max(1, min(self.n_outputs, self.n_neurons // 4))
