"""Each sequence by its own scale: its shape, and its size as further inputs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from LNN.cells.base import past_end

# A channel that varies less within a sequence than a thousandth of what it varies over
# all of them counts as flat: a constant has no shape to magnify.
FLAT = 1e-3


class OwnScale(nn.Module):
    """Tells the shape of a sequence from its size, channel by channel.

    With mean m and standard deviation s over the steps of a sequence, x becomes

        (x - m) / s,   m,   log s,

    the last two the same at every step. It looks at the whole sequence, so that an
    output before its end would know what comes later.

    Parameters
    ----------
    n_channels : int
        The first channels of the inputs are scaled, others stay (masks and ages of
        missing values).

    References
    ----------
    Kim et al., Reversible instance normalization, ICLR 2022, without the way back.

    Examples
    --------
    >>> import torch
    >>> from LNN.own_scale import OwnScale
    >>> x = torch.randn(5, 100, 2)
    >>> small, large = OwnScale(2)(x), OwnScale(2)(50 * x)
    >>> bool(torch.allclose(small[..., :2], large[..., :2], atol=1e-4))
    True
    """

    def __init__(self, n_channels: int):
        super().__init__()
        self.n_channels = int(n_channels)

    def n_outputs(self, n_inputs: int) -> int:
        """Return how many inputs become of `n_inputs`."""
        return n_inputs + 2 * self.n_channels

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Scale sequences (B, T, F); steps past `lengths` (B,) do not count."""
        channels = inputs[..., : self.n_channels]
        steps = inputs.shape[1]
        counts = inputs.new_ones(1, steps, 1)
        if lengths is not None:
            padded = past_end(lengths, steps).unsqueeze(-1)
            counts = (~padded).to(inputs)
            # Padding may hold anything, and 0 times NaN is NaN.
            channels = channels.masked_fill(padded, 0.0)
        total = counts.sum(1, keepdim=True).clamp_min(1)
        mean = (channels * counts).sum(1, keepdim=True) / total
        change = channels - mean
        variance = (change.square() * counts).sum(1, keepdim=True) / total
        deviation = torch.sqrt(variance + FLAT**2)
        size = torch.cat([mean, torch.log(deviation)], dim=-1)
        others = inputs[..., self.n_channels :]
        return torch.cat(
            [change / deviation, others, size.expand(-1, steps, -1)], dim=-1
        )
