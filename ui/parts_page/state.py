"""State of the page Parts: the edit that is tried out, and what it changes.

The edit itself is in a file of the station, as JSON, and its name in the address (``?draft=``): a
reload finds it again. What follows from it is computed anew whenever it, or the model, is another
one.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.atomic import atomic_write
from features.files import read_json
from features.records import check_record
from features.region import Region
from ui.parts_page.effect_view import Verdict

if TYPE_CHECKING:
    from engine.editing import Edit, Effect
    from engine.inspector import Inspector
    from ui.context import Context

# names come back from addresses, so that nothing else is ever a path
_NAME = re.compile(r"[0-9a-f]{16}")
_EDIT_TYPES = ("Add", "Count", "Ignore", "Merge", "Remove", "Rename", "Split")

PARAMETER = "draft"

_MODEL = "_parts_model"
_TRIED = "_parts_tried"
_DRAFT = "_parts_draft"
_PAINTING = "_parts_painting"
_NOTICE = "_parts_notice"
_ERROR = "_parts_error"


@dataclass
class Draft:
    """An edit, the inspectors without and with it, and what differs between them."""

    edit: Edit
    before: Inspector
    after: Inspector
    effect: Effect
    verdicts: list[Verdict] = field(default_factory=list)
    is_judging: bool = True

    @property
    def text(self) -> str:
        """The edit in words."""
        return self.after.fitted.class_history[-1].text

    @property
    def shown_classes(self) -> tuple[int, ...]:
        """The classes that there are after the edit and that it concerns."""
        from engine.editing import class_rows

        known = {row.id for row in class_rows(self.after)}
        concerned = {each.class_id for each in self.effect.changed_counts}
        concerned |= set(getattr(self.edit, "class_ids", ()))
        concerned.add(getattr(self.edit, "class_id", -1))
        return tuple(sorted(known & concerned))


@dataclass(frozen=True)
class Notice:
    """What was done last, and the verdicts before it of the images that are judged again."""

    text: str
    before: dict[int, Verdict] = field(default_factory=dict)


def reset_for_model(context: Context) -> None:
    """Forget what was said and painted if another model was chosen since."""
    if st.session_state.get(_MODEL) != context.model:
        st.session_state[_MODEL] = context.model
        set_painting(None)
        set_notice(None)
        set_error("")


def tried_edit(context: Context) -> Edit | None:
    """Return the edit that this visitor tries out on this model, if any."""
    if _TRIED not in st.session_state:
        name = st.query_params.get(PARAMETER, "")
        found = load_edit(_folder(context), name) if name else None
        st.session_state[_TRIED] = (name, *found) if found else None
    trial: tuple[str, str, Edit] | None = st.session_state[_TRIED]
    if trial is None or trial[1] != str(context.model):
        return None
    # other pages have addresses of their own
    st.query_params[PARAMETER] = trial[0]
    return trial[2]


def try_out(context: Context, edit: Edit) -> None:
    """Begin a draft; nothing is saved by it."""
    discard_draft(context)
    model = str(context.model)
    st.session_state[_TRIED] = (save_edit(_folder(context), model, edit), model, edit)


def discard_draft(context: Context) -> None:
    """Discard the draft, and whatever was being painted."""
    trial: tuple[str, str, Edit] | None = st.session_state.get(_TRIED)
    if trial is not None:
        delete_edit(_folder(context), trial[0])
    st.query_params.pop(PARAMETER, None)
    st.session_state[_TRIED] = None
    set_draft(None)
    set_painting(None)
    set_error("")


def current_draft() -> Draft | None:
    """Return what was computed of the edit that is tried out."""
    found: Draft | None = st.session_state.get(_DRAFT)
    return found


def set_draft(value: Draft | None) -> None:
    """Keep what was computed."""
    st.session_state[_DRAFT] = value


def painted_class() -> str | None:
    """Return the name of the class that is being painted; empty for one that has none yet."""
    found: str | None = st.session_state.get(_PAINTING)
    return found


def set_painting(name: str | None) -> None:
    """Begin to paint this class; None ends it."""
    st.session_state[_PAINTING] = name


def current_notice() -> Notice | None:
    """Return what is to be said of the last thing that was done."""
    found: Notice | None = st.session_state.get(_NOTICE)
    return found


def set_notice(value: Notice | None) -> None:
    """Say this from now on."""
    st.session_state[_NOTICE] = value


def last_error() -> str:
    """Return why the last edit could not be made; empty if it could."""
    found: str = st.session_state.get(_ERROR, "")
    return found


def set_error(message: str) -> None:
    """Say why the edit could not be made."""
    st.session_state[_ERROR] = message


def _folder(context: Context) -> Path:
    return context.station.folder / "drafts"


def save_edit(folder: Path, model: str, edit: Edit) -> str:
    """Write an edit of a model down; returns the name by which it is found again.

    Raises:
        OutputError: The folder cannot be written.
    """
    name = secrets.token_hex(8)
    values = {each.name: getattr(edit, each.name) for each in fields(edit)}
    document = {
        "model": model,
        "kind": type(edit).__name__,
        "values": {key: _to_json(value) for key, value in values.items()},
    }
    folder.mkdir(exist_ok=True)
    with atomic_write(_path(folder, name)) as stream:
        stream.write(json.dumps(document).encode())
    return name


def load_edit(folder: Path, name: str) -> tuple[str, Edit] | None:
    """Read the model and the edit back; None if there is none of this name."""
    from engine import editing

    if not _NAME.fullmatch(name):
        return None
    try:
        document = read_json(_path(folder, name))
        if document["kind"] not in _EDIT_TYPES:
            return None
        values = {key: _from_json(value) for key, value in document["values"].items()}
        edit = getattr(editing, document["kind"])(**values)
        check_record(edit)
        return str(document["model"]), edit
    except (OSError, ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return None


def delete_edit(folder: Path, name: str) -> None:
    """Forget an edit; one that is not there is forgotten already."""
    if _NAME.fullmatch(name):
        _path(folder, name).unlink(missing_ok=True)


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def _to_json(value: Any) -> Any:
    if not isinstance(value, Region):
        return value
    bits = base64.b64encode(np.packbits(value.mask).tobytes()).decode()
    return {"box_xyxy": value.box_xyxy, "bits": bits}


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, dict):
        return value
    left, top, right, bottom = (int(side) for side in value["box_xyxy"])
    bits = np.frombuffer(base64.b64decode(value["bits"], validate=True), np.uint8)
    size = bottom - top, right - left
    if min(size) < 1 or size[0] * size[1] > 8 * len(bits):
        raise ValueError("the bits must fill the box")
    mask = np.unpackbits(bits, count=size[0] * size[1]).astype(bool).reshape(size)
    return Region((left, top, right, bottom), mask)
