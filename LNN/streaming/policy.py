"""`LiquidPolicy`: a fitted model that acts in an environment, call by call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from LNN._typing import Row
from LNN.estimators.fitted import last_step
from LNN.exceptions import InvalidInputError
from LNN.streaming.pipeline import PipelineStream
from LNN.streaming.stream import LiquidStream

__all__ = ["LiquidPolicy"]


class LiquidPolicy:
    """Acts in a closed loop: takes an observation and the time since the last one.

    The state is carried from call to call. A model of classes gives their labels
    (discrete actions), a regression gives numbers (continuous actions). Nothing of
    gymnasium is needed: any environment that gives observations will do.

    Parameters
    ----------
    fitted : fitted estimator, Pipeline that ends in one, or FittedModel
        A Pipeline such as `PipelineStream` takes.
    n : int, default=None
        Number of episodes that are played together; observations are (n, n_features)
        then, and actions have an axis more.
    mode : {"window", "carry"}, default="window"
        As in `LiquidStream`. It makes a difference for models of windows only.
    safety : callable, default=None
        Called as `safety(actions, context)` before actions leave, whether a frame
        arrived or not; returns the actions to take, or a tuple that begins with them,
        such as `LNN.safety.SafeOutput` returns. Numbers come as (n, n_targets), labels
        as (n,). A torch module is given float64 tensors, a function arrays.

    Attributes
    ----------
    stream : LiquidStream
        What holds the state.
    report : Any
        What `safety` said beside the actions in the last call, if it did.

    See Also
    --------
    LiquidStream : The same without an environment: predictions row by row.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.streaming import LiquidPolicy
    >>> positions = np.random.default_rng(0).normal(size=(20, 30, 1)).cumsum(axis=1)
    >>> forces = -positions[..., 0]  # what an expert did
    >>> clone = LiquidRegressor(8, return_sequences=True, epochs=5, random_state=0)
    >>> clone = clone.fit(positions, forces)
    >>> policy = LiquidPolicy(clone)
    >>> action = policy.act([0.3])
    >>> same = policy.act(None)  # a frame was lost: the action is held
    >>> bool(action == same)
    True
    >>> action = policy.act([0.2], dt=1.0)  # the model is told that 2 units went by
    """

    def __init__(
        self,
        fitted: Any,
        n: int | None = None,
        *,
        mode: str = "window",
        safety: Callable[[Any, Mapping[str, Any]], Any] | None = None,
    ):
        if safety is not None and not callable(safety):
            raise InvalidInputError(
                "Expected safety as a function or module of (actions, context), got "
                f"{type(safety).__name__}."
            )
        piped = last_step(fitted) is not fitted
        self.stream: LiquidStream = (PipelineStream if piped else LiquidStream)(
            fitted, mode, n
        )
        self.n, self.safety, self.report = n, safety, None
        self._count = 1 if n is None else n
        # Time that went by without a frame.
        self._waited = np.zeros(self._count)
        self._acted = np.zeros(self._count, dtype=bool)
        self._wanted: NDArray | None = None  # before safety, one per episode
        self._taken: NDArray | None = None

    def act(
        self,
        observation: Row | None,
        dt: float | ArrayLike | None = None,
        *,
        arrived: ArrayLike | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the action to take now.

        Parameters
        ----------
        observation : array-like of shape (n_features,), Series or dict, or None
            Laid out as a row of X in `fit`; with `n` episodes (n, n_features). None if
            no frame arrived: the last action is held, and the time that goes by is
            added to what the next frame's is.
        dt : float or array-like of shape (n,), default=None
            Time since the last call: seconds for models fitted on datetimes, the time
            stamps' own unit for numbers, steps for models fitted without time. None is
            one unit, the period of control in training, where that was constant. The
            first call after a reset counts one unit whatever is given.
        arrived : array-like of bool, shape (n,), default=None
            With `n` episodes: in which a frame arrived. Rows of others are not read.
        context : mapping of str, default=None
            More for `safety`, the environment's state for instance. `previous`, the
            actions of the call before (NaN where there are none), and `elapsed`, the
            time since then, are in it unless you pass them.

        Returns
        -------
        float, label or ndarray
            What `predict` gives for one row; with `n` episodes, for n.

        Raises
        ------
        InvalidInputError
            If the first frame of an episode is lost, if time is missing or negative,
            or as `LiquidStream.step`; the policy then stands where it stood. If
            `safety` returns actions of another shape.
        """
        seen = self._seen(observation, arrived)
        elapsed = self._elapsed(dt)
        gaps = self._waited + elapsed
        if seen.any():
            self._answer(observation, gaps, seen)
        fresh = ~self._acted
        self._waited = np.where(seen, 0.0, gaps)
        self._acted |= seen
        self._taken = self._safe(elapsed, fresh, context or {})
        return self._taken[0] if self.n is None else self._taken.copy()

    def reset(self, which: ArrayLike | None = None) -> LiquidPolicy:
        """Begin new episodes.

        Parameters
        ----------
        which : array-like of int or bool, default=None
            Episodes that begin anew; None is all.

        Returns
        -------
        self
        """
        self.stream.reset(which)
        chosen = slice(None) if which is None else np.asarray(which)
        if isinstance(chosen, np.ndarray) and not chosen.size:
            return self
        self._acted[chosen], self._waited[chosen] = False, 0.0
        return self

    def _seen(self, observation: Any, arrived: Any) -> NDArray[np.bool_]:
        """Return in which episodes a frame arrived."""
        seen = np.full(self._count, observation is not None)
        if arrived is not None:
            given = np.asarray(arrived)
            if self.n is None or given.dtype.kind != "b" or given.shape != seen.shape:
                raise InvalidInputError(
                    "Expected arrived as booleans, one for each of n episodes, got "
                    f"{arrived!r} with n={self.n}. For a single episode pass None as "
                    "the observation where no frame arrived."
                )
            seen &= given
        late = ~(seen | self._acted)
        if late.any():
            which = "" if self.n is None else f" of episode {int(np.argmax(late))}"
            raise InvalidInputError(
                f"Expected an observation in the first call{which}, got none: there is "
                "no action yet that could be held. Pass what reset of the environment "
                "returned."
            )
        return seen

    def _elapsed(self, dt: Any) -> NDArray[np.float64]:
        """Return the time since the last call in each episode."""
        clock = self.stream.model.clock
        if dt is None:
            if not clock.regular and self._acted.any():
                raise InvalidInputError(
                    f"{self.stream.model.owner} was fitted on irregular time stamps, "
                    "but this call comes without time. Pass dt=, the time since the "
                    "last call."
                )
            dt = clock.unit
        try:
            elapsed = np.asarray(dt, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"Expected dt as a number or one per episode, got {dt!r}: {error}."
            ) from error
        if elapsed.shape not in ((), (self._count,)):
            raise InvalidInputError(
                f"Expected dt as a number or one for each of {self._count} episodes, "
                f"got shape {elapsed.shape}."
            )
        if not (np.isfinite(elapsed) & (elapsed >= 0)).all():
            raise InvalidInputError(
                f"Expected dt, the time since the last call, finite and >= 0, got {dt}."
            )
        return np.broadcast_to(elapsed, (self._count,))

    def _answer(self, observation: Any, gaps: NDArray, seen: NDArray) -> None:
        """Step the episodes in which a frame arrived; those of others stay."""
        stream = self.stream
        # Rows that are independent of each other have no time between them.
        timeless = stream.model.layout.timeless
        if seen.all():
            dt = gaps.item() if self._count == 1 else gaps
            actions = stream.step(observation, dt=None if timeless else dt)
            self._wanted = np.asarray(actions if self.n is not None else [actions])
            return
        one = int(np.argmax(seen))
        before = stream.state
        # What the others wait for is not walked yet.
        gaps = np.where(seen, gaps, gaps[one])
        rows = _with_rows_of(observation, one, ~seen)
        actions = np.asarray(stream.step(rows, dt=None if timeless else gaps))
        after: dict[str, Any] = stream.state
        for name, held in before.items():
            if held.shape[:1] == seen.shape and name in after:
                after[name][~seen] = held[~seen]
        stream.state = after
        if self._wanted is not None:
            actions[~seen] = self._wanted[~seen]
        self._wanted = actions

    def _safe(
        self, elapsed: NDArray, fresh: NDArray[np.bool_], context: Mapping[str, Any]
    ) -> NDArray:
        """Return what safety lets through."""
        wanted = np.asarray(self._wanted)
        shape = wanted.shape
        if self.safety is None:
            return wanted
        known: dict[str, Any] = {"elapsed": elapsed, **context}
        if self.stream.model.targets.classes is None:
            wanted = wanted.reshape(self._count, -1).astype(np.float64)
            before = (
                wanted if self._taken is None else self._taken.reshape(wanted.shape)
            )
            known.setdefault("previous", np.where(fresh[:, None], np.nan, before))
        safe, self.report = _call(self.safety, wanted, known)
        if safe.shape != wanted.shape:
            raise InvalidInputError(
                f"Expected safety to return actions of shape {wanted.shape}, got "
                f"{safe.shape}."
            )
        return safe.reshape(shape)


def _with_rows_of(observation: Any, one: int, where: NDArray[np.bool_]) -> Any:
    """Return rows in which some are those of one episode: they have to be readable."""
    rows = observation.copy() if hasattr(observation, "iloc") else np.array(observation)
    table = rows.iloc if hasattr(rows, "iloc") else rows
    table[where] = np.asarray(table[[one]])
    return rows


def _call(
    safety: Callable[[Any, Mapping[str, Any]], Any],
    actions: NDArray,
    context: Mapping[str, Any],
) -> tuple[NDArray, Any]:
    """Return the actions that safety lets through, and what it says of them."""
    if isinstance(safety, nn.Module):
        numbers = {name: _as_tensor(value) for name, value in context.items()}
        with torch.no_grad():
            answer = safety(_as_tensor(actions), numbers)
    else:
        answer = safety(actions, context)
    safe, *more = answer if isinstance(answer, tuple) else (answer,)
    return np.asarray(safe), more[0] if len(more) == 1 else more or None


def _as_tensor(value: Any) -> Any:
    return torch.tensor(value) if isinstance(value, np.ndarray) else value
