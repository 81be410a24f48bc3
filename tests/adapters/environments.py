"""Run the tests of adapters beside the libraries that they are for.

    make check-adapters
    python tests/adapters/environments.py aeon river        some of them

These libraries pin versions of packages that LNN has other versions of. So each has an
environment of its own, which is made once. It sees the packages of the environment that
runs this, but for those that the library wants otherwise: torch is not installed again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from LNN.datasets.home import download_homes

ROOT = Path(__file__).parents[2]
# The versions that the adapters were written for, and what they need but do not say.
PEERS = {
    "sktime": ("sktime==1.2.0",),
    "aeon": ("aeon==1.6.0",),
    "river": ("river==0.26.1",),
    "skforecast": ("skforecast==0.26.0",),
    "dask": ("dask[dataframe]==2026.8.0", "distributed==2026.8.0"),
    "ray": ("ray[data]==2.60.0",),
    "zarr": ("zarr==3.1.6",),
    "darts": ("darts==0.48.1", "pandas==2.3.3"),
}
VARIABLE = "LNN_ADAPTERS"


def home() -> Path:
    """Return where the environments are: `LNN_ADAPTERS`, else beside downloads."""
    given = os.environ.get(VARIABLE)
    return Path(given).expanduser() if given else download_homes()[-1] / "adapters"


def made(peer: str) -> Path:
    """Return the Python of a library's environment, which is made if it is missing."""
    name = "-".join([*PEERS[peer], sysconfig.get_python_version()])
    folder = home() / name.replace("==", "-")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / ".made"
    # A stamp of packages that have moved away since, as in a fresh checkout, is old.
    beneath = sysconfig.get_path("purelib")
    if stamp.exists() and stamp.read_text() == beneath:
        return python
    print(f"{' and '.join(PEERS[peer])} into {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.EnvBuilder(with_pip=True).create(folder)
    own = Path(
        _output(python, "import sysconfig; print(sysconfig.get_path('purelib'))")
    )
    # Packages of its own come first.
    (own / "beneath.pth").write_text(beneath + "\n")
    install = ["-m", "pip", "install", "--quiet", *PEERS[peer]]
    subprocess.run([str(python), *install], check=True)
    stamp.write_text(beneath)
    return python


def run(peer: str, arguments: list[str]) -> int:
    """Run the tests of a library's adapter in its environment."""
    tests = [f"tests/adapters/test_{name}.py" for name in (peer, "page")]
    command = [str(made(peer)), "-m", "pytest", *arguments, *tests]
    print("+", *command[1:], flush=True)
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def _output(python: Path, code: str) -> str:
    done = subprocess.run(
        [str(python), "-c", code], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def main() -> int:
    """Make what is missing and run the tests; return how many libraries failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peers", nargs="*", metavar="LIBRARY", help=", ".join(PEERS))
    parser.add_argument("--pytest", nargs=argparse.REMAINDER, default=[])
    options = parser.parse_args()
    unknown = sorted(set(options.peers) - set(PEERS))
    if unknown:
        parser.error(f"expected some of {', '.join(PEERS)}, got {', '.join(unknown)}")
    failed = [p for p in options.peers or PEERS if run(p, options.pytest)]
    if failed:
        print("failed:", *failed)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
