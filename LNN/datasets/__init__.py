"""Data sets of the liquid-network papers, read or downloaded, and generated ones."""

from LNN.datasets.errors import DatasetCorruptedError, DatasetNotFoundError
from LNN.datasets.generators import (
    make_irregular_sine,
    make_mackey_glass,
    make_sensor_panel,
)
from LNN.datasets.mnist import fetch_smnist
from LNN.datasets.person import fetch_person
from LNN.datasets.physionet import fetch_physionet2012
from LNN.datasets.power import fetch_power
from LNN.datasets.rollouts import fetch_cheetah, fetch_walker2d
from LNN.datasets.uci import (
    fetch_gesture,
    fetch_occupancy,
    fetch_ozone,
    fetch_traffic,
)
from LNN.datasets.ucr import fetch_ucr
from LNN.datasets.xor import make_xor

__all__ = [
    "DatasetCorruptedError",
    "DatasetNotFoundError",
    "fetch_cheetah",
    "fetch_gesture",
    "fetch_occupancy",
    "fetch_ozone",
    "fetch_person",
    "fetch_physionet2012",
    "fetch_power",
    "fetch_smnist",
    "fetch_traffic",
    "fetch_ucr",
    "fetch_walker2d",
    "make_irregular_sine",
    "make_mackey_glass",
    "make_sensor_panel",
    "make_xor",
]
