"""App script: arranges login, sidebar and pages; ``partwise ui`` starts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from engine.station import Limits, Station
from ui.auth import refusals, require_login, show_logout
from ui.context import Context
from ui.live import begin_page, end_page
from ui.settings import Settings, read_settings
from ui.sidebar import ask_author, choose_model, known_models, show_status

MARK = Path(__file__).with_name("mark.svg")
LOGO = Path(__file__).with_name("logo.svg")


START = "inspect"


class Page(NamedTuple):
    """A page of the app; its module has ``show(context)``."""

    module: str
    title: str
    icon: str


PAGES = {
    "inspect": Page("ui.inspect_page", "Inspect", ":material/search_check:"),
    "new": Page("ui.new_model_page", "New model", ":material/add_photo_alternate:"),
    "parts": Page("ui.parts_page", "Parts", ":material/category:"),
    "teach": Page("ui.teach_page", "Teach", ":material/school:"),
    "benchmark": Page("ui.bench_page", "Benchmark", ":material/monitoring:"),
}


def main() -> None:
    """Arrange one run of the script."""
    st.set_page_config(page_title="Partwise", page_icon=str(MARK), layout="wide")
    begin_page()
    settings = read_settings()
    login = require_login(settings)
    station = _station(settings)
    models = known_models(settings.model, station.models())
    pages: dict[str, Any] = {}
    run_context: dict[str, Context] = {}
    for path, page in PAGES.items():
        pages[path] = st.Page(
            _page_function(page.module, run_context),
            title=page.title,
            icon=page.icon,
            url_path=path,
            default=path == START,
        )
    st.logo(str(LOGO), size="large", icon_image=str(MARK))
    current = st.navigation(list(pages.values()))
    if _is_first_run() and current == pages[START] and not models:
        st.switch_page(pages["new"])  # there is nothing to inspect with
    st.set_page_config(page_title=f"{current.title} · Partwise")
    with st.sidebar:
        model = choose_model(models)
        author = login or ask_author()
        show_status(station)
        show_logout(settings)
    run_context["current"] = Context(settings, station, model, author, pages)
    current.run()
    for words in refusals():
        st.toast(words, icon=":material/block:", duration="long")
    end_page()


def _page_function(module: str, run_context: Mapping[str, Context]) -> Callable[[], None]:
    """Make what draws a page; its module is imported when it is first shown."""
    return lambda: import_module(module).show(run_context["current"])


def _is_first_run() -> bool:
    """Tell whether a visitor has just come."""
    is_first = "has_visited" not in st.session_state
    st.session_state["has_visited"] = True
    return is_first


@st.cache_resource(show_spinner=False)
def _station(settings: Settings) -> Station:
    """Open the station once for all sessions."""
    return Station(settings.station, roots=settings.roots, limits=Limits())


main()
