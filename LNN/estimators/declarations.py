"""Every parameter of the estimators, declared once.

Signatures, defaults, rules, documentation, and what a network is built from are all
taken from this table.
"""

from __future__ import annotations

from LNN.batching.missing import POLICIES
from LNN.batching.preparation import DTYPES
from LNN.cells.cfc import ACTIVATIONS, MODES
from LNN.cells.ltc import SOLVERS
from LNN.data.axes import LAYOUTS
from LNN.estimators.parameter import (
    Parameter,
    braced,
    has_another_loss,
    has_no_classes,
    has_no_constraints,
    has_no_windows,
    has_windows,
    quoted,
    reads_motor_neurons,
    wiring_is_given,
)
from LNN.estimators.rules import (
    BOOL,
    CALLABLE,
    CLASS_WEIGHT,
    CONSTRAINTS,
    DEVICE,
    LEVELS,
    N_JOBS,
    NONE,
    SCORER_NAME,
    TRANSFORMER,
    integer,
    name_in,
    one_of,
    real,
)
from LNN.kernels import BACKENDS
from LNN.models import MODELS, names
from LNN.pooling import POOLINGS
from LNN.training.losses import LOSSES
from LNN.training.optimisers import OPTIMIZERS
from LNN.training.schedules import SCHEDULES

TASKS = ("regression", "classification")

