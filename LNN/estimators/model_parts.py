"""The values that a fitted model consists of.

`FittedModel` adds what can be done with them. Modules that it imports, such as `limits`
and `storage`, take this class: to import the other one there would be a circle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from LNN.batching.preparation import Preparation
from LNN.data import SequenceScaler
from LNN.data.clock import Clock
from LNN.data.continuation import Continuation
from LNN.data.form import DataForm, InputLayout, TargetLayout
from LNN.data.input_range import InputRange
from LNN.estimators.structure import NetworkStructure
from LNN.network import LiquidNetwork
from LNN.training.losses import Loss
from LNN.training.record import TrainingRecord

__all__ = ["ModelParts"]


@dataclass(frozen=True, eq=False, repr=False)
class ModelParts:
    """The values of a `FittedModel`, which describes them."""

    parameters: Mapping[str, Any]
    layout: InputLayout
    clock: Clock
    targets: TargetLayout
    scaler: SequenceScaler
    target_scaler: SequenceScaler | None
    network: LiquidNetwork
    objective: Loss
    record: TrainingRecord
    structure: NetworkStructure | None = None
    continuation: Continuation | None = None
    input_range: InputRange | None = None

    def __post_init__(self) -> None:
        if self.structure is None:
            structure = NetworkStructure.of(self.network)
            object.__setattr__(self, "structure", structure)

    @property
    def owner(self) -> str:
        """The name of the estimator, for messages."""
        return self.layout.owner

    @property
    def form(self) -> DataForm:
        """All that later data have to match."""
        return DataForm(self.layout, self.clock, self.targets)

    @property
    def classifies(self) -> bool:
        """Whether the answers are classes."""
        return self.targets.classes is not None

    @property
    def preparation(self) -> Preparation:
        """How rows become what the network reads."""
        return Preparation(
            self.scaler,
            self.parameters["missing"],
            self.clock.unit,
            self.clock.resolution,
            self.parameters["dtype"],
            self.clock.max_step,
        )
