"""Pictures of what a model does, made as scikit-learn's displays are."""
