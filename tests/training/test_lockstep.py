"""Fits that take their epochs together: who waits for whom, and who does not.

A recorder stands for the device; the kernels are in tests/kernels/cuda.
"""

import threading
import time
from dataclasses import dataclass, field

import pytest
import torch

from LNN._among import Among, Shared, taking_part
from LNN.training import graphs, lockstep
from LNN.training.lockstep import Meeting, Member, meeting_here


@dataclass
class Together:
    """Counts the steps of several trainers."""

    trainers: list
    log: list

    def choose(self, present):
        self.present = list(present)
        self.log.append([t.name for t, here in self.here() if here])

    def here(self):
        return zip(self.trainers, self.present, strict=True)

    def step(self):
        for trainer, here in self.here():
            if here and trainer.fails:
                raise RuntimeError("the device is gone")
            trainer.steps.add_(int(here))


@dataclass(eq=False)
class Trainer:
    """Stands for what trains one model."""

    name: str
    log: list
    kind: str = "a structure"
    fails: bool = False
    made: list = field(default_factory=list)
    steps: torch.Tensor = field(default_factory=lambda: torch.zeros(1))

    def together(self, trainers):
        self.made.append(len(trainers))
        return Together(trainers, self.log)


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch):
    """A call stands for a recorded graph, and nobody waits for long in vain."""
    monkeypatch.setitem(graphs.RECORDERS, "cpu", lambda run, device: run)
    monkeypatch.setattr(lockstep, "PATIENCE", 30.0)


@pytest.fixture
def meeting():
    return Meeting()


def member(name, log, **how):
    trainer = Trainer(name, log, **how)
    return Member(trainer, [trainer.steps])


