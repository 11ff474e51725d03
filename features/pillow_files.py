"""Pictures that Pillow decodes: JPEG, PNG, BMP, WebP, GIF, HEIC, and ordinary TIFF.

Pillow converts many modes to RGB by itself. Here numbers are taken out as they are wherever a mask
or a camera of more than eight bits needs them: indices of a palette, and words of 16 bits.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, ImageOps
from PIL import Image as Pillow

from features.images import ImageError
from features.jpeg_files import check_whole
from features.samples import Samples, upright_size

# modes that say the same in fewer words once converted
_SIMPLER = {
    "1": "L",
    "CMYK": "RGB",
    "La": "LA",
    "PA": "RGBA",
    "RGBX": "RGB",
    "RGBa": "RGBA",
    "YCbCr": "RGB",
}
# by what Pillow multiplies grey of PNG of few bits, but not the level that is transparent
_SPREAD = {"L;2": 85, "L;4": 17}
_CHANNELS = {"L": 1, "LA": 2, "P": 1, "RGB": 3, "RGBA": 4}

# taken out at a time: Pillow makes bytes of what is asked for, and NumPy copies them
_BAND_PX = 2**20


@dataclass(frozen=True)
class PillowPicture:
    """An open picture; ``image`` is not yet decoded."""

    path: Path
    image: Pillow.Image

    @cached_property
    def orientation(self) -> int:
        """How the picture lies, by EXIF; 1 is upright."""
        with suppress(Exception):  # unreadable EXIF says nothing about rotation
            is_late = self.image.format == "PNG" and _has_late_exif(self.path)
            # asked by itself, Pillow would decode each PNG to see whether EXIF follows the pixels
            exif = self.image.getexif() if is_late else Pillow.Image.getexif(self.image)
            found = exif.get(ExifTags.Base.Orientation, 1)
            return found if isinstance(found, int) else 1
        return 1

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width of the upright picture."""
        return upright_size(self.image.size[::-1], self.orientation)

    @cached_property
    def is_deep(self) -> bool:
        """Whether values have 16 bits, of which a camera may have filled fewer."""
        # older Pillow releases give 16-bit grey PNG the mode of 32-bit integers
        is_png_of_integers = (self.image.mode, self.image.format) == ("I", "PNG")
        return self.image.mode.startswith("I;16") or is_png_of_integers or self._is_deep_color

    @property
    def lossy(self) -> str | None:
        """Name of the format if it changes values."""
        if self.image.format in ("JPEG", "MPO", "HEIF"):
            return "JPEG" if self.image.format == "MPO" else self.image.format
        if self.image.format == "WEBP":
            with self.path.open("rb") as file:
                return None if _is_lossless_webp(file.read(2**16)) else "lossy WebP"
        return None

    @cached_property
    def _is_deep_color(self) -> bool:
        """Whether this is a PNG of 16 bits a channel, of which Pillow keeps the upper eight."""
        modes = (str(tile[3]) for tile in getattr(self.image, "tile", ()))
        return self.image.format == "PNG" and any(
            mode.startswith(("RGB;16", "RGBA;16", "LA;16")) for mode in modes
        )

    def samples(self, *, is_mask: bool = False) -> Samples:
        """Decode the values; of a mask nothing else is asked.

        Raises:
            ImageError: Nobody knows which range they have.
        """
        del is_mask
        is_deep, is_deep_color = self.is_deep, self._is_deep_color  # as long as they can be told
        clear = self._transparent_level
        if self.image.format in ("JPEG", "MPO"):
            check_whole(self.path.read_bytes())
        self.image.load()
        orientation = self._turned()
        if is_deep_color:
            return self._deep_color(orientation)
        if is_deep:
            values = np.array(self.image).astype(np.uint16, copy=False)[..., None]
            if clear is not None:
                alpha = np.where(values == clear, np.uint16(0), np.uint16(65535))
                values = np.concatenate([values, alpha], axis=2)
            found = Samples(
                str(self.path),
                values,
                16,
                "grey",
                has_alpha=clear is not None,
                orientation=orientation,
            )
        else:
            if clear is not None:
                self.image.info["transparency"] = clear
            found = shallow_samples(self.path, self.image, orientation)
        self.image.close()  # which lets go of its pixels, too
        return found

    @property
    def _transparent_level(self) -> int | None:
        """The level of grey that is transparent in a PNG, None if there is none."""
        level = self.image.info.get("transparency")
        is_grey = self.image.mode in ("L", "I") or self.image.mode.startswith("I;16")
        if self.image.format != "PNG" or not is_grey or not isinstance(level, int):
            return None
        modes = (str(tile[3]) for tile in getattr(self.image, "tile", ()))
        return level * next((_SPREAD[mode] for mode in modes if mode in _SPREAD), 1)

    def _turned(self) -> int:
        """Return the orientation that is left to be done: Pillow turns TIFF while loading."""
        if self.image.format != "TIFF":
            return self.orientation
        with suppress(Exception):
            ImageOps.exif_transpose(self.image, in_place=True)
        return 1

    def _deep_color(self, orientation: int) -> Samples:
        """Have OpenCV decode it, once Pillow has found it to be whole."""
        size = self.image.size[::-1]
        self.image.close()
        data = np.fromfile(self.path, np.uint8)
        level = cv2.utils.logging.setLogLevel(0)  # what is wrong is told as an error
        try:
            values = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        finally:
            cv2.utils.logging.setLogLevel(level)
        if values is None or values.shape[:2] != size or values.dtype != np.uint16:
            raise ValueError("its pixels are not those that its header promises")
        has_alpha = values.shape[2] == 4
        return Samples(
            str(self.path),
            values[..., [2, 1, 0, 3]] if has_alpha else values[..., ::-1],
            16,
            "rgb",
            has_alpha=has_alpha,
            orientation=orientation,
        )


