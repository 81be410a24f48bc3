"""The parameters of a network as one vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters


class ParameterVector:
    """Makes the parameters of a network views of one vector while it is trained.

    Clipping and an optimiser's step are a few operations then, instead of a few for
    each parameter. Small networks have ten to twenty, and it is the number of
    operations that costs, not their size.

    Parameters
    ----------
    network : nn.Module
        Its parameters are views of the vector until `release`.

    Attributes
    ----------
    vector : Tensor of shape (n_parameters,)
        What an optimiser changes.
    """

    def __init__(self, network: nn.Module):
        self._parameters = [p for p in network.parameters() if p.requires_grad]
        self.vector = parameters_to_vector(self._parameters).detach()
        vector_to_parameters(self.vector, self._parameters)

    def gradient(self, loss: Tensor) -> Tensor:
        """Return the gradient of a loss, as long as the vector."""
        gradients = torch.autograd.grad(loss, self._parameters, materialize_grads=True)
        return torch.cat([part.flatten() for part in gradients])

    def release(self) -> None:
        """Give each parameter memory of its own again."""
        # As a view it would be pickled with the whole vector.
        for parameter in self._parameters:
            parameter.data = parameter.data.clone()
