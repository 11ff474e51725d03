"""Rendered products with known truth.

In the spirit of MVTec LOCO (Bergmann et al., 2022), there are five categories, each with logical
anomalies (something is missing, extra or does not belong together) and structural ones (something
is damaged or foreign). Each scene comes with its part map, class map and anomaly masks, so that
segmentation and alignment can be measured, not only detection.
"""

from engine.synthetic.scenes.catalogue import CATEGORIES, anomaly_types, class_names, render
from engine.synthetic.scenes.record import Group, Scene
from engine.synthetic.scenes.writer import write_scenes

__all__ = [
    "CATEGORIES",
    "Group",
    "Scene",
    "anomaly_types",
    "class_names",
    "render",
    "write_scenes",
]
