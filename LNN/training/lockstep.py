"""Fits that run side by side take their epochs together: one launch for all of them.

Each fit runs in a thread of its own (`LNN.fit_many`) and knows nothing of the others.
Before each epoch it comes to a `Meeting`. There the fits that train the same structure
wait for each other, and the last one to come takes the epoch of all of them. What a
model learns does not depend on who else is there: the kernels compute each model as if
it were alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass, field

from torch import Tensor

from LNN._among import among
from LNN.kernels import ResidentTrainer, Together
from LNN.training import graphs

# The longest time that fits wait for the others, in seconds. They wait in vain for a
# fit only once: its callback may itself wait for another fit, and it never comes then.
PATIENCE = 10.0


@dataclass(eq=False)
class Member:
    """One of the fits that meet.

    Attributes
    ----------
    trainer : ResidentTrainer
        Fits whose trainers have the same `kind` take their epochs together.
    changed : list of Tensor
        All that a step of this fit changes.
    """

    trainer: ResidentTrainer
    changed: list[Tensor]


@dataclass(eq=False)
class _Arrival:
    """A member that has come to have an epoch of `n_batches` taken.

    Attributes
    ----------
    taken : bool
        Whether the fit that leads has begun with it, so that it can no longer leave.
    done : bool
        Whether the epoch is over, with `error` or `result`.
    error : BaseException or None
        What the launches raised.
    result : (int, str)
        What `Meeting.epoch` returns.
    """

    member: Member
    n_batches: int
    taken: bool = False
    done: bool = False
    error: BaseException | None = None
    result: tuple[int, str] = (1, "")


@dataclass(eq=False)
class _Group:
    """The members that train one structure, and those of them that wait.

    Attributes
    ----------
    threads : dict from Member to int
        All members, and the thread that each runs in.
    slow : set of Member
        Those that the others have once waited for in vain.
    waiting : list of _Arrival
        Those whose epoch has not begun.
    lockstep : Lockstep or None
        What took the last epoch, kept for the next; None while it is at work.
    """

    threads: dict[Member, int] = field(default_factory=dict)
    slow: set[Member] = field(default_factory=set)
    waiting: list[_Arrival] = field(default_factory=list)
    lockstep: Lockstep | None = None

    def missing(self) -> set[Member]:
        """Return the members to wait for: those not here yet that are not slow."""
        return set(self.threads) - self.slow - {a.member for a in self.waiting}

    def take(self) -> list[_Arrival]:
        """Return those that wait, in the order of joining; they wait no longer."""
        order = {member: k for k, member in enumerate(self.threads)}
        arrivals = sorted(self.waiting, key=lambda a: order[a.member])
        self.waiting = []
        for arrival in arrivals:
            arrival.taken = True
        return arrivals


class Meeting:
    """Where fits that run side by side find each other."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._groups: dict[Hashable, _Group] = {}

    def join(self, member: Member) -> bool:
        """Add a fit: others of its kind wait for it from now on, until it leaves.

        Returns
        -------
        bool
            False if it was not added, because a fit of this same thread is a member:
            this one runs inside that one (in a callback), and neither can wait for the
            other.
        """
        mine = threading.get_ident()
        with self._changed:
            if any(mine in group.threads.values() for group in self._groups.values()):
                return False
            group = self._groups.setdefault(member.trainer.kind, _Group())
            group.threads[member] = mine
            return True

    def leave(self, member: Member) -> None:
        """Remove a fit, so that no other waits for it any longer."""
        kind = member.trainer.kind
        with self._changed:
            group = self._groups.get(kind)
            if group is None or member not in group.threads:
                return
            del group.threads[member]
            if not group.threads:
                del self._groups[kind]  # and all memory of its steps
            self._changed.notify_all()

    def epoch(self, member: Member, n_batches: int) -> tuple[int, str]:
        """Take all batches of an epoch, together with other fits that come in time.

        Returns
        -------
        n_fits : int
            How many fits took it together, this one included.
        fault : str
            Why their steps are not replayed as a graph; empty if they are.

        Raises
        ------
        BaseException
            What the launches raised, whichever of the fits started them.
        """
        arrival = _Arrival(member, n_batches)
        try:
            leads = self._await_turn(arrival)
        except BaseException:  # Ctrl-C
            self._give_up(arrival)
            raise
        if leads:
            self._lead(arrival, leads)
        else:
            with self._changed:
                self._changed.wait_for(lambda: arrival.done)
        if arrival.error is not None:
            raise arrival.error
        return arrival.result

    def _await_turn(self, arrival: _Arrival) -> list[_Arrival]:
        """Wait for the others, or until another fit has taken this one along.

        Returns
        -------
        list of _Arrival
            The fits that this one is to lead, itself among them; empty if another fit
            leads.
        """
        until = time.monotonic() + PATIENCE
        with self._changed:
            group = self._groups[arrival.member.trainer.kind]
            group.waiting.append(arrival)
            while not arrival.taken:
                left, missing = until - time.monotonic(), group.missing()
                if not missing or left <= 0:
                    group.slow |= missing
                    return group.take()
                self._changed.wait(left)
        return []

    def _give_up(self, arrival: _Arrival) -> None:
        """Stop waiting; if the epoch has begun, only when it is over."""
        with self._changed:
            if arrival.taken:
                self._changed.wait_for(lambda: arrival.done)
            else:
                group = self._groups[arrival.member.trainer.kind]
                group.waiting.remove(arrival)

    def _lead(self, own: _Arrival, arrivals: list[_Arrival]) -> None:
        """Take the epoch of all these fits, and tell each how it went."""
        with self._changed:
            group = self._groups[own.member.trainer.kind]
            # Taken out: fits that come too late for this epoch may begin one meanwhile.
            lockstep, group.lockstep = group.lockstep, None
        error: BaseException | None = None
        try:
            members = [arrival.member for arrival in arrivals]
            if lockstep is None or not lockstep.suits(members):
                lockstep = Lockstep(members)
            n_batches = [arrival.n_batches for arrival in arrivals]
            fault = lockstep.epoch(members, max(n_batches))
        except BaseException as raised:
            error, fault, lockstep = raised, "", None
        with self._changed:
            group.lockstep = lockstep
            for arrival in arrivals:
                arrival.error, arrival.done = error, True
                arrival.result = len(arrivals), fault
            self._changed.notify_all()


