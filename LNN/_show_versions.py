"""What a bug report needs: versions, threads and the backends that can run."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata

import torch

from LNN._version import __version__
from LNN.kernels import dispatch
from LNN.kernels.backend import Backend

PACKAGES = ["torch", "numpy", "scipy", "pandas", "scikit-learn", "joblib", "ncps"]
VARIABLES = ("LNN_BACKEND", "LNN_ISA", "LNN_CUDA_GRAPH")


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
        "Backends": {b.name: _backend(b) for b in reversed(dispatch.REGISTRY)},
        **{
            f"On torch even with {backend.name}": _limits(backend)
            for backend in dispatch.REGISTRY[:-1]
        },
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


def _backend(backend: Backend) -> str:
    missing = backend.missing()
    if missing is None:
        return backend.describe()
    return f"not available: {missing.reason}. To get it: {missing.remedy}"


def _limits(backend: Backend) -> dict[str, str]:
    return {} if backend.missing() else dict(backend.limits())


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}
