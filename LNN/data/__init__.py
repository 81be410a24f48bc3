"""Everything between what a user has and a gathered batch of sequences."""

from .non_numeric import kind_of_cell, without_mask
from .readers import layout_of, read_sequences, stacked
from .row_store import (
    ArrayRows,
    BlockRows,
    CubeRows,
    DifferencedRows,
    ReorderedRows,
    Rows,
    SelectedRows,
    StackedRows,
)
from .scaling import SequenceScaler
from .sequence_set import SequenceSet
from .timestamps import elapsed_time, is_regular, normalised, time_unit, tolerance

__all__ = [
    "ArrayRows",
    "BlockRows",
    "CubeRows",
    "DifferencedRows",
    "ReorderedRows",
    "Rows",
    "SelectedRows",
    "SequenceScaler",
    "SequenceSet",
    "StackedRows",
    "elapsed_time",
    "is_regular",
    "kind_of_cell",
    "layout_of",
    "normalised",
    "read_sequences",
    "stacked",
    "time_unit",
    "tolerance",
    "without_mask",
]