class Lockstep:
    """Takes the steps of several fits together.

    Parameters
    ----------
    members : list of Member
        Fits whose trainers have the same `kind`.
    """

    def __init__(self, members: list[Member]):
        self._members = members
        trainers = [member.trainer for member in members]
        self._together: Together = trainers[0].together(trainers)
        self._run: graphs.Run | None = None
        self._fault = ""

    def suits(self, members: list[Member]) -> bool:
        """Tell whether this can take the steps of these fits, and is not too large.

        It can if it was made for them and others. If these are more than half of all,
        the others, which do nothing, cost less than a new graph would.
        """
        known = set(members) <= set(self._members)
        return known and 2 * len(members) > len(self._members)

    def epoch(self, members: list[Member], n_batches: int) -> str:
        """Take an epoch; return as `Meeting.epoch` why there is no graph."""
        self._together.choose([member in members for member in self._members])
        begin = 0
        if self._run is None:
            changed = [tensor for each in self._members for tensor in each.changed]
            step, device = self._together.step, changed[0].device
            self._run, self._fault = graphs.recorded(step, changed, device)
            begin = 1  # recording has taken the first step
        for _ in range(begin, n_batches):
            self._run()
        return self._fault


def meeting_here() -> Meeting | None:
    """Return where the fit of this thread may meet others; None if it is alone."""
    mine = among()
    if mine is None or mine.shared is None:
        return None
    return mine.shared.once("meeting", "meeting", None, Meeting)