def shallow_samples(path: Path, image: Pillow.Image, orientation: int) -> Samples:
    """Take the values out of a decoded image of eight bits or fewer.

    Raises:
        ImageError: The mode is of another kind.
    """
    if image.mode not in _CHANNELS.keys() | _SIMPLER.keys():
        raise ImageError(
            f"{path} has pixels of type {image.mode!r}, expected 8- or 16-bit grey, RGB or CMYK; "
            "save it as 8-bit RGB"
        )
    mode = _SIMPLER.get(image.mode, image.mode)
    if image.mode not in ("P", "PA", "La", "RGBa", "LA") and image.has_transparency_data:
        mode = "RGBA"
    return Samples(
        str(path),
        _values(image, mode),
        bits=8,
        meaning={"P": "index", "L": "grey", "LA": "grey"}.get(mode, "rgb"),  # type: ignore[arg-type]
        has_alpha=mode in ("LA", "RGBA"),
        palette=_palette(image) if mode == "P" else None,
        orientation=orientation,
    )


def _values(image: Pillow.Image, mode: str) -> np.ndarray:
    """Copy the pixels, converted if need be, without a second copy of a large image."""
    width, height = image.size
    values = np.empty((height, width, _CHANNELS[mode]), dtype=np.uint8)
    step = max(1, _BAND_PX // width)
    for top in range(0, height, step):
        rows = slice(top, min(height, top + step))
        band = image if step >= height else image.crop((0, rows.start, width, rows.stop))
        pixels = np.asarray(band if band.mode == mode else band.convert(mode))
        values[rows] = pixels.reshape(values[rows].shape)
    return values


def _palette(image: Pillow.Image) -> np.ndarray:
    """Return red, green, blue and alpha of each of 256 indices."""
    ramp = Pillow.frombytes("P", (256, 1), bytes(range(256)))
    ramp.putpalette(image.getpalette("RGBA") or [], "RGBA")
    if "transparency" in image.info:
        ramp.info["transparency"] = image.info["transparency"]
    return np.asarray(ramp.convert("RGBA")).reshape(256, 4)


def _has_late_exif(path: Path) -> bool:
    """Tell whether a PNG has metadata after its pixels, by the names of its chunks."""
    with path.open("rb") as file:
        file.seek(8)
        is_late = False
        while len(head := file.read(8)) == 8:
            if head[4:] in (b"eXIf", b"iTXt") and is_late:
                return True
            is_late = is_late or head[4:] == b"IDAT"
            file.seek(int.from_bytes(head[:4], "big") + 4, 1)
    return False


def _is_lossless_webp(head: bytes) -> bool:
    """Look for the chunk of pixels that are stored exactly."""
    return head[12:16] == b"VP8L" or (head[12:16] == b"VP8X" and b"VP8L" in head)
