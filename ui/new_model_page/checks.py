"""Do the chosen photographs fit together? Said before anything is learnt from them."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from engine.reference_checks import check_references
from ui.thumbnails import thumbnail
from ui.view import plain

if TYPE_CHECKING:
    from engine.reference_checks import ReferenceWarning
    from ui.new_model_page.view import Chosen

_ICONS = {"near-duplicate": ":material/content_copy:", "outlier": ":material/help:"}


def show_checks(chosen: Sequence[Chosen]) -> None:
    """Warn of references that are nearly the same, and of one that differs from the others."""
    if len(chosen) < 2:
        return
    for warning in _warnings(tuple(chosen)):
        st.warning(plain(warning.text), icon=_ICONS.get(warning.kind, ":material/warning:"))


@st.cache_resource(show_spinner=False, max_entries=32)
def _warnings(chosen: tuple[Chosen, ...]) -> list[ReferenceWarning]:
    """Compare small pictures, which is what the check looks at anyway, so that it is quick."""
    images = [np.asarray(Image.open(BytesIO(thumbnail(each.path)))) for each in chosen]
    return check_references(images, [each.name for each in chosen])
