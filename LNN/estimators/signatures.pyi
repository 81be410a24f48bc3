"""Written by `make stubs` from the declarations of the parameters."""

from collections.abc import Callable
from typing import Any, Literal, SupportsFloat

from LNN.constraints.kinds import Constraint
from LNN.training.loop import Epoch

class NetworkParameters:
    n_neurons: int
    task: Literal["regression", "classification"]
    model_type: str
    mode: str
    wiring: Any
    sparsity: float | None
    wiring_seed: int | None
    layer_recurrence: bool | None
    readout: str
    n_layers: int
    solver: str
    ode_unfolds: int | str
    mixed_memory: bool
    backbone_units: int | None
    backbone_layers: int | None
    backbone_dropout: float | None
    backbone_activation: str | None
    time_gates: bool
    dropout: float
    window_length: int | None
    chunk_length: int
    burn_in: int
    stride: int
    pooling: str
    patch: int | str
    return_sequences: bool | str
    layout: str
    time_column: str | int | None
    group_column: str | int | None
    anchor: Any
    missing: str
    max_step: float | str | None
    output_constraints: list[Constraint] | None
    on_infeasible: str
    epochs: int | str
    batch_size: int
    learning_rate: float
    optimizer: str
    weight_decay: float
    lr_schedule: str | None
    clip_value: float | None
    clip_by: str
    early_stopping: bool | str
    validation_fraction: float
    n_iter_no_change: int | str
    tol: float
    scoring: str | Callable[..., SupportsFloat]
    loss: str
    quantile: float | list[float]
    class_weight: dict[Any, Any] | str | None
    scale: Any
    scale_target: bool
    backend: str
    dtype: str
    device: str
    n_jobs: int | None
    random_state: Any
    verbose: int | bool | str
    callback: Callable[[Epoch], Any] | None
    warm_start: bool
    def __init__(
        self,
        n_neurons: int = 32,
        *,
        task: Literal["regression", "classification"] = "regression",
        model_type: str = "CfC",
        mode: str = "auto",
        wiring: Any = "ncp",
        sparsity: float | None = None,
        wiring_seed: int | None = None,
        layer_recurrence: bool | None = None,
        readout: str = "dense",
        n_layers: int = 1,
        solver: str = "exponential",
        ode_unfolds: int | str = "auto",
        mixed_memory: bool = False,
        backbone_units: int | None = None,
        backbone_layers: int | None = None,
        backbone_dropout: float | None = None,
        backbone_activation: str | None = None,
        time_gates: bool = False,
        dropout: float = 0.0,
        window_length: int | None = 32,
        chunk_length: int = 128,
        burn_in: int = 32,
        stride: int = 1,
        pooling: str = "auto",
        patch: int | str = "auto",
        return_sequences: bool | str = "auto",
        layout: str = "auto",
        time_column: str | int | None = None,
        group_column: str | int | None = None,
        anchor: Any = None,
        missing: str = "error",
        max_step: float | str | None = "auto",
        output_constraints: list[Constraint] | None = None,
        on_infeasible: str = "project",
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
        n_iter_no_change: int | str = "auto",
        tol: float = 0.0001,
        scoring: str | Callable[..., SupportsFloat] = "loss",
        loss: str = "auto",
        quantile: float | list[float] = 0.5,
        class_weight: dict[Any, Any] | str | None = None,
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
    ) -> None:
        """Set the parameters.

        Parameters
        ----------
        n_neurons : int, default=32
            Number of liquid neurons (per layer). A `wiring` of fixed size (an object or
            a matrix) replaces the default.
        task : {"regression", "classification"}, default="regression"
            What to predict; fixed in `LiquidRegressor` and `LiquidClassifier`.
        model_type : str, default="CfC"
            The cell: "CfC" or "LTC". For comparison there are other models, trained in
            the same way: "LSTM", "GRU", "CT-RNN", "CT-GRU", "CT-GRU-published",
            "Neural-ODE", "GRU-D", "RNN-decay". "Neural-ODE" needs torchdiffeq. See
            docu/baselines.md.
        mode : {"auto", "default", "no_gate", "pure", "exponential"}, default="auto"
            Form of the CfC. "default", "no_gate" and "pure" are those of the paper. In
            "exponential" neurons decay exactly over the time between rows; it has half
            as many weights. "auto" is "exponential", which did better in
            docu/defaults.md. See docu/torch.md for the equations.
        wiring : {"ncp", "full", "random"}, Wiring, ncps wiring or matrix, default="ncp"
            Which synapses exist. "full" with CfC is the fully connected cell with its
            backbone. An ncps wiring is copied. In a matrix (n_neurons, n_neurons) of
            -1, 0 and 1, entry [i, j] is the synapse from i to j. See docu/wiring.md.
        sparsity : float, default=None
            Share of the possible synapses that is left out, for "ncp" and "random";
            None is 0.5.
        wiring_seed : int, default=None
            Seed of the named wirings; None takes the seed that ncps uses.
        layer_recurrence : bool, default=None
            Whether to connect all neurons of a layer to each other. None does so for
            CfC on "ncp"; otherwise the wiring decides.
        readout : {"dense", "motor"}, default="dense"
            How outputs are made: "dense", by a linear map of all neurons, or "motor",
            by an affine map of one motor neuron each.
        n_layers : int, default=1
            Number of liquid layers; each reads all neurons of the one before.
        solver : {"semi-implicit", "exponential", "explicit", "rk4"}, default="exponential"
            Solver of the LTC. One unfold of "exponential" is about as accurate as six
            of "semi-implicit", which is that of the paper. "explicit" and "rk4" diverge
            at long gaps: with 6 `ode_unfolds`, at 5 to 50 median gaps; see
            docu/time.md.
        ode_unfolds : int or "auto", default="auto"
            Solver steps of the LTC per time step; each carries a signal over one
            synapse. "auto" is 1 with `solver="exponential"`, but 3 with
            `readout="motor"`, since motor neurons are three synapses from the inputs,
            and 6 with other solvers.
        mixed_memory : bool, default=False
            Put an LSTM cell around the liquid cell, for long memories.
        backbone_units : int, default=None
            Units of the backbone, for CfC with `wiring="full"`; None is 128.
        backbone_layers : int, default=None
            Layers of the backbone; None is 1, and 0 for mode "exponential".
        backbone_dropout : float, default=None
            Dropout after each backbone layer; None is 0.
        backbone_activation : str, default=None
            "lecun_tanh" (None), "tanh", "relu", "silu" or "gelu".
        time_gates : bool, default=False
            For LSTM and GRU: raise the forget gate (the update gate) to the power of
            the elapsed time, so that a gap of 2 keeps as much as two steps of 1. Set
            `max_step=None` too if no gap is to be cut into steps. See
            docu/baselines.md.
        dropout : float, default=0.0
            Dropout on the neurons that the dense read-out reads.
        window_length : int or None, default=32
            For 2-D data: number of rows that a prediction sees, its own row included. 1
            makes rows independent. With None, a prediction sees all rows of its
            recording up to its own: training cuts recordings into chunks, prediction
            runs over each recording once.
        chunk_length : int, default=128
            With `window_length=None`: the most rows with targets in a chunk of a
            recording. A training step goes back through one chunk.
        burn_in : int, default=32
            With `window_length=None`: rows that are read before the first target of a
            chunk, to get a state to start from. Their own targets belong to the chunk
            before.
        stride : int, default=1
            Train on every stride-th window of 2-D data; predictions are for every row.
        pooling : {"auto", "last", "mean", "max", "last+mean+max", "attention"}, default="auto"
            What the read-out sees of a sequence's states: the last state, the mean or
            the maximum of each neuron, these three side by side ("last+mean+max"), or a
            learnt weighted mean ("attention"). "auto" is "last+mean+max" for one target
            per sequence, and "last" for windows and with `readout="motor"`.
        patch : int or "auto", default="auto"
            Number of rows that one step of the network reads, for long sequences: a
            learnt causal convolution of these rows and as many before them. "auto" is 8
            for sequences of 250 steps and more at equal gaps with one target each, else
            1. Neurons then read 16 features of a patch (or as many as there are
            columns) in place of the columns. Refused for targets per step.
        return_sequences : bool or "auto", default="auto"
            Whether y has a target for every step of a sequence. "auto" decides by the
            shape of y, and warns if a regression's y could be either. If y has one
            vector of T numbers per sample, pass False.
        layout : {"auto", "rows", "sequences"}, default="auto"
            What the axes of X are: "rows" (2-D, rows of recordings in time order) or
            "sequences" (3-D, (n_samples, n_timesteps, n_features), or a list). X of the
            other kind is then an error. "auto" decides by the number of axes, and `fit`
            warns if the numbers look as if time were another axis.
        time_column : str or int, default=None
            Column of X that holds time stamps; it is not an input of the network.
        group_column : str or int, default=None
            Column of X that tells recordings apart; it is not an input of the network.
        anchor : str, int or list, default=None
            For series with a trend: the column of X that holds the present value of the
            target, in its units (a list for several targets). The network then learns
            the change from it, and reads the column as changes from row to row. A
            prediction depends on `window_length` + 1 rows of this column.
        missing : {"error", "hold", "mask"}, default="error"
            What NaN in X means. "error" refuses it. With "hold" the channel keeps its
            last value in the same window or sequence; before the first it has the
            scaler's centre. "mask" does the same, and adds two inputs per channel:
            whether it was seen at this step, and log(1 + time since it was seen last).
        max_step : float, "auto" or None, default="auto"
            The longest step of time, in units of `time_unit_`. A longer gap is cut into
            equal sub-steps (32 at most) in which the input stays the same, in training
            and prediction; there is still one output per row. "auto" is 1 if all gaps
            of training are equal, so that longer gaps later run at the rate that was
            learnt; else it is None, which makes every gap one step.
        output_constraints : list of constraints, default=None
            Conditions that predictions of a regression have to satisfy, in the units of
            y: `Bounds`, `RateLimit`, `HalfSpaces` and barriers of `LNN.safety`. Each
            prediction is replaced by the nearest one that satisfies all of them;
            training differentiates through this, except that rate limits act on
            predictions only. A fit copies them; another list that is set after it acts
            at once. See docu/safety.md.
        on_infeasible : {"project", "hold", "raise"}, default="project"
            What to do where no answer satisfies all `output_constraints`: "project"
            returns the point within the bounds that violates the others least, "hold"
            returns the answer before, "raise" raises an `InfeasibleError`. The first
            two warn; `predict(X, return_safety=True)` tells for which rows.
        epochs : int or "auto", default="auto"
            Passes over the training data. "auto" is at least 30, and as many as make
            500 optimiser steps (1,500 with patches).
        batch_size : int, default=64
            Sequences or windows per optimiser step.
        learning_rate : float, default=0.01
            Learning rate at the start; see `lr_schedule`.
        optimizer : {"adam", "adamw", "rmsprop", "sgd"}, default="adam"
            Optimiser; SGD has Nesterov momentum 0.9.
        weight_decay : float, default=0.0
            L2 penalty on the weights; decoupled from the gradient with `adamw`.
        lr_schedule : str or None, default="cosine"
            How the learning rate falls during training: "cosine" (to 1 % over all
            `epochs`), "plateau", "exponential" or "onecycle". None keeps it constant;
            `partial_fit` always does.
        clip_value : float, default=1.0
            Gradients are clipped to this, see `clip_by`. None or 0 does not clip.
        clip_by : {"norm", "value"}, default="norm"
            Whether to clip the joint norm of all gradients, or each element.
        early_stopping : bool or "auto", default="auto"
            Stop when the loss on a validation part no longer falls. "auto" does so with
            `X_val`, or with at least 200 training sequences.
        validation_fraction : float, default=0.1
            Share of the training data that `early_stopping` holds out.
        n_iter_no_change : int or "auto", default="auto"
            Epochs without progress before training stops; "auto" is 20, and more where
            20 epochs are fewer than 250 optimiser steps.
        tol : float, default=0.0001
            Smallest fall of the loss (rise of the score) that counts as progress.
        scoring : str or callable, default="loss"
            What is measured on the validation part to find the best weights and the
            time to stop: the loss, or a score by its name in
            `sklearn.metrics.get_scorer_names()`, such as "accuracy", "f1" or "roc_auc".
            A callable is called with an estimator whose `predict` returns the
            predictions of the validation part, with None in place of X, and with y.
            `partial_fit` does not use it.
        loss : str, default="auto"
            "squared_error" ("auto"), "absolute_error", "huber" or "quantile" for
            regression, "cross_entropy" ("auto") for classification.
        quantile : float or list of float, default=0.5
            With `loss="quantile"`: the level or levels to predict, between 0 and 1.
        class_weight : dict or "balanced", default=None
            Weight of each class; "balanced" gives all classes the same total weight.
        scale : {"standard", "minmax", "robust", "none", "sequence"} or transformer, default="standard"
            Scaling of the inputs, per column, fitted on the training part only.
            "sequence" is "standard", after which each column is standardised within
            each sequence (or window) too; the mean and the logarithm of the spread that
            it had there become further inputs. That needs the whole sequence: it is
            refused for targets per step and for carried streams.
        scale_target : bool, default=True
            Whether regression targets are standardised while training.
        backend : {"auto", "torch", "cuda", "native"}, default="auto"
            What computes the cells; `backend_` tells which one did. "native" is the
            fused C library for the CPU, which "auto" uses wherever it can.
        dtype : {"float32", "float64"}, default="float32"
            Precision of the network.
        device : str, default="auto"
            "cpu", "cuda", "cuda:<number>" or "auto". "auto" is CUDA if there is a
            device, but the CPU for cells that have fused kernels on it.
        n_jobs : int, default=None
            Threads that check and prepare the data; results do not depend on them.
        random_state : int, RandomState or None, default=None
            Seed of the weights, order of samples, dropout and validation part.
        verbose : int or "bar", default=0
            1 prints a line per epoch, "bar" shows a progress bar (needs tqdm).
        callback : callable, default=None
            Called after each epoch with an object that has `epoch`, `epochs`, `loss`,
            `validation_loss`, `validation_score` and `learning_rate`; returning True
            stops training.
        warm_start : bool, default=False
            Whether `fit` goes on from the weights of the last fit, and keeps its
            scalers.
        """

