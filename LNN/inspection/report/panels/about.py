"""What the model is, and what was learnt from training about its columns."""

from __future__ import annotations

import numpy as np
import torch

from LNN._version import __version__
from LNN.estimators.summary import described
from LNN.inspection.report.markup import Html, h, number, table
from LNN.inspection.report.panel import Panel, Subject


def about(subject: Subject) -> Panel:
    """Return the panel."""
    fitted = subject.fitted
    lines = {"estimator": fitted.owner, **described(fitted)}
    if fitted.targets.classes is not None:
        lines["classes"] = ", ".join(map(str, fitted.targets.classes))
    versions = {"LNN": __version__, "torch": torch.__version__.split("+")[0]}
    versions["numpy"] = np.__version__
    lines["versions"] = ", ".join(f"{k} {v}" for k, v in versions.items())
    told = h("dl", [[h("dt", k), h("dd", v)] for k, v in lines.items()], class_="facts")
    return Panel("about", "What the model is", Html(told + _columns(subject)))


def _columns(subject: Subject) -> Html:
    data, scaler = subject.data, subject.fitted.scaler
    positions = np.arange(data.sequences.rows.n_rows)
    raw = data.raw_rows(positions)
    # NaN where a column holds no value at all.
    low, high = np.fmin.reduce(raw), np.fmax.reduce(raw)
    gone = np.isnan(raw).mean(axis=0)
    anchors = data.sequences.columns.anchors
    rows = []
    for k, name in enumerate(data.names):
        changes = anchors is not None and k in anchors
        # A transformer of the caller's may do anything to a column.
        known = isinstance(scaler.method, str)
        rows.append(
            [
                name + (" (read as changes)" if changes else ""),
                f"{number(scaler.center_[k])} ± {number(scaler.scale_[k])}"
                if known
                else "–",
                f"{number(low[k])} to {number(high[k])}",
                f"{gone[k]:.1%}",
            ]
        )
    head = ["Column", "Training: centre ± scale", "Here: from, to", "Missing here"]
    return h("div", table(head, rows, "Columns that the model reads"), class_="tall")
