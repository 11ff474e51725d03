"""Server application: the app and the gate in front of it; ``streamlit run`` finds it here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.middleware import Middleware
from streamlit import runtime
from streamlit.starlette import App

from ui.gate import Gate, visits
from ui.settings import read_settings


def _held() -> Mapping[str, int]:
    """Return the bytes of the files that wait to be taken over by a page, by session."""
    if not runtime.exists():
        return {}
    stored = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return {
        session: sum(len(file.data) for file in list(files.values()))
        for session, files in list(stored.items())
    }


_settings = read_settings()

app = App(
    Path(__file__).with_name("app.py"),
    middleware=[
        Middleware(
            Gate,
            is_local=_settings.is_loopback and not _settings.is_guarded,
            visits=visits(),
            held=_held,
        )
    ],
)
