"""The engine: rules written for one world, run over many. NumPy and numba only."""
