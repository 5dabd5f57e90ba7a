"""`init`: make keys on this device, redeem the invitation, write down who we are.

The keys are on disk before anything is sent: a process that dies while the county grants the invitation to them is
started again with the same command, and gets the same answer.
"""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import aiohttp
from sqlalchemy import Connection

from casework.web.listen import client_context
from node.station import CA, PARENT_AUTHOR, PARENT_URL, migrate
from sync_protocol.authority import settle_in
from sync_protocol.crypto import KEY_BYTES, BoxKey, Signer
from sync_protocol.enrolment import EnrolRequest, Token, Welcome, pack_request, parse_welcome
from sync_protocol.errors import BadToken, TransferFailed
from sync_protocol.store.data_folder import DataFolder, FolderError
from sync_protocol.store.me import Me, drop, get, load_me, put
from sync_protocol.transport import enrol

_ASKED, _SIGN_SEED, _BOX_SEED = "enrol_token", "enrol_sign_seed", "enrol_box_seed"
Keys = tuple[Signer, BoxKey]


def enrol_here(
    folder: DataFolder, url: str, ca: bytes | None, token: Token, random_bytes: Callable[[int], bytes]
) -> Me:
    """Enrol this folder with a parent; run again after any failure, it goes on. Raises FolderError, SyncError.

    A refused invitation leaves nothing behind that was not there before.
    """
    made = [path for path in (folder.path, folder.key_file) if not path.exists()]
    folder.create(random_bytes)
    with folder.locked():
        keys = prepare(folder, token, random_bytes)
        try:
            welcome = asyncio.run(ask_to_enrol(url, token, ca, keys))
        except BadToken:  # nothing was granted to these keys
            for path in made:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            raise
        return found_station(folder, url, ca, welcome, keys)


def prepare(folder: DataFolder, token: Token, random_bytes: Callable[[int], bytes]) -> Keys:
    """The keys with which this folder redeems this invitation, on disk; the same ones however often it asks.

    Makes the database of a created folder. Raises FolderError when it holds a station already.
    """

    def keys(conn: Connection) -> Keys:
        if load_me(conn) is not None:
            raise FolderError(f"{folder.path} already holds a station")
        if get(conn, _ASKED) != token.id:
            for name, value in (
                (_ASKED, token.id),
                (_SIGN_SEED, random_bytes(KEY_BYTES)),
                (_BOX_SEED, random_bytes(KEY_BYTES)),
            ):
                put(conn, name, value)
        return Signer(get(conn, _SIGN_SEED) or b""), BoxKey(get(conn, _BOX_SEED) or b"")

    store = folder.store(migrate, new=True)
    try:
        return store.write(keys)
    finally:
        store.close()


async def ask_to_enrol(url: str, token: Token, ca: bytes | None, keys: Keys) -> Welcome:
    """Send the request to the parent; a township passes it on to the county. Raises SyncError.

    The invitation is spent when the county has granted it, and then answers these keys alone: an answer that was lost
    on the way is asked for again with the same keys.
    """
    signer, box = keys
    request = EnrolRequest(token.id, token.station, token.tier, signer.public, box.public)
    connector = aiohttp.TCPConnector(ssl=client_context(ca))
    async with aiohttp.ClientSession(connector=connector) as session:
        data = pack_request(request, token, signer)
        for pause in (1.0, 3.0):
            try:
                return parse_welcome(await enrol(session, url, data), token, signer.public)
            except TransferFailed:
                await asyncio.sleep(pause)
        answer = await enrol(session, url, data)
    return parse_welcome(answer, token, signer.public)


def found_station(folder: DataFolder, url: str, ca: bytes | None, welcome: Welcome, keys: Keys) -> Me:
    """Settle in as the station that the county named, in a created folder."""

    def settle(conn: Connection) -> Me:
        me = settle_in(conn, welcome, *keys)
        put(conn, PARENT_URL, url.encode())
        put(conn, PARENT_AUTHOR, str(welcome.station.certificate.parent).encode())
        if ca is not None:
            put(conn, CA, ca)
        for name in (_ASKED, _SIGN_SEED, _BOX_SEED):
            drop(conn, name)
        return me

    store = folder.store(migrate, new=True)
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
