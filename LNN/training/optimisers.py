"""Optimisers of one vector of parameters, and gradient clipping, by name."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor


class Optimizer(ABC):
    """Moves a vector of parameters against its gradient.

    These are the rules of `torch.optim`, with its defaults, for a single tensor. A step
    of `torch.optim` takes twice as long for one of this size, and its first use in a
    process imports torch's compiler, which takes as long as importing torch.

    Parameters
    ----------
    vector : Tensor of shape (n_parameters,)
        Changed in place.
    rate : float
        Learning rate; may be set anew before each step.
    weight_decay : float
        Factor of the squared norm of the vector, halved, that is added to the loss.
    """

    momentum: float | None = None  # where there is one, a schedule may set it
    moments: ClassVar[tuple[str, ...]] = ()

    def __init__(self, vector: Tensor, rate: float, weight_decay: float):
        self.vector, self.rate, self.weight_decay = vector, rate, weight_decay
        self.state: dict[str, Any] = {"step": 0}
        self.state |= {name: torch.zeros_like(vector) for name in self.moments}

    def step(self, gradient: Tensor) -> None:
        """Take one step."""
        self.state["step"] += 1
        if self.weight_decay:
            gradient = gradient.add(self.vector, alpha=self.weight_decay)
        self._move(gradient)

    @abstractmethod
    def _move(self, gradient: Tensor) -> None:
        """Change the vector, by the gradient of the loss and its penalty."""


class Adam(Optimizer):
    """Kingma & Ba 2015, https://arxiv.org/abs/1412.6980."""

    momentum = 0.9
    moments = ("mean", "square")
    decay, epsilon = 0.999, 1e-8

    def _move(self, gradient: Tensor) -> None:
        mean, square = (self.state[name] for name in self.moments)
        fresh, epsilon, rate, _ = self.numbers()
        mean.lerp_(gradient, fresh)
        square.mul_(self.decay).addcmul_(gradient, gradient, value=1 - self.decay)
        size = square.sqrt().add_(epsilon)
        self.vector.addcdiv_(mean, size, value=rate)

    def numbers(self) -> tuple[float, float, float, float]:
        """Return what differs from step to step, at the step that is counted last.

        How much of the gradient enters the mean, epsilon, the negative rate (both
        corrected), and what a decay that is apart leaves of the weights.
        """
        # Both moments start at 0; this corrects for it, as in section 2 of the paper.
        # Two numbers are corrected in place of two vectors. Epsilon is corrected with
        # the root that it is added to, so that it weighs what it does in the paper.
        step = self.state["step"]
        unseen = math.sqrt(1 - self.decay**step)
        rate = self.rate * unseen / (1 - self.momentum**step)
        left = 1 - self.rate * self.weight_decay
        return 1 - self.momentum, self.epsilon * unseen, -rate, left

    def step_by(self, gradient: Tensor, numbers: Tensor) -> None:
        """Take a step with numbers (4,) that are on the device; count nothing."""
        mean, square = (self.state[name] for name in self.moments)
        fresh, epsilon, rate, left = numbers.unbind()
        gradient = self._decayed(gradient, left)
        mean.lerp_(gradient, fresh)
        square.mul_(self.decay).addcmul_(gradient, gradient, value=1 - self.decay)
        size = square.sqrt().add_(epsilon)
        self.vector.add_(mean.mul(rate).div_(size))

    def _decayed(self, gradient: Tensor, left: Tensor) -> Tensor:
        """Return the gradient of the loss and its penalty."""
        if not self.weight_decay:
            return gradient
        return gradient.add(self.vector, alpha=self.weight_decay)


class AdamW(Adam):
    """Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101."""

    def step(self, gradient: Tensor) -> None:
        """Take one step; the decay is apart from the gradient and its moments."""
        self.state["step"] += 1
        self.vector.mul_(1 - self.rate * self.weight_decay)
        self._move(gradient)

    def _decayed(self, gradient: Tensor, left: Tensor) -> Tensor:
        """Let the weights decay, apart from the gradient."""
        self.vector.mul_(left)
        return gradient


class RMSprop(Optimizer):
    """Tieleman & Hinton 2012, lecture 6.5 of "Neural networks for machine learning"."""

    moments = ("square",)
    decay, epsilon = 0.99, 1e-8

    def _move(self, gradient: Tensor) -> None:
        square = self.state["square"]
        square.mul_(self.decay).addcmul_(gradient, gradient, value=1 - self.decay)
        size = square.sqrt().add_(self.epsilon)
        self.vector.addcdiv_(gradient, size, value=-self.rate)


class SGD(Optimizer):
    """With Nesterov momentum: Sutskever et al. 2013."""

    momentum = 0.9
    moments = ("velocity",)

    def _move(self, gradient: Tensor) -> None:
        velocity = self.state["velocity"].mul_(self.momentum).add_(gradient)
        # Nesterov takes the gradient where momentum will carry the weights. To let it
        # be taken where they are, the vector stands for that place (Bengio et al. 2013,
        # Advances in optimizing recurrent networks).
        ahead = gradient.add(velocity, alpha=self.momentum)
        self.vector.add_(ahead, alpha=-self.rate)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSprop,
    "sgd": SGD,
}


def clip_gradient(gradient: Tensor, value: float | None, by: str) -> None:
    """Clip a gradient in place by its norm or element by element."""
    if not value:
        return
    if by == "norm":
        # Does not read the norm, as a comparison would: an accelerator need not wait.
        gradient[None].renorm_(2, 0, value)
    else:
        gradient.clamp_(-value, value)
