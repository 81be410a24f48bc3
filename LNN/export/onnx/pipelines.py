"""scikit-learn Pipelines that end in a model of LNN, converted by skl2onnx."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from LNN.estimators.fitted import as_fitted
from LNN.exceptions import InvalidInputError, MissingDependencyError
from LNN.export.constraint_specs import refuse_limits
from LNN.export.onnx.graph import Graph
from LNN.export.onnx.nodes import (
    OPSET,
    Nodes,
    concat,
    onnx_package,
    size_of,
    squeeze,
    unsqueeze,
)
from LNN.export.spec import Spec, to_spec
from LNN.export.storing import OWNERS


def register_sklearn_onnx() -> None:
    """Let skl2onnx convert LiquidRegressor and LiquidClassifier, in Pipelines too.

    The graph takes the rows of one recording (rows, columns) at the usual pace, and
    answers each as `predict` does; a classifier gives probabilities as well.

    Raises
    ------
    MissingDependencyError
        If skl2onnx is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from LNN import LiquidRegressor
    >>> from LNN.export import register_sklearn_onnx
    >>> X = np.sin(0.2 * np.arange(100, dtype="float32"))[:, None]
    >>> model = LiquidRegressor(8, window_length=8, epochs=2, random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), model).fit(X[:-1], X[1:, 0])
    >>> register_sklearn_onnx()  # doctest: +SKIP
    >>> graph = skl2onnx.to_onnx(pipeline, X[:1])  # doctest: +SKIP
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise MissingDependencyError(
            "register_sklearn_onnx needs skl2onnx, which is not installed. Run: "
            "pip install skl2onnx. LNN.export.to_onnx writes a model without it."
        ) from error
    # What skl2onnx offers for every classifier: how probabilities are given.
    options = {
        "zipmap": [True, False, "columns"],
        "output_class_labels": [False, True],
        "nocl": [False],
    }
    for name, own in (("LiquidRegressor", None), ("LiquidClassifier", options)):
        kind = getattr(import_module(OWNERS[name]), name)
        update_registered_converter(
            kind, f"LNN{name}", _infer_shapes, _convert, options=own
        )


def _infer_shapes(operator: Any) -> None:
    """Tell skl2onnx types and shapes of the outputs."""
    from skl2onnx.common.data_types import (
        FloatTensorType,
        Int64TensorType,
        StringTensorType,
    )

    answer = _spec_of(operator).values["answer"]
    levels = len(answer["quantiles"] or [0])
    shape = [None, *([answer["n_targets"]] if answer["ndim"] else [])]
    if answer["classes"] is None:
        shape += [levels] if levels > 1 else []
        operator.outputs[0].type = FloatTensorType(shape)
        return
    text = isinstance(answer["classes"][0], str)
    label = StringTensorType if text else Int64TensorType
    operator.outputs[0].type = label([None])
    operator.outputs[1].type = FloatTensorType([None, answer["n_outputs"]])


def _spec_of(operator: Any) -> Spec:
    """Describe the model of an operator, if rows alone are all that it reads."""
    spec = to_spec(as_fitted(operator.raw_operator))
    refuse_limits(spec.values, "the ONNX export of Pipelines")
    given, clock = spec.values["input"], spec.values["clock"]
    why = None
    if spec.values["reading"]["kind"] != "rows":
        why = "one of sequences"
    elif given["n_columns"] != given["n_channels"]:
        why = "one with columns of times or groups"
    elif clock["kind"] is not None and not clock["regular"]:
        why = "one that was fitted on irregular time"
    elif not _plain_labels(spec.values["answer"]["classes"]):
        why = f"classes {spec.values['answer']['classes'][:3]}"
    if why:
        raise InvalidInputError(
            "Expected a model that reads rows at a regular pace, with labels that are "
            f"text or integers, got {why}. Export it with LNN.export.to_onnx, whose "
            "graph has inputs for time and lengths."
        )
    return spec


def _plain_labels(classes: list[Any] | None) -> bool:
    return classes is None or all(type(label) in (str, int) for label in classes)


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a model to the graph of a Pipeline."""
    onnx = onnx_package()
    if container.target_opset < OPSET:
        raise InvalidInputError(
            f"Expected target_opset={OPSET} or more, got {container.target_opset}."
        )
    spec, nodes = (
        _spec_of(operator),
        Nodes(prefix=scope.get_unique_variable_name("lnn")),
    )
    rows = nodes.value(operator.inputs[0].full_name)
    rows = nodes.add("Cast", rows, to=onnx.TensorProto.FLOAT)
    rows = unsqueeze(rows, 0)
    shape = concat([nodes.constant([1]), size_of(rows, 1)], axis=0)
    # A gap that is not known is one of the usual pace.
    gaps = nodes.add("Expand", np.nan, shape)
    found = Graph(spec).answer(rows, gaps, None, None)
    del found["next_state"]
    for output, value in zip(operator.outputs, found.values(), strict=True):
        nodes.made.append(
            onnx.helper.make_node(
                "Identity", [squeeze(value, 0).name], [output.full_name]
            )
        )
    container.initializers.extend(nodes.constants.values())
    for node in nodes.made:
        container.nodes.append(node)
    container.node_domain_version_pair_sets.add(("", OPSET))
