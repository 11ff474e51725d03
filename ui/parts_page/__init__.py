"""Page Parts: see the classes of parts, edit them, know what an edit changes."""

from ui.parts_page.page import show

__all__ = ["show"]
