"""A fitted model in JavaScript: `model.js` and what it reads."""

from LNN.export.js.writing import to_js

__all__ = ["to_js"]
