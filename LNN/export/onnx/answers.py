"""From outputs of the network to answers: classes, or numbers in the units of y."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from LNN.export.onnx.nodes import Value, gather, reshape, squeeze, unsqueeze
from LNN.export.spec import Spec


def answers(
    spec: Spec,
    outputs: Value,
    present: Value | None,
    n_leading: int,
    limit: Callable[[Value], tuple[Value, Value]] | None = None,
) -> dict[str, Value]:
    """Return answers by name.

    Parameters
    ----------
    spec : Spec
    outputs : Value (..., O)
    present : Value (..., anchors) or None
        What changes are added to.
    n_leading : int
        How many axes `outputs` has before its last.
    limit : callable, default=None
        Keeps values (..., O) in the units of y within the constraints; returns them and
        whether they satisfy all (...).

    Returns
    -------
    dict of str to Value
        "label" and "probabilities" of a classifier, else "prediction", and with
        constraints "feasible".
    """
    answer = spec.values["answer"]
    if answer["classes"] is not None:
        best = outputs.nodes.add("ArgMax", outputs, axis=-1, keepdims=0)
        labels = np.array(answer["classes"])
        return {
            "label": gather(outputs.nodes.constant(labels), best, axis=0),
            "probabilities": outputs.nodes.add("Softmax", outputs, axis=-1),
        }
    scale, center = (spec.arrays[f"target_scaler.{k}"] for k in ("scale", "center"))
    levels = len(answer["quantiles"] or [0])
    values = outputs
    if levels > 1:
        values = reshape(outputs, *[0] * n_leading, answer["n_targets"], levels)
        scale, center = scale[:, None], center[:, None]
        present = None if present is None else unsqueeze(present, -1)
    values = values * scale + center
    if present is not None:
        values = values + present
    told = {}
    if limit is not None:
        kept, told["feasible"] = limit(reshape(values, *[0] * n_leading, -1))
        values = reshape(kept, *[0] * n_leading, answer["n_targets"], levels)
        values = values if levels > 1 else squeeze(values, n_leading + 1)
    if answer["ndim"] == 0:
        values = squeeze(values, n_leading)
    return {"prediction": values, **told}
