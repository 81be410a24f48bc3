"""A program of a test that hangs is ended with all that it has started."""

import subprocess
import sys
import time

import pytest
from processes import finished

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")


def test__finished__program__says_what_it_wrote():
    done = finished("echo out; echo error >&2; exit 3", shell=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "error\n")
    with pytest.raises(AssertionError, match="failed:\nwhy"):
        finished("echo why; false", shell=True, check=True)


def test__finished__hangs__ends_what_it_started_too(tmp_path):
    """The shell starts a loop that writes for ever, and waits for it."""
    beat = tmp_path / "beat"
    loop = f"(while true; do echo x >> {beat}; sleep 0.01; done) & wait"
    with pytest.raises(subprocess.TimeoutExpired):
        finished(loop, shell=True, timeout=0.3)
    before = beat.stat().st_size
    time.sleep(0.1)
    assert beat.stat().st_size == before > 0
