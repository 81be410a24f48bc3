"""Live synapses as tensors: indices that are structure, weights that are parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from LNN.exceptions import InvalidInputError


def drawn(
    size: int | tuple,
    fill: Callable[..., Tensor],
    *bounds: float,
    generator: torch.Generator | None,
) -> Tensor:
    """Draw a tensor by one of torch's initialisers, as `fill`.

    In float32: a generator gives other numbers in another dtype, and the same seed
    would mean another model where torch's default dtype is not this one.
    """
    values = torch.empty(size, dtype=torch.float32)
    return fill(values, *bounds, generator=generator).to(torch.get_default_dtype())


def uniform(
    size: int | tuple,
    low: float | Tensor,
    high: float | Tensor,
    generator: torch.Generator | None,
) -> Tensor:
    """Draw uniformly from [low, high), which may be numbers or tensors."""
    return low + (high - low) * drawn(size, nn.init.uniform_, generator=generator)


def log_uniform(
    n: int, low: float, high: float, generator: torch.Generator | None
) -> Tensor:
    """Draw n numbers whose logarithms are uniform between those of the bounds."""
    bounds = torch.log(torch.tensor([float(low), float(high)]))
    return torch.exp(uniform(n, bounds[0], bounds[1], generator))


def inverse_softplus(value: Tensor) -> Tensor:
    """Return x with softplus(x) = value > 0, without overflow for large values."""
    # log(e^v - 1), with e^v taken out of the logarithm.
    return value + torch.log(-torch.expm1(-value))


def linear(n_in: int, n_out: int, generator: torch.Generator | None) -> nn.Linear:
    """Make a Glorot-initialised linear map that leaves the global generator alone."""
    n_in, n_out = int(n_in), int(n_out)  # torch refuses those of numpy
    # On the meta device torch draws no numbers of its own. `nn.utils.skip_init` does
    # the same, and takes longer to look at its arguments.
    layer = nn.Linear(n_in, n_out, device="meta")
    layer = layer.to_empty(device=torch.get_default_device())
    shape = layer.weight.shape
    layer.weight.data = drawn(shape, nn.init.xavier_uniform_, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


class SynapseIndex(nn.Module):
    """Source and target of each live synapse, as buffers that follow the device.

    The indices travel with `state_dict`, so that a module made on the meta device
    can be filled from one, and weights of another wiring are refused when loaded.

    Parameters
    ----------
    source, target : ndarray of shape (n_synapses,)
    n_sources, n_targets : int

    Attributes
    ----------
    edges : ndarray of int64, shape (2, n_synapses)
        Sources and targets again, as numbers that no transform of torch replaces.
    """

    source: Tensor
    target: Tensor

    def __init__(
        self, source: np.ndarray, target: np.ndarray, n_sources: int, n_targets: int
    ):
        super().__init__()
        self.n_sources, self.n_targets = n_sources, n_targets
        self.edges = np.stack([source, target]).astype(np.int64)
        self.register_buffer("source", torch.tensor(self.edges[0]))
        self.register_buffer("target", torch.tensor(self.edges[1]))

    def __len__(self) -> int:
        return self.edges.shape[1]

    def dense(self, weight: Tensor) -> Tensor:
        """Place live weights in a (n_sources, n_targets) matrix of zeros."""
        matrix = weight.new_zeros(self.n_sources, self.n_targets)
        return matrix.index_put((self.source, self.target), weight)

    def gather_matrix(self, weight: Tensor) -> Tensor:
        """Return the (n_sources, n_synapses) map x -> weight_k x[source_k]."""
        matrix = weight.new_zeros(self.n_sources, len(self))
        return matrix.index_put((self.source, self._each(weight)), weight)

    def reduce_matrix(self, weight: Tensor) -> Tensor:
        """Return the (n_synapses, n_targets) map that sums weight_k s_k per target."""
        matrix = weight.new_zeros(len(self), self.n_targets)
        return matrix.index_put((self._each(weight), self.target), weight)

    def _each(self, like: Tensor) -> Tensor:
        return torch.arange(len(self), device=like.device)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        for row, name in enumerate(("source", "target")):
            loaded = state_dict.get(prefix + name)
            refuse_other_wiring(prefix + name, loaded, self.edges[row], "synapses")
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def refuse_other_wiring(
    name: str, loaded: Tensor | None, mine: np.ndarray, what: str
) -> None:
    """Refuse weights to load whose structure is not that of this network."""
    # What is missing torch reports itself; a tensor on the meta device has no numbers.
    if loaded is None or loaded.is_meta:
        return
    if not np.array_equal(loaded.cpu().numpy(), mine):
        raise InvalidInputError(
            f"The weights to load belong to another wiring: {name} lists "
            f"{loaded.numel()} {what} that are not the {mine.size} of this network. "
            "Build the network with the wiring it was saved with."
        )
