"""Password hashes: argon2id, 64 MiB and three passes, made in a short-lived child process.

The child gives its memory back when it ends, so a serving process on a small station PC stays small, and at
most `CHILDREN_AT_ONCE` run together. A password travels to the child on standard input, never in arguments.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Protocol

import nacl.exceptions
from nacl.pwhash import argon2id

from casework.accounts import canonical_password

PASSES = 3
MEMORY_BYTES = 64 * 1024 * 1024
COST_GROWTH_MAX = 4
"""A stored string may ask for so many times the passes and the memory of today's: a station writes those of its people,
and the county looks at them too."""
CHILDREN_AT_ONCE = 2
CHILD_SECONDS = 60


_STORED = re.compile(
    r"\$argon2id\$v=19\$m=([0-9]{1,8}),t=([0-9]{1,4}),p=1\$[0-9A-Za-z+/]{1,99}\$[0-9A-Za-z+/]{1,99}", re.ASCII
)


class PasswordChildFailed(RuntimeError):
    """The child process ended without an answer; the attempt may be repeated."""


class Passwords(Protocol):
    """What sign-in needs: both calls may take a second, and neither blocks the event loop."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, password: str, stored: str) -> bool: ...


def hash_password(password: str, *, passes: int = PASSES, memory_bytes: int = MEMORY_BYTES) -> str:
    """An argon2id string in the usual `$argon2id$…` form; libsodium draws the salt. Uses `memory_bytes`."""
    data = canonical_password(password).encode()
    return argon2id.str(data, opslimit=passes, memlimit=memory_bytes).decode("ascii")


def verify_password(password: str, stored: str) -> bool:
    """Whether the password belongs to the stored string; a malformed or too costly one belongs to no password."""
    shape = _STORED.fullmatch(stored)
    if shape is None or not _affordable(int(shape[1]), int(shape[2])):
        return False
    try:
        return argon2id.verify(stored.encode("ascii"), canonical_password(password).encode())
    except (nacl.exceptions.InvalidkeyError, nacl.exceptions.ValueError, UnicodeEncodeError):
        return False


def _affordable(memory_kib: int, passes: int) -> bool:
    return 1024 * memory_kib <= COST_GROWTH_MAX * MEMORY_BYTES and passes <= COST_GROWTH_MAX * PASSES


class ChildPasswords:
    """`Passwords` in child processes of this interpreter."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(CHILDREN_AT_ONCE)

    async def hash(self, password: str) -> str:
        answer = await self._ask({"op": "hash", "password": password})
        return str(answer["hash"])

    async def verify(self, password: str, stored: str) -> bool:
        answer = await self._ask({"op": "verify", "password": password, "hash": stored})
        return answer["ok"] is True

    async def _ask(self, question: dict[str, str]) -> dict[str, object]:
        async with self._places:
            return await asyncio.wait_for(_run_child(json.dumps(question).encode()), CHILD_SECONDS)


async def _run_child(question: bytes) -> dict[str, object]:
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "casework.password_child", stdin=pipe, stdout=pipe
    )
    try:
        output, _ = await child.communicate(question)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        raise PasswordChildFailed(f"password child ended with {child.returncode}")
    answer: dict[str, object] = json.loads(output)
    return answer