PARAMETERS: tuple[Parameter, ...] = (
    # ----------------------------------------------------------- the network
    Parameter(
        "n_neurons",
        type="int",
        default=32,
        rule=integer(1),
        doc="""
        Number of liquid neurons (per layer). A `wiring` of fixed size (an object or a
        matrix) replaces the default.
        """,
        built_from=True,
    ),
    Parameter(
        "task",
        type="Literal['regression', 'classification']",
        default="regression",
        rule=one_of(*TASKS),
        kind=braced(*TASKS),
        doc="What to predict; fixed in `LiquidRegressor` and `LiquidClassifier`.",
        built_from=True,
    ),
    Parameter(
        "model_type",
        type="str",
        default="CfC",
        rule=name_in(MODELS),
        doc=f"""
        The cell: {quoted(names(liquid=True), " or ")}. For comparison there are other
        models, trained in the same way: {quoted(names(liquid=False))}. "Neural-ODE"
        needs torchdiffeq. See docu/baselines.md.
        """,
        built_from=True,
    ),
    Parameter(
        "mode",
        type="str",
        default="auto",
        rule=one_of("auto", *MODES),
        kind=braced("auto", *MODES),
        doc="""
        Form of the CfC. "default", "no_gate" and "pure" are those of the paper. In
        "exponential" neurons decay exactly over the time between rows; it has half as
        many weights. "auto" is "exponential", which did better in docu/defaults.md. See
        docu/torch.md for the equations.
        """,
        built_from=True,
    ),
    Parameter(
        "wiring",
        type="Any",
        default="ncp",
        kind='{"ncp", "full", "random"}, Wiring, ncps wiring or matrix',
        doc="""
        Which synapses exist. "full" with CfC is the fully connected cell with its
        backbone. An ncps wiring is copied. In a matrix (n_neurons, n_neurons) of -1, 0
        and 1, entry [i, j] is the synapse from i to j. See docu/wiring.md.
        """,
        built_from=True,
    ),
    Parameter(
        "sparsity",
        type="float | None",
        default=None,
        rule=NONE | real(0, 1, ends="[]"),
        doc="""
        Share of the possible synapses that is left out, for "ncp" and "random"; None
        is 0.5.
        """,
        built_from=True,
        idle=wiring_is_given,
    ),
    Parameter(
        "wiring_seed",
        type="int | None",
        default=None,
        rule=NONE | integer(0),
        doc="Seed of the named wirings; None takes the seed that ncps uses.",
        built_from=True,
    ),
    Parameter(
        "layer_recurrence",
        type="bool | None",
        default=None,
        rule=NONE | BOOL,
        doc="""
        Whether to connect all neurons of a layer to each other. None does so for CfC
        on "ncp"; otherwise the wiring decides.
        """,
        built_from=True,
    ),
    Parameter(
        "readout",
        type="str",
        default="dense",
        rule=one_of("dense", "motor"),
        kind=braced("dense", "motor"),
        doc="""
        How outputs are made: "dense", by a linear map of all neurons, or "motor", by an
        affine map of one motor neuron each.
        """,
        built_from=True,
    ),
    Parameter(
        "n_layers",
        type="int",
        default=1,
        rule=integer(1),
        doc="Number of liquid layers; each reads all neurons of the one before.",
        built_from=True,
    ),
    Parameter(
        "solver",
        type="str",
        default="exponential",
        rule=one_of(*SOLVERS),
        kind=braced(*SOLVERS),
        doc="""
        Solver of the LTC. One unfold of "exponential" is about as accurate as six of
        "semi-implicit", which is that of the paper. "explicit" and "rk4" diverge at
        long gaps: with 6 `ode_unfolds`, at 5 to 50 median gaps; see docu/time.md.
        """,
        built_from=True,
    ),
    Parameter(
        "ode_unfolds",
        type="int | str",
        default="auto",
        rule=one_of("auto") | integer(1),
        kind='int or "auto"',
        doc="""
        Solver steps of the LTC per time step; each carries a signal over one synapse.
        "auto" is 1 with `solver="exponential"`, but 3 with `readout="motor"`, since
        motor neurons are three synapses from the inputs, and 6 with other solvers.
        """,
        built_from=True,
    ),
    Parameter(
        "mixed_memory",
        type="bool",
        default=False,
        rule=BOOL,
        doc="Put an LSTM cell around the liquid cell, for long memories.",
        built_from=True,
    ),
    Parameter(
        "backbone_units",
        type="int | None",
        default=None,
        rule=NONE | integer(1),
        doc='Units of the backbone, for CfC with `wiring="full"`; None is 128.',
        built_from=True,
    ),
    Parameter(
        "backbone_layers",
        type="int | None",
        default=None,
        rule=NONE | integer(0),
        doc='Layers of the backbone; None is 1, and 0 for mode "exponential".',
        built_from=True,
    ),
    Parameter(
        "backbone_dropout",
        type="float | None",
        default=None,
        rule=NONE | real(0, 1),
        doc="Dropout after each backbone layer; None is 0.",
        built_from=True,
    ),
    Parameter(
        "backbone_activation",
        type="str | None",
        default=None,
        rule=NONE | one_of(*ACTIVATIONS),
        doc='"lecun_tanh" (None), "tanh", "relu", "silu" or "gelu".',
        built_from=True,
    ),
    Parameter(
        "time_gates",
        type="bool",
        default=False,
        rule=BOOL,
        doc="""
        For LSTM and GRU: raise the forget gate (the update gate) to the power of the
        elapsed time, so that a gap of 2 keeps as much as two steps of 1. Set
        `max_step=None` too if no gap is to be cut into steps. See docu/baselines.md.
        """,
        built_from=True,
    ),
    Parameter(
        "dropout",
        type="float",
        default=0.0,
        rule=real(0, 1),
        doc="Dropout on the neurons that the dense read-out reads.",
        built_from=True,
        idle=reads_motor_neurons,
    ),
    # -------------------------------------------------------------- the data
    Parameter(
        "window_length",
        type="int | None",
        default=32,
        rule=integer(1) | NONE,
        kind="int or None",
        doc="""
        For 2-D data: number of rows that a prediction sees, its own row included. 1
        makes rows independent. With None, a prediction sees all rows of its recording
        up to its own: training cuts recordings into chunks, prediction runs over each
        recording once.
        """,
    ),
    Parameter(
        "chunk_length",
        type="int",
        default=128,
        rule=integer(1),
        doc="""
        With `window_length=None`: the most rows with targets in a chunk of a recording.
        A training step goes back through one chunk.
        """,
        idle=has_windows,
    ),
    Parameter(
        "burn_in",
        type="int",
        default=32,
        rule=integer(0),
        doc="""
        With `window_length=None`: rows that are read before the first target of a
        chunk, to get a state to start from. Their own targets belong to the chunk
        before.
        """,
        idle=has_windows,
    ),
    Parameter(
        "stride",
        type="int",
        default=1,
        rule=integer(1),
        doc="""
        Train on every stride-th window of 2-D data; predictions are for every row.
        """,
        idle=has_no_windows,
    ),
    Parameter(
        "pooling",
        type="str",
        default="auto",
        rule=one_of("auto", *POOLINGS),
        kind=braced("auto", *POOLINGS),
        doc="""
        What the read-out sees of a sequence's states: the last state, the mean or the
        maximum of each neuron, these three side by side ("last+mean+max"), or a learnt
        weighted mean ("attention"). "auto" is "last+mean+max" for one target per
        sequence, and "last" for windows and with `readout="motor"`.
        """,
        built_from=True,
    ),
    Parameter(
        "patch",
        type="int | str",
        default="auto",
        rule=one_of("auto") | integer(1),
        kind='int or "auto"',
        doc="""
        Number of rows that one step of the network reads, for long sequences: a learnt
        causal convolution of these rows and as many before them. "auto" is 8 for
        sequences of 250 steps and more at equal gaps with one target each, else 1.
        Neurons then read 16 features of a patch (or as many as there are columns) in
        place of the columns. Refused for targets per step.
        """,
        built_from=True,
    ),
    Parameter(
        "return_sequences",
        type="bool | str",
        default="auto",
        rule=one_of("auto") | BOOL,
        kind='bool or "auto"',
        doc="""
        Whether y has a target for every step of a sequence. "auto" decides by the shape
        of y, and warns if a regression's y could be either. If y has one vector of T
        numbers per sample, pass False.
        """,
    ),
    Parameter(
        "layout",
        type="str",
        default="auto",
        rule=one_of(*LAYOUTS),
        kind=braced(*LAYOUTS),
        doc="""
        What the axes of X are: "rows" (2-D, rows of recordings in time order) or
        "sequences" (3-D, (n_samples, n_timesteps, n_features), or a list). X of the
        other kind is then an error. "auto" decides by the number of axes, and `fit`
        warns if the numbers look as if time were another axis.
        """,
    ),
    Parameter(
        "time_column",
        type="str | int | None",
        default=None,
        kind="str or int",
        doc="Column of X that holds time stamps; it is not an input of the network.",
        built_from=True,
    ),
    Parameter(
        "group_column",
        type="str | int | None",
        default=None,
        kind="str or int",
        doc="""
        Column of X that tells recordings apart; it is not an input of the network.
        """,
        built_from=True,
    ),
    Parameter(
        "anchor",
        type="Any",
        default=None,
        kind="str, int or list",
        doc="""
        For series with a trend: the column of X that holds the present value of the
        target, in its units (a list for several targets). The network then learns the
        change from it, and reads the column as changes from row to row. A prediction
        depends on `window_length` + 1 rows of this column.
        """,
        built_from=True,
    ),
    Parameter(
        "missing",
        type="str",
        default="error",
        rule=one_of(*POLICIES),
        kind=braced(*POLICIES),
        doc="""
        What NaN in X means. "error" refuses it. With "hold" the channel keeps its last
        value in the same window or sequence; before the first it has the scaler's
        centre. "mask" does the same, and adds two inputs per channel: whether it was
        seen at this step, and log(1 + time since it was seen last).
        """,
        built_from=True,
    ),
    Parameter(
        "max_step",
        type="float | str | None",
        default="auto",
        rule=one_of("auto") | NONE | real(0, ends="()"),
        kind='float, "auto" or None',
        doc="""
        The longest step of time, in units of `time_unit_`. A longer gap is cut into
        equal sub-steps (32 at most) in which the input stays the same, in training and
        prediction; there is still one output per row. "auto" is 1 if all gaps of
        training are equal, so that longer gaps later run at the rate that was learnt;
        else it is None, which makes every gap one step.
        """,
        built_from=True,
    ),
    # ----------------------------------------------------------- the answers
    Parameter(
        "output_constraints",
        type="list[Constraint] | None",
        default=None,
        rule=NONE | CONSTRAINTS,
        kind="list of constraints",
        doc="""
        Conditions that predictions of a regression have to satisfy, in the units of y:
        `Bounds`, `RateLimit`, `HalfSpaces` and barriers of `LNN.safety`. Each
        prediction is replaced by the nearest one that satisfies all of them; training
        differentiates through this, except that rate limits act on predictions only.
        A fit copies them; another list that is set after it acts at once. See
        docu/safety.md.
        """,
        changeable=True,
    ),
    Parameter(
        "on_infeasible",
        type="str",
        default="project",
        rule=one_of("project", "hold", "raise"),
        kind=braced("project", "hold", "raise"),
        doc="""
        What to do where no answer satisfies all `output_constraints`: "project" returns
        the point within the bounds that violates the others least, "hold" returns the
        answer before, "raise" raises an `InfeasibleError`. The first two warn;
        `predict(X, return_safety=True)` tells for which rows.
        """,
        changeable=True,
        idle=has_no_constraints,
    ),
    # -------------------------------------------------------------- training
    Parameter(
        "epochs",
        type="int | str",
        default="auto",
        rule=one_of("auto") | integer(1),
        kind='int or "auto"',
        doc="""
        Passes over the training data. "auto" is at least 30, and as many as make 500
        optimiser steps (1,500 with patches).
        """,
    ),
    Parameter(
        "batch_size",
        type="int",
        default=64,
        rule=integer(1),
        doc="Sequences or windows per optimiser step.",
    ),
    Parameter(
        "learning_rate",
        type="float",
        default=0.01,
        rule=real(0, ends="()"),
        doc="Learning rate at the start; see `lr_schedule`.",
        changeable=True,
    ),
    Parameter(
        "optimizer",
        type="str",
        default="adam",
        rule=one_of(*OPTIMIZERS),
        kind=braced(*OPTIMIZERS),
        doc="Optimiser; SGD has Nesterov momentum 0.9.",
    ),
    Parameter(
        "weight_decay",
        type="float",
        default=0.0,
        rule=real(0),
        doc="L2 penalty on the weights; decoupled from the gradient with `adamw`.",
    ),
    Parameter(
        "lr_schedule",
        type="str | None",
        default="cosine",
        rule=one_of(*SCHEDULES),
        kind="str or None",
        doc="""
        How the learning rate falls during training: "cosine" (to 1 % over all
        `epochs`), "plateau", "exponential" or "onecycle". None keeps it constant;
        `partial_fit` always does.
        """,
    ),
    Parameter(
        "clip_value",
        type="float | None",
        default=1.0,
        rule=NONE | real(0),
        doc="Gradients are clipped to this, see `clip_by`. None or 0 does not clip.",
        changeable=True,
    ),
    Parameter(
        "clip_by",
        type="str",
        default="norm",
        rule=one_of("norm", "value"),
        kind=braced("norm", "value"),
        doc="Whether to clip the joint norm of all gradients, or each element.",
        changeable=True,
    ),
    Parameter(
        "early_stopping",
        type="bool | str",
        default="auto",
        rule=one_of("auto") | BOOL,
        kind='bool or "auto"',
        doc="""
        Stop when the loss on a validation part no longer falls. "auto" does so with
        `X_val`, or with at least 200 training sequences.
        """,
    ),
    Parameter(
        "validation_fraction",
        type="float",
        default=0.1,
        rule=real(0, 1, ends="()"),
        doc="Share of the training data that `early_stopping` holds out.",
    ),
    Parameter(
        "n_iter_no_change",
        type="int | str",
        default="auto",
        rule=one_of("auto") | integer(1),
        kind='int or "auto"',
        doc="""
        Epochs without progress before training stops; "auto" is 20, and more where 20
        epochs are fewer than 250 optimiser steps.
        """,
    ),
    Parameter(
        "tol",
        type="float",
        default=0.0001,
        rule=real(0),
        doc="Smallest fall of the loss (rise of the score) that counts as progress.",
    ),
    Parameter(
        "scoring",
        type="str | Callable[..., SupportsFloat]",
        default="loss",
        rule=one_of("loss") | CALLABLE | SCORER_NAME,
        kind="str or callable",
        doc="""
        What is measured on the validation part to find the best weights and the time to
        stop: the loss, or a score by its name in `sklearn.metrics.get_scorer_names()`,
        such as "accuracy", "f1" or "roc_auc". A callable is called with an estimator
        whose `predict` returns the predictions of the validation part, with None in
        place of X, and with y. `partial_fit` does not use it.
        """,
    ),
    Parameter(
        "loss",
        type="str",
        default="auto",
        rule=one_of("auto") | name_in(LOSSES),
        doc="""
        "squared_error" ("auto"), "absolute_error", "huber" or "quantile" for
        regression, "cross_entropy" ("auto") for classification.
        """,
        built_from=True,
    ),
    Parameter(
        "quantile",
        type="float | list[float]",
        default=0.5,
        rule=LEVELS,
        kind="float or list of float",
        doc='With `loss="quantile"`: the level or levels to predict, between 0 and 1.',
        built_from=True,
        idle=has_another_loss,
    ),
    Parameter(
        "class_weight",
        type="dict[Any, Any] | str | None",
        default=None,
        rule=CLASS_WEIGHT,
        kind='dict or "balanced"',
        doc='Weight of each class; "balanced" gives all classes the same total weight.',
        idle=has_no_classes,
    ),
    # --------------------------------------------------------------- scaling
    Parameter(
        "scale",
        type="Any",
        default="standard",
        rule=one_of("standard", "minmax", "robust", "none", "sequence") | TRANSFORMER,
        kind='{"standard", "minmax", "robust", "none", "sequence"} or transformer',
        doc="""
        Scaling of the inputs, per column, fitted on the training part only. "sequence"
        is "standard", after which each column is standardised within each sequence (or
        window) too; the mean and the logarithm of the spread that it had there become
        further inputs. That needs the whole sequence: it is refused for targets per
        step and for carried streams.
        """,
        built_from=True,
    ),
    Parameter(
        "scale_target",
        type="bool",
        default=True,
        rule=BOOL,
        doc="Whether regression targets are standardised while training.",
        built_from=True,
    ),
    # ----------------------------------------------------------- how it runs
    Parameter(
        "backend",
        type="str",
        default="auto",
        rule=one_of(*BACKENDS),
        kind=braced(*BACKENDS),
        doc="""
        What computes the cells; `backend_` tells which one did. "native" is the fused C
        library for the CPU, which "auto" uses wherever it can.
        """,
        changeable=True,
    ),
    Parameter(
        "dtype",
        type="str",
        default="float32",
        rule=one_of(*DTYPES),
        kind=braced(*DTYPES),
        doc="Precision of the network.",
        built_from=True,
    ),
    Parameter(
        "device",
        type="str",
        default="auto",
        rule=DEVICE,
        doc="""
        "cpu", "cuda", "cuda:<number>" or "auto". "auto" is CUDA if there is a device,
        but the CPU for cells that have fused kernels on it.
        """,
        changeable=True,
    ),
    Parameter(
        "n_jobs",
        type="int | None",
        default=None,
        rule=N_JOBS,
        doc="Threads that check and prepare the data; results do not depend on them.",
        changeable=True,
    ),
    Parameter(
        "random_state",
        type="Any",
        default=None,
        kind="int, RandomState or None",
        doc="Seed of the weights, order of samples, dropout and validation part.",
    ),
    Parameter(
        "verbose",
        type="int | bool | str",
        default=0,
        rule=one_of("bar") | BOOL | integer(0),
        kind='int or "bar"',
        doc='1 prints a line per epoch, "bar" shows a progress bar (needs tqdm).',
    ),
    Parameter(
        "callback",
        type="Callable[[Epoch], Any] | None",
        default=None,
        rule=NONE | CALLABLE,
        kind="callable",
        doc="""
        Called after each epoch with an object that has `epoch`, `epochs`, `loss`,
        `validation_loss`, `validation_score` and `learning_rate`; returning True stops
        training.
        """,
    ),
    Parameter(
        "warm_start",
        type="bool",
        default=False,
        rule=BOOL,
        doc="""
        Whether `fit` goes on from the weights of the last fit, and keeps its scalers.
        """,
    ),
)
