"""scikit-learn's callbacks, where its version has them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from LNN.training.loop import Epoch

try:  # scikit-learn >= 1.9
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where scikit-learn has no callbacks."""

        def _init_callback_context(self, **_):
            return None

    def with_callbacks(method):  # type: ignore[no-redef]
        """Return the method as it is."""
        return method


def callback_listener(
    estimator: Any, context: Any, X: Any, y: Any
) -> Callable[[Epoch], bool]:
    """Return a listener that tells scikit-learn's callbacks of each epoch.

    It returns True if training should stop.
    """

    def now() -> dict[str, Any]:
        model = estimator.model_
        network = copy.deepcopy(model.network).to("cpu").eval()
        return {"model_": replace(model, network=network)}

    def after_epoch(epoch: Epoch) -> bool:
        part = context.subcontext(task_name="epoch")
        part.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
        return bool(
            part.call_on_fit_task_end(
                estimator=estimator, X=X, y=y, reconstruction_attributes=now
            )
        )

    return after_epoch


__all__ = [
    "CallbackSupportMixin",
    "callback_listener",
    "with_callbacks",
]
