"""A training step on the kernels, without autograd, where they have one.

In a step of a small network autograd, the read-out, the loss and the optimiser are many
small calls of torch around two of the kernels', and take longer than these. Where the
kernels know all parts of a step, it is a few calls of theirs alone. The gradients are
those of autograd, to rounding (tests/training/test_kernel_step.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from LNN import kernels
from LNN.cells.dropout import Dropout
from LNN.cells.hooks import is_hooked
from LNN.kernels import AdamRule, Trained, Trainer
from LNN.layers import LTC, CfC, SequenceLayer
from LNN.network import LiquidNetwork
from LNN.training.distributed import ALONE, Ranks
from LNN.training.losses import (
    AbsoluteError,
    CrossEntropy,
    Huber,
    Loss,
    Quantile,
    SquaredError,
)
from LNN.training.optimisers import Adam, AdamW, Optimizer, clip_gradient
from LNN.training.parameter_vector import ParameterVector
from LNN.training.snapshot import Snapshot

# By their exact types: a subclass may compute something else.
LOSSES = (SquaredError, AbsoluteError, Huber, Quantile, CrossEntropy)
ADAMS = (Adam, AdamW)
POOLINGS = ("last", "mean", "max", "last+mean+max")

# The parts of a network that kernels run; an encoder stands before them, say.
KNOWN_PARTS = ("layers", "readout")


def kernel_step(
    network: LiquidNetwork,
    parameters: ParameterVector,
    objective: Loss,
    optimizer: Optimizer,
    clip: tuple[float | None, str],
    ranks: Ranks = ALONE,
    before: KernelStep | None = None,
) -> KernelStep | None:
    """Return what takes a step on the kernels; None where they lack a part of it.

    For as long as nothing but the numbers in the vector changes: an epoch.

    Parameters
    ----------
    network : LiquidNetwork
    parameters : ParameterVector
        Those of the network.
    objective : Loss
    optimizer : Optimizer
        Of the vector.
    clip : (float or None, {"norm", "value"})
        As `clip_gradient` takes them.
    ranks : Ranks
        The processes whose gradients are added up.
    before : KernelStep, default=None
        What was returned for the epoch before; the same again if nothing has changed.
    """
    if _someone_looks_on() or not parameters.is_shared():
        return None
    if before is not None and before.snapshot.holds() and before.trainer.holds():
        return before
    if is_hooked(network):
        return None
    gradient = torch.zeros_like(parameters.vector)
    found = trained_parts(network, parameters, objective, optimizer, clip, gradient)
    if found is None:
        return None
    trained, of_front = found
    first = network.layers[0]
    assert isinstance(first, SequenceLayer)
    trainer = kernels.trainer_for(trained, first.backend)
    if trainer is None:
        return None
    front = network.front if _before(network) else None
    parts = front, of_front, first, optimizer, clip, ranks, gradient
    return KernelStep(*parts, trained, trainer, Snapshot(network))


def trained_parts(
    network: LiquidNetwork,
    parameters: ParameterVector,
    objective: Loss,
    optimizer: Optimizer,
    clip: tuple[float | None, str],
    gradient: Tensor,
) -> tuple[Trained, list[nn.Parameter]] | None:
    """Return a network as trainers take it; None if it has parts that they lack.

    Parameters
    ----------
    network, parameters, objective, optimizer, clip
        As `kernel_step` takes them.
    gradient : Tensor
        As long as the vector of the parameters.

    Returns
    -------
    trained : Trained
    of_front : list of Parameter
        Those of what stands before the layers.
    """
    layers, head = known_layers(network), _known_head(network)
    if layers is None or head is None or type(objective) not in LOSSES:
        return None
    cells = [layer.cell for layer in layers]
    if any(isinstance(m, Dropout) and m.p > 0 for c in cells for m in c.modules()):
        return None
    gradients = parameters.parts_of(gradient)
    before = _before(network)
    of_front = [p for part in before for p in part.parameters() if id(p) in gradients]
    # A parameter that is frozen, stands in two places or belongs to another part.
    used = [id(p) for part in (*cells, head) for p in _all_parameters(part)]
    used += map(id, of_front)
    if len(used) != len(gradients) or set(used) != set(gradients):
        return None
    trained = Trained(
        cells=cells,
        weight=head.weight,
        bias=head.bias,
        pooling=() if network.return_sequences else tuple(network.pooling.split("+")),
        loss=objective.name,
        levels=objective.levels if isinstance(objective, Quantile) else (),
        gradients=gradients,
        adam=_adam_rule(optimizer, gradient, clip),
        needs_inputs=bool(of_front),
    )
    return trained, of_front


def _before(network: LiquidNetwork) -> list[nn.Module]:
    """Return what stands before the layers."""
    parts = network.named_children()
    return [part for name, part in parts if name not in KNOWN_PARTS]


@dataclass(frozen=True, eq=False)
class KernelStep:
    """Takes a step on a batch, and returns sum(w l) over it.

    Attributes
    ----------
    front : callable or None
        Makes what the layers read of a batch; None if that is the batch.
    of_front : list of Parameter
        Its parameters. They are autograd's.
    first : SequenceLayer
        What reads it.
    optimizer : Optimizer
    clip : (float or None, {"norm", "value"})
    ranks : Ranks
    gradient : Tensor
        As long as the optimiser's vector.
    trained : Trained
        Its gradients are views of `gradient`.
    trainer : Trainer
    snapshot : Snapshot
        The network as it was.
    """

    front: Callable[..., tuple[Tensor, Tensor, Tensor | None]] | None
    of_front: list[nn.Parameter]
    first: SequenceLayer
    optimizer: Optimizer
    clip: tuple[float | None, str]
    ranks: Ranks
    gradient: Tensor
    trained: Trained
    trainer: Trainer
    snapshot: Snapshot

    def __call__(
        self,
        inputs: dict[str, Tensor] | None,
        targets: tuple[Tensor, Tensor | None],
        weight: float,
    ) -> float:
        """Take a step on a batch of this weight, of which None is no sample here."""
        total = 0.0
        if inputs is None:
            self.gradient.zero_()
        else:
            total = self._fill_in_gradient(targets, inputs)
        self.ranks.add(self.gradient)
        optimizer = self.optimizer
        if self.trained.adam is not None:
            assert optimizer.momentum is not None
            step = optimizer.state["step"] = optimizer.state["step"] + 1
            self.trainer.adam_step(weight, step, optimizer.rate, optimizer.momentum)
        else:
            self.gradient.div_(weight)
            clip_gradient(self.gradient, *self.clip)
            optimizer.step(self.gradient)
        return total

    def loss(
        self,
        inputs: dict[str, Tensor],
        targets: tuple[Tensor, Tensor | None],
    ) -> float:
        """Return sum(w l) over a batch, and change nothing."""
        return self.trainer.loss(*self._read(**inputs), *targets)

    def _fill_in_gradient(
        self, targets: tuple[Tensor, Tensor | None], inputs: dict[str, Tensor]
    ) -> float:
        read, spans, lengths = self._read(**inputs)
        total = self.trainer.gradient(read.detach(), spans, lengths, *targets)
        own, above = self.of_front, self.trainer.grad_inputs
        if above is not None:
            found = torch.autograd.grad(read, own, above, materialize_grads=True)
            for parameter, part in zip(own, found, strict=True):
                self.trained.gradients[id(parameter)].copy_(part)
        return total

    def _read(
        self,
        inputs: Tensor,
        timespans: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return what the first layer reads."""
        read, spans = inputs, timespans
        if self.front is not None:
            read, spans, lengths = self.front(inputs, timespans, lengths=lengths)
        self.first.check_inputs(read)  # the library would read anything
        return read, spans, lengths


