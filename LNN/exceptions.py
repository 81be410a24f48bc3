"""The errors and warnings of LNN: each inherits a builtin that people already catch."""


class LNNError(Exception):
    """Base of every error that LNN raises by name."""


class InvalidInputError(LNNError, ValueError):
    """Data or a parameter value that cannot be used; the message says what to do."""


class InvalidModelFileError(InvalidInputError):
    """A model file that cannot be written or read; the message says what is wrong."""


class NonFiniteLossError(LNNError, FloatingPointError):
    """The training loss became NaN or infinite; the best finite weights are kept."""


class LowFidelityError(LNNError, RuntimeError):
    """An explanation is not that of the model; the message says how far it is off."""


class DeviceMemoryError(LNNError, MemoryError):
    """The accelerator ran out of memory; the message says what to make smaller."""


class MissingDependencyError(LNNError, ImportError):
    """An optional package is not installed; the message names the extra to install."""


class InfeasibleError(LNNError, ArithmeticError):
    """No output satisfies all constraints; the message says for which samples."""


class LNNWarning(UserWarning):
    """Something LNN did that the caller should know about."""
