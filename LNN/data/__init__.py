"""Data as users have them, read once into rows and spans over rows: `SequenceSet`."""

from .layouts import layout_of, stacked
from .non_numeric import kind_of_cell, without_mask
from .reading import read_sequences
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
from .stored_table import StoredTable, open_table
from .storing import store_table
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
    "StoredTable",
    "elapsed_time",
    "is_regular",
    "kind_of_cell",
    "layout_of",
    "normalised",
    "open_table",
    "read_sequences",
    "stacked",
    "store_table",
    "time_unit",
    "tolerance",
    "without_mask",
]
