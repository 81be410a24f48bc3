"""Animations are written frame by frame."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
from moving import write


def test__write__each_frame__is_drawn_once_and_kept(tmp_path):
    image = pytest.importorskip("PIL.Image")
    figure, axis = plt.subplots(figsize=(1, 1))
    axis.set(xlim=(0, 4), ylim=(0, 1))
    (line,) = axis.plot([], [])
    path = tmp_path / "new" / "moving.gif"
    write(figure, lambda k: line.set_data([0, k + 1], [0, 1]), 3, path, per_second=10)
    plt.close(figure)
    with image.open(path) as moving:
        assert (moving.n_frames, moving.info["duration"]) == (3, 100)
        frames = []
        for k in range(3):
            moving.seek(k)
            frames.append(moving.convert("RGB").tobytes())
    assert len(set(frames)) == 3
