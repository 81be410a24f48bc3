"""Models in integers alone, for parts without an FPU: formats, cells, rows, doors."""
