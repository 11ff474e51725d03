"""Teaching: an outlined region becomes an example that others are recognised by.

The effect of a lesson is told by the same images, judged before it and after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from engine.library.errors import LibraryError
from engine.library.records import Kind, Lesson, NewExample, clean_name
from engine.regions.frames import Frames
from engine.regions.recogniser import outliner_of
from engine.regions.report import RegionReport
from engine.regions.segmentation import refine
from engine.regions.tokens import RegionTokens, describe_regions, thinned
from features.dense import DenseMap
from features.images import Image

if TYPE_CHECKING:
    from engine.regions.recogniser import Recogniser
    from engine.report import Examination
    from features.region import Region


THUMBNAIL_PX = 160
# surroundings that a thumbnail shows, as a share of the region's longer side
THUMBNAIL_MARGIN = 0.35
# from this probability on a region has the look of another class: on rendered cloth, things of one
# look have 0.92 and more, and one stain in a hundred 0.75 of a button
CONFLICT_ABOVE = 0.9


class ConflictError(LibraryError):
    """A region that looks like an example of another class; it has not been taught.

    ``class_name`` is that of the other class.
    """

    def __init__(self, message: str, class_name: str = "") -> None:
        super().__init__(message)
        self.class_name = class_name


@dataclass(frozen=True)
class Outlined:
    """A region of the image file that somebody has outlined, and what is known of it.

    ``is_rough`` says that only its place is meant, not its pixels: they are found.
    """

    region: Region
    image_name: str = ""
    image_sha256: str = ""
    """Of the image file; of the pixels if empty."""
    note: str = ""
    is_rough: bool = False


@dataclass(frozen=True, eq=False)
class DescribedRegion:
    """The exact pixels of an outlined region, its tokens, and its views as a whole."""

    region: Region
    tokens: RegionTokens
    views: Float32[np.ndarray, "1 views dim"]


def teach(
    recogniser: Recogniser,
    examination: Examination,
    outlined: Outlined,
    class_name: str,
    kind: Kind | None = None,
    *,
    is_forced: bool = False,
) -> Lesson:
    """Add an example to a class of the library; without a kind the class must exist.

    ``is_forced`` teaches even a look that another class has.

    Raises:
        ConflictError: The region looks like an example of another class; names both.
        LibraryError: The name or kind cannot be, or the library cannot be written.
    """
    _check_inside(outlined.region, examination.image_size)
    frames = Frames(examination, recogniser.config.photo_area_px)
    described = describe_outlined(recogniser, frames, outlined)
    if not is_forced:
        _refuse_conflict(recogniser, class_name, described, outlined.image_name)
    taught = _turned(recogniser, described, frames)
    region, image = described.region, examination.image
    return recogniser.library.teach(
        class_name,
        kind,
        NewExample(
            image_sha256=outlined.image_sha256 or hashlib.sha256(image.tobytes()).hexdigest(),
            image_name=outlined.image_name,
            image_size=examination.image_size,
            region=region,
            thumbnail=thumbnail(image, region),
            features={
                "tokens": recogniser.scale.to_stored(taught),
                "views": described.views[0].astype(np.float16),
            },
            note=outlined.note,
            verdict=recogniser.inspector.judge(examination).verdict,
        ),
        recogniser.identity(),
    )


def _check_inside(region: Region, image_size: tuple[int, int]) -> None:
    left, top, right, bottom = region.box_xyxy
    height, width = image_size
    if left < 0 or top < 0 or right > width or bottom > height:
        raise LibraryError(
            f"a region must lie within its image of {width}×{height} px, "
            f"got the box {region.box_xyxy}; outline it again"
        )


def exact(recogniser: Recogniser, frames: Frames, outlined: Outlined) -> Region:
    """Find the pixels of a region of which only the place is meant."""
    if not outlined.is_rough:
        return outlined.region
    rough = frames.in_picture(outlined.region)
    prompt = outliner_of(recogniser.inspector, frames)
    found = refine(frames.picture, rough, None, recogniser.config.segmentation, prompt=prompt)
    return frames.in_image(found)


def describe_outlined(
    recogniser: Recogniser, frames: Frames, outlined: Outlined
) -> DescribedRegion:
    """Describe the pixels that an outline means as the recogniser compares them."""
    examination = frames.examination
    region = exact(recogniser, frames, outlined)
    tokens = describe_regions(examination.sample.dense, [region], frames.image_to_cells)[0]
    views = recogniser.embedder.describe(examination.image, [region])
    return DescribedRegion(region, tokens, views)


def thumbnail(
    image: Image, region: Region, longest_px: int = THUMBNAIL_PX
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Cut a small picture of the region with some surroundings, its border drawn."""
    left, top, right, bottom = region.box_xyxy
    margin = 4 + round(THUMBNAIL_MARGIN * max(right - left, bottom - top))
    x0, y0 = max(0, left - margin), max(0, top - margin)
    x1, y1 = min(image.shape[1], right + margin), min(image.shape[0], bottom + margin)
    factor = longest_px / max(x1 - x0, y1 - y0)
    size = max(1, round((x1 - x0) * factor)), max(1, round((y1 - y0) * factor))
    crop = np.ascontiguousarray(image[y0:y1, x0:x1])
    inside = np.zeros(crop.shape[:2], dtype=np.uint8)
    inside[top - y0 : bottom - y0, left - x0 : right - x0] = region.mask
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    small = np.asarray(cv2.resize(crop, size, interpolation=method), dtype=np.uint8)
    shape = cv2.resize(inside, size, interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(shape, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for color, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.drawContours(small, contours, -1, color, width)
    return small


def _turned(
    recogniser: Recogniser, described: DescribedRegion, frames: Frames
) -> Float32[np.ndarray, "scales kept dim"]:
    """Describe the region as if the image had been photographed in other orientations, too.

    Descriptors know directions; what lies loosely on the product does not.
    """
    config, examination = recogniser.config, frames.examination
    sample = examination.sample
    every = [thinned(described.tokens, config.n_tokens)]
    backbone = recogniser.inspector.backbone
    picture, is_valid = examination.registered.warp(examination.photo)
    for n_quarters in range(1, config.n_turns):
        turned = backbone(
            np.ascontiguousarray(np.rot90(picture, n_quarters)),
            np.ascontiguousarray(np.rot90(is_valid, n_quarters)),
        )
        back = np.ascontiguousarray(np.rot90(turned.tokens, -n_quarters))
        if back.shape != sample.dense.tokens.shape:
            continue  # a network with an input of fixed shape sees a turned image squeezed
        dense = DenseMap(back, sample.dense.is_valid)
        own = describe_regions(dense, [described.region], frames.image_to_cells)[0]
        every.append(thinned(own, config.n_tokens))
    return np.concatenate(every, axis=1)


def _refuse_conflict(
    recogniser: Recogniser,
    class_name: str,
    described: DescribedRegion,
    image_name: str,
) -> None:
    """Two names for one look would make every later verdict a matter of chance."""
    matches = recogniser.class_matches(described.tokens, described.views)
    if not matches or matches[0].probability < CONFLICT_ABOVE:
        return
    other, example_id = matches[0].known, matches[0].example_id
    if other.name == clean_name(class_name):
        return
    examples = recogniser.library.examples(other.name, with_features=False)
    known = next(each for each in examples if each.id == example_id)
    raise ConflictError(
        f"the region in {image_name or 'this image'} looks like example {example_id} of "
        f"'{other.name}' ({other.kind}; in {known.image_name or 'an image'} at "
        f"{known.region.box_xyxy}), with probability {matches[0].probability:.2f}; teach it as "
        f"'{other.name}', forget that example, or force two names for one look",
        other.name,
    )


LessonResult = TypeVar("LessonResult")


@dataclass(frozen=True, eq=False)
class LessonEffect:
    """How one image was judged before a lesson, and how it is judged after it."""

    before: RegionReport
    after: RegionReport

    @property
    def is_turned(self) -> bool:
        """Whether the verdict is another."""
        return self.before.verdict != self.after.verdict


def apply_lesson(
    recogniser: Recogniser,
    examinations: Mapping[str, Examination],
    lesson: Callable[[], LessonResult],
) -> tuple[LessonResult, dict[str, LessonEffect]]:
    """Judge examined images before and after one lesson, or several, to the recogniser's library.

    Returns what ``lesson`` returns, and the effect on each image by its name.

    Raises:
        LibraryError: The lesson is refused; nothing has changed then.
    """
    before = {name: recogniser.judge(each) for name, each in examinations.items()}
    given = lesson()
    return given, {
        name: LessonEffect(before[name], recogniser.judge(each))
        for name, each in examinations.items()
    }