def known_layers(network: LiquidNetwork) -> list[LTC | CfC] | None:
    """Return the layers, if kernels may know them all and how they are read."""
    if type(network) is not LiquidNetwork or network.pooling not in POOLINGS:
        return None
    layers = [layer for layer in network.layers if isinstance(layer, LTC | CfC)]
    plain = all(type(layer) in (LTC, CfC) for layer in network.layers)
    one_backend = len({layer.backend for layer in layers}) == 1
    return layers if plain and one_backend else None


def _known_head(network: LiquidNetwork) -> nn.Linear | None:
    """Return the affine map of a dense read-out that drops nothing out."""
    parts = list(network.readout.children())
    if [type(part) for part in parts] != [Dropout, nn.Linear]:
        return None
    dropout, head = parts
    assert isinstance(dropout, Dropout)
    assert isinstance(head, nn.Linear)
    return head if dropout.p == 0 and head.bias is not None else None


def is_watched(network: LiquidNetwork) -> bool:
    """Tell whether someone looks on at what modules or autograd do."""
    return is_hooked(network) or _someone_looks_on()


def _someone_looks_on() -> bool:
    """Tell whether someone looks on at any module, or at autograd."""
    everywhere = nn.modules.module._has_any_global_hook()
    return bool(everywhere) or torch.is_anomaly_enabled()


def _all_parameters(module: nn.Module) -> list[nn.Parameter]:
    """Return the parameters of a module, those that stand in two places twice."""
    return [p for _, p in module.named_parameters(remove_duplicate=False)]


def _adam_rule(
    optimizer: Optimizer, gradient: Tensor, clip: tuple[float | None, str]
) -> AdamRule | None:
    """Return what a step of Adam does; None for other optimisers."""
    if not isinstance(optimizer, Adam) or type(optimizer) not in ADAMS:
        return None
    vector = optimizer.vector
    mean, square = (optimizer.state[name] for name in optimizer.moments)
    # The library would read anything; torch's own rule says what is wrong.
    plain = (
        t.shape == gradient.shape and t.dtype is gradient.dtype and t.is_contiguous()
        for t in (vector, mean, square)
    )
    if not all(plain):
        return None
    return AdamRule(
        vector=vector,
        gradient=gradient,
        mean=mean,
        square=square,
        decay=optimizer.decay,
        epsilon=optimizer.epsilon,
        weight_decay=optimizer.weight_decay,
        decay_apart=type(optimizer) is AdamW,
        clip_value=clip[0],
        clip_by=clip[1],
    )
