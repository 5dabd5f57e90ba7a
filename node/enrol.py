"""`init`: make keys on this device, redeem the invitation, write down who we are."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from sqlalchemy import Connection

from casework.web.listen import client_context
from node.station import CA, PARENT_AUTHOR, PARENT_URL, migrate
from sync_protocol.authority import settle_in
from sync_protocol.client import enrol
from sync_protocol.crypto import KEY_BYTES, BoxKey, Signer
from sync_protocol.enrolment import EnrolRequest, Token, Welcome, pack_request, parse_welcome
from sync_protocol.errors import TransferFailed
from sync_protocol.store.data_folder import DataFolder
from sync_protocol.store.me import Me, put


async def ask_to_enrol(
    url: str, token: Token, ca: bytes | None, random_bytes: Callable[[int], bytes]
) -> tuple[Welcome, Signer, BoxKey]:
    """Send the request to the parent; a township passes it on to the county. Raises SyncError.

    The invitation is spent when the county has granted it, and then answers these keys alone: an answer that was lost
    on the way is asked for again with the same keys.
    """
    signer, box = Signer(random_bytes(KEY_BYTES)), BoxKey(random_bytes(KEY_BYTES))
    request = EnrolRequest(token.id, token.station, token.tier, signer.public, box.public)
    connector = aiohttp.TCPConnector(ssl=client_context(ca))
    async with aiohttp.ClientSession(connector=connector) as session:
        data = pack_request(request, token, signer)
        for pause in (1.0, 3.0):
            try:
                return parse_welcome(await enrol(session, url, data), token, signer.public), signer, box
            except TransferFailed:
                await asyncio.sleep(pause)
        answer = await enrol(session, url, data)
    return parse_welcome(answer, token, signer.public), signer, box


def check_parent(url: str) -> str:
    """The URL without a slash at its end. Raises ValueError that says what is expected."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"--parent is a URL such as https://hall.example:8080, not {url!r}")
    return url.rstrip("/")


def found_station(
    folder: DataFolder,
    url: str,
    ca: bytes | None,
    welcome: Welcome,
    keys: tuple[Signer, BoxKey],
    random_bytes: Callable[[int], bytes],
) -> Me:
    """Make the folder and its database and settle in. Raises FolderError when it is taken."""
    folder.create(random_bytes)
    store = folder.store(migrate, new=True)

    def settle(conn: Connection) -> Me:
        me = settle_in(conn, welcome, *keys)
        put(conn, PARENT_URL, url.encode())
        put(conn, PARENT_AUTHOR, str(welcome.station.certificate.parent).encode())
        if ca is not None:
            put(conn, CA, ca)
        return me

    try:
        return store.write(settle)
    finally:
        store.close()


def read_ca(path: Path | None) -> bytes | None:
    """The CA's PEM text. Raises ValueError when the file is none."""
    if path is None:
        return None
    data = path.read_bytes()
    try:
        client_context(data)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(f"{path} holds no certificate in PEM") from error
    return data
