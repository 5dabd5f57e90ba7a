"""Files to upload, good and hostile, made on the spot."""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path

import pypdfium2
from PIL import Image, ImageDraw

GPS_MARK = b"GPS-30.89N-119.41E"


def photo(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A sheet with lines on it and camera noise over it: compresses about as a real photo of a paper does."""
    grain = random.Random(7).randbytes(256 * 256)
    noise = Image.frombytes("L", (256, 256), grain).resize((width, height), Image.Resampling.BILINEAR)
    picture = Image.blend(Image.new("L", (width, height), 225), noise, 0.12).convert(mode)
    draw = ImageDraw.Draw(picture)
    for y in range(40, height, 60):
        draw.line((40, y, width - 40, y), fill="black", width=4)
    return picture


def corner_marked(width: int, height: int) -> Image.Image:
    """White, with a red block in the top left corner."""
    picture = Image.new("RGB", (width, height), "white")
    picture.paste((220, 0, 0), (0, 0, width // 4, height // 4))
    return picture


def jpeg(picture: Image.Image, *, orientation: int = 1, quality: int = 90, progressive: bool = False) -> bytes:
    """A camera's JPEG: EXIF with orientation, maker and GPS, and a comment."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = GPS_MARK.decode()
    exif.get_ifd(0x8825)[0x001D] = "2026:11:21"
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, exif=exif, comment=GPS_MARK, progressive=progressive)
    return out.getvalue()


def encoded(picture: Image.Image, format_name: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_name, **options)
    return out.getvalue()


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *extra: bytes, rows: int | None = None) -> bytes:
    """A grey PNG; `rows` fewer than its height makes it a lie; `extra` chunks go before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\xf0" * width) * (height if rows is None else rows))
    chunks = [png_chunk(b"IHDR", header), *extra, png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def bomb(size_bytes: int) -> bytes:
    """A zlib stream about a thousand times smaller than what it inflates to."""
    press = zlib.compressobj(9)
    return b"".join(press.compress(bytes(1 << 20)) for _ in range(size_bytes >> 20)) + press.flush()


def pdf(pages: int, width_points: float = 595, height_points: float = 842) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(width_points, height_points)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def locked_pdf() -> bytes:
    """A PDF whose encryption record no empty password opens."""
    key = b"<" + b"5a" * 32 + b">"
    return _pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        b"<</Filter/Standard/V 1/R 2/P -44/O " + key + b"/U " + key + b">>",
        trailer=b"/Encrypt 4 0 R/ID[<00><00>]",
    )


def pdf_with_bomb(side_pixels: int) -> bytes:
    """One page that shows a picture of side x side pixels whose data inflate a thousandfold."""
    data = bomb(side_pixels * side_pixels * 3)
    size = str(side_pixels).encode()
    picture = (
        b"<</Type/XObject/Subtype/Image/Width " + size + b"/Height " + size + b"/ColorSpace/DeviceRGB"
        b"/BitsPerComponent 8/Filter/FlateDecode/Length " + str(len(data)).encode() + b">>stream\n" + data
    )
    show = b"595 0 0 842 0 0 cm /I Do"
    return _pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        b"<</Length " + str(len(show)).encode() + b">>stream\n" + show + b"\nendstream",
        picture + b"\nendstream",
    )


def _pdf_of(*objects: bytes, trailer: bytes = b"") -> bytes:
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj" % number + body + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    end = b"trailer<</Root 1 0 R/Size %d" % count + trailer + b">>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % count + table + end


def put(folder: Path, data: bytes) -> Path:
    """The bytes as a file on disk, the way an upload lies there."""
    path = folder / "upload"
    path.write_bytes(data)
    return path
