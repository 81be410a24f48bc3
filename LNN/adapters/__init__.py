"""Bridges to other libraries' models."""

from LNN.adapters.ncps import from_ncps, state_from_ncps, state_to_ncps, to_ncps

__all__ = ["from_ncps", "state_from_ncps", "state_to_ncps", "to_ncps"]
