"""Weights of the large networks: fetched, imported, checked and found."""
