"""Segmentation by networks of the Segment Anything family."""
