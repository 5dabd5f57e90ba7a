"""`init`: make keys on this device, redeem the invitation, write down who we are."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import aiohttp
from sqlalchemy import Connection

from casework.web.listen import client_context
from node.station import CA, PARENT_AUTHOR, PARENT_URL, migrate
from sync_protocol.authority import settle_in
from sync_protocol.client import enrol
from sync_protocol.crypto import KEY_BYTES, BoxKey, Signer
from sync_protocol.enrolment import EnrolRequest, Token, Welcome, pack_request, parse_welcome
from sync_protocol.store.data_folder import DataFolder
from sync_protocol.store.me import Me, put


async def ask_to_enrol(
    url: str, token: Token, ca: bytes | None, random_bytes: Callable[[int], bytes]
) -> tuple[Welcome, Signer, BoxKey]:
    """Send the request to the parent; a township passes it on to the county. Raises SyncError."""
    signer, box = Signer(random_bytes(KEY_BYTES)), BoxKey(random_bytes(KEY_BYTES))
    request = EnrolRequest(token.id, token.station, token.tier, signer.public, box.public)
    connector = aiohttp.TCPConnector(ssl=client_context(ca))
    async with aiohttp.ClientSession(connector=connector) as session:
        answer = await enrol(session, url, pack_request(request, token.key, signer))
    return parse_welcome(answer, token, signer.public), signer, box


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
