"""`output_constraints` as a spec holds them: docu/spec.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from LNN.constraints.plain import refuse_functions, to_plain
from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError
from LNN.export.cell_specs import Arrays

# Numbers of each target, where NaN is no bound.
ENDS = ("low", "high", "max_rate")


def constraints_spec(fitted: FittedModel) -> tuple[dict[str, Any] | None, Arrays]:
    """Return the field `constraints` and its arrays; None and none without any.

    Raises
    ------
    InvalidInputError
        If a constraint is a function of Python, or if its numbers are not finite.
    """
    limits = fitted.limits
    if limits is None:
        return None, {}
    refuse_functions(limits.constraints, "a spec")
    told, arrays = [], {}
    for k, constraint in enumerate(limits.constraints):
        plain = _without_endless_rows(to_plain(constraint))
        told.append({"kind": plain.pop("kind")})
        for name, array in plain.items():
            if name in ENDS:
                array = np.nan if array is None else array
                wide = np.array(np.broadcast_to(array, (limits.n,)), np.float64)
                arrays[f"constraints.{k}.{name}"] = np.where(
                    np.isfinite(wide), wide, np.nan
                )
            elif array is not None:
                _refuse_endless(array, name)
                arrays[f"constraints.{k}.{name}"] = array
    return {"on_infeasible": limits.on_infeasible, "limits": told}, arrays


def inward(low: NDArray, high: NDArray) -> tuple[NDArray, NDArray]:
    """Return bounds that float32 holds, within those given; NaN stays.

    Where they leave no such number between them, both are the nearest one.
    """
    with np.errstate(over="ignore"):
        nearest = np.asarray(low, np.float32), np.asarray(high, np.float32)
    up = np.nextafter(nearest[0], np.float32(np.inf))
    down = np.nextafter(nearest[1], np.float32(-np.inf))
    least = np.where(nearest[0] < low, up, nearest[0])
    most = np.where(nearest[1] > high, down, nearest[1])
    apart = least > most
    ends = np.where(apart, nearest[0], least), np.where(apart, nearest[1], most)
    # What float32 cannot hold stays, to be refused or not where it is written.
    least = np.where(np.isfinite(nearest[0]), ends[0], low)
    most = np.where(np.isfinite(nearest[1]), ends[1], high)
    return least.astype(np.float64), most.astype(np.float64)


def _without_endless_rows(plain: dict[str, Any]) -> dict[str, Any]:
    """Leave half-spaces without an end out: they bind nothing."""
    if "b" not in plain:
        return plain
    binds = plain["b"] != np.inf
    if not binds.any():
        return {"kind": "bounds", "low": None, "high": None}
    rows = ("A", "b", "A_inputs", "b_inputs", "b_quadratic")
    cut = {n: v[binds] for n, v in plain.items() if n in rows and v is not None}
    return plain | cut


def _refuse_endless(array: np.ndarray, name: str) -> None:
    if not np.isfinite(array).all():
        raise InvalidInputError(
            f"Expected finite numbers in {name} of HalfSpaces, got {array.tolist()}."
        )


def refuse_limits(values: Mapping[str, Any], where: str) -> None:
    """Refuse a spec with constraints where a runtime knows none."""
    if values.get("constraints"):
        kinds = [one["kind"] for one in values["constraints"]["limits"]]
        raise InvalidInputError(
            f"Expected a model without output_constraints, got {kinds}, which {where} "
            "does not know: its answers would leave the limits. Set "
            "output_constraints=None, and limit the answers where the model runs."
        )
