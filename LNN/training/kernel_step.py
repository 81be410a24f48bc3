"""A training step on the kernels, without autograd, where they have one.

In a step of a small network autograd, the read-out, the loss and the optimiser are many
small calls of torch around two of the kernels', and take longer than these. Where the
kernels know all parts of a step, it is a few calls of theirs alone. The gradients are
those of autograd, to rounding (tests/training/test_kernel_step.py).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from LNN import kernels
from LNN.cells.dropout import Dropout
from LNN.cells.hooks import is_hooked
from LNN.kernels import AdamRule, Trained
from LNN.layers import LTC, CfC
from LNN.network import LiquidNetwork
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

# By their exact types: a subclass may compute something else.
LOSSES = (SquaredError, AbsoluteError, Huber, Quantile, CrossEntropy)
ADAMS = (Adam, AdamW)
POOLINGS = ("last", "mean", "max", "last+mean+max")

# Takes inputs, targets and the weight of a batch; returns sum(w l) over it.
TakeStep = Callable[[dict[str, Tensor], tuple[Tensor, Tensor | None], float], float]


def kernel_step(
    network: LiquidNetwork,
    parameters: ParameterVector,
    objective: Loss,
    optimizer: Optimizer,
    clip: tuple[float | None, str],
) -> TakeStep | None:
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
    """
    if not _is_known(network, objective) or not parameters.is_shared():
        return None
    gradient = torch.zeros_like(parameters.vector)
    gradients = parameters.parts_of(gradient)
    cells = [layer.cell for layer in network.layers]
    head = network.readout[1]
    # A parameter that is frozen, stands in two places or belongs to another part.
    used = [id(p) for part in (*cells, head) for p in _all_parameters(part)]
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
    )
    trainer = kernels.trainer_for(trained, network.layers[0].backend)
    if trainer is None:
        return None

    def take(
        inputs: dict[str, Tensor],
        targets: tuple[Tensor, Tensor | None],
        weight: float,
    ) -> float:
        spans = inputs.get("timespans")
        total = trainer.gradient(
            inputs["inputs"], spans, inputs.get("lengths"), *targets
        )
        if trained.adam is not None:
            step = optimizer.state["step"] = optimizer.state["step"] + 1
            trainer.adam_step(weight, step, optimizer.rate, optimizer.momentum)
        else:
            gradient.div_(weight)
            clip_gradient(gradient, *clip)
            optimizer.step(gradient)
        return total

    return take


def _is_known(network: LiquidNetwork, objective: Loss) -> bool:
    """Tell whether a network and its loss are made of parts that kernels may know."""
    layers, readout = list(network.layers), network.readout
    return (
        type(network) is LiquidNetwork
        # No encoder, nor anything else before the layers.
        and [name for name, _ in network.named_children()] == ["layers", "readout"]
        and network.pooling in POOLINGS
        and all(type(layer) in (LTC, CfC) for layer in layers)
        and len({layer.backend for layer in layers}) == 1
        and [type(part) for part in readout.children()] == [Dropout, nn.Linear]
        and readout[0].p == 0
        and readout[1].bias is not None
        and type(objective) in LOSSES
        # Nor does anybody look on.
        and not is_hooked(network)
        and not nn.modules.module._has_any_global_hook()
        and not torch.is_anomaly_enabled()
    )


def _all_parameters(module: nn.Module) -> list[nn.Parameter]:
    """Return the parameters of a module, those that stand in two places twice."""
    return [p for _, p in module.named_parameters(remove_duplicate=False)]


def _adam_rule(
    optimizer: Optimizer, gradient: Tensor, clip: tuple[float | None, str]
) -> AdamRule | None:
    """Return what a step of Adam does; None for other optimisers."""
    if type(optimizer) not in ADAMS:
        return None
    mean, square = (optimizer.state[name] for name in optimizer.moments)
    return AdamRule(
        vector=optimizer.vector,
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
