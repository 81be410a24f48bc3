"""Which plan a cell has, made once for its settings."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch

from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.cells.base import Cell
from LNN.cells.ltc import Synapses
from LNN.kernels.cuda.backbone import BackbonePlan, is_affine, is_plain
from LNN.kernels.cuda.dealing import MOST_THREADS
from LNN.kernels.cuda.ltc import SOLVERS, LTCPlan
from LNN.kernels.cuda.memory import MemoryPlan, order_of
from LNN.kernels.cuda.plan import Plan
from LNN.kernels.cuda.wired import WiredPlan

# What the threads of a block share without asking for more, on every GPU.
SHARED = 48 * 1024
# What runs on the torch cell even on a GPU with kernels, for `show_versions`.
LIMITS = {
    'solver="explicit" or "rk4"': "only the other solvers are fused",
    "backbone_dropout > 0 while training": "its random numbers are torch's",
    "a CfC whose layers are too wide": "a step's features must fit a block's memory, "
    f"{SHARED // 1024} KB: in float32, 5,800 units for 128 neurons, for example",
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
    if type(cell) is MixedMemoryCell:
        return cell.cell, cell.input_map, *_settings(cell.cell)
    if type(cell) is LTCCell:
        # Modules by identity: any of them may be replaced by one of other synapses.
        kinds = [cell.sensory, cell.recurrent]
        indices = [getattr(kind, "index", None) for kind in kinds]
        return cell.solver, cell.ode_unfolds, *kinds, *indices
    if type(cell) is CfCCell:
        return cell.mode, cell.backbone_activation, *cell.backbone
    return (getattr(cell, "mode", None),)


def fits(plan: Plan, dtype: torch.dtype) -> bool:
    """Tell whether a block's shared memory holds what a step needs."""
    return plan.n_shared * dtype.itemsize <= SHARED


def has_dropout(cell: Cell) -> bool:
    """Tell whether the cell would draw random numbers now."""
    inner = cell.cell if type(cell) is MixedMemoryCell else cell
    return type(inner) is CfCCell and inner.dropout.p > 0 and inner.dropout.training


def _make(cell: Cell) -> Plan | None:
    # By exact type: a subclass may have other equations.
    if type(cell) is MixedMemoryCell:
        return _with_memory(cell)
    if cell.state_size > MOST_THREADS:
        return None
    if type(cell) is LTCCell:
        return LTCPlan(cell) if _is_fused(cell) else None
    if type(cell) is WiredCfCCell:
        return WiredPlan(cell)
    if type(cell) is CfCCell and not len(cell.backbone):
        return WiredPlan(cell)
    if type(cell) is CfCCell and is_plain(cell):
        return BackbonePlan(cell)
    return None


def _with_memory(cell: MixedMemoryCell) -> Plan | None:
    # Not the inner cell's own plan: this one changes what the inner kernels do.
    inner = _make(cell.cell)
    if inner is None or not is_affine(cell.input_map):
        return None
    return MemoryPlan(inner, order_of(cell.cell))


def _is_fused(cell: LTCCell) -> bool:
    return (
        cell.solver in SOLVERS
        and cell.ode_unfolds >= 1
        and type(cell.recurrent) is Synapses
    )
