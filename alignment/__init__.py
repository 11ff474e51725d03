"""Alignment: how the object lies in the image, and of which class each part is."""

from alignment.aligned import AlignedParts
from alignment.classes import PartClasses, match_nearest, match_slots
from alignment.pose import PoseEstimator, RegisteredImage

__all__ = [
    "AlignedParts",
    "PartClasses",
    "PoseEstimator",
    "RegisteredImage",
    "match_nearest",
    "match_slots",
]
