"""The least that could be used: one TCP stream that resumes by offset, tries again soon and gives a dead link up soon.

`receive ADDRESS PORT FILE` keeps what comes; `send ADDRESS PORT FILE` ends once all of it lies there. No TLS, no
signatures, no database: what the link itself leaves to any program that sends over one connection.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from pathlib import Path

_CONNECT_SECONDS = 3.0
_UNACKNOWLEDGED_MILLISECONDS = 5000
_AGAIN_SECONDS = 0.05
_PIECE_BYTES = 16 * 1024


def receive(address: str, port: int, file: Path) -> None:
    """Answer each connection with how much lies here, append what comes, and say at the end that it is whole."""
    with socket.create_server((address, port)) as server, file.open("ab") as sink:
        while True:
            one, _ = server.accept()
            with one:
                _receive_from(one, server, sink.fileno())


def _receive_from(one: socket.socket, server: socket.socket, sink: int) -> None:
    one.sendall(os.fstat(sink).st_size.to_bytes(8, "big"))
    head = b""
    while len(head) < 8:
        if not (data := _next(one, server, 8 - len(head))):
            return
        head += data
    while os.fstat(sink).st_size < int.from_bytes(head, "big"):
        if not (data := _next(one, server, _PIECE_BYTES)):
            return
        os.write(sink, data)
    one.sendall(b"!")


def _next(one: socket.socket, server: socket.socket, most: int) -> bytes:
    """Nothing when it is over, also because the sender has connected anew: a cut tells nobody."""
    ready, _, _ = select.select([one, server], [], [])
    if one not in ready:
        return b""
    try:
        return one.recv(most)
    except OSError:
        return b""


def send(address: str, port: int, file: Path) -> None:
    """Try again until all of it lies there."""
    data = file.read_bytes()
    while not _sent(address, port, data):
        time.sleep(_AGAIN_SECONDS)


def _sent(address: str, port: int, data: bytes) -> bool:
    try:
        with socket.create_connection((address, port), timeout=_CONNECT_SECONDS) as one:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MILLISECONDS)
            offset = int.from_bytes(one.recv(8, socket.MSG_WAITALL), "big")
            one.settimeout(None)
            one.sendall(len(data).to_bytes(8, "big") + data[offset:])
            return one.recv(1) == b"!"
    except OSError:
        return False


if __name__ == "__main__":
    {"receive": receive, "send": send}[sys.argv[1]](sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
