"""Bridges to other libraries and their models.

`LNN.adapters.sktime`, `LNN.adapters.aeon` and `LNN.adapters.river` need these libraries
and are imported by their names.
"""

from LNN.adapters.lags import LagsAsSequence
from LNN.adapters.ncps import from_ncps, state_from_ncps, state_to_ncps, to_ncps

__all__ = [
    "LagsAsSequence",
    "from_ncps",
    "state_from_ncps",
    "state_to_ncps",
    "to_ncps",
]
