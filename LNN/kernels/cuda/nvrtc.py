"""NVIDIA's run-time compiler: found, loaded and called, through ctypes."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

INSTALL = (
    "install NVIDIA's run-time compiler for the CUDA version of your torch: "
    '`pip install "nvidia-cuda-nvrtc==13.*"` for CUDA 13, '
    "`pip install nvidia-cuda-nvrtc-cu12` for CUDA 12 (torch's CUDA wheels from PyPI "
    "bring it)"
)
_WINDOWS = sys.platform == "win32"


class CompileError(RuntimeError):
    """The compiler's refusal, with its log."""


@dataclass(frozen=True)
class Nvrtc:
    """The compiler's library.

    Attributes
    ----------
    functions : ctypes.CDLL
    version : tuple of int
    file : str
    """

    functions: ctypes.CDLL
    version: tuple[int, int]
    file: str

    def compile(
        self,
        source: str,
        headers: Mapping[str, str],
        defines: Mapping[str, object],
        architecture: str,
        options: Sequence[str] = (),
    ) -> tuple[bytes, str]:
        """Return the machine code (cubin) of a source, and the compiler's log.

        Parameters
        ----------
        source : str
        headers : mapping of str to str
            What the source may include, by name.
        defines : mapping of str to object
            Its macros.
        architecture : str
            As "sm_90".
        options : sequence of str

        Raises
        ------
        CompileError
        """
        program = ctypes.c_void_p()
        code = self.functions.nvrtcCreateProgram(
            ctypes.byref(program),
            source.encode(),
            b"kernels.cu",
            len(headers),
            _strings(headers.values()),
            _strings(headers),
        )
        if code:
            raise CompileError(self._name(code))
        try:
            given = [
                f"--gpu-architecture={architecture}",
                "--std=c++17",
                # Within 2 units in the last place, as exp is; IEEE's takes four times
                # as long. It holds for float32 only.
                "--prec-div=false",
                *(f"-D{name}={value}" for name, value in defines.items()),
                *options,
            ]
            code = self.functions.nvrtcCompileProgram(
                program, len(given), _strings(given)
            )
            log = self._read("ProgramLog", program).rstrip(b"\0").decode()
            if code:
                raise CompileError(f"{self._name(code)}\n{log}")
            return self._read("CUBIN", program), log
        finally:
            self.functions.nvrtcDestroyProgram(ctypes.byref(program))

    def _read(self, what: str, program: ctypes.c_void_p) -> bytes:
        size = ctypes.c_size_t()
        getattr(self.functions, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        getattr(self.functions, f"nvrtcGet{what}")(program, text)
        return text.raw

    def _name(self, code: int) -> str:
        return self.functions.nvrtcGetErrorString(code).decode()


@cache
def load() -> Nvrtc | None:
    """Load the compiler once per process; None where there is none.

    Of torch's own CUDA version, if there are several: what it makes must be read by
    the driver that torch runs on.
    """
    found = []
    for file in _files():
        try:
            functions = ctypes.CDLL(file)
            major, minor = ctypes.c_int(), ctypes.c_int()
            functions.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
        except (OSError, AttributeError):
            continue
        functions.nvrtcGetErrorString.restype = ctypes.c_char_p
        found.append(Nvrtc(functions, (major.value, minor.value), file))
        if _fits(found[-1]):
            break
    return next((f for f in found if _fits(f)), None)


def _fits(found: Nvrtc) -> bool:
    wanted = torch.version.cuda
    return wanted is None or found.version[0] == int(wanted.split(".")[0])


def _files() -> list[str]:
    """List where the library may be, torch's own before the system's."""
    pattern = "nvrtc64_*.dll" if _WINDOWS else "libnvrtc.so*"
    places = [Path(torch.__file__).parent / "lib"]
    spec = importlib.util.find_spec("nvidia")
    for home in (spec and spec.submodule_search_locations) or ():
        places += sorted(Path(home).glob("*/bin/*" if _WINDOWS else "*/lib"))
        places += sorted(Path(home).glob("*/bin"))
    files = [str(file) for place in places for file in sorted(place.glob(pattern))]
    files = [file for file in files if "alt" not in Path(file).name]
    if not _WINDOWS:
        files += ["libnvrtc.so.13", "libnvrtc.so.12"]
    system = ctypes.util.find_library("nvrtc")
    return files + ([system] if system else [])


def _strings(texts: object) -> ctypes.Array:
    encoded = [text.encode() for text in texts]  # type: ignore[attr-defined]
    return (ctypes.c_char_p * len(encoded))(*encoded)
