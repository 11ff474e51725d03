"""Page New model: choose references, watch what is learnt."""

from ui.new_model_page.page import show

__all__ = ["show"]
