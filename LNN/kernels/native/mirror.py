"""The Python mirror of csrc/problem.h; `library` compares the two."""

from __future__ import annotations

import ctypes

from LNN.cells.cfc import MODES

__all__ = [
    "ABI",
    "ACTIVATIONS",
    "ISAS",
    "KINDS",
    "MAX_PARAMETERS",
    "MODES",
    "OPTIONS",
    "STRUCTURE",
    "Problem",
    "expected_layout",
]

ABI = 2  # raised whenever the library's functions change
MAX_PARAMETERS = 32
# What an enum of the header counts from 0.
KINDS = ("LTC", "WIRED_CFC", "CFC")
ACTIVATIONS = ("lecun_tanh", "tanh", "relu", "silu", "gelu")
ISAS = {"plain": 1, "avx2": 2, "avx512": 3, "neon": 4}

# What an int of a cell's options means, in this order.
OPTIONS = (
    "kind",
    "mode",
    "activation",
    "memory",
    "unfolds",
    "n_maps",
    "backbone_units",
)
# Arrays of a cell's structure, in this order.
STRUCTURE = (
    "sensory_source",
    "sensory_target",
    "recurrent_source",
    "recurrent_target",
    "order",
    "layer_end",
)
_INTEGERS = (
    "abi precision isa kind mode activation memory batch steps inputs neurons unfolds "
    "n_maps n_sensory n_recurrent n_layers backbone_units"
)
_DATA = "inputs_data timespans lengths start states final"
_GRADIENTS = "grad_states grad_final grad_inputs grad_timespans grad_start"


def _fields(kind: type, names: str) -> list[tuple[str, type]]:
    return [(name, kind) for name in names.split()]


class Problem(ctypes.Structure):
    """One cell over one batch of sequences, as the library reads it.

    Attributes
    ----------
    owned, data : object
        Hold the memory of what is only read.
    """

    _fields_ = [
        *_fields(ctypes.c_int64, _INTEGERS),
        ("epsilon", ctypes.c_double),
        *_fields(ctypes.c_void_p, " ".join(STRUCTURE)),
        *_fields(ctypes.c_void_p, _DATA),
        ("parameters", ctypes.c_void_p * MAX_PARAMETERS),
        *_fields(ctypes.c_void_p, _GRADIENTS),
        ("grad_parameters", ctypes.c_void_p * MAX_PARAMETERS),
        ("scratch", ctypes.c_void_p),
        ("record", ctypes.c_void_p),
    ]


def expected_layout() -> dict[str, int]:
    """Return what csrc/layout.c has to say, by name."""
    enums = {
        **{name: value for value, name in enumerate(KINDS)},
        **{name.upper(): value for value, name in enumerate(MODES)},
        **{name.upper(): value for value, name in enumerate(ACTIVATIONS)},
        **{name.upper(): value for name, value in ISAS.items()},
        "BEST": 0,
        "MAX_PARAMETERS": MAX_PARAMETERS,
    }
    names = [name for name, *_ in Problem._fields_]
    return {
        **{f"LNN_{name}": value for name, value in enums.items()},
        "sizeof(lnn_problem)": ctypes.sizeof(Problem),
        **{f"offsetof {name}": getattr(Problem, name).offset for name in names},
        **{f"sizeof {name}": getattr(Problem, name).size for name in names},
    }
