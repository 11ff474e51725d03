"""Descriptors and parts that need no weights: the embedded profile."""
