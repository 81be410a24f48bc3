"""A tiny archive in a folder of its own, in place of the real one."""

from __future__ import annotations

import numpy as np
import pytest

from LNN.experiments.archive import sets


@pytest.fixture(autouse=True)
def tiny_archive(tmp_path, monkeypatch):
    """Two sets of waves that differ in frequency; "Ragged" is padded with NaN."""
    home = tmp_path / "home"
    (home / sets.FOLDER).mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, n_steps in (("Equal", 12), ("Ragged", 16)):
        parts = {part: waves(24, n_steps, random) for part in ("train", "test")}
        if name == "Ragged":
            for rows in parts.values():
                rows[::3, 11:] = np.nan
        np.savez(home / sets.FOLDER / f"{name}.npz", **parts)
        monkeypatch.setitem(sets.SETS, name, n_steps)
    monkeypatch.setenv("LNN_DATA_HOME", str(home))
    return home


def waves(n, n_steps, random):
    """Rows of the archive: the class (1 or 2), then the values."""
    classes = np.arange(n) % 2 + 1
    phases = random.uniform(0, 1, (n, 1))
    values = np.sin(0.6 * classes[:, None] * np.arange(n_steps) + phases)
    return np.column_stack([classes, values]).astype(np.float32)
