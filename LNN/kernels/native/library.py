"""The shared library behind the `native` backend: found, loaded and described."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from LNN.kernels.native.mirror import ABI, ISAS, expected_layout

# setup.py names the file, the same for every Python: it is not an extension module.
_SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
FILE = Path(__file__).with_name("_native" + _SUFFIX)
# LNN is in no package index: the way to it is a clone. pip hides a failed build from
# all who do not say -v.
_BUILD = (
    "install a C compiler (gcc, clang or MSVC), then, in a clone of LNN, run "
    "`pip install -v --force-reinstall --no-deps .`, or `make native` if LNN is "
    "imported from that clone"
)
_ISA = f"leave LNN_ISA unset, or set it to one of {', '.join(ISAS)}"

_INTEGER, _REAL, _POINTER = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p
# What csrc/native.c, epoch.c and layout.c export: result and arguments.
SIGNATURES = {
    "lnn_abi": (_INTEGER, []),
    "lnn_layout": (_POINTER, []),
    "lnn_isa": (_INTEGER, [_INTEGER]),
    "lnn_scratch_bytes": (_INTEGER, [_POINTER, _INTEGER]),
    "lnn_record_bytes": (_INTEGER, [_POINTER]),
    "lnn_groups": (_INTEGER, [_POINTER]),
    "lnn_prepare": (None, [_POINTER, _INTEGER]),
    "lnn_run": (None, [_POINTER, _INTEGER, _INTEGER]),
    "lnn_finish": (None, [_POINTER]),
    "lnn_read_out": (None, [_POINTER]),
    "lnn_adam_step": (None, [_POINTER]),
    "lnn_run_batches": (_INTEGER, [_POINTER, _INTEGER, _INTEGER]),
    "lnn_engine_name": (ctypes.c_char_p, [_INTEGER, _INTEGER]),
    "lnn_lanes": (_INTEGER, [_INTEGER, _INTEGER]),
    "lnn_calibrate": (_REAL, [_INTEGER] * 4),
    "lnn_apply": (None, [_INTEGER] * 3 + [_POINTER, _POINTER, _INTEGER]),
}


@dataclass(frozen=True)
class Library:
    """The library, or why there is none; it is true if there is one.

    Attributes
    ----------
    functions : ctypes.CDLL or None
        The functions of csrc/native.c.
    isa : str
        The instruction set in use: "plain" (what the compiler takes for granted on the
        machine's kind), "avx2", "avx512" or "neon"; "" without a library.
    reason : str
        Why there is no library; "" if there is one.
    remedy : str
        What to do about the reason.
    """

    functions: ctypes.CDLL | None
    isa: str
    reason: str = ""
    remedy: str = ""

    def __bool__(self) -> bool:
        return self.functions is not None


# Not functools.cache, which torch.compile does not see through.
_found: list[Library] = []


def load() -> Library:
    """Load the library, once per process.

    The environment variable LNN_ISA asks for less than the machine's best instruction
    set, to compare results or to keep them alike on different machines.

    Returns
    -------
    Library
        Never an error: without a library it says why, and LNN runs on torch.
    """
    if not _found:
        _found.append(_find())
    return _found[0]


def functions() -> ctypes.CDLL:
    """Return the functions of the library, which must be there."""
    found = load()
    if found.functions is None:
        raise RuntimeError(f"Expected LNN's native library, but {found.reason}.")
    return found.functions


def forget() -> None:
    """Look for the library anew the next time (the environment may have changed)."""
    _found.clear()


def _find() -> Library:
    if not FILE.exists():
        return _missing(f"{FILE.name} was not built when LNN was installed", _BUILD)
    try:
        functions = ctypes.CDLL(str(FILE))
        functions.lnn_abi.restype = ctypes.c_int64
        found = functions.lnn_abi()
        # Another version may lack some of the functions; it is refused by its number.
        if found == ABI:
            _declare(functions)
    except (OSError, AttributeError) as error:
        return _missing(f"{FILE} cannot be loaded: {error}", _BUILD)
    if found != ABI:
        return _missing(
            f"{FILE} is of another version of LNN (ABI {found}, not {ABI})", _BUILD
        )
    different = _differences(functions)
    if different:
        return _missing(
            f"{FILE} was built from other sources of LNN: {'; '.join(different[:3])}",
            _BUILD,
        )
    return _with_isa(functions)


class _Entry(ctypes.Structure):
    """An entry of the table in csrc/layout.c."""

    _fields_ = [("name", ctypes.c_char_p), ("value", ctypes.c_int64)]


def _layout(functions: ctypes.CDLL) -> dict[str, int]:
    """Return the table in csrc/layout.c, which ends with an entry without a name."""
    entries = ctypes.cast(functions.lnn_layout(), ctypes.POINTER(_Entry))
    layout: dict[str, int] = {}
    while (entry := entries[len(layout)]).name is not None:
        layout[entry.name.decode()] = entry.value
    return layout


def _differences(functions: ctypes.CDLL) -> list[str]:
    """Tell where the library's enums and struct are not those of `mirror`."""
    built, here = _layout(functions), expected_layout()
    return [
        f"{name} is {built.get(name, 'not')} there and {here.get(name, 'not')} here"
        for name in sorted(built.keys() | here.keys())
        if built.get(name) != here.get(name)
    ]


def _with_isa(functions: ctypes.CDLL) -> Library:
    wanted = os.environ.get("LNN_ISA", "")
    if wanted and wanted not in ISAS:
        return _missing(f"there is no LNN_ISA={wanted}", _ISA)
    code = functions.lnn_isa(ISAS.get(wanted, 0))
    names = {value: name for name, value in ISAS.items()}
    if code not in names:
        return _missing(f"this machine or this build has no {wanted}", _ISA)
    return Library(functions, names[code])


def _declare(functions: ctypes.CDLL) -> None:
    """Tell ctypes the types of the functions; AttributeError if one is missing."""
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(functions, name)
        function.restype, function.argtypes = result, arguments


def _missing(reason: str, remedy: str) -> Library:
    return Library(None, "", reason, remedy)
