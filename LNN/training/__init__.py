"""Training: turns the crank; knows nothing of estimators."""
