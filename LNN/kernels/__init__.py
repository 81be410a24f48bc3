"""Running a cell over whole sequences; nothing outside knows which backend does it.

A backend is a folder or a module here that implements `backend.Backend`, and an entry
in `dispatch.REGISTRY`. `torch_loop` is the oracle that the others must equal; `native/`
is a C library that computes a whole pass in one call.
"""

from LNN.kernels.backend import (
    AdamRule,
    Epochs,
    Losses,
    Resident,
    ResidentTrainer,
    SampleTable,
    Stepper,
    Together,
    Trained,
    Trainer,
)
from LNN.kernels.dispatch import (
    BACKENDS,
    backend_for,
    prepare,
    resident_trainer_for,
    resolve_backend,
    run,
    stepper_for,
    trainer_for,
)

__all__ = [
    "BACKENDS",
    "AdamRule",
    "Epochs",
    "Losses",
    "Resident",
    "ResidentTrainer",
    "SampleTable",
    "Stepper",
    "Together",
    "Trained",
    "Trainer",
    "backend_for",
    "prepare",
    "resident_trainer_for",
    "resolve_backend",
    "run",
    "stepper_for",
    "trainer_for",
]
