"""Fits that run side by side take their epochs together: one launch for all of them.

Each fit runs in a thread of its own (`LNN.fit_many`) and knows nothing of the others.
Where its epoch would begin, it comes to a meeting; the last of those that train the
same structure launches for all. What a model gets does not depend on who else is there:
the kernels compute each as if it were alone.
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

# Nobody waits for longer than this, in seconds, and not a second time for the same fit:
# one that never comes (its callback may wait for another fit) holds up nobody for good.
PATIENCE = 10.0


@dataclass(eq=False)
class Member:
    """One of the fits that meet.

    Attributes
    ----------
    trainer : ResidentTrainer
        Those of one kind go together.
    changed : list of Tensor
        All that its steps change.
    """

    trainer: ResidentTrainer
    changed: list[Tensor]


@dataclass(eq=False)
class _Arrival:
    """A member that has come with an epoch of so many batches."""

    member: Member
    n_batches: int
    taken: bool = False
    done: bool = False
    error: BaseException | None = None
    result: tuple[int, str] = (1, "")


@dataclass(eq=False)
class _Group:
    """The members that train one structure, and those of them that have come.

    Attributes
    ----------
    threads : dict from Member to int
        The thread of each.
    slow : set of Member
        For whom the others have waited in vain.
    waiting : list of _Arrival
    lockstep : Lockstep or None
        What took their last epoch; None while it takes one.
    """

    threads: dict[Member, int] = field(default_factory=dict)
    slow: set[Member] = field(default_factory=set)
    waiting: list[_Arrival] = field(default_factory=list)
    lockstep: Lockstep | None = None

    def missing(self) -> set[Member]:
        """Return those that have not come, and may be waited for."""
        return set(self.threads) - self.slow - {a.member for a in self.waiting}

    def take(self) -> list[_Arrival]:
        """Take those that have come, in the order in which all have joined."""
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
        """Let the others of its kind wait for a fit from now on, until it leaves.

        False for a fit within a fit of the same thread: the two would wait for each
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
        """Let nobody wait for a fit any longer."""
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
        """Take all batches of an epoch, with those of others that come in time.

        Returns
        -------
        n_fits : int
            As many were together.
        fault : str
            Why their steps are not replayed as a graph; empty if they are.

        Raises
        ------
        BaseException
            What the launches raised, in each fit that was to take part.
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
        """Wait until another one leads, or return those whom this one is to lead."""
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
        """Wait no longer, unless another one has begun to change this fit."""
        with self._changed:
            if arrival.taken:
                self._changed.wait_for(lambda: arrival.done)
            else:
                group = self._groups[arrival.member.trainer.kind]
                group.waiting.remove(arrival)

    def _lead(self, own: _Arrival, arrivals: list[_Arrival]) -> None:
        with self._changed:
            group = self._groups[own.member.trainer.kind]
            # Another one may lead others meanwhile, who came too late for this.
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
    """Takes the steps of some fits together.

    Parameters
    ----------
    members : list of Member
        Of one kind.
    """

    def __init__(self, members: list[Member]):
        self._members = members
        trainers = [member.trainer for member in members]
        self._together: Together = trainers[0].together(trainers)
        self._run: graphs.Run | None = None
        self._fault = ""

    def suits(self, members: list[Member]) -> bool:
        """Tell whether these fits are most of those that this was made for.

        The others cost little while they do nothing, less than a new graph.
        """
        known = set(members) <= set(self._members)
        return known and 2 * len(members) > len(self._members)

    def epoch(self, members: list[Member], n_batches: int) -> str:
        """Take an epoch; return why its steps are not replayed as a graph."""
        self._together.choose([member in members for member in self._members])
        begin = 0
        if self._run is None:
            changed = [tensor for each in self._members for tensor in each.changed]
            step, device = self._together.step, changed[0].device
            self._run, self._fault = graphs.recorded(step, changed, device)
            begin = 1  # the first is taken by now
        for _ in range(begin, n_batches):
            self._run()
        return self._fault


def meeting_here() -> Meeting | None:
    """Return where the fit that runs here may meet others; None if it is alone."""
    mine = among()
    if mine is None or mine.shared is None:
        return None
    return mine.shared.once("meeting", "meeting", None, Meeting)
