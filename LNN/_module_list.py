"""A list of modules of one class; torch's own list only promises `Module`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Generic, Self, TypeVar, overload

    M = TypeVar("M", bound=nn.Module)

    class ModuleListOf(nn.ModuleList, Generic[M]):
        """What type checkers see; at run time it is torch's list itself."""

        def __init__(self, modules: Iterable[M] | None = None) -> None: ...
        def __iter__(self) -> Iterator[M]: ...
        @overload
        def __getitem__(self, index: slice) -> Self: ...
        @overload
        def __getitem__(self, index: int) -> M: ...
        def __getitem__(self, index: int | slice) -> M | Self: ...

else:
    ModuleListOf = nn.ModuleList

__all__ = ["ModuleListOf"]
