"""A data home of excerpts, which the fetchers take for the whole data sets."""

import zipfile
from pathlib import Path

import numpy as np

from LNN.datasets import home, person, power, rollouts, uci

FOLDER = Path(__file__).parents[1] / "data" / "excerpts"
SHA256 = {
    "gesture": "e70f503080393e4c0e4a24d385626ef7e6f420d6a229c5dd989b79df0b85e460",
    "eighthr": "49aa1658ce31efee6bbecca15f4defd7ad44820916ab3296cc6ec4007a6d3d9d",
    "onehr": "5e01755dda30c49216d6f700e88bb4d3a5a696e4de8e9b55582cd3c0dae7262d",
    "person": "120a159fb73369bdfd79b903cc8f8c5d222bd26284aaa8ac8a306542272330b1",
    "cheetah": "b05b9d4eea3d12a790098c8f54b97fcc9798291fd3f60a04ed16226ec2c2cb22",
}
# What the modules know of the whole data sets, as it is of the excerpts.
EXPECTED = {
    uci: {
        "OCCUPANCY_ROWS": {"datatraining": 200, "datatest": 40, "datatest2": 40},
        "GESTURE_ROWS": dict.fromkeys(uci.GESTURE_ROWS, 4),
        "GESTURE_DIGEST": SHA256["gesture"],
        "OZONE_ROWS": {"eighthr": 112, "onehr": 4},
        "OZONE_DIGESTS": SHA256,
        "TRAFFIC_ROWS": 440,
    },
    power: {"FIRST_ROWS": 340, "HOURS": 340},
    person: {"SUBSET_ROWS": 180, "DIGEST": SHA256["person"]},
    rollouts: {
        "ROWS": rollouts.ROWS | {"cheetah": 31 * 40},
        "DIGESTS": rollouts.DIGESTS | SHA256,
    },
}


def unpack(folder: Path) -> Path:
    """Write the excerpts, and made-up runs of the cheetah, as a data home."""
    for path in FOLDER.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    random = np.random.RandomState(0)
    (folder / "cheetah").mkdir()
    for name in rollouts.CHEETAH.forms[0]:
        np.save(folder / "cheetah" / name, random.random_sample((40, 17)))
    return folder


def expect(monkeypatch) -> None:
    """Have the fetchers expect the excerpts, and look nowhere else."""
    monkeypatch.setattr(home, "_cache", list)  # whole data sets of the user's own
    for module, values in EXPECTED.items():
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)
