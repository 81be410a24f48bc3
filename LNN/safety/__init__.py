"""Outputs that stay inside limits, and what is proved about a model without data."""

from LNN.constraints.barriers import BarrierFunction, DiscreteBarrier
from LNN.constraints.kinds import Bounds, Constraint, HalfSpaces, Limits, RateLimit
from LNN.constraints.output import SafeOutput, Safety
from LNN.safety.bounds import output_bounds, state_bounds
from LNN.safety.contraction import contraction_rate
from LNN.safety.contraction_bound import contraction_bound
from LNN.safety.guarding import guard
from LNN.safety.verify import verify

__all__ = [
    "BarrierFunction",
    "Bounds",
    "Constraint",
    "DiscreteBarrier",
    "HalfSpaces",
    "Limits",
    "RateLimit",
    "SafeOutput",
    "Safety",
    "contraction_bound",
    "contraction_rate",
    "guard",
    "output_bounds",
    "state_bounds",
    "verify",
]
