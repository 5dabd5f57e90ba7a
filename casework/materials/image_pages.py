"""Pictures to bounded, upright pages without metadata. Runs in the child only: it decodes hostile bytes."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from casework.materials.quad import WHOLE, Cut, flat_size, perspective
from casework.materials.rules import (
    LONG_EDGE_PIXELS,
    MAX_PAGES_PER_FILE,
    MAX_PIXELS,
    PAGE_EDGES_PIXELS,
    PAGE_QUALITIES,
    PAGE_TARGET_BYTES,
    PREVIEW_TARGET_BYTES,
    PREVIEW_TRIES,
    SHOT_BYTES,
    SHOT_QUALITY,
    Fault,
    Kind,
    Refused,
    bounded_size,
    check_pixels,
)
from casework.materials.strip import PNG_PIXELS, PNG_WITH_ORIENTATION, jpeg_pixels, png_parts

_FORMATS: Final = {Kind.JPEG: "JPEG", Kind.PNG: "PNG", Kind.WEBP: "WEBP", Kind.TIFF: "TIFF", Kind.BMP: "BMP"}
_ORIENTATION_TAG: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_CLOCKWISE: Final = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
_SIXTEEN_BIT: Final = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N"})


@dataclass(frozen=True, slots=True)
class Page:
    """One finished page: its media type, size in pixels and bytes, and its preview, a small legible WebP; b"" for a
    photo that is only kept."""

    media_type: str
    width: int
    height: int
    data: bytes
    preview: bytes


def open_picture(data: bytes, kind: Kind) -> Image.Image:
    """The picture with its header read and its size allowed; no pixel is decoded yet. Raises Refused."""
    if kind is Kind.PNG:
        data = png_parts(data, PNG_WITH_ORIENTATION)
    return _opened(data, kind)


def _opened(data: bytes, kind: Kind) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = max(MAX_PIXELS.values())
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        picture = Image.open(io.BytesIO(data), formats=(_FORMATS[kind],))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Refused(Fault.TOO_MANY_PIXELS) from None
    except UnidentifiedImageError:
        raise Refused(Fault.BROKEN) from None
    check_pixels(kind, *picture.size, progressive="progressive" in picture.info)
    return picture


def picture_pages(source: Path, kind: Kind) -> Iterator[Page]:
    """The pages of a picture file: one, or for TIFF one per frame. Raises Refused, or what Pillow raises."""
    data = source.read_bytes()
    picture = open_picture(data, kind)
    if kind is Kind.TIFF:
        yield from _tiff_pages(picture)
        return
    kept = _kept_pixels(data, kind, picture)
    yield kept if kept is not None else encode_page(_upright(picture))


def check_picture(data: bytes, kind: Kind) -> tuple[int, int]:
    """Decodes the whole picture and forgets it; gives its size in pixels. Raises like picture_pages.

    The very bytes that are kept, with whatever stands around the pixels: others must be able to open them too.
    """
    picture = _opened(data, kind)
    picture.load()
    return picture.size


def shot_pages(source: Path, kind: Kind, cut: Cut, *, with_photo: bool) -> Iterator[Page]:
    """The page that `cut` makes of a photo and, `with_photo`, the photo as it is kept. Raises like picture_pages."""
    data = source.read_bytes()
    if kind is Kind.TIFF:
        raise Refused(Fault.NOT_A_PHOTO)
    photo = _upright(open_picture(data, kind))
    yield encode_page(_cut_out(photo, cut))
    if with_photo:
        yield _kept_photo(data, kind, photo)


def _cut_out(photo: Image.Image, cut: Cut) -> Image.Image:
    if cut.quad != WHOLE:
        corners = cut.quad.on(*photo.size)
        size = bounded_size(*flat_size(corners), LONG_EDGE_PIXELS)
        way = perspective(corners, *size)
        photo = photo.transform(size, Image.Transform.PERSPECTIVE, way, Image.Resampling.BICUBIC)
    return photo.transpose(_CLOCKWISE[cut.turn]) if cut.turn else photo


def _kept_photo(data: bytes, kind: Kind, photo: Image.Image) -> Page:
    """The very pixels that came, where they are bounded and upright already: the browser has seen to that."""
    came = open_picture(data, kind)
    bare = jpeg_pixels(data) if kind is Kind.JPEG and came.size == photo.size and _orientation(came) == 1 else b""
    if not 0 < len(bare) <= SHOT_BYTES or came.mode == "CMYK":
        bare = _bare_jpeg(photo, SHOT_QUALITY)
    return Page(Kind.JPEG.value, *photo.size, bare, b"")


def encode_page(picture: Image.Image) -> Page:
    """The picture (RGB or L) as a JPEG; above PAGE_TARGET_BYTES only if the last try still is."""
    data, preview = b"", encode_preview(picture)
    for edge in PAGE_EDGES_PIXELS:
        picture = _resized(picture, edge)
        for quality in PAGE_QUALITIES:
            data = _bare_jpeg(picture, quality)
            if len(data) <= PAGE_TARGET_BYTES:
                return Page(Kind.JPEG.value, *picture.size, data, preview)
    return Page(Kind.JPEG.value, *picture.size, data, preview)


def encode_preview(picture: Image.Image) -> bytes:
    """The picture (RGB or L) as a WebP that arrives long before it; above PREVIEW_TARGET_BYTES if the last try is."""
    data = b""
    for edge, quality in PREVIEW_TRIES:
        picture = _resized(picture, edge)
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=quality, method=4)
        data = out.getvalue()
        if len(data) <= PREVIEW_TARGET_BYTES:
            break
    return data


def _bare_jpeg(picture: Image.Image, quality: int) -> bytes:
    """Stripped after encoding, because Pillow carries a comment from the source over into the copy."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, optimize=True)
    return jpeg_pixels(out.getvalue())


