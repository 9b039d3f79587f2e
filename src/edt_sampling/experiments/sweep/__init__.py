"""The sensitivity experiment: maps of a dynamic temperature over its two parameters, against the curve of fixed temperatures."""
