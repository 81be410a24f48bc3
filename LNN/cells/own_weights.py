"""Modules that take no weights but their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import nn

from LNN.exceptions import InvalidInputError

# What stands in the names of weights of ncps, and in none of ours.
_WEIGHTS_OF_NCPS = ("rnn_cell.", "sparsity_mask")


class OwnWeights(nn.Module):
    """A module that refuses the weights of one of ncps, which are laid out otherwise.

    With `strict=False` torch would load none of them without a word.
    """

    # These may be modules of ncps.
    parts_of_the_caller: ClassVar[tuple[str, ...]] = ()

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        others = tuple(f"{prefix}{part}." for part in self.parts_of_the_caller)
        for name in state_dict:
            mine = name.startswith(prefix) and not name.startswith(others)
            if mine and any(mark in name for mark in _WEIGHTS_OF_NCPS):
                raise InvalidInputError(
                    f"The weights to load are those of an ncps module ({name}); those "
                    f"of {type(self).__name__} are laid out otherwise. Load them into "
                    "the ncps module, then convert that: layer = LNN.from_ncps(module)."
                )
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
