"""How do the scales of the maps look on a page?"""

from __future__ import annotations

import numpy as np

from engine import pictures
from engine.palette import heat_colors
from engine.regions.maps import error_colors


def heat_ramp() -> str:
    """Return the heat scale from 0 to its top as a CSS gradient, as opaque as over an image."""
    colors = heat_colors()[::17].tolist()
    opacity = pictures.heat_opacity(np.linspace(0, pictures.HEAT_TOP, len(colors)))
    stops = (f"rgb({r} {g} {b} / {o:.0%})" for (r, g, b), o in zip(colors, opacity, strict=True))
    return f"linear-gradient(to right, {', '.join(stops)})"


def error_ramp() -> str:
    """Return the scale of errors of classes as a CSS gradient."""
    stops = (f"rgb({r} {g} {b})" for r, g, b in error_colors()[::17].tolist())
    return f"linear-gradient(to right, {', '.join(stops)})"
