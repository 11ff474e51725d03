"""Perturbations of a test image: pose, light, optics, sensor and file as real lines vary them.

Each kind is a frozen record of its limits, and what it does to one image is drawn uniformly between
these. Lengths are shares of the image, so that they mean the same for every camera.

``Pose`` and ``Turn`` move the picture, ``Jpeg`` packs it. The others act on linear light, as lamp,
lens and sensor do: 1 is white, and what is brighter is clipped only when the picture is made. An
image of three equal channels has one channel of light, and keeps its channels equal: a monochrome
camera sees no colour, neither of a lamp nor of noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from features.config_fields import Range, Record, Share, problems_of
from features.images import Image

Light = Float32[np.ndarray, "height width channels"]
Kernel = Float32[np.ndarray, "rows columns"]

# of red, green and blue in luminance (Rec. 709)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])

# The transfer curve of sRGB (IEC 61966-2-1), and how steep it is in black.
_BLACK_SLOPE = 12.92
_DARK = 0.0031308


# Where the picture lies


@dataclass(frozen=True)
class Pose:
    """Camera that sits a little differently: a similarity about the centre of the frame.

    What comes in from outside the frame continues the border pixels.
    """

    rotation_deg: Annotated[float, Range(0, 180)] = 15.0
    """Greatest turn to either side, in degrees."""
    shift: Share = 0.10
    """Greatest shift to either side, a share of the height and of the width."""
    scale: Annotated[float, Range(0, 1, "[)")] = 0.10
    """Greatest change of size; 0.10 is from 0.9 to 1.1."""

    def __post_init__(self) -> None:
        _check(self)

    def apply(self, image: Image, rng: np.random.Generator) -> Image:
        """Move the picture, in its own size."""
        height, width = image.shape[:2]
        angle, down, right, growth = rng.uniform(-1, 1, size=4)
        return _moved(
            image,
            rotation_deg=self.rotation_deg * angle,
            shift_yx=(self.shift * down * height, self.shift * right * width),
            scale=1 + self.scale * growth,
        )


@dataclass(frozen=True)
class Turn:
    """Object that lies as it fell: any turn, with a shift and another distance to the camera.

    The ellipse within the frame is shrunk to fit into it where it is turned, as a line's camera is
    set up to see its objects whole; and no shift drives an object of the usual extent out of the
    frame. An object that fills the frame still loses something where it grows.
    """

    rotation_deg: Annotated[float, Range(0, 180)] = 180.0
    """Greatest turn to either side, in degrees."""
    shift: Share = 0.15
    """Greatest shift to either side, a share of the height and of the width."""
    zoom: Annotated[float, Range(1, 4)] = 1.25
    """Greatest growth, and inverse of the least; 1.25 is from 0.8 to 1.25, as often to either."""
    extent: Share = 0.90
    """Share of height and width that an object fills, and that shifts keep in the frame."""

    def __post_init__(self) -> None:
        _check(self)

    def apply(self, image: Image, rng: np.random.Generator) -> Image:
        """Move the picture, in its own size."""
        frame = np.array(image.shape[:2])
        angle, down, right, growth = rng.uniform(-1, 1, size=4)
        rotation_deg = self.rotation_deg * angle
        turned = _turned_ellipse(frame, rotation_deg)
        scale = self.zoom**growth * float(min(1, *(frame / turned)))
        room = np.maximum(frame - self.extent * scale * turned, 0) / 2
        reach = np.minimum(self.shift * frame, room)
        shift_yx = (float(down * reach[0]), float(right * reach[1]))
        return _moved(image, rotation_deg=rotation_deg, shift_yx=shift_yx, scale=scale)


def _turned_ellipse(frame: np.ndarray, rotation_deg: float) -> np.ndarray:
    """Return height and width of the ellipse within a frame of that height and width, turned."""
    angle = np.radians(rotation_deg)
    weights = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), np.cos(angle)]]) ** 2
    return np.asarray(np.sqrt(weights @ frame**2))


def similarity(
    size: tuple[int, int], *, rotation_deg: float, shift_yx: tuple[float, float], scale: float
) -> Float64[np.ndarray, "2 3"]:
    """Return the map from old to new (x, y) of a turn and zoom about the centre, then a shift.

    ``size`` is (height, width); positive angles turn counter-clockwise as seen on the screen.
    """
    height, width = size
    centre = ((width - 1) / 2, (height - 1) / 2)  # pixel centres lie at whole numbers
    matrix: Float64[np.ndarray, "2 3"] = cv2.getRotationMatrix2D(centre, rotation_deg, scale)
    matrix[:, 2] += shift_yx[1], shift_yx[0]
    return matrix


def _moved(
    image: Image, *, rotation_deg: float, shift_yx: tuple[float, float], scale: float
) -> Image:
    height, width = image.shape[:2]
    matrix = similarity((height, width), rotation_deg=rotation_deg, shift_yx=shift_yx, scale=scale)
    return cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


# Lamp and lens


@dataclass(frozen=True)
class Glare:
    """Soft reflections of a lamp: bright ellipses that are white in their middle.

    They lie where objects are, in the middle of the frame.
    """

    n_max: Annotated[int, Range(1, 10)] = 2
    """Greatest number of reflections; there is always one."""
    size: Annotated[tuple[float, float], Range(0, 1, "(]")] = (0.05, 0.15)
    """Least and greatest length over which more than a tenth of the peak is added, a share of the
    diagonal."""
    peak: Annotated[tuple[float, float], Range(0, 100)] = (1.0, 2.0)
    """Least and greatest light in the middle, in units of white; what is white saturates."""
    margin: Annotated[float, Range(0, 0.5)] = 0.20
    """Share of height and width at each border where no reflection has its middle."""

    def __post_init__(self) -> None:
        _check(self)

    def problems(self) -> list[str]:
        """Name limits that lie the wrong way round."""
        return [*_order_problems("size", self.size), *_order_problems("peak", self.peak)]

    def apply(self, light: Light, rng: np.random.Generator) -> Light:
        """Add the reflections."""
        height, width = light.shape[:2]
        added = np.zeros((height, width), dtype=np.float32)
        for _ in range(int(rng.integers(1, self.n_max, endpoint=True))):
            half = rng.uniform(*self.size) * math.hypot(height, width) / 2
            stretch = rng.uniform(1, 2.5)  # how long beside how wide
            angle = rng.uniform(0, np.pi)
            down, right = rng.uniform(self.margin, 1 - self.margin, size=2)
            y, x = _axis(height, down), _axis(width, right)
            cos, sin = math.cos(angle), math.sin(angle)
            along = (cos * x + sin * y[:, None]) / half
            across = (cos * y[:, None] - sin * x) * (stretch / half)
            added += rng.uniform(*self.peak) * np.exp(-math.log(10) * (along**2 + across**2))
        return light + added[..., None]


@dataclass(frozen=True)
class Vignette:
    """Light that falls off towards the borders, with the square of the distance."""

    darkening: Share = 0.40
    """Greatest loss of light, reached in the corner that is farthest away."""
    offset: Annotated[float, Range(0, 0.5)] = 0.20
    """Greatest distance of the brightest place from the centre, a share of height and width."""

    def __post_init__(self) -> None:
        _check(self)

    def apply(self, light: Light, rng: np.random.Generator) -> Light:
        """Darken what lies far out."""
        height, width = light.shape[:2]
        loss = rng.uniform(0, self.darkening)
        down, right = rng.uniform(-self.offset, self.offset, size=2)
        y, x = _axis(height, 0.5 + down), _axis(width, 0.5 + right)
        squares = (y * y)[:, None] + x * x
        kept = 1 - np.float32(loss) * squares / max(float(squares.max()), 1e-9)
        return np.asarray(light * kept[..., None])


def _axis(n: int, origin: float) -> Float32[np.ndarray, " pixels"]:
    """Return where the pixels of a side lie beside an origin, which is a share of the side."""
    return np.arange(n, dtype=np.float32) - np.float32((n - 1) * origin)


@dataclass(frozen=True)
class Focus:
    """Blur of a lens that is out of focus, and of an object that moves while it is exposed."""

    defocus: Annotated[float, Range(0, 0.05)] = 0.004
    """Greatest radius of the disc that a point becomes, a share of the diagonal."""
    motion: Annotated[float, Range(0, 0.05)] = 0.004
    """Greatest way to either side, in any direction, a share of the diagonal."""

    def __post_init__(self) -> None:
        _check(self)

    def apply(self, light: Light, rng: np.random.Generator) -> Light:
        """Blur the light."""
        diagonal = np.hypot(*light.shape[:2])
        radius_px, way_px = (
            rng.uniform(0, each) * diagonal for each in (self.defocus, self.motion)
        )
        for kernel in (_disc(radius_px), _line(way_px, rng.uniform(0, np.pi))):
            # OpenCV drops the axis of a single channel
            light = cv2.filter2D(light, -1, kernel, borderType=cv2.BORDER_REPLICATE).reshape(
                light.shape
            )
        return light


def _disc(radius_px: float) -> Kernel:
    """Even disc, soft over one pixel at its edge; of no radius it is the pixel alone."""
    y, x = _grid(radius_px)
    return _normed(radius_px + 0.5 - np.hypot(x, y))


def _line(way_px: float, angle: float) -> Kernel:
    """Line of this way to either side, two pixels wide and falling off; of no way the pixel."""
    y, x = _grid(way_px)
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    beyond = np.maximum(np.abs(along) - way_px, 0)
    return _normed(1 - np.hypot(beyond, across))


def _grid(radius_px: float) -> tuple[np.ndarray, ...]:
    side = int(np.ceil(radius_px)) + 1
    return tuple(np.mgrid[-side : side + 1, -side : side + 1])


def _normed(weights: np.ndarray) -> Kernel:
    clipped = np.clip(weights, 0, 1)
    return np.asarray(clipped / clipped.sum(), dtype=np.float32)


@dataclass(frozen=True)
class Cast:
    """Colour of the lamp, and a white balance that is off."""

    channels: Annotated[float, Range(0, 1, "[)")] = 0.12
    """Greatest gain or loss of light of each channel by itself."""
    warmth: Annotated[float, Range(0, 1, "[)")] = 0.12
    """Greatest gain of red that blue loses, or the other way round."""

    def __post_init__(self) -> None:
        _check(self)

    def apply(self, light: Light, rng: np.random.Generator) -> Light:
        """Weigh the channels; a single one gets what their luminance gets."""
        warmth = rng.uniform(-self.warmth, self.warmth)
        gains = 1 + rng.uniform(-self.channels, self.channels, size=3)
        gains *= 1 + warmth, 1, 1 - warmth
        if light.shape[2] == 1:
            gains = np.array([gains @ _LUMINANCE])
        return light * gains.astype(np.float32)


# Sensor and file


@dataclass(frozen=True)
class Exposure:
    """Brighter or darker lamp, or a longer or shorter exposure."""

    stops: Annotated[float, Range(0, 8)] = 0.5
    """Greatest gain or loss; each stop doubles or halves the light."""

    def __post_init__(self) -> None:
        _check(self)

    def apply(self, light: Light, rng: np.random.Generator) -> Light:
        """Multiply the light."""
        return light * np.float32(2 ** rng.uniform(-self.stops, self.stops))


@dataclass(frozen=True)
class Noise:
    """Noise of a sensor at high gain: of the photons that it counts, and of reading it out.

    Shot noise grows with the root of the light, which the display's curve makes about even over
    all but the shadows; there it is up to 1.5 times as much. Read noise shows in the shadows alone.
    """

    shot_levels: Annotated[float, Range(0, 64)] = 5.0
    """Greatest standard deviation of shot noise in middle tones, in levels of 255."""
    read_levels: Annotated[float, Range(0, 64)] = 4.0
    """Greatest standard deviation of read noise in black, in levels of 255."""

    def __post_init__(self) -> None:
        _check(self)

    def apply(self, light: Light, rng: np.random.Generator) -> Light:
        """Add noise to every pixel and channel by itself."""
        shot, read = rng.uniform(0, self.shot_levels), rng.uniform(0, self.read_levels)
        # the display's curve is close to a square root, whose slope is 1 / (2 √light)
        variance = np.float32((2 * shot / 255) ** 2) * light
        variance += np.float32((read / 255 / _BLACK_SLOPE) ** 2)
        return light + np.sqrt(variance) * rng.standard_normal(light.shape, dtype=np.float32)


@dataclass(frozen=True)
class Jpeg:
    """File that was packed hard."""

    quality: Annotated[tuple[int, int], Range(1, 100)] = (30, 70)
    """Least and greatest quality, as libjpeg counts."""

    def __post_init__(self) -> None:
        _check(self)

    def problems(self) -> list[str]:
        """Name limits that lie the wrong way round."""
        return _order_problems("quality", self.quality)

    def apply(self, image: Image, rng: np.random.Generator) -> Image:
        """Pack the picture and unpack it."""
        quality = int(rng.integers(*self.quality, endpoint=True))
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
        packed = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1]
        unpacked = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        assert unpacked is not None  # it was packed a line above
        return np.asarray(cv2.cvtColor(unpacked, cv2.COLOR_BGR2RGB), dtype=np.uint8)


OfImage = Pose | Turn | Jpeg
OfLight = Glare | Vignette | Focus | Cast | Exposure | Noise


def relight(image: Image, drawn: Sequence[tuple[OfLight, np.random.Generator]]) -> Image:
    """Return the image after what happened to its light, one after the other."""
    if not drawn:
        return image
    is_monochrome = bool((image == image[..., :1]).all())
    light = to_light(image[..., :1] if is_monochrome else image)
    for kind, rng in drawn:
        light = kind.apply(light, rng)
    return np.repeat(to_display(light), 3 if is_monochrome else 1, axis=2)


def to_light(
    image: UInt8[np.ndarray, "height width channels"],
) -> Float32[np.ndarray, "height width channels"]:
    """Undo the transfer curve of sRGB: 0 is black, 1 white."""
    unit = np.arange(256) / 255
    curve = np.where(
        unit <= _BLACK_SLOPE * _DARK, unit / _BLACK_SLOPE, ((unit + 0.055) / 1.055) ** 2.4
    )
    return np.asarray(np.take(curve.astype(np.float32), image))


def to_display(
    light: Float32[np.ndarray, "height width channels"],
) -> UInt8[np.ndarray, "height width channels"]:
    """Clip light to 0 … 1 and apply the transfer curve of sRGB."""
    unit = np.arange(2**16) / (2**16 - 1)  # in black, one level of 255 is 20 of these steps
    curve = np.where(unit <= _DARK, _BLACK_SLOPE * unit, 1.055 * unit ** (1 / 2.4) - 0.055)
    steps = np.rint(np.clip(light, 0, 1) * np.float32(2**16 - 1)).astype(np.uint16)
    return np.asarray(np.take(np.rint(255 * curve).astype(np.uint8), steps))


def _check(limits: Record) -> None:
    """Look at the limits of a kind.

    Raises:
        ValueError: Some are out of their range, or lie the wrong way round.
    """
    problems = problems_of(limits, type(limits).__name__.lower())
    if problems:
        raise ValueError("; ".join(problems))


def _order_problems(name: str, limits: tuple[float, float]) -> list[str]:
    low, high = limits
    return [] if low <= high else [f"{name} must begin with the least, got {limits}"]
