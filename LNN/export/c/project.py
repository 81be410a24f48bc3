"""A folder with all that a firmware developer needs, who may know no Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from LNN.export.c.source import template
from LNN.export.c.writing import to_c


def to_c_project(model: Any, folder: Any, dtype: str = "float32") -> list[Path]:
    """Write `model.h`, `model.c`, `self_test.c` and `README.txt`.

    Parameters
    ----------
    model : fitted estimator, FittedModel or Spec
    folder : str or path
    dtype : {"float32", "int8", "q15"}, default="float32"
        As in `to_c`.

    Returns
    -------
    list of Path
        The files.
    """
    paths = to_c(model, Path(folder) / "model.c", dtype)
    readme = Path(folder) / "README.txt"
    text = template("README_q15.txt" if dtype == "q15" else "README.txt")
    readme.write_text(text, encoding="utf-8", newline="\n")
    return [*paths, readme]
