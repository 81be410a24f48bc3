"""Pages whose tables are made from results."""

from __future__ import annotations

import re
from collections.abc import Callable

BLOCK = re.compile(r"(<!-- table ([\w -]+) -->\n).*?(<!-- end -->)", flags=re.S)


def filled(text: str, table: Callable[[list[str]], str]) -> str:
    """Return a page with what stands between its comments made anew.

    Parameters
    ----------
    text : str
        With blocks from ``<!-- table WORDS -->`` to ``<!-- end -->``.
    table : callable
        Returns the Markdown that words ask for.
    """
    return BLOCK.sub(lambda m: f"{m[1]}{table(m[2].split())}\n{m[3]}", text)
