"""What is drawn: pages, panels, overlays and their colours."""
