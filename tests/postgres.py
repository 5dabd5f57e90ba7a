"""A real PostgreSQL for tests: a cluster of our own from the system's binaries, fsync on, gone with the tests.

What is missing fails, never skips: `deploy/setup.sh dev` installs it.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from sync_protocol.store.postgres_store import PostgresStore, parse_url
from tests.memory_folder import memory_folder

USER, PASSWORD = "lianban", "p@ss:word/1"
_STOP_SECONDS = 30


def binaries() -> Path:
    """Where initdb and postgres lie, the newest version's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise RuntimeError("PostgreSQL is not installed: run deploy/setup.sh dev")
    return found[-1].parent


def _as_server() -> list[str]:
    """postgres refuses to run as root; and it must not outlive us, however we end."""
    words = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        words += ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    return words


class Cluster:
    """A running server; `database` and `copy` make databases on it."""

    def __init__(self, folder: Path, options: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.options = options
        self.port = _free_port()
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def make(self) -> Cluster:
        self.folder.chmod(0o700)
        password = self.folder / "password"
        password.write_text(PASSWORD + "\n", encoding="utf-8")
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            for path in (self.folder, password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        settings = ["--encoding=UTF8", "--locale=C", "--auth-local=trust", "--auth-host=scram-sha-256"]
        words = [binaries() / "initdb", "-D", self.folder / "data", "-U", USER, "--pwfile", password, *settings]
        self._run(*words, "--no-sync", "--no-instructions")
        return self

    def _run(self, *words: str | Path) -> None:
        done = subprocess.run(
            [*_as_server(), *map(str, words)], cwd=self.folder, capture_output=True, text=True, check=False, timeout=100
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> Cluster:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": "on",
            "shared_buffers": "32MB",
            "max_connections": 100,
            "autovacuum": "off",
            "deadlock_timeout": "200ms",
        }
        words = [f"-c{name}={value}" for name, value in settings.items()] + [f"-c{one}" for one in self.options]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_server(), binaries() / "postgres", "-D", self.folder / "data", *words],
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        self._wait()
        return self

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while True:
            assert self._process is not None and self._process.poll() is None, self.log.read_text(errors="replace")
            try:
                with self.admin() as conn:
                    conn.execute(sa.text("SELECT 1"))
                return
            except sa.exc.OperationalError:
                assert time.monotonic() < end, self.log.read_text(errors="replace")
                time.sleep(0.1)

    def stop(self, signal: str = "INT") -> None:
        """ "INT" ends all sessions; "QUIT" is as if the power went."""
        if self._process is not None:
            self._process.send_signal({"INT": 2, "QUIT": 3}[signal])
            self._process.wait(_STOP_SECONDS)
            self._process = None

    @contextmanager
    def admin(self, database: str = "postgres") -> Iterator[sa.Connection]:
        """An autocommit connection over the local socket."""
        engine = sa.create_engine(self.local_url(database), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            yield conn

    def url(self, database: str) -> str:
        """The address over loopback, as an operator types it, with its password."""
        url = sa.URL.create("postgresql+psycopg", USER, PASSWORD, "127.0.0.1", self.port, database)
        return url.render_as_string(hide_password=False)

    def database(self, template: str = "template0") -> str:
        """The name of a fresh database, or of a copy of one that nobody uses just now."""
        name = f"t{next(self._numbers)}"
        with self.admin() as conn:
            conn.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return name

    def local_url(self, database: str) -> str:
        """The address over the local socket, where this machine's user is trusted."""
        url = sa.URL.create("postgresql+psycopg", USER, database=database)
        return url.set(query={"host": str(self.folder), "port": str(self.port)}).render_as_string()

    def store_url(self, name: str) -> sa.URL:
        return parse_url(self.url(name))

    def store(self, name: str) -> PostgresStore:
        return PostgresStore(self.store_url(name))

    def drop(self, name: str) -> None:
        with self.admin() as conn:
            conn.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def running_cluster(*options: str) -> Iterator[Cluster]:
    # A socket's path may have 107 bytes: not below pytest's folders. And each test has a database, made and dropped.
    folder = memory_folder("lianban-pg-")
    cluster = Cluster(folder, options)
    try:
        yield cluster.make().start()
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