class RegressorParameters(NetworkParameters):
    def __init__(
        self,
        n_neurons: int = 32,
        *,
        model_type: str = "CfC",
        mode: str = "auto",
        wiring: Any = "ncp",
        sparsity: float | None = None,
        wiring_seed: int | None = None,
        layer_recurrence: bool | None = None,
        readout: str = "dense",
        n_layers: int = 1,
        solver: str = "exponential",
        ode_unfolds: int | str = "auto",
        mixed_memory: bool = False,
        backbone_units: int | None = None,
        backbone_layers: int | None = None,
        backbone_dropout: float | None = None,
        backbone_activation: str | None = None,
        time_gates: bool = False,
        dropout: float = 0.0,
        window_length: int | None = 32,
        chunk_length: int = 128,
        burn_in: int = 32,
        stride: int = 1,
        pooling: str = "auto",
        patch: int | str = "auto",
        return_sequences: bool | str = "auto",
        layout: str = "auto",
        time_column: str | int | None = None,
        group_column: str | int | None = None,
        anchor: Any = None,
        missing: str = "error",
        max_step: float | str | None = "auto",
        output_constraints: list[Constraint] | None = None,
        on_infeasible: str = "project",
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
        n_iter_no_change: int | str = "auto",
        tol: float = 0.0001,
        scoring: str | Callable[..., SupportsFloat] = "loss",
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
    ) -> None: ...

