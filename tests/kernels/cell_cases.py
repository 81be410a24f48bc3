"""A cell of everything that there is, by name."""

import numpy as np
from kernel_cases import rng

from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.cells.cfc import ACTIVATIONS, MODES
from LNN.cells.ltc import MAPPINGS
from LNN.wiring import Wiring

F, N = 3, 9
NCP = Wiring.ncp(F, N, 2, seed=1, layer_recurrence=True)
NO_EDGES = (np.arange(0), np.arange(0), np.arange(0))
WIRINGS = {
    "ncp": NCP,
    "strict": Wiring.ncp(F, N, 2, seed=2),
    "random": Wiring.random(F, N, seed=3, sparsity=0.7),
    "full": Wiring.full(F, N),
    "unsorted": Wiring(
        F,
        N,
        2,
        ([2, 0, 1, 0], [4, 8, 4, 0], [1, -1, 1, 1]),
        ([8, 4, 8, 3, 0], [4, 8, 3, 3, 5], [1, 1, -1, -1, 1]),
        [("late", [8, 1, 2]), ("first", [3, 4]), ("last", [0, 5, 6, 7])],
    ),
    "no sensory": Wiring(F, N, 2, NO_EDGES, NCP.recurrent, NCP.layers),
    "no recurrent": Wiring(F, N, 2, NCP.sensory, NO_EDGES, NCP.layers),
    "no synapses": Wiring(F, N, 2, NO_EDGES, NO_EDGES),
    "one neuron": Wiring.full(F, 1),
}
OTHERS = {
    name: (wiring.sensory, wiring.recurrent)
    for name, wiring in zip(
        ("ff1", "ff2", "time_a", "time_b"),
        (NCP, WIRINGS["random"], WIRINGS["unsorted"], WIRINGS["strict"]),
        strict=True,
    )
}


def cells():
    """One of everything, by name."""
    for name, wiring in WIRINGS.items():
        yield f"LTC {name}", lambda w=wiring: LTCCell(w, generator=rng())
        yield (
            f"LTC exponential {name}",
            lambda w=wiring: LTCCell(w, solver="exponential", generator=rng()),
        )
        for mode in MODES:
            yield (
                f"wired {mode} {name}",
                lambda w=wiring, m=mode: WiredCfCCell(w, mode=m, generator=rng()),
            )
    for mapping in MAPPINGS[1:]:
        yield (
            f"LTC mapping {mapping}",
            lambda m=mapping: LTCCell(NCP, input_mapping=m, generator=rng()),
        )
    for unfolds in (1, 2):
        yield (
            f"LTC unfolds {unfolds}",
            lambda u=unfolds: LTCCell(NCP, ode_unfolds=u, generator=rng()),
        )
    for mode in MODES:
        yield (
            f"wired {mode} other edges",
            lambda m=mode: WiredCfCCell(
                WIRINGS["strict"], mode=m, map_edges=OTHERS, generator=rng()
            ),
        )
        for layers in range(4):
            yield (
                f"CfC {mode} {layers}",
                lambda m=mode, k=layers: CfCCell(
                    F, N, mode=m, backbone_layers=k, backbone_units=11, generator=rng()
                ),
            )
    for activation in ACTIVATIONS:
        yield (
            f"CfC {activation}",
            lambda a=activation: CfCCell(
                F, N, backbone_activation=a, backbone_units=6, generator=rng()
            ),
        )


CELLS = dict(cells())
INNER = ("LTC ncp", "LTC unsorted", "wired default ncp", "wired pure unsorted")
INNER += ("wired no_gate other edges", "CfC default 1", "CfC no_gate 0", "CfC pure 2")
CELLS |= {
    f"memory {name}": lambda c=CELLS[name]: MixedMemoryCell(c(), generator=rng(1))
    for name in INNER
}
# One cell of each equation, of each kind of wiring and of each way to lack synapses.
EACH = ("LTC ncp", "LTC exponential strict", "LTC random", "LTC mapping linear")
EACH += ("LTC mapping None", "LTC unfolds 2", "LTC no sensory", "LTC one neuron")
EACH += ("LTC unsorted", "wired default ncp", "wired no_gate random", "wired pure full")
EACH += (
    "wired exponential unsorted",
    "wired default no recurrent",
    "wired pure strict",
)
EACH += ("wired exponential no synapses", "wired default other edges", "CfC silu")
EACH += (
    "CfC default 1",
    "CfC no_gate 2",
    "CfC pure 0",
    "CfC exponential 3",
    "CfC gelu",
)
EACH += ("memory LTC ncp", "memory wired pure unsorted", "memory CfC default 1")
