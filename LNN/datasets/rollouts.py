"""Simulated robots, as the LTC and CfC papers use them: states and nothing else."""

from __future__ import annotations

import io
import os

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from LNN.datasets.checks import bunch, check, check_digest, parsing
from LNN.datasets.home import Download, Source, find

CHEETAH_COMMIT = "4a8a4fa22a91c4067b6944a264819ff30a4aae9d"
CHEETAH = Source(
    "cheetah",
    (tuple(f"trace_{k:04d}.npy" for k in range(31)),),
    (
        Download(
            "https://github.com/raminmh/liquid_time_constant_networks/archive/"
            f"{CHEETAH_COMMIT}.zip",
            f"liquid_time_constant_networks-{CHEETAH_COMMIT}.zip",
        ),
    ),
)
WALKER_COMMIT = "59f6e01fd4809331f6dd3ddf0f8bf5890c9e71a7"
WALKER = Source(
    "walker2d",
    (tuple(f"rollout_{k:03d}.npy" for k in range(400)),),
    (
        Download(
            f"https://github.com/raminmh/CfC/archive/{WALKER_COMMIT}.zip",
            f"CfC-{WALKER_COMMIT}.zip",
        ),
    ),
)
# Digests of the 31 and 400 files in turn, as their authors published them.
DIGESTS = {
    "cheetah": "137217cf7282e4e90a2d92ec55373160fcc8c3150761d85d020dc9c4c1ed9b50",
    "walker2d": "186b96c3df33917c29249235799c1ab7d51dcd69e2b891eff999f1b169ff4f60",
}
ROWS = {"cheetah": 31000, "walker2d": 254963}
STATES = tuple(f"state_{k}" for k in range(17))


def fetch_cheetah(
    *, data_home: str | os.PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Fetch the runs of a simulated cheetah (HalfCheetah-v2) of the LTC paper.

    Parameters
    ----------
    data_home : path-like, default=None
        The folder that holds `cheetah/`; None as in `fetch_occupancy`.
    download_if_missing : bool, default=True

    Returns
    -------
    Bunch
        data : DataFrame of shape (31000, 17)
            The observations of the simulator, a row a frame: positions and angles in
            the first 8 columns, velocities in the last 9.
        target : None
            The task of the papers is the next row.
        groups : ndarray of int, shape (31000,)
            The run, 0 to 30, in the order of the files.
        timestamps : None
            Frames are equally far apart.
        feature_names : list of str
        DESCR : str

    Raises
    ------
    DatasetNotFoundError, DatasetCorruptedError
        As `fetch_occupancy`.

    References
    ----------
    Hasani, Lechner, Amini, Rus and Grosu, Liquid time-constant networks, AAAI 2021.

    Examples
    --------
    >>> from LNN.datasets import fetch_cheetah
    >>> fetch_cheetah().data.shape  # doctest: +SKIP
    (31000, 17)
    """
    return _fetch(CHEETAH, data_home, download_if_missing)


def fetch_walker2d(
    *, data_home: str | os.PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Fetch the walks of a simulated robot (Walker2d-v2) of the CfC paper.

    Parameters
    ----------
    data_home : path-like, default=None
        The folder that holds `walker2d/`; None as in `fetch_occupancy`.
    download_if_missing : bool, default=True

    Returns
    -------
    Bunch
        data : DataFrame of shape (254963, 17)
            The observations of the simulator, a row a frame: positions and angles in
            the first 8 columns, velocities in the last 9.
        target : None
            The task of the papers is the next row.
        groups : ndarray of int, shape (254963,)
            The walk, 0 to 399, in the order of the files: 131 to 1000 frames each.
        timestamps : None
            Frames are equally far apart.
        feature_names : list of str
        DESCR : str

    Raises
    ------
    DatasetNotFoundError, DatasetCorruptedError
        As `fetch_occupancy`.

    References
    ----------
    Lechner and Hasani, Learning long-term dependencies in irregularly-sampled time
    series, arXiv 2006.04418, 2020.

    Examples
    --------
    >>> from LNN.datasets import fetch_walker2d
    >>> fetch_walker2d().data.shape  # doctest: +SKIP
    (254963, 17)
    """
    return _fetch(WALKER, data_home, download_if_missing)


def _fetch(
    source: Source, data_home: str | os.PathLike | None, download_if_missing: bool
) -> Bunch:
    files = find(source, data_home, download_if_missing)
    name = source.folder
    runs = []
    for file in files:
        with parsing(file.where):
            runs.append(np.load(io.BytesIO(file.content)))
        check(file.where, "numbers a row:", len(STATES), runs[-1].shape[-1])
    where = str(os.path.dirname(files[0].where))
    check(where, "files:", len(source.forms[0]), len(files))
    check(where, "rows:", ROWS[name], sum(map(len, runs)))
    check_digest(where, (file.content for file in files), DIGESTS[name])
    return bunch(
        name,
        pd.DataFrame(np.concatenate(runs), columns=list(STATES)),
        None,
        groups=np.repeat(range(len(runs)), [len(run) for run in runs]),
        feature_names=STATES,
    )
