"""How does a template of this package become a page?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, filters: Mapping[str, Callable[..., Any]], **values: Any) -> str:
    """Fill a template; all text is escaped, and a value that is missing is an error."""
    environment = Environment(
        loader=PackageLoader("engine"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment.get_template(template).render(**values)
