"""Which plan a cell has, made once for its settings."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from LNN.cells import CfCCell, LTCCell, WiredCfCCell
from LNN.cells.base import Cell
from LNN.cells.ltc import Synapses
from LNN.kernels.cuda.dealing import MOST_THREADS
from LNN.kernels.cuda.ltc import SOLVERS, LTCPlan
from LNN.kernels.cuda.plan import Plan
from LNN.kernels.cuda.wired import WiredPlan

# What runs on the torch cell even on a GPU with kernels, for `show_versions`.
LIMITS = {
    'solver="explicit" or "rk4"': "only the other solvers are fused",
    "CfC with a backbone": "it has no kernel yet",
    "mixed memory": "it has no kernel yet",
    f"more than {MOST_THREADS} neurons": "a block of threads has no more",
    "float16 and bfloat16, autocast": "the kernels compute in float32 and float64",
    "second derivatives, torch.func, forward mode": "only one backward pass is fused",
    "torch.compile, torch.export, torch.jit.trace": "they see torch's operators only",
    "hooks of a cell's parts, subclassed cells": "their equations are the user's own",
    "AMD and Apple GPUs": "the kernels are CUDA C for NVIDIA's",
}
_plans: WeakKeyDictionary[Cell, tuple[tuple, Plan | None]] = WeakKeyDictionary()


def plan_of(cell: Cell) -> Plan | None:
    """Return a cell's plan; None if there are no kernels for it as it is set now."""
    settings = _settings(cell)
    known = _plans.get(cell)
    if known is None or known[0] != settings:
        known = (settings, _make(cell))
        _plans[cell] = known
    return known[1]


def _settings(cell: Cell) -> tuple:
    """Return what may be changed on a cell, and changes what runs."""
    if type(cell) is LTCCell:
        # Modules by identity: any of them may be replaced by one of other synapses.
        kinds = [cell.sensory, cell.recurrent]
        indices = [getattr(kind, "index", None) for kind in kinds]
        return cell.solver, cell.ode_unfolds, *kinds, *indices
    if type(cell) is CfCCell:
        return cell.mode, len(cell.backbone)
    return (getattr(cell, "mode", None),)


def has_dropout(cell: Cell) -> bool:
    """Tell whether the cell would draw random numbers now."""
    return type(cell) is CfCCell and cell.dropout.p > 0 and cell.dropout.training


def _make(cell: Cell) -> Plan | None:
    # By exact type: a subclass may have other equations.
    if cell.state_size > MOST_THREADS:
        return None
    if type(cell) is LTCCell:
        return LTCPlan(cell) if _is_fused(cell) else None
    if type(cell) is WiredCfCCell:
        return WiredPlan(cell)
    if type(cell) is CfCCell and not len(cell.backbone):
        return WiredPlan(cell)
    return None


def _is_fused(cell: LTCCell) -> bool:
    return (
        cell.solver in SOLVERS
        and cell.ode_unfolds >= 1
        and type(cell.recurrent) is Synapses
    )
