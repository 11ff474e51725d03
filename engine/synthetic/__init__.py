"""Rendered images with known truth: products and cloth."""
