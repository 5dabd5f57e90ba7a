"""What a program compiles once, a test run would compile for each of its thousands of applications and databases."""

from __future__ import annotations

from functools import partial
from types import CodeType
from typing import Any

import aiohttp_jinja2
import jinja2
import sqlalchemy as sa
from jinja2.bccache import Bucket
from sqlalchemy.util import LRUCache

from sync_protocol.store import postgres_store, seam

_STATEMENTS_MAX = 2_000


class _Templates(jinja2.BytecodeCache):
    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._known[bucket.key, bucket.checksum] = bucket.code


class _Statements(LRUCache[Any, Any]):
    """SQLAlchemy's keys begin with the engine's own dialect; what it is matters, not whose it is."""

    @staticmethod
    def _key(key: tuple[Any, ...]) -> tuple[object, ...]:
        dialect, *statement = key
        return type(dialect), dialect.dbapi, *statement

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(self._key(key), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__(self._key(key), compiled)


_STATEMENTS = _Statements(_STATEMENTS_MAX)
_SETUP = partial(aiohttp_jinja2.setup, bytecode_cache=_Templates())


def _create_engine(*args: Any, **options: Any) -> sa.Engine:
    engine = sa.create_engine(*args, **options)
    engine.update_execution_options(compiled_cache=_STATEMENTS)
    return engine


def compile_once() -> None:
    """From now on, in this process, each application and each store finds what another one has compiled."""
    aiohttp_jinja2.setup = _SETUP
    seam.create_engine = postgres_store.create_engine = _create_engine
