"""The fitted attributes of the estimators: views of their one `FittedModel`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np

from LNN.data import SequenceScaler
from LNN.estimators.fitted import FittedModel
from LNN.network import LiquidNetwork
from LNN.wiring import Wiring

Value = TypeVar("Value")
# What scikit-learn's validate_data and its users set before a fit.
SET_BY_CHECKS = ("n_features_in_", "feature_names_in_", "classes_")


class FromModel(Generic[Value]):
    """A read-only attribute of a fitted estimator, found in its model.

    Parameters
    ----------
    find : callable
        Returns the value from the `FittedModel`; None is a value too.
    absent : callable, default=None
        Tells whether a model lacks this attribute.
    """

    def __init__(
        self,
        find: Callable[[FittedModel], Value],
        absent: Callable[[FittedModel], bool] | None = None,
    ):
        self.find, self.absent = find, absent

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, estimator: Any, owner: type | None = None) -> Value:
        known = {} if estimator is None else vars(estimator)
        model = known.get("model_")
        if model is None and self.name in known:
            return known[self.name]
        if model is None or (self.absent is not None and self.absent(model)):
            kind = owner if estimator is None else type(estimator)
            # In Python's type and words, so that hasattr tells what there is.
            raise AttributeError(
                f"{getattr(kind, '__name__', kind)!r} object has no attribute "
                f"{self.name!r}"
            )
        return self.find(model)

    def __set__(self, estimator: Any, value: Any) -> None:
        # Subclasses check their data as scikit-learn's estimators do, before they call
        # our fit: what is learnt then is what counts.
        if "model_" not in vars(estimator) or self.name in SET_BY_CHECKS:
            vars(estimator)[self.name] = value
            return
        raise AttributeError(
            f"{self.name} belongs to the fitted model, which never changes. Change "
            "what is in it, as est.network_.load_state_dict(...) does, or fit again."
        )

    def __delete__(self, estimator: Any) -> None:
        if self.name not in vars(estimator):
            raise AttributeError(
                f"{self.name} belongs to the fitted model and cannot be deleted. "
                "sklearn.base.clone(est) is an estimator without one."
            )
        del vars(estimator)[self.name]


def _n_synapses(model: FittedModel) -> int | None:
    if model.network.wiring is None:
        return None
    return sum(wiring.n_synapses for wiring in model.network.wirings)


class FittedAttributes:
    """What a fitted estimator shows of its model; described where users look."""

    model_: FittedModel

    network_: FromModel[LiquidNetwork] = FromModel(lambda m: m.network)
    wiring_: FromModel[Wiring | None] = FromModel(lambda m: m.network.wiring)
    n_parameters_: FromModel[int] = FromModel(
        lambda m: sum(p.numel() for p in m.network.parameters())
    )
    n_synapses_: FromModel[int | None] = FromModel(_n_synapses)
    scaler_: FromModel[SequenceScaler] = FromModel(lambda m: m.scaler)
    target_scaler_: FromModel[Any] = FromModel(
        lambda m: m.target_scaler, lambda m: m.target_scaler is None
    )
    classes_: FromModel[Any] = FromModel(
        lambda m: m.targets.classes, lambda m: m.targets.classes is None
    )
    n_features_in_: FromModel[int] = FromModel(lambda m: m.layout.columns.n_features_in)
    feature_names_in_: FromModel[np.ndarray | None] = FromModel(
        lambda m: m.layout.columns.names, lambda m: m.layout.columns.names is None
    )
    time_unit_: FromModel[float] = FromModel(lambda m: m.clock.unit)
    backend_: FromModel[str] = FromModel(lambda m: m.record.backend)
    loss_curve_: FromModel[list[float]] = FromModel(lambda m: m.record.loss_curve)
    validation_loss_curve_: FromModel[list[float] | None] = FromModel(
        lambda m: m.record.validation_loss_curve
    )
    best_loss_: FromModel[float] = FromModel(lambda m: m.record.best_loss)
    best_validation_loss_: FromModel[float | None] = FromModel(
        lambda m: m.record.best_validation_loss
    )
    validation_scores_: FromModel[list[float] | None] = FromModel(
        lambda m: m.record.validation_scores
    )
    best_validation_score_: FromModel[float | None] = FromModel(
        lambda m: m.record.best_validation_score
    )
    n_iter_: FromModel[int] = FromModel(lambda m: m.record.n_iter)
