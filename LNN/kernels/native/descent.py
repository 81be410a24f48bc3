"""Clipping and Adam's step as a record of the library."""

from __future__ import annotations

from LNN.kernels.backend import AdamRule
from LNN.kernels.native.library import load
from LNN.kernels.native.mirror import ISAS, AdamStep
from LNN.kernels.native.problem import address


class AdamRecord:
    """What clips a gradient, and moves a vector by Adam's rule.

    Parameters
    ----------
    rule : AdamRule

    Attributes
    ----------
    record : AdamStep
        Without what differs from step to step.
    """

    def __init__(self, rule: AdamRule):
        tensors = (rule.vector, rule.gradient, rule.mean, rule.square)
        self._kept = tensors  # the record holds addresses only
        vector, gradient, mean, square = map(address, tensors)
        self.record = AdamStep(
            precision=8 * rule.vector.element_size(),
            isa=ISAS[load().isa],
            size=rule.vector.numel(),
            clips_norm=rule.clip_by == "norm",
            decay_apart=rule.decay_apart,
            clip=rule.clip_value or 0.0,
            decay=rule.decay,
            epsilon=rule.epsilon,
            weight_decay=rule.weight_decay,
            vector=vector,
            gradient=gradient,
            mean=mean,
            square=square,
        )
