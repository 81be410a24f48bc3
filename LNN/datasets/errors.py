"""What can be wrong with the files of a data set."""

from LNN.exceptions import LNNError


class DatasetNotFoundError(LNNError, FileNotFoundError):
    """The files are nowhere, and were not downloaded; says what to put where."""


class DatasetCorruptedError(LNNError, ValueError):
    """A file is truncated or is not the published one; says what is wrong."""
