"""Pages that arrange widgets and draw reports; whatever is computed is computed in ``engine``."""

__all__: list[str] = []
