"""Pages of the app: they arrange widgets and draw reports, and compute nothing."""

__all__: list[str] = []
