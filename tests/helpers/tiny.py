"""Settings of estimators whose training takes milliseconds."""

TINY = {"n_neurons": 8, "epochs": 2, "device": "cpu", "random_state": 0}
