"""`Settings`: the parameters of an estimator for one call, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from LNN._plain import plain_number


class Settings:
    """Parameters that never change, as attributes and by key.

    Parameters
    ----------
    owner : str
        The estimator's name, for messages.
    values : mapping of str
        All declared parameters.
    **overrides
        Values that a call of `fit` sets instead; None keeps the parameter.

    Attributes
    ----------
    declared : dict of str
        The parameters without what this call overrides.

    Examples
    --------
    >>> settings = Settings("LiquidRegressor", {"epochs": 5, "n_jobs": 2}, epochs=9)
    >>> settings.epochs, settings["n_jobs"]
    (9, 2)
    """

    __slots__ = ("_values", "declared", "owner")

    owner: str
    declared: dict[str, Any]

    def __init__(self, owner: str, values: Mapping[str, Any], **overrides: Any):
        given = {
            name: plain_number(v) for name, v in overrides.items() if v is not None
        }
        declared = {name: plain_number(value) for name, value in values.items()}
        object.__setattr__(self, "owner", owner)
        object.__setattr__(self, "declared", declared)
        object.__setattr__(self, "_values", {**declared, **given})

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"There is no parameter {name!r}.") from None

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("Settings never change; make others.")