class ClassifierParameters(NetworkParameters):
    def __init__(
        self,
        n_neurons: int = 32,
        *,
        model_type: str = "CfC",
        mode: str = "auto",
        wiring: Any = "ncp",
        sparsity: float | None = None,
        wiring_seed: int | None = None,
        layer_recurrence: bool | None = None,
        readout: str = "dense",
        n_layers: int = 1,
        solver: str = "exponential",
        ode_unfolds: int | str = "auto",
        mixed_memory: bool = False,
        backbone_units: int | None = None,
        backbone_layers: int | None = None,
        backbone_dropout: float | None = None,
        backbone_activation: str | None = None,
        time_gates: bool = False,
        dropout: float = 0.0,
        window_length: int | None = 32,
        chunk_length: int = 128,
        burn_in: int = 32,
        stride: int = 1,
        pooling: str = "auto",
        patch: int | str = "auto",
        return_sequences: bool | str = "auto",
        layout: str = "auto",
        time_column: str | int | None = None,
        group_column: str | int | None = None,
        missing: str = "error",
        max_step: float | str | None = "auto",
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
        n_iter_no_change: int | str = "auto",
        tol: float = 0.0001,
        scoring: str | Callable[..., SupportsFloat] = "loss",
        class_weight: dict[Any, Any] | str | None = None,
        scale: Any = "standard",
        backend: str = "auto",
        dtype: str = "float32",
        device: str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int | bool | str = 0,
        callback: Callable[[Epoch], Any] | None = None,
        warm_start: bool = False,
    ) -> None: ...
