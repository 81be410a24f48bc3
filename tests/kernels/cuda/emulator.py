"""The CUDA kernels on the CPU: compiled by g++ for `emulate.h`, in place of NVRTC."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import ClassVar

from LNN.kernels.cuda.driver import arguments_of, pointers_to
from LNN.kernels.cuda.program import CSRC

HOME = Path(__file__).parent
COMPILER = shutil.which("g++")
# Hidden: else programs would share what stands in the shared memory of functions, by
# name, whatever its size.
FLAGS = ["-std=c++17", "-O1", "-shared", "-fPIC", "-w", "-fvisibility=hidden"]
_one_at_a_time = threading.Lock()
FAULTS = {
    1: "threads that meet different barriers",
    2: "a wrong number of arguments",
    3: "no such kernel",
}


class Emulated:
    """The kernels of one program on the CPU.

    Attributes
    ----------
    reversed : bool
        Whether threads run in falling order.
    launched : list of str
        The kernels that were started, by name.
    """

    reversed = False
    launched: ClassVar[list[str]] = []

    def __init__(self, file):
        self._library = ctypes.CDLL(str(file))

    def launch(self, name, blocks, threads, values, models=1):
        """As `driver.Module.launch`."""
        type(self).launched.append(name)
        arguments = arguments_of(values)
        given = pointers_to(arguments)
        sizes = (blocks, models, threads, given, len(arguments), type(self).reversed)
        with _one_at_a_time:  # its fibers are one program's
            code = self._library.emulate(name.encode(), *sizes)
        assert code == 0, f"{name}: {FAULTS[code]}"


def build(program, csrc=CSRC):
    """Compile a program for the CPU."""
    folder = Path(tempfile.mkdtemp(prefix="emulated-"))
    file = folder / "kernels.so"
    macros = [f"-D{name}={value}" for name, value in program.macros.items()]
    source = f'-DKERNELS="{csrc / program.source}"'
    if program.source == "step.cu":
        macros.append("-DSTEP")
    command = [COMPILER, *FLAGS, *macros, source, f"-I{HOME}", str(HOME / "host.cpp")]
    subprocess.run([*command, "-o", str(file)], check=True)
    kernels = Emulated(file)
    shutil.rmtree(folder)
    return kernels


def load(program, device):
    """As `program.LOADERS` want it."""
    return build(program)
