"""`to_onnx`: a fitted model as a file that ONNX runtimes run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from LNN.exceptions import InvalidInputError
from LNN.export.onnx.graph import Graph
from LNN.export.onnx.nodes import (
    IR_VERSION,
    OPSET,
    Nodes,
    Value,
    onnx_package,
    unsqueeze,
)
from LNN.export.spec import Spec, to_spec


def to_onnx(model: Any, path: Any, sequence: bool = True) -> Path:
    """Write a fitted model as an ONNX graph, from rows in the units of X to answers.

    Its inputs are float32, its weights too. `rows` (batch, time, channels) may have any
    length and NaN where the model was fitted with missing values. `dt` (batch, time) is
    the time since the row before, NaN for one usual gap; at the first row of a
    recording it has no meaning. `state` (batch, numbers) is the `next_state` of the
    call before; zeros begin a recording. Models of sequences have `lengths` (batch,),
    int64, the rows of each. With `output_constraints` there is an output `feasible`.

    Parameters
    ----------
    model : fitted estimator, FittedModel or Spec
    path : str or path
        What to write, "model.onnx".
    sequence : bool, default=True
        False writes the graph of one row: `rows` (batch, channels), `dt` (batch,),
        `state`. It has no Scan, and a Loop only with half-spaces.

    Returns
    -------
    Path

    Raises
    ------
    InvalidInputError
        If one step cannot do what the model does.
    MissingDependencyError
        If onnx is not installed.

    Examples
    --------
    >>> import numpy as np, LNN
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LNN.LiquidRegressor(8, window_length=8, epochs=2, random_state=0)
    >>> lnn = lnn.fit(X[:-1], X[1:, 0])
    >>> LNN.export.to_onnx(lnn, "model.onnx")  # doctest: +SKIP
    PosixPath('model.onnx')
    """
    spec = model if isinstance(model, Spec) else to_spec(model)
    if not sequence:
        _refuse_what_needs_many_steps(spec)
    onnx, path = onnx_package(), Path(path)
    graph = _graph(spec, sequence)
    made = onnx.helper.make_model(
        graph,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="LNN",
        producer_version=spec.values["provenance"]["lnn"],
    )
    told = json.dumps(spec.values, allow_nan=False)
    onnx.helper.set_model_props(made, {"LNN spec": told})
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, path)
    return path


def _refuse_what_needs_many_steps(spec: Spec) -> None:
    values, window = spec.values, spec.values["reading"]["window_length"]
    why = None
    if window is not None:
        why = f"window_length={window}, which runs over all rows of a window anew"
    elif values["own_scale"] is not None or values["pooling"] == "attention":
        why = 'scale="sequence" or pooling="attention", which look at whole sequences'
    elif values["clock"]["max_step"] is not None:
        longest = values["clock"]["max_step"]
        why = f"max_step={longest:.4g}, which takes several steps in a long gap"
    if why:
        raise InvalidInputError(
            f"Expected a model that takes one step for each row, got {why}. Export it "
            "with sequence=True: that graph runs over rows, as many or as few as it is "
            "given."
        )


def _graph(spec: Spec, sequence: bool) -> Any:
    helper, proto = onnx_package().helper, onnx_package().TensorProto
    graph, nodes = Graph(spec, once=not sequence), Nodes()
    axes = ["batch", "time"] if sequence else ["batch"]
    n = graph.preparation.n
    told = {"rows": (proto.FLOAT, [*axes, n]), "dt": (proto.FLOAT, axes)}
    if graph.padded:
        told["lengths"] = (proto.INT64, ["batch"])
    if graph.can_be_carried:
        told["state"] = (proto.FLOAT, ["batch", graph.state_size])
    given: dict[str, Value] = {name: nodes.value(name) for name in told}
    rows, gaps = given["rows"], given["dt"]
    if not sequence:
        rows, gaps = unsqueeze(rows, 1), unsqueeze(gaps, 1)
    found = graph.answer(rows, gaps, given.get("lengths"), given.get("state"))
    if not graph.can_be_carried:
        del found["next_state"]
    for name, value in found.items():
        nodes.made.append(helper.make_node("Identity", [value.name], [name]))
    return helper.make_graph(
        nodes.made,
        "LNN",
        [helper.make_tensor_value_info(name, *kind) for name, kind in told.items()],
        [
            helper.make_tensor_value_info(name, *kind)
            for name, kind in _outputs(spec, graph, axes, found).items()
        ],
        list(nodes.constants.values()),
    )


def _outputs(
    spec: Spec, graph: Graph, axes: list[Any], found: dict[str, Value]
) -> dict[str, tuple[int, list[Any]]]:
    """Return types and shapes of outputs."""
    proto, answer = onnx_package().TensorProto, spec.values["answer"]
    lead = axes if graph.every_step else axes[:1]
    levels = len(answer["quantiles"] or [0])
    shape = [] if answer["ndim"] == 0 else [answer["n_targets"]]
    shape += [levels] if levels > 1 else []
    known = {
        "prediction": (proto.FLOAT, [*lead, *shape]),
        "label": (_label_type(answer["classes"]), lead),
        "probabilities": (proto.FLOAT, [*lead, answer["n_outputs"]]),
        "feasible": (proto.BOOL, lead),
        "next_state": (proto.FLOAT, ["batch", graph.state_size]),
    }
    return {name: known[name] for name in found}


def _label_type(classes: list[Any] | None) -> int:
    proto = onnx_package().TensorProto
    kinds = {bool: proto.BOOL, int: proto.INT64, float: proto.FLOAT, str: proto.STRING}
    found: int = kinds[type((classes or [""])[0])]
    return found
