"""Rendered photographs of woven cloth, with everything new in them as exact regions.

A camera looks straight down on a running roll, at about 10 px to the millimetre. Defects are what
an inspector of textiles would mark; so is what is ``UNTAUGHT``, kept apart for asking what becomes
of a defect that was never taught; buttons are new but harmless.
"""

from engine.benchmark.cloth.buttons import BUTTONS
from engine.benchmark.cloth.compose import DEFECTS, UNTAUGHT, render_cloth
from engine.benchmark.cloth.record import ClothPhoto, Item
from engine.benchmark.cloth.style import Cloth, draw_cloth
from engine.benchmark.cloth.weaves import WEAVES

__all__ = [
    "BUTTONS",
    "DEFECTS",
    "UNTAUGHT",
    "WEAVES",
    "Cloth",
    "ClothPhoto",
    "Item",
    "draw_cloth",
    "render_cloth",
]
