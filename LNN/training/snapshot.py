"""What a network is made of, to see whether it still is the same."""

from __future__ import annotations

import os

from torch import nn

from LNN.cells.dropout import Dropout
from LNN.cells.hooks import hooks_of
from LNN.network import LiquidNetwork


class Snapshot:
    """The modules and parameters of a network, and what else decides how it is run.

    Nothing of this changes in most trainings, but a callback may change all of it. To
    compare takes a fraction of the time that finding out takes.

    Parameters
    ----------
    network : LiquidNetwork
        Without hooks. The numbers in its parameters do not matter.
    """

    def __init__(self, network: LiquidNetwork):
        self._network = network
        self._settings = _settings(network)
        self._parts = [
            (module, type(module), list(module._modules.values()), _own(module))
            for module in network.modules()
        ]
        self._dropouts = [m for m in network.modules() if isinstance(m, Dropout)]
        self._rates = [dropout.p for dropout in self._dropouts]
        # These dicts stay, whatever is registered: to look in is all it takes.
        self._hooks = [h for m in network.modules() for h in hooks_of(m)]

    def holds(self) -> bool:
        """Tell whether the network still is as it was."""
        if any(self._hooks) or _settings(self._network) != self._settings:
            return False
        if [dropout.p for dropout in self._dropouts] != self._rates:
            return False
        for module, kind, parts, own in self._parts:
            # Modules equal themselves alone, and so do the numbers that parameters are
            # known by here.
            if type(module) is not kind or list(module._modules.values()) != parts:
                return False
            if _own(module) != own:
                return False
        return True


def _own(module: nn.Module) -> list[int]:
    return list(map(id, module._parameters.values()))


def _settings(network: LiquidNetwork) -> tuple:
    backends = [getattr(layer, "backend", None) for layer in network.layers]
    how = network.pooling, network.return_sequences
    return *how, *backends, os.environ.get("LNN_BACKEND")
