"""Catalogue of the products that can be rendered, with their anomaly types."""

from __future__ import annotations

import numpy as np

from engine.synthetic.scenes import bag, bottle, cable, meal, pins
from engine.synthetic.scenes.canvas import Canvas, develop
from engine.synthetic.scenes.category import Category
from engine.synthetic.scenes.record import GOOD, GROUPS, Group, Scene

_BY_NAME: dict[str, Category] = {
    module.CATEGORY.name: module.CATEGORY for module in (pins, meal, bottle, bag, cable)
}
CATEGORIES: tuple[str, ...] = tuple(_BY_NAME)


def find(category: str) -> Category:
    """Look up a category; ValueError names the categories there are."""
    if category not in _BY_NAME:
        raise ValueError(f"category must be one of {', '.join(CATEGORIES)}, got {category!r}")
    return _BY_NAME[category]


def render(category: str, rng: np.random.Generator, anomaly_type: str = GOOD) -> Scene:
    """Photograph one product; the same state of ``rng`` gives the same bytes on one machine.

    Raises:
        ValueError: If there is no such category, or no such anomaly type in it.
    """
    product = find(category)
    group = product.group_of(anomaly_type)
    canvas = Canvas(product.height, product.width, rng)
    product.draw(canvas, anomaly_type)
    return develop(canvas, anomaly_type, group)


def anomaly_types(category: str) -> dict[Group, tuple[str, ...]]:
    """List the anomaly types of a category by group; group "good" has the one type "good"."""
    product = find(category)
    return {
        group: tuple(each.name for each in product.anomaly_types if each.group == group) or (GOOD,)
        for group in GROUPS
    }


def class_names(category: str) -> tuple[str, ...]:
    """Names of the classes in a class map; number 0 is the background."""
    return find(category).classes
