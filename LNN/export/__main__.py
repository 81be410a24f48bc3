"""`python -m LNN.export FILE --to js DIR`: a model and what runs it, in a folder."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from LNN.constraints import numpy_limits
from LNN.exceptions import InvalidInputError, MissingDependencyError
from LNN.export import container, numpy_model
from LNN.export.c.project import to_c_project
from LNN.export.clojure import to_clojure
from LNN.export.js import to_js
from LNN.export.onnx import to_onnx
from LNN.export.storing import save_spec
from LNN.loading import load


def _numpy(source: Path, folder: Path) -> list[Path]:
    """Write a model file, and the module that runs it; with limits another one."""
    model, runtime = folder / "model.npz", folder / "numpy_model.py"
    save_spec(model, container.read(source))
    shutil.copyfile(numpy_model.__file__, runtime)
    spec, _ = numpy_model.load_spec(model)
    if not spec.get("constraints"):
        return [model, runtime]
    limits = folder / "numpy_limits.py"
    shutil.copyfile(numpy_limits.__file__, limits)
    return [model, runtime, limits]


TARGETS: dict[str, Callable[[Path, Path], list[Path]]] = {
    "c": lambda source, folder: to_c_project(load(source), folder),
    "c-int8": lambda source, folder: to_c_project(load(source), folder, "int8"),
    "c-q15": lambda source, folder: to_c_project(load(source), folder, "q15"),
    "clojure": lambda source, folder: to_clojure(load(source), folder),
    "js": lambda source, folder: to_js(load(source), folder),
    "numpy": _numpy,
    "onnx": lambda source, folder: [to_onnx(load(source), folder / "model.onnx")],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m LNN.export", description=__doc__)
    parser.add_argument("file", type=Path, help="what LNN.export.save wrote")
    parser.add_argument("folder", type=Path, help="where the files go")
    parser.add_argument("--to", required=True, choices=TARGETS, help="the runtime")
    given = parser.parse_args(arguments)
    try:
        given.folder.mkdir(parents=True, exist_ok=True)
        written = TARGETS[given.to](given.file, given.folder)
    except (InvalidInputError, MissingDependencyError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    for path in written:
        print(f"{path}  {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
