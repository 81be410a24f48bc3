"""Short animations as GIF files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.figure import Figure


def write(
    figure: Figure,
    draw: Callable[[int], object],
    n_frames: int,
    path: Path,
    per_second: float,
    dpi: int = 70,
) -> None:
    """Write `n_frames` pictures to a GIF; `draw(k)` changes the figure to the k-th."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def update(k: int) -> list:
        draw(k)
        return []

    moving = FuncAnimation(figure, update, frames=n_frames, blit=False)
    moving.save(path, writer=PillowWriter(fps=per_second), dpi=dpi)
