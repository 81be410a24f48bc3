"""The Python mirror of the records in csrc; `library` compares the two."""

from __future__ import annotations

import ctypes

from LNN.cells.cfc import MODES

__all__ = [
    "ABI",
    "ACTIVATIONS",
    "ISAS",
    "KINDS",
    "LOSSES",
    "MAX_PARAMETERS",
    "MODES",
    "OPTIONS",
    "POOLINGS",
    "STRUCTURE",
    "AdamStep",
    "Copy",
    "Epoch",
    "Problem",
    "Readout",
    "Samples",
    "expected_layout",
]

ABI = 4  # raised whenever the library's functions change
MAX_PARAMETERS = 32
# What an enum of the header counts from 0.
KINDS = ("LTC", "WIRED_CFC", "CFC")
ACTIVATIONS = ("lecun_tanh", "tanh", "relu", "silu", "gelu")
ISAS = {"plain": 1, "avx2": 2, "avx512": 3, "neon": 4}
LOSSES = ("squared_error", "absolute_error", "huber", "quantile", "cross_entropy")
POOLINGS = {"last": 1, "mean": 2, "max": 4}

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


class Readout(ctypes.Structure):
    """What lies between the states of the last layer and the loss."""

    _fields_ = [
        *_fields(ctypes.c_int64, "precision isa pooling loss batch steps neurons"),
        *_fields(ctypes.c_int64, "columns outputs n_levels"),
        *_fields(ctypes.c_void_p, "lengths states final weight bias target"),
        *_fields(ctypes.c_void_p, "sample_weight levels grad_states grad_final"),
        *_fields(ctypes.c_void_p, "grad_weight grad_bias scratch"),
        ("total", ctypes.c_double),
    ]


class AdamStep(ctypes.Structure):
    """Clipping, and one step of Adam."""

    _fields_ = [
        *_fields(ctypes.c_int64, "precision isa size step clips_norm decay_apart"),
        *_fields(ctypes.c_double, "divisor clip rate momentum decay epsilon"),
        ("weight_decay", ctypes.c_double),
        *_fields(ctypes.c_void_p, "vector gradient mean square"),
    ]


class Samples(ctypes.Structure):
    """Spans over the rows of a table, and one batch of them."""

    _fields_ = [
        *_fields(ctypes.c_int64, "features target_bytes per_step"),
        *_fields(ctypes.c_void_p, "rows gaps neutral target weight"),
        *_fields(ctypes.c_void_p, "start length first_target"),
        *_fields(ctypes.c_int64, "batch steps is_ragged is_weighted"),
        *_fields(ctypes.c_void_p, "inputs timespans targets weights lengths"),
    ]


class Copy(ctypes.Structure):
    """Numbers that lie in two places."""

    _fields_ = [*_fields(ctypes.c_void_p, "source target"), ("bytes", ctypes.c_int64)]


class Epoch(ctypes.Structure):
    """Batches in order, and what is done with each."""

    _fields_ = [
        *_fields(ctypes.c_int64, "precision isa n_layers n_samples batch_size"),
        ("n_copies", ctypes.c_int64),
        *_fields(ctypes.c_void_p, "layers readout adam samples pack unpack order"),
        *_fields(ctypes.c_void_p, "rates momenta"),
        ("mean_weight", ctypes.c_double),
        ("memory", ctypes.c_void_p),
        *_fields(ctypes.c_int64, "memory_bytes wanted_bytes laid_batch laid_steps"),
        ("total", ctypes.c_double),
    ]


# By their names in C.
_STRUCTS = {
    "lnn_problem": Problem,
    "lnn_readout": Readout,
    "lnn_adam": AdamStep,
    "lnn_samples": Samples,
    "lnn_copy": Copy,
    "lnn_epoch": Epoch,
}


def expected_layout() -> dict[str, int]:
    """Return what csrc/layout.c has to say, by name."""
    enums = {
        **{name: value for value, name in enumerate(KINDS)},
        **{name.upper(): value for value, name in enumerate(MODES)},
        **{name.upper(): value for value, name in enumerate(ACTIVATIONS)},
        **{name.upper(): value for name, value in ISAS.items()},
        "BEST": 0,
        **{name.upper(): value for name, value in POOLINGS.items()},
        **{name.upper(): value for value, name in enumerate(LOSSES)},
        "MAX_PARAMETERS": MAX_PARAMETERS,
    }
    layout = {f"LNN_{name}": value for name, value in enums.items()}
    for struct, mirror in _STRUCTS.items():
        layout[f"sizeof({struct})"] = ctypes.sizeof(mirror)
        for name, *_ in mirror._fields_:
            field = getattr(mirror, name)
            layout[f"offsetof {struct}.{name}"] = field.offset
            layout[f"sizeof {struct}.{name}"] = field.size
    return layout
