"""A folder with a model and the JavaScript that runs it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from LNN.export.spec import Spec, to_spec
from LNN.export.text import to_json

HERE = Path(__file__).parent
# Without "type", node below 22 takes model.js for another kind of module.
_PACKAGE = """{
  "name": "lnn-model",
  "version": "1.0.0",
  "private": true,
  "type": "module",
  "exports": {".": "./model.js", "./model.json": "./model.json"}
}
"""
_README = """\
A model of LNN for browsers and node, without dependencies.

    import {{ Model }} from "./model.js";
    const model = Model.from(await (await fetch("model.json")).json());
    model.step([{row}], dt);                // one row; the model remembers those before
    model.predict([[{row}], ...], {{ dt }});  // {what}
    model.reset();                          // the next row begins another recording

A row has {n} numbers: {names}.
dt is the time since the row before, in {unit}.

model.js    the runtime, the same for all models
model.json  the model
test.js     node test.js: the model answers as it did in Python (test.json)
"""


def to_js(model: Any, folder: Any) -> list[Path]:
    """Write a fitted model for browsers and node: an ES module and what it reads.

    Parameters
    ----------
    model : fitted estimator, FittedModel or Spec
    folder : str or path
        Made if it is not there.

    Returns
    -------
    list of Path
        What was written.

    Examples
    --------
    >>> import tempfile, numpy as np, LNN
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LNN.LiquidRegressor(8, window_length=8, epochs=2, random_state=0)
    >>> lnn = lnn.fit(X[:-1], X[1:, 0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in LNN.export.to_js(lnn, folder)]
    ['model.js', 'model.json', 'package.json', 'test.js', 'test.json', 'README.txt']
    """
    spec = model if isinstance(model, Spec) else to_spec(model)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "model.js": None,
        "model.json": to_json(spec),
        "package.json": _PACKAGE,
        "test.js": None,
        "test.json": to_json(spec, tests=True),
        "README.txt": _README.format(**_words(spec)),
    }
    for name, text in texts.items():
        if text is None:
            shutil.copyfile(HERE / name, folder / name)
        else:
            (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _words(spec: Spec) -> dict[str, Any]:
    given, clock = spec.values["input"], spec.values["clock"]
    names = given["names"] or [f"column {column}" for column in given["columns"]]
    rows = spec.values["reading"]["kind"] == "rows"
    dates = clock["kind"] == "datetimes or durations"
    return {
        "row": ", ".join(f"x{k}" for k in range(min(len(names), 3))),
        "n": len(names),
        "names": ", ".join(names),
        "what": "rows of a recording" if rows else "sequences of rows, dt of each",
        "unit": "seconds" if dates else "the unit of the time stamps in training",
    }
