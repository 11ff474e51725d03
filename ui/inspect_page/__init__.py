"""Page Inspect: drop images, see a verdict and why, go through the history."""

from ui.inspect_page.page import show

__all__ = ["show"]
