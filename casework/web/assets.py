"""Static files, held in memory and served under a name that contains their hash: cached for good."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

PREFIX = "/static/"
OWN_FOLDERS = (Path(__file__).parent / "static", Path(__file__).parent / "built")
"""What is written here, and what deploy/front.sh builds of `front`."""

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its public name, its bytes, its media type."""

    public_name: str
    body: bytes
    media_type: str


class Assets:
    """All static files of a program. Later folders replace same-named files of earlier ones."""

    def __init__(self, folders: Sequence[Path]) -> None:
        files = [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in _TYPES]
        self._by_name = {path.name: _load(path) for path in files}
        self._by_public_name = {asset.public_name: asset for asset in self._by_name.values()}

    def url(self, name: str) -> str:
        """The address of a file; an unknown name is a mistake in a template and raises KeyError."""
        return PREFIX + self._by_name[name].public_name

    def response(self, public_name: str) -> web.Response:
        """The file, or 404 when no file has this name and content."""
        asset = self._by_public_name.get(public_name)
        if asset is None:
            raise web.HTTPNotFound
        charset = None if asset.media_type == "image/png" else "utf-8"
        headers = {"Cache-Control": _FOREVER}
        return web.Response(body=asset.body, content_type=asset.media_type, charset=charset, headers=headers)


def _load(path: Path) -> Asset:
    body = path.read_bytes()
    mark = hashlib.sha256(body).hexdigest()[:12]
    return Asset(f"{path.stem}.{mark}{path.suffix}", body, _TYPES[path.suffix])
