"""A data set in the form of the UCR archive, which states no licence for its sets."""

import numpy as np
import pytest

from LNN.datasets import ucr

HEADER = """# A comment, as the sets of the archive begin.
@problemName Waves
@timeStamps false
@missing false
@univariate true
@equalLength true
@seriesLength 20
@classLabel true 1 2
@data
"""


@pytest.fixture
def waves(tmp_path_factory, monkeypatch):
    """The data home of the set "Waves": 4 sequences to train, 6 to test."""
    monkeypatch.setitem(ucr.SIZES, "Waves", (4, 6))
    home = tmp_path_factory.mktemp("waves")
    folder = home / "ucr_uea" / "Waves"
    folder.mkdir(parents=True)
    values = np.random.default_rng(0).normal(size=(10, 20)).cumsum(axis=1)
    lines = [
        f"{','.join(f'{value:.7f}' for value in row)}:{1 + k % 2}\n"
        for k, row in enumerate(values)
    ]
    (folder / "Waves_TRAIN.ts").write_text(HEADER + "".join(lines[:4]))
    (folder / "Waves_TEST.ts").write_text(HEADER + "".join(lines[4:]))
    return home
