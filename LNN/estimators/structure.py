"""What a network is made of, to recognise one that was changed by hand."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from LNN.cells.hooks import is_watched
from LNN.exceptions import InvalidInputError


@dataclass(frozen=True)
class NetworkStructure:
    """The modules and weights of a network, without their values.

    Attributes
    ----------
    modules : tuple of (str, str)
        Name and type of each module.
    weights : tuple of (str, tuple of int, str)
        Name, shape and dtype of each weight.
    """

    modules: tuple[tuple[str, str], ...]
    weights: tuple[tuple[str, tuple[int, ...], str], ...]

    @classmethod
    def of(cls, network: nn.Module) -> NetworkStructure:
        """Read a network."""
        # Without values: weights that were changed by hand are stored as they are.
        modules = tuple((n, type(m).__qualname__) for n, m in network.named_modules())
        weights = tuple(
            (n, tuple(p.shape), str(p.dtype)) for n, p in network.named_parameters()
        )
        return cls(modules, weights)

    def refuse_other(self, network: nn.Module) -> None:
        """Refuse a network that parameters alone do not describe.

        Raises
        ------
        InvalidInputError
            If parts were replaced, or if there are hooks: both would be lost.
        """
        now = NetworkStructure.of(network)
        mine = {*self.modules, *self.weights}
        odd = sorted(mine ^ {*now.modules, *now.weights}, key=str)
        hooked = [
            n
            for n, m in network.named_modules()
            if m._forward_pre_hooks or is_watched(m)
        ]
        if not odd and not hooked:
            return
        what = f"hooks on {hooked[:3]}" if not odd else f"other parts: {odd[:3]}"
        raise InvalidInputError(
            "Expected the network that the estimator's parameters describe, got one "
            f"that was changed by hand, with {what}. A pickle would lose that. Take "
            "hooks off before (handle.remove()); keep a network with other parts by "
            "torch.save(est.network_, file). joblib can work on it in threads: "
            'parallel_config(backend="threading").'
        )
