"""`LiquidRegressor`: a regressor, for scikit-learn's type checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.base import RegressorMixin

from LNN.estimators._docs import inherit_parameters
from LNN.LNN import LiquidNeuralNetwork
from LNN.training.loop import Epoch


@inherit_parameters
class LiquidRegressor(RegressorMixin, LiquidNeuralNetwork):
    """Liquid neural network for regression on sequences.

    See Also
    --------
    LiquidNeuralNetwork : The same with `task` as a parameter; describes the data.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> t = np.arange(300)
    >>> X, y = np.sin(0.2 * t)[:-1, None], np.sin(0.2 * t)[1:]
    >>> model = LiquidRegressor(12, window_length=8, epochs=60, random_state=0)
    >>> model.fit(X[:250], y[:250]).predict(X[250:]).shape
    (49,)
    """

    task = "regression"
    class_weight = None

    def __init__(
        self,
        n_neurons: int = 32,
        *,
        model_type: str = "CfC",
        mode: str = "default",
        wiring: Any = "ncp",
        sparsity: float | None = None,
        wiring_seed: int | None = None,
        layer_recurrence: bool | None = None,
        readout: str = "dense",
        n_layers: int = 1,
        solver: str = "semi-implicit",
        ode_unfolds: int = 6,
        mixed_memory: bool = False,
        backbone_units: int | None = None,
        backbone_layers: int | None = None,
        backbone_dropout: float | None = None,
        backbone_activation: str | None = None,
        dropout: float = 0.0,
        window_length: int = 32,
        stride: int = 1,
        pooling: str = "auto",
        return_sequences: bool | str = "auto",
        time_column: str | int | None = None,
        group_column: str | int | None = None,
        anchor: Any = None,
        missing: str = "error",
        epochs: int | str = "auto",
        batch_size: int = 64,
        learning_rate: float = 0.01,
        optimizer: str = "adam",
        weight_decay: float = 0.0,
        lr_schedule: str | None = "cosine",
        clip_value: float | None = 1.0,
        clip_by: str = "norm",
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 20,
        tol: float = 1e-4,
        scoring: str | Callable = "loss",
        loss: str = "auto",
        quantile: float | list[float] = 0.5,
        scale: Any = "standard",
        scale_target: bool = True,
        backend: str = "auto",
        dtype: str = "float32",
        device: str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int | bool | str = 0,
        callback: Callable[[Epoch], Any] | None = None,
        warm_start: bool = False,
    ):
        self.n_neurons = n_neurons
        self.model_type = model_type
        self.mode = mode
        self.wiring = wiring
        self.sparsity = sparsity
        self.wiring_seed = wiring_seed
        self.layer_recurrence = layer_recurrence
        self.readout = readout
        self.n_layers = n_layers
        self.solver = solver
        self.ode_unfolds = ode_unfolds
        self.mixed_memory = mixed_memory
        self.backbone_units = backbone_units
        self.backbone_layers = backbone_layers
        self.backbone_dropout = backbone_dropout
        self.backbone_activation = backbone_activation
        self.dropout = dropout
        self.window_length = window_length
        self.stride = stride
        self.pooling = pooling
        self.return_sequences = return_sequences
        self.time_column = time_column
        self.group_column = group_column
        self.anchor = anchor
        self.missing = missing
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.lr_schedule = lr_schedule
        self.clip_value = clip_value
        self.clip_by = clip_by
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.scoring = scoring
        self.loss = loss
        self.quantile = quantile
        self.scale = scale
        self.scale_target = scale_target
        self.backend = backend
        self.dtype = dtype
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.callback = callback
        self.warm_start = warm_start

    # The mixin's score takes neither time stamps nor targets per step.
    score = LiquidNeuralNetwork.score
