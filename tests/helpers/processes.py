"""Programs that tests run: none of them outlives its test."""

from __future__ import annotations

import os
import signal
import subprocess

TIMEOUT = 300  # seconds; that of a test is twice as long


def finished(
    command: str | list, *, timeout: float = TIMEOUT, check: bool = False, **how
) -> subprocess.CompletedProcess:
    """Run a program to its end, as `subprocess.run` does, with its text captured.

    It has a process group of its own. If it takes too long, or the test ends before it,
    the whole group is killed: a shell, an emulator or a compiler starts others, which
    `subprocess.run` would leave running.

    Raises
    ------
    subprocess.TimeoutExpired
        If the program has not ended after `timeout` seconds.
    AssertionError
        With `check`, if it ended with another code than 0: with all that it said.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, start_new_session=True, **pipes | how) as process:
        try:
            out, errors = process.communicate(timeout=timeout)
        except BaseException:
            _end(process)
            raise
    done = subprocess.CompletedProcess(command, process.returncode, out, errors)
    assert not (check and done.returncode), f"{command} failed:\n{out}\n{errors}"
    return done


def _end(process: subprocess.Popen) -> None:
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
