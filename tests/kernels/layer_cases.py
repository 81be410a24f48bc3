"""Layers of every kind that the native backend runs, and how results are compared."""

import copy

import torch
import torch.nn.utils.prune as prune
from kernel_cases import rng

from LNN import CfC
from LNN.layers import LTC
from LNN.wiring import Wiring

F = 3
WIRING = Wiring.ncp(F, 9, 2, seed=1, layer_recurrence=True)
OTHER = Wiring.random(F, 9, seed=2, sparsity=0.6)
EDGES = {"time_a": (OTHER.sensory, OTHER.recurrent)}
LAYERS = {
    "LTC": lambda: LTC(F, WIRING, generator=rng()),
    "LTC exponential": lambda: LTC(
        F, WIRING, solver="exponential", ode_unfolds=2, generator=rng()
    ),
    "LTC linear": lambda: LTC(
        F, WIRING, input_mapping="linear", ode_unfolds=2, generator=rng()
    ),
    "wired": lambda: CfC(F, WIRING, generator=rng()),
    "wired pure": lambda: CfC(F, WIRING, mode="pure", generator=rng()),
    "wired exponential": lambda: CfC(F, WIRING, mode="exponential", generator=rng()),
    "CfC": lambda: CfC(F, 5, backbone_units=7, generator=rng()),
    "CfC pure": lambda: CfC(F, 5, backbone_units=7, mode="pure", generator=rng()),
    "CfC exponential": lambda: CfC(F, 5, mode="exponential", generator=rng()),
    "memory": lambda: LTC(F, WIRING, mixed_memory=True, ode_unfolds=2, generator=rng()),
    "memory CfC": lambda: CfC(F, 5, mixed_memory=True, generator=rng()),
    "memory wired": lambda: CfC(F, WIRING, mixed_memory=True, generator=rng()),
}
SOME = ["LTC", "wired", "CfC", "memory"]


def on_torch(layer):
    """The same layer on the torch backend."""
    other = copy.deepcopy(layer)
    other.backend = "torch"
    return other


def results(layer, *args, **kwargs):
    """Outputs and the gradients of the parameters."""
    layer.zero_grad()
    outputs = layer(*args, **kwargs)[0]
    # A pruned weight is computed once, for more than one way back.
    outputs.square().sum().backward(retain_graph=prune.is_pruned(layer))
    grads = {n: p.grad for n, p in layer.named_parameters() if p.grad is not None}
    return {"outputs": outputs.detach(), **grads}


def assert_same(found, expected, **tolerance):
    assert found.keys() == expected.keys()
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], **tolerance)
