"""Forked processes: torch's threads do not come along, and waiting for them hangs."""

from __future__ import annotations

import functools
import os

import torch

__all__ = ["prepare_for_fork"]


def prepare_for_fork() -> None:
    """Let processes that are forked from this one compute on one thread.

    To be called where torch may start threads. The threads of a process are not copied
    by a fork, and OpenMP in the child waits for them for ever.
    """
    if torch.get_num_threads() > 1:
        _register()


# Once per process: Python cannot take such a function back, and every fit asks for it.
@functools.cache
def _register() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_use_one_thread)


def _use_one_thread() -> None:
    if torch.get_num_threads() > 1:
        torch.set_num_threads(1)
