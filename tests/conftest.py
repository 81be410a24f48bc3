"""Fixtures for all tests, and names for their cases."""

import gc
import os
import signal
import sys
from pathlib import Path

import pytest

# torch.compile compiles in this process: a pool of workers in each of several test
# processes is slower, and one more thing that could hang.
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

# What tests of several folders share.
sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from quick import pytest_pycollect_makeitem  # noqa: E402, F401

# Collecting makes a million objects that stay: to look through them again and again for
# what can go takes seconds.
gc.disable()


def pytest_collectstart():
    """Import LNN before pytest imports its modules one by one for their doctests.

    One of them twice would mean two registries of model types. The process of xdist
    that only hands out tests does not come here, and does without.
    """
    import LNN  # noqa: F401


def pytest_collection_finish():
    """Leave what has been collected out of every later search for what can go."""
    gc.collect()
    gc.freeze()
    gc.enable()


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


@pytest.fixture(scope="session")
def unpacked_excerpts(tmp_path_factory):
    """Folder of small parts of the data sets, for `excerpt_home`."""
    import excerpts

    return excerpts.unpack(tmp_path_factory.mktemp("excerpts"))


@pytest.fixture
def excerpt_home(unpacked_excerpts, monkeypatch):
    """Folder of small parts of the data sets, which fetchers take for the whole."""
    import excerpts

    excerpts.expect(monkeypatch)
    return unpacked_excerpts


@pytest.fixture(params=["excerpt", pytest.param("whole", marks=pytest.mark.slow)])
def any_home(request):
    """Folder of small parts of the data sets; in slow tests also of the whole ones."""
    home = {"excerpt": "excerpt_home", "whole": "data_home"}[request.param]
    return request.getfixturevalue(home)


@pytest.fixture
def interrupts():
    """Let Ctrl-C raise KeyboardInterrupt, as in a shell's background it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def routing():
    """Let scikit-learn's tools hand on time stamps, groups and weights."""
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        yield


def pytest_make_parametrize_id(config, val, argname):
    """Name the cases that pytest would only number: a dictionary by what it holds."""
    if isinstance(val, str | int | float | None) or callable(val):
        return None  # pytest has names for these
    name = _name(val)
    return name if len(name) <= 60 else f"{name[:60]}..."


def _name(value):
    """Return what names a value, the same in every process."""
    import numpy as np

    if isinstance(value, dict):
        return ",".join(f"{key}={_name(each)}" for key, each in value.items()) or "{}"
    if isinstance(value, list | tuple):
        return " ".join(map(_name, value)) or "empty"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, str | bytes | int | float | np.generic | None):
        return str(value)
    return getattr(value, "__name__", type(value).__name__)