def run_all(meeting, members, work):
    """Run `work` for each member in a thread of its own, once all have joined."""
    joined = threading.Barrier(len(members))
    errors = []

    def run(each):
        assert meeting.join(each)
        joined.wait()
        try:
            work(each)
        except BaseException as error:
            errors.append((each.trainer.name, error))
        finally:
            meeting.leave(each)

    threads = [threading.Thread(target=run, args=(each,)) for each in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
        assert not thread.is_alive()
    assert not meeting._groups
    return errors


def test__meeting__all_come__one_launch_for_all(meeting):
    log = []
    members = [member(name, log) for name in "abc"]
    sizes = {"a": 4, "b": 4, "c": 3}

    def work(each):
        for _ in range(2):
            assert meeting.epoch(each, sizes[each.trainer.name]) == (3, "")

    assert not run_all(meeting, members, work)
    assert [sorted(names) for names in log] == [["a", "b", "c"]] * 2
    # As many as the one with most batches has: the device knows who has had all.
    assert [float(each.trainer.steps) for each in members] == [8, 8, 8]
    assert sum((each.trainer.made for each in members), []) == [3]


def test__meeting__other_structures__do_not_meet(meeting):
    log = []
    members = [member(name, log, kind=name) for name in "ab"]

    def work(each):
        assert meeting.epoch(each, 1) == (1, "")

    assert not run_all(meeting, members, work)
    assert sorted(log) == [["a"], ["b"]]


def test__meeting__one_is_over_before_the_others__they_go_on(meeting):
    log = []
    epochs = {"a": 1, "b": 5, "c": 3, "d": 5}
    members = [member(name, log) for name in epochs]

    def work(each):
        for _ in range(epochs[each.trainer.name]):
            meeting.epoch(each, 2)

    assert not run_all(meeting, members, work)
    together = ["abcd", "bcd", "bcd", "bd", "bd"]
    assert ["".join(sorted(names)) for names in log] == together
    assert [float(each.trainer.steps) for each in members] == [2, 10, 6, 10]
    # A new graph only where half of those that the old one was made for are gone.
    assert sorted(sum((each.trainer.made for each in members), [])) == [2, 4]


def test__meeting__launch_fails__each_of_them_is_told(meeting):
    log = []
    members = [member("a", log), member("b", log, fails=True), member("c", log)]
    members.append(member("d", log, kind="other"))

    def work(each):
        meeting.epoch(each, 2)

    errors = run_all(meeting, members, work)
    assert sorted(name for name, _ in errors) == ["a", "b", "c"]
    assert all("the device is gone" in str(error) for _, error in errors)
    assert float(members[3].trainer.steps) == 2


def test__meeting__one_fails_elsewhere__the_others_go_on(meeting):
    log = []
    members = [member(name, log) for name in "ab"]

    def work(each):
        meeting.epoch(each, 1)
        if each.trainer.name == "a":
            raise ValueError("in a callback")
        meeting.epoch(each, 1)

    assert [name for name, _ in run_all(meeting, members, work)] == ["a"]
    assert log[1:] == [["b"]]


def test__meeting__one_never_comes__the_others_wait_for_so_long_only(
    meeting, monkeypatch
):
    monkeypatch.setattr(lockstep, "PATIENCE", 0.2)
    log, over = [], threading.Event()
    members = [member(name, log) for name in "ab"]

    def work(each):
        if each.trainer.name == "a":  # waits for the other, as a callback may
            assert over.wait(30)
            return
        begin = time.monotonic()
        meeting.epoch(each, 1)
        assert time.monotonic() - begin >= 0.2
        monkeypatch.setattr(lockstep, "PATIENCE", 50.0)
        meeting.epoch(each, 1)  # and once only
        over.set()

    assert not run_all(meeting, members, work)
    assert log == [["b"], ["b"]]


@pytest.mark.parametrize("taken", [False, True])
def test__meeting__interrupted_while_it_waits__leaves_nothing_behind(
    taken, meeting, monkeypatch
):
    log = []
    members = [member(name, log) for name in "ab"]
    first, second = members
    wait, ready = meeting._changed.wait, threading.Event()

    def interrupted(timeout=None):
        if threading.current_thread().name == "first" and not ready.is_set():
            ready.set()
            if taken:  # the other one leads it meanwhile
                wait(timeout)
            raise KeyboardInterrupt
        return wait(timeout)

    monkeypatch.setattr(meeting._changed, "wait", interrupted)

    def run(each, before):
        before()
        try:
            meeting.epoch(each, 1)
        except KeyboardInterrupt:
            stopped.append(each.trainer.name)
        finally:
            meeting.leave(each)

    stopped = []
    threads = [
        threading.Thread(target=run, args=(first, lambda: None), name="first"),
        threading.Thread(target=run, args=(second, lambda: ready.wait(30))),
    ]
    assert meeting.join(first)
    meeting._groups["a structure"].threads[second] = -1
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert stopped == ["a"]
    assert float(first.trainer.steps) == taken
    assert log[-1] == (["a", "b"] if taken else ["b"])
    assert not meeting._groups


def test__meeting__fit_within_a_fit__goes_alone(meeting):
    outer, inner = member("outer", []), member("inner", [])
    assert meeting.join(outer)
    assert not meeting.join(inner)
    meeting.leave(inner)  # it has never come
    meeting.leave(outer)
    meeting.leave(outer)
    assert meeting.join(inner)


def test__meeting__graph_that_cannot_be_recorded__is_told(meeting, monkeypatch):
    def refuse(run, device):
        raise RuntimeError("not while capturing")

    monkeypatch.setitem(graphs.RECORDERS, "cpu", refuse)
    log = []
    members = [member(name, log) for name in "ab"]

    def work(each):
        n_fits, fault = meeting.epoch(each, 3)
        assert n_fits == 2
        assert "not while capturing" in fault

    assert not run_all(meeting, members, work)
    assert [float(each.trainer.steps) for each in members] == [3, 3]


def test__meeting_here__is_that_of_the_fits_beside():
    assert meeting_here() is None
    with taking_part(Among()):
        assert meeting_here() is None
    shared = Shared()
    with taking_part(Among(name="one", shared=shared)):
        found = meeting_here()
    with taking_part(Among(name="other", shared=shared)):
        assert meeting_here() is found
    assert isinstance(found, Meeting)