def _kept_pixels(data: bytes, kind: Kind, picture: Image.Image) -> Page | None:
    """The original compressed pixels where they are good as they stand: small, upright, plain colours."""
    small = max(picture.size) <= LONG_EDGE_PIXELS and len(data) <= 2 * PAGE_TARGET_BYTES
    if not small or kind not in (Kind.JPEG, Kind.PNG) or picture.mode == "CMYK" or _orientation(picture) != 1:
        return None
    bare = jpeg_pixels(data) if kind is Kind.JPEG else png_parts(data, PNG_PIXELS)
    if len(bare) > PAGE_TARGET_BYTES:
        return None
    decoded = _opened(bare, kind)
    preview = encode_preview(_on_white(_resized(_resizable(decoded), PREVIEW_TRIES[0][0])))
    return Page(kind.value, *decoded.size, bare, preview)


def _tiff_pages(picture: Image.Image) -> Iterator[Page]:
    if _has_frame(picture, MAX_PAGES_PER_FILE):
        raise Refused(Fault.TOO_MANY_PAGES)
    for number in range(MAX_PAGES_PER_FILE):
        if not _has_frame(picture, number):
            return
        check_pixels(Kind.TIFF, *picture.size)
        yield encode_page(_upright(picture))


def _has_frame(picture: Image.Image, number: int) -> bool:
    try:
        picture.seek(number)
    except EOFError:
        return False
    return True


def _upright(picture: Image.Image) -> Image.Image:
    """Decoded, bounded, turned as the camera says, on white, in RGB or L."""
    target = bounded_size(*picture.size, LONG_EDGE_PIXELS)
    picture.draft(None, target)
    picture.load()
    turn = _TURNS.get(_orientation(picture))
    plain = _on_white(_resized(_resizable(picture), LONG_EDGE_PIXELS))
    return plain if turn is None else plain.transpose(turn)


def _orientation(picture: Image.Image) -> int:
    """EXIF orientation 1 to 8; 1 where it is absent or unreadable."""
    try:
        value = picture.getexif().get(_ORIENTATION_TAG, 1)
    except (SyntaxError, ValueError, TypeError, LookupError, struct.error, OSError):
        return 1
    return value if isinstance(value, int) else 1


def _resizable(picture: Image.Image) -> Image.Image:
    """In a mode whose values can be averaged: L, RGB, RGBA or CMYK."""
    if picture.mode in _SIXTEEN_BIT:
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode in ("1", "F"):
        return picture.convert("L")
    if picture.has_transparency_data:
        return picture if picture.mode == "RGBA" else picture.convert("RGBA")
    return picture if picture.mode in ("L", "RGB", "CMYK") else picture.convert("RGB")


def _resized(picture: Image.Image, long_edge: int) -> Image.Image:
    size = bounded_size(*picture.size, long_edge)
    if size == picture.size:
        return picture
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGBA":
        sheet = Image.new("RGB", picture.size, "white")
        sheet.paste(picture, mask=picture.getchannel("A"))
        return sheet
    return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
