"""Telling the caller how training goes: lines, a bar, callbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from LNN._among import Among, among
from LNN.exceptions import MissingDependencyError
from LNN.training.distributed import speaks_here
from LNN.training.loop import Epoch


class Reporter:
    """Reports each epoch: by a line, a progress bar, and to callbacks.

    Parameters
    ----------
    verbose : int or "bar"
        0 is silent, 1 prints a line per epoch, "bar" shows a tqdm progress bar.
    listeners : iterable of callable or None
        Each gets the `Epoch`; returning True stops training.
    epochs : int
    """

    def __init__(
        self,
        verbose: int | bool | str,
        listeners: Iterable[Callable[[Epoch], Any] | None],
        epochs: int,
    ):
        # Of processes that train together the first one speaks for all.
        verbose = verbose if speaks_here() else 0
        self.lines = verbose != "bar" and bool(verbose)
        self.listeners = [f for f in listeners if f is not None]
        self.bar = _bar(epochs) if verbose == "bar" else None

    def __call__(self, epoch: Epoch) -> bool:
        """Report one epoch; True if somebody wants to stop.

        Raises
        ------
        KeyboardInterrupt
            If this fit is one of several that are broken off.
        """
        mine = among()
        if self.lines:
            print(f"{_title(mine)}{_line(epoch)}")
        if self.bar is not None:
            self.bar.set_postfix_str(_losses(epoch))
            self.bar.update()
        answers = [listener(epoch) for listener in self.listeners]
        if mine is not None and mine.stopped.is_set():
            raise KeyboardInterrupt
        # Only a truth value stops (numpy's too): a callback may return what it likes.
        return any(isinstance(a, bool | np.bool_) and bool(a) for a in answers)

    def close(self) -> None:
        """Finish the bar."""
        if self.bar is not None:
            self.bar.close()


def _title(mine: Among | None) -> str:
    """Return what tells the lines of a fit from those of others beside it."""
    return f"{mine.name}: " if mine is not None and mine.name else ""


def _losses(epoch: Epoch) -> str:
    text = f"loss {epoch.loss:.6g}"
    if epoch.validation_loss is not None:
        text += f"  validation {epoch.validation_loss:.6g}"
    if epoch.validation_score is not None:
        text += f"  score {epoch.validation_score:.6g}"
    return text


def _line(epoch: Epoch) -> str:
    width = len(str(epoch.epochs))
    rate = f"learning rate {epoch.learning_rate:.3g}"
    return f"epoch {epoch.epoch:{width}d}/{epoch.epochs}  {_losses(epoch)}  {rate}"


def _bar(epochs: int) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise MissingDependencyError(
            'verbose="bar" needs tqdm. Install it with: pip install "LNN[progress]", '
            "or use verbose=1."
        ) from error
    name = _title(among()).removesuffix(": ")
    return tqdm(total=epochs, unit="epoch", **({"desc": name} if name else {}))
