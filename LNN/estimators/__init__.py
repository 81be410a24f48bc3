"""The estimators' inside: parameters, the way from data to a fitted model, and back."""
