"""A fitted model as EDN, which the library in `examples/clojure` runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from LNN.export.spec import Spec, to_spec
from LNN.export.text import to_edn


def to_clojure(model: Any, folder: Any) -> list[Path]:
    """Write a fitted model for Clojure: `model.edn`, with its test vectors.

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
    ...     [path.name for path in LNN.export.to_clojure(lnn, folder)]
    ['model.edn']
    """
    spec = model if isinstance(model, Spec) else to_spec(model)
    path = Path(folder) / "model.edn"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_edn(spec), encoding="utf-8")
    return [path]
