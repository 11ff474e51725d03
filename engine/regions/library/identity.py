"""Were features made by the same means? Distances between others would mean nothing."""

from __future__ import annotations

import json

from engine.regions.library.errors import LibraryError

Identity = dict[str, str]


def identity_text(identity: Identity) -> str:
    """Turn what made features into text; equal ones give equal text."""
    return json.dumps(identity, sort_keys=True)


def identity_of(text: str | None) -> Identity | None:
    """Turn the text back; None where no lesson has been given."""
    if text is None:
        return None
    return {str(key): str(value) for key, value in json.loads(text).items()}


def refuse_other(expected: Identity | None, got: Identity, library: str) -> None:
    """Compare with what a library was taught with.

    Raises:
        LibraryError: They differ; names every difference.
    """
    if expected is None or expected == got:
        return
    differences = [
        f"{key} '{expected.get(key, 'none')}', got '{got.get(key, 'none')}'"
        for key in sorted(expected.keys() | got.keys())
        if expected.get(key) != got.get(key)
    ]
    raise LibraryError(
        f"{library} was taught with features of another kind: expected {'; '.join(differences)}; "
        "use the model that it was taught with, or a library of another name"
    )
