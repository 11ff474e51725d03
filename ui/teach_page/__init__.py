"""Page Teach: outline what is new, name it, keep the library."""

from ui.teach_page.page import show

__all__ = ["show"]
