"""Does an image show the product that the references show, so that it can be learnt from?"""

from __future__ import annotations

from features.images import ImageError

# another camera, crop or product; lenses and margins differ by less
MAX_ASPECT_RATIO = 1.5
# half of what the smallest references have: details that tell things apart are gone
MIN_SIDE_PX = 32


def check_product(name: str, image_size: tuple[int, int], reference_size: tuple[int, int]) -> None:
    """Refuse to learn from an image that cannot show what the references, of this size, show.

    Raises:
        ImageError: Its shape is another, or it is very small.
    """
    (height, width), (usual_height, usual_width) = image_size, reference_size
    ratio = (width / height) / (usual_width / usual_height)
    if max(ratio, 1 / ratio) > MAX_ASPECT_RATIO:
        raise ImageError(
            f"{name} must have about the shape of the references, {usual_width}×{usual_height} px "
            f"(width×height), got {width}×{height}; check that image and model are of one product"
        )
    if min(image_size) < MIN_SIDE_PX:
        raise ImageError(
            f"{name} must have {MIN_SIDE_PX} px or more along each side to be learnt from, "
            f"got {width}×{height} (width×height); use a larger photograph"
        )
