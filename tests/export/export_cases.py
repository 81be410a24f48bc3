"""Every kind of network, layer and cell that is exported, and what each one takes."""

import torch
from torch import nn

from LNN import CfC, LiquidNetwork, Wiring
from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.layers import LTC

F, N, BATCH = 3, 12, 5
WIRING = Wiring.ncp(F, N, 2, seed=1)


class WithState(nn.Module):
    """A network that takes a state, or starts from zeros, and returns the next one."""

    def __init__(self, **options):
        super().__init__()
        self.network = LiquidNetwork(F, N, 2, generator=_rng(), **options)

    def forward(self, inputs, timespans, state=None, lengths=None):
        given = {"state": state, "lengths": lengths, "return_state": True}
        return self.network(inputs, timespans, **given)


def _rng(seed=0):
    return torch.Generator().manual_seed(seed)


def _network(**options):
    return lambda: WithState(**options).eval()


NETWORKS = {
    "CfC": _network(),
    "CfC no_gate": _network(mode="no_gate"),
    "CfC pure": _network(mode="pure"),
    "CfC exponential": _network(mode="exponential"),
    "CfC full": _network(wiring="full"),
    "CfC full no_gate": _network(wiring="full", mode="no_gate"),
    "CfC full pure": _network(wiring="full", mode="pure"),
    "CfC memory": _network(mixed_memory=True),
    "CfC full memory": _network(wiring="full", mixed_memory=True),
    "CfC all steps": _network(return_sequences=True),
    "CfC two layers": _network(n_layers=2, pooling="mean"),
    "CfC attention": _network(pooling="attention", backend="torch"),
    "CfC motor": _network(readout="motor"),
    "CfC encoder": _network(encoder=nn.Linear(F, F)),
    "LTC": _network(model_type="LTC"),
    "LTC exponential": _network(model_type="LTC", solver="exponential"),
    "LTC full": _network(model_type="LTC", wiring="full"),
    "LTC random": _network(model_type="LTC", wiring="random", backend="torch"),
    "LTC memory": _network(model_type="LTC", mixed_memory=True),
    "LTC rk4": _network(model_type="LTC", solver="rk4", ode_unfolds=2),
    "LTC explicit": _network(model_type="LTC", solver="explicit"),
    "LSTM": _network(model_type="LSTM"),
    "LSTM time": _network(model_type="LSTM", use_time=True),
    "GRU": _network(model_type="GRU"),
    "LSTM gates": _network(model_type="LSTM", time_gates=True),
    "GRU gates": _network(model_type="GRU", time_gates=True),
    "GRU-D": _network(model_type="GRU-D"),
    "GRU-D masks": _network(model_type="GRU-D", neutral=torch.zeros(1)),
    "CT-RNN": _network(model_type="CT-RNN"),
    "CT-GRU": _network(model_type="CT-GRU"),
    "CT-GRU-published": _network(model_type="CT-GRU-published"),
    "RNN-decay": _network(model_type="RNN-decay"),
}
# Those that have something of their own to write.
SOME = (
    "CfC",
    "CfC exponential",
    "CfC full memory",
    "LTC memory",
    "LSTM",
    "GRU",
    "GRU-D",
)
LAYERS = {
    "CfC": lambda: CfC(F, WIRING, generator=_rng()).eval(),
    "CfC full": lambda: CfC(F, 8, backbone_activation="gelu", generator=_rng()).eval(),
    "LTC": lambda: LTC(F, WIRING, proj_size=4, generator=_rng()).eval(),
    "LTC memory": lambda: LTC(F, WIRING, mixed_memory=True, generator=_rng()).eval(),
}
CELLS = {
    "CfC": lambda: CfCCell(F, 8, generator=_rng()).eval(),
    "wired CfC": lambda: WiredCfCCell(WIRING, generator=_rng()).eval(),
    "LTC": lambda: LTCCell(WIRING, input_mapping=None, generator=_rng()).eval(),
    "memory": lambda: MixedMemoryCell(LTCCell(WIRING, generator=_rng())).eval(),
}


def of_network(network, steps, batch=BATCH):
    """Return what a network takes: inputs, time spans, and a state it returned."""
    inputs, spans = _data(steps, batch)
    with torch.no_grad():
        _, state = network(*_data(3, batch))
    return {"inputs": inputs, "timespans": spans, "state": state}


def of_layer(layer, steps, batch=BATCH):
    """Return what a layer takes."""
    inputs, spans = _data(steps, batch)
    with torch.no_grad():
        _, state = layer(_data(3, batch)[0])
    return {"inputs": inputs, "state": state, "timespans": spans}


def of_cell(cell, batch=BATCH):
    """Return what a cell takes."""
    inputs, spans = _data(1, batch)
    state = torch.rand(batch, cell.state_size, generator=_rng(2))
    return {"inputs": inputs[:, 0].clone(), "state": state, "dt": spans[:, 0].clone()}


def with_lengths(given, steps):
    """Leave the state out and end sequences early; their padding holds NaN."""
    inputs = given["inputs"].clone()
    batch = len(inputs)
    lengths = 1 + torch.arange(batch) % steps
    inputs[torch.arange(steps) >= lengths[:, None]] = torch.nan
    return {
        "inputs": inputs,
        "timespans": given["timespans"],
        "lengths": lengths,
    }


def _data(steps, batch):
    generator = _rng(batch + steps)
    inputs = torch.randn(batch, steps, F, generator=generator)
    return inputs, 0.1 + torch.rand(batch, steps, generator=generator)


def flat(values):
    """Return the tensors of nested outputs, in order."""
    return torch.utils._pytree.tree_leaves(values)


def free_batch(given):
    """Return `dynamic_shapes` that leave the batch open."""
    batch = torch.export.Dim("batch")
    return torch.utils._pytree.tree_map(
        lambda value: {value.shape.index(BATCH): batch}, given
    )


def expected(module, given):
    """Return what the module itself makes of it."""
    with torch.no_grad():
        return flat(module(**given))


def assert_equal(found, wanted):
    """Compare as float32 that took another way."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=2e-6)
