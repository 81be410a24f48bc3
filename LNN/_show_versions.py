"""What a bug report needs: versions, threads and the backends that can run."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata

import torch

from LNN._version import __version__
from LNN.kernels import library
from LNN.kernels.fused import NOT_FUSED

PACKAGES = ["torch", "numpy", "scipy", "pandas", "scikit-learn", "joblib", "ncps"]
VARIABLES = ("LNN_BACKEND", "LNN_ISA")


def versions() -> dict[str, dict[str, str]]:
    """Collect what `show_versions` prints.

    Returns
    -------
    dict of str to dict
        The sections, each from name to text: "System", "Packages", "Backends", "On
        torch even with native" (each case, and why) and "Environment", the variables of
        LNN that are set.
    """
    return {
        "System": _system(),
        "Packages": {"LNN": __version__} | {name: _version(name) for name in PACKAGES},
        "Backends": {"torch": _torch(), "native": _native()},
        "On torch even with native": _not_fused(),
        "Environment": _environment(),
    }


def show_versions() -> None:
    """Print versions, threads and backends, for bug reports.

    Examples
    --------
    >>> import LNN
    >>> LNN.show_versions()
    <BLANKLINE>
    System:
    ...
    """
    for title, entries in versions().items():
        if entries:
            print(f"\n{title}:")
        width = max(map(len, entries), default=0)
        for name, text in entries.items():
            print(f"{name:>{width + 4}}: {text}")


def _system() -> dict[str, str]:
    return {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "platform": platform.platform(),
        "cores": str(os.cpu_count()),
        "torch threads": str(torch.get_num_threads()),
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _torch() -> str:
    return "available on CPU" + (" and CUDA" if torch.cuda.is_available() else "")


def _native() -> str:
    found = library.load()
    if found:
        return f"available, instruction set {found.isa}, {library.FILE}"
    return f"not available: {found.reason}. To get it: {found.remedy}"


def _not_fused() -> dict[str, str]:
    return dict(NOT_FUSED) if library.load() else {}


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}
