"""Rendering: pages, panels, overlays and their colours."""
