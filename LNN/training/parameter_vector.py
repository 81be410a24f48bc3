"""The parameters of a network as one vector."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from LNN.exceptions import InvalidInputError


@contextmanager
def gradients_recorded() -> Iterator[None]:
    """Record gradients, whatever the caller has switched off around a training."""
    # Tensors made in inference mode could never be trained: not now, and not later.
    with torch.inference_mode(False), torch.enable_grad():
        yield


class ParameterVector:
    """Makes the parameters of a network views of one vector while it is trained.

    Clipping and an optimiser's step are a few operations then, instead of a few for
    each parameter. Small networks have ten to twenty, and it is the number of
    operations that costs, not their size.

    Parameters
    ----------
    network : nn.Module
        Its parameters are views of the vector until `release`; those that are frozen
        (`requires_grad=False`) are left alone.

    Attributes
    ----------
    names : tuple of str
        The parameters in the vector.
    vector : Tensor of shape (n_parameters,)
        What an optimiser changes.

    Raises
    ------
    InvalidInputError
        If all parameters are frozen.
    """

    def __init__(self, network: nn.Module):
        named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
        if not named:
            raise InvalidInputError(
                "Expected weights to train, but every parameter of the network has "
                "requires_grad=False. Let some be trained: network.readout."
                "requires_grad_(True), say."
            )
        self.names, self._parameters = zip(*named, strict=True)
        self._shapes = [p.shape for p in self._parameters]
        self.vector = parameters_to_vector(self._parameters).detach()
        vector_to_parameters(self.vector, self._parameters)

    def gradient(self, loss: Tensor) -> Tensor:
        """Return the gradient of a loss, as long as the vector."""
        gradients = torch.autograd.grad(loss, self._parameters, materialize_grads=True)
        return torch.cat([part.flatten() for part in gradients])

    def is_shared(self) -> bool:
        """Tell whether all parameters still are views of the vector.

        They no longer are when someone casts the network, or gives one other memory.
        """
        place, dtype = self.vector.data_ptr(), self.vector.dtype
        for p, shape in zip(self._parameters, self._shapes, strict=True):
            same = p.data_ptr() == place and p.dtype is dtype and p.shape == shape
            if not (same and p.is_contiguous()):
                return False
            place += p.nbytes
        return True

    def parts_of(self, vector: Tensor) -> dict[int, Tensor]:
        """Return what stands for each parameter in another vector, by `id`."""
        parts = vector.split([math.prod(shape) for shape in self._shapes])
        pairs = zip(self._parameters, parts, self._shapes, strict=True)
        return {id(p): part.view(shape) for p, part, shape in pairs}

    def release(self) -> None:
        """Give each parameter memory of its own again."""
        # As a view it would be pickled with the whole vector.
        for parameter in self._parameters:
            parameter.data = parameter.data.clone()
