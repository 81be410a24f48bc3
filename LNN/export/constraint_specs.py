"""`output_constraints` as a spec holds them: docu/spec.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

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
        plain = to_plain(constraint)
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


def _refuse_endless(array: np.ndarray, name: str) -> None:
    if not np.isfinite(array).all():
        raise InvalidInputError(
            f"Expected finite numbers in {name} of HalfSpaces, got {array.tolist()}. "
            "Leave a half-space without an end out."
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
