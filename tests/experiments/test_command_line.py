"""`python -m LNN.experiments` as a user starts it, on real data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from processes import finished

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "LNN.experiments"]


@pytest.fixture
def environment(data_home):
    return {**os.environ, "LNN_DATA_HOME": str(data_home), "OMP_NUM_THREADS": "1"}


def _records(folder):
    return sorted(folder.glob("*/*/*/*.json"))


def test__run__quick_part__trains_in_parallel_and_prints_tables(tmp_path, environment):
    words = ["run", "--budget", "quick", "--tasks", "cheetah", "ozone", "--models"]
    words += ["trivial", "LTC-NCP", "CfC-NCP", "LSTM", "--results", str(tmp_path)]
    done = finished(
        [*COMMAND, *words],
        env=environment,
        check=True,
        timeout=500,
    )
    assert "[12/12]" in done.stdout
    assert "Overview, protocol sound" in done.stdout
    assert len(_records(tmp_path)) == 12
    found = finished(
        [*COMMAND, "table", "--json", "--budget", "quick", "--results", str(tmp_path)],
        env=environment,
        check=True,
        timeout=120,
    )
    table = json.loads(found.stdout)
    assert set(table) == {"cheetah", "ozone"}
    # A tenth of the training: better than persistence (62.9) by far.
    assert table["cheetah"]["CfC-NCP"]["mean"] < 20


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process group")
def test__run__ctrl_c__ends_cleanly_and_goes_on_later(tmp_path, environment):
    # The first takes a third of the time of the other.
    words = ["run", "--budget", "standard", "--tasks", "cheetah", "--seeds", "1"]
    words += ["--models", "CfC-NCP", "LTC"]
    words += ["--results", str(tmp_path), "--n-jobs", "2"]
    running = subprocess.Popen(
        [*COMMAND, *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # What a shell starts in its background ignores SIGINT; a terminal's does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    log = tmp_path / "cheetah" / "published" / "LTC" / "standard-0.csv"
    for _ in range(3000):  # it ends when there is one
        if _records(tmp_path) and log.exists() and log.stat().st_size > 100:
            break
        time.sleep(0.1)
    # As a terminal does it: to the command and to all its workers.
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "the same command goes on from here" in said
    assert "Traceback" not in said
    assert [path.parent.name for path in _records(tmp_path)] == ["CfC-NCP"]
    assert not list(tmp_path.rglob("*.tmp"))
