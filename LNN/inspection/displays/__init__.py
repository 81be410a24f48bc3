"""Pictures of what a model does: computed once, drawn as often as you like."""
