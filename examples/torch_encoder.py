"""A convolutional encoder before a liquid network: which way the dot moves.

    python examples/torch_encoder.py

`LiquidNetwork` is an ordinary torch module. Each frame of a short film goes through a
small convolutional net (`encoder=`), two liquid layers read the features with the time
that passed between frames, and one linear map reads the state after the last frame.
Frames are dropped at random, so the time between them varies; without `timespans` the
network cannot tell a fast dot from a slow one whose frames are missing.
"""

from __future__ import annotations

import argparse

import torch
from torch import nn

from LNN import LiquidNetwork

SIZE, FRAMES = 12, 8


def films(n: int, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
    """Return films (n, FRAMES, 1, SIZE, SIZE), gaps (n, FRAMES) and classes (n,).

    A dot drifts at one of two speeds to the left or right: four classes.
    """
    classes = torch.randint(4, (n,), generator=generator)
    speed = 0.35 * (1 + classes % 2) * torch.where(classes < 2, 1, -1)
    gaps = 1.0 + torch.randint(3, (n, FRAMES), generator=generator)
    gaps[:, 0] = 1.0
    start = torch.rand(n, 1, generator=generator) * SIZE
    x = start + speed[:, None] * gaps.cumsum(1)
    y = torch.rand(n, 1, generator=generator) * SIZE
    grid = torch.arange(SIZE)
    # The film is a ring: a dot that leaves on one side comes back on the other.
    across = (x[..., None] - grid + SIZE / 2) % SIZE - SIZE / 2
    along = y[..., None] - grid
    image = torch.exp(-(across[..., None, :] ** 2) - along[..., :, None] ** 2)
    return image.unsqueeze(2), gaps, classes


def main() -> None:
    """Train on films, and print the accuracy on new ones."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=400)
    steps = parser.parse_args().steps
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    encoder = nn.Sequential(
        nn.Conv2d(1, 8, kernel_size=3, padding=1, padding_mode="circular"),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d((1, SIZE)),
        nn.Flatten(),
        nn.Linear(8 * SIZE, 16),
        nn.LayerNorm(16),  # a liquid layer expects inputs of about unit size
    )
    network = LiquidNetwork(16, 32, 4, encoder=encoder, n_layers=2)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.003)
    for step in range(1, steps + 1):
        images, gaps, classes = films(64, generator)
        loss = nn.functional.cross_entropy(network(images, gaps), classes)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)

    images, gaps, classes = films(1000, generator)
    network.eval()
    with torch.no_grad():
        for name, spans in (("with", gaps), ("without", None)):
            right = (network(images, spans).argmax(1) == classes).float().mean()
            print(f"accuracy on new films, {name} the time spans: {right:.3f}")

    # Weights are saved as of any torch module.
    weights = network.state_dict()
    network.load_state_dict(weights)
    print(network.wiring)


if __name__ == "__main__":
    main()
