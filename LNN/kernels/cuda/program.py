"""Sources and their macros, compiled once for each device that asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import torch

from LNN.kernels.cuda import nvrtc
from LNN.kernels.cuda.driver import Module, Value

CSRC = Path(__file__).with_name("csrc")
REALS = {torch.float32: "float", torch.float64: "double"}


class Kernels(Protocol):
    """What can be launched."""

    def launch(
        self,
        name: str,
        blocks: int,
        threads: int,
        values: Sequence[Value],
        models: int = 1,
    ) -> None:
        """Start a kernel, so many blocks for each model."""


@dataclass(frozen=True)
class Program:
    """A source, and the macros that make it the program of one cell.

    Attributes
    ----------
    source : str
        Name of a file in csrc/.
    defines : tuple of (str, int)
    dtype : torch.dtype
    """

    source: str
    defines: tuple[tuple[str, int], ...]
    dtype: torch.dtype

    @property
    def macros(self) -> dict[str, object]:
        """All macros, the number type among them."""
        return {"REAL": REALS[self.dtype], **dict(self.defines)}


@cache
def sources() -> Mapping[str, str]:
    """Return the texts of csrc/ by name."""
    return {
        path.name: path.read_text(encoding="utf-8") for path in sorted(CSRC.iterdir())
    }


def compiled(program: Program, architecture: str, *options: str) -> tuple[bytes, str]:
    """Compile a program; return its machine code and the compiler's log."""
    compiler = nvrtc.load()
    if compiler is None:
        raise nvrtc.CompileError(f"There is no compiler: {nvrtc.INSTALL}.")
    texts = sources()
    headers = {name: text for name, text in texts.items() if name.endswith(".cuh")}
    return compiler.compile(
        texts[program.source], headers, program.macros, architecture, options
    )


def _on_gpu(program: Program, device: torch.device) -> Kernels:
    major, minor = torch.cuda.get_device_capability(device)
    code, _ = compiled(program, f"sm_{major}{minor}")
    return Module(code, device)


# What makes a program run, by type of device.
LOADERS: dict[str, Callable[[Program, torch.device], Kernels]] = {"cuda": _on_gpu}
_loading = threading.Lock()
_loaded: dict[tuple[Program, torch.device], Kernels] = {}


def load(program: Program, device: torch.device) -> Kernels:
    """Return a program's kernels on a device, compiled at the first call (about 1 s).

    Raises
    ------
    CompileError, DriverError
    """
    key = (program, device)
    with _loading:  # fits in threads want the same one at the same time
        if key not in _loaded:
            _loaded[key] = LOADERS[device.type](program, device)
        return _loaded[key]
