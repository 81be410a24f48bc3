"""Benchmarks on the UCR archive: accuracy, shifts in time, and learning curves."""
