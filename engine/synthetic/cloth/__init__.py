"""Rendered photographs of woven cloth, with all that is new as exact regions.

A camera looks straight down on a running roll, at about 10 px to the millimetre. Defects are what
an inspector of textiles would mark; so is what is ``UNTAUGHT``, kept apart for asking what becomes
of a defect that was never taught; buttons are new but harmless.
"""

from engine.synthetic.cloth.buttons import BUTTONS
from engine.synthetic.cloth.cloth import DEFECTS, UNTAUGHT, render_cloth
from engine.synthetic.cloth.record import ClothPhoto, Item
from engine.synthetic.cloth.weave import WEAVES, Cloth, draw_cloth

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
