"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest

# Before pytest imports modules one by one for their doctests: one of them twice would
# mean two registries of model types.
import LNN  # noqa: F401


@pytest.fixture(scope="session")
def data_home():
    """Folder of the published data sets; tests that need it skip without it."""
    given = os.environ.get("LNN_DATA_HOME")
    home = Path(given or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not home.is_dir():
        pytest.skip(
            f"real data: no folder {home}. Set LNN_DATA_HOME to the folder that holds "
            "occupancy/, ucr_uea/, ..."
        )
    return home
