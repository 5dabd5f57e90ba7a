"""Zstandard streams, the only module that imports the library (SPEC section 8).

A stream is always read through a cap: a frame's own claim about its size is never believed.
"""

from __future__ import annotations

from backports.zstd import CompressionParameter, DecompressionParameter, ZstdCompressor, ZstdDecompressor, ZstdError

from sync_protocol.errors import BadBytes, TooLarge
from sync_protocol.limits import KIB, ZSTD_WINDOW_LOG_MAX

_LEVEL = 9
_SMALL_BYTES_MAX = 256 * KIB
"""Up to this the level's own tables, 13 MB that each stream makes anew, are too large."""
_WINDOW_LOG_MIN = 10
_STEP_BYTES = 64 * KIB
_MAGIC = bytes.fromhex("28b52ffd")


class Deflater:
    """One stream of so many bytes; `flush` ends a block so that what was written so far can be read at the other end.

    Tables as large as what is to be written find all that the level's own would, in a tenth of the time for a message.
    """

    def __init__(self, content_bytes: int) -> None:
        options: dict[int, int] = {
            CompressionParameter.compression_level: _LEVEL,
            CompressionParameter.checksum_flag: 0,
        }
        if content_bytes <= _SMALL_BYTES_MAX:
            window_log = max((content_bytes - 1).bit_length(), _WINDOW_LOG_MIN)
            options |= {
                CompressionParameter.window_log: window_log,
                CompressionParameter.hash_log: window_log + 1,
                CompressionParameter.chain_log: window_log + 1,
            }
        self._stream = ZstdCompressor(options=options)

    def write(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def flush(self) -> bytes:
        return self._stream.flush(ZstdCompressor.FLUSH_BLOCK)

    def close(self) -> bytes:
        return self._stream.flush(ZstdCompressor.FLUSH_FRAME)


def inflate(data: bytes, *, unpacked_bytes_max: int) -> bytes:
    """The content of exactly one whole stream; TooLarge as soon as it would exceed the cap."""
    if not data.startswith(_MAGIC):
        raise BadBytes("not a zstd stream")  # a skippable frame is none, though the library reads it as an empty one
    stream = ZstdDecompressor(options={DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG_MAX})
    parts: list[bytes] = []
    total = 0
    feed = data
    try:
        while not stream.eof:
            part = stream.decompress(feed, max_length=_STEP_BYTES)
            feed = b""
            total += len(part)
            if total > unpacked_bytes_max:
                raise TooLarge(f"more than {unpacked_bytes_max} bytes unpacked")
            parts.append(part)
            if not part and stream.needs_input and not stream.eof:
                raise BadBytes("the compressed stream is cut short")
    except ZstdError as error:
        raise BadBytes("not a zstd stream") from error
    if stream.unused_data:
        raise BadBytes("bytes after the compressed stream")
    return b"".join(parts)


def deflate(data: bytes) -> bytes:
    """`data` as one whole stream."""
    stream = Deflater(len(data))
    return stream.write(data) + stream.close()
