"""Running a trained network: in evaluation mode, and long sequences in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from LNN.batching.batches import MAX_STEPS
from LNN.network import LiquidNetwork

__all__ = ["evaluating", "in_blocks"]


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, and back into the mode that it was in."""
    # After a fit there is nothing to do, and nothing for other threads to trip over. A
    # network that its user has put into training mode is for one thread at a time.
    training = [module for module in network.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def in_blocks(
    network: LiquidNetwork,
    inputs: Tensor,
    timespans: Tensor | None = None,
    lengths: Tensor | None = None,
    state: tuple | None = None,
) -> Tensor:
    """Run a network; over one long sequence block by block, to bound the memory.

    Parameters
    ----------
    network : LiquidNetwork
    inputs, timespans, lengths, state
        As the network takes them.

    Returns
    -------
    Tensor of shape (B, output_size) or (B, T, output_size)
        What the network returns for the whole sequence.
    """
    steps = inputs.shape[1]
    if steps <= MAX_STEPS or lengths is not None or not network.return_sequences:
        return network(inputs, timespans, lengths=lengths, state=state)
    answers = []
    for begin in range(0, steps, MAX_STEPS):
        block = slice(begin, begin + MAX_STEPS)
        spans = None if timespans is None else timespans[:, block]
        answer, state = network(inputs[:, block], spans, state=state, return_state=True)
        answers.append(answer)
    return torch.cat(answers, dim=1)
