"""LNN: liquid neural networks for people who use scikit-learn, pandas and PyTorch."""

from typing import TYPE_CHECKING, Any

from LNN._show_versions import show_versions
from LNN._version import __version__
from LNN.adapters import from_ncps, to_ncps
from LNN.cells import CfCCell, LTCCell
from LNN.data import SequenceScaler
from LNN.estimators.classifier import LiquidClassifier
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.estimators.regressor import LiquidRegressor
from LNN.exceptions import InvalidInputError, LNNWarning
from LNN.forecasting import LiquidForecaster
from LNN.layers import LTC, CfC
from LNN.LNN import LiquidNeuralNetwork
from LNN.network import LiquidNetwork
from LNN.streaming import LiquidStream
from LNN.training.distributed import data_parallel
from LNN.wiring import Wiring

if TYPE_CHECKING:
    from LNN import export as export
    from LNN import inspection as inspection
    from LNN import safety as safety
    from LNN.anomaly import LiquidAnomalyDetector
    from LNN.estimators.fit_threads import fits_in_threads
    from LNN.estimators.many import fit_many
    from LNN.loading import load

__all__ = [
    "LTC",
    "CfC",
    "CfCCell",
    "FittedModel",
    "InvalidInputError",
    "LNNWarning",
    "LTCCell",
    "LiquidAnomalyDetector",
    "LiquidClassifier",
    "LiquidForecaster",
    "LiquidNetwork",
    "LiquidNeuralNetwork",
    "LiquidRegressor",
    "LiquidStream",
    "SequenceScaler",
    "Wiring",
    "__version__",
    "as_fitted",
    "data_parallel",
    "fit_many",
    "fits_in_threads",
    "from_ncps",
    "load",
    "show_versions",
    "to_ncps",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    # Most programs need none of these: they are imported when they are asked for.
    if name == "load":
        from LNN.loading import load

        return load
    if name == "fit_many":
        from LNN.estimators.many import fit_many

        return fit_many
    if name == "fits_in_threads":
        from LNN.estimators.fit_threads import fits_in_threads

        return fits_in_threads
    if name == "LiquidAnomalyDetector":
        from LNN.anomaly import LiquidAnomalyDetector

        return LiquidAnomalyDetector
    if name == "export":
        import LNN.export

        return LNN.export
    if name == "inspection":
        import LNN.inspection

        return LNN.inspection
    if name == "safety":
        import LNN.safety

        return LNN.safety
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
