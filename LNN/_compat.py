"""Differences between scikit-learn versions, in one place."""

from __future__ import annotations

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


__all__ = ["CallbackSupportMixin", "with_callbacks"]
