"""How does an example become a row of the database, and back?"""

from __future__ import annotations

from typing import Any

from engine.regions.library.blobs import (
    features_bytes,
    features_of,
    mask_bytes,
    mask_of,
    picture_bytes,
    picture_of,
)
from engine.regions.library.names import storable
from engine.regions.library.records import Example, NewExample
from features.region import Region


def pack(example: NewExample) -> dict[str, Any]:
    """Return the columns that an example fills; class, author and time are the lesson's."""
    height, width = example.image_size
    left, top, right, bottom = example.region.box_xyxy
    return {
        "image_sha256": example.image_sha256,
        "image_name": storable(example.image_name),
        "image_height": int(height),
        "image_width": int(width),
        "left": int(left),
        "top": int(top),
        "right": int(right),
        "bottom": int(bottom),
        "note": storable(example.note),
        "verdict": storable(example.verdict),
        "mask_png": mask_bytes(example.region.mask),
        "thumbnail_png": picture_bytes(example.thumbnail),
        "features": features_bytes(example.features),
    }


def unpack(row: Any, *, with_features: bool) -> Example:
    """Turn a row, joined with the name and kind of its class, into the record."""
    return Example(
        id=row.id,
        class_id=row.class_id,
        class_name=row.class_name,
        kind=row.kind,
        image_sha256=row.image_sha256,
        image_name=row.image_name,
        image_size=(row.image_height, row.image_width),
        region=Region((row.left, row.top, row.right, row.bottom), mask_of(row.mask_png)),
        thumbnail=picture_of(row.thumbnail_png),
        features=features_of(row.features) if with_features else {},
        note=row.note,
        verdict=row.verdict,
        author=row.author,
        taught_at=row.taught_at,
    )
