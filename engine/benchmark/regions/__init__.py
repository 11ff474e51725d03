"""Benchmark of regions: found, recognised, and told from what is new."""
