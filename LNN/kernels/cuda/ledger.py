"""Which sums over a batch the gradients of a step's constants are made of.

The constants are what kernels read of the parameters (`formulas.py`). The gradient of
each is a sum over all rows of a batch. Each such sum is an *entry*: a number in one
long row of sums, which the kernels fill in product by product (csrc/products.cuh).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Product:
    """A product left' right over all rows of a batch, (n_left, n_right) entries.

    Attributes
    ----------
    left, right : str
        Tables that a step leaves in memory, by name (`trainer.py`); "ones" is a column
        of ones, and "before" the states that each step began with.
    left_at, n_left, right_at, n_right : int
        Which of their columns: where they begin, and how many.
    active : bool
        Whether it is the activation of `left`, not `left` itself, that is multiplied.
    entry : int
        The first of its entries.
    """

    left: str
    left_at: int
    n_left: int
    right: str
    right_at: int
    n_right: int
    active: bool
    entry: int


class Ledger:
    """Lists products, and numbers their entries one after another.

    Attributes
    ----------
    products : list of Product
    n_entries : int
        How many there are so far.
    """

    def __init__(self) -> None:
        self.products: list[Product] = []
        self.n_entries = 0

    def room(self, *shape: int) -> np.ndarray:
        """Add entries that no product fills in, but another kernel; return them.

        Parameters
        ----------
        *shape : int
            That of the array of numbers.
        """
        size = int(np.prod(shape))
        entries = self.n_entries + np.arange(size).reshape(shape)
        self.n_entries += size
        return entries

    def product(
        self,
        left: str,
        n_left: int,
        right: str,
        n_right: int,
        *,
        left_at: int = 0,
        right_at: int = 0,
        active: bool = False,
    ) -> np.ndarray:
        """List a product; return its entries, (n_left, n_right)."""
        entry = self.n_entries
        if n_left and n_right:
            parts = left, left_at, n_left, right, right_at, n_right, active, entry
            self.products.append(Product(*parts))
        return self.room(n_left, n_right)

    def sums(self, right: str, n_right: int, right_at: int = 0) -> np.ndarray:
        """List the sums of columns; return their entries, (n_right,)."""
        return self.product("ones", 1, right, n_right, right_at=right_at)[0]
