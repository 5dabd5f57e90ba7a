"""The shipped nginx site, run for real: only its addresses, files and the hub's port are a test's own."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import make_ca, server_cert
from tests.processes.founding import free_port

SITE = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "lianban-hub.conf"
_START_SECONDS = 20

# What Debian's own nginx.conf sets around a site, as far as a site could stumble over it.
_AROUND = """
daemon off; {user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/around-error.log info;
events {{ worker_connections 4096; }}
http {{
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    access_log {folder}/around-access.log;
    gzip on;
    client_body_temp_path {folder}/temp-body;
    proxy_temp_path {folder}/temp-proxy;
    fastcgi_temp_path {folder}/temp-fastcgi;
    uwsgi_temp_path {folder}/temp-uwsgi;
    scgi_temp_path {folder}/temp-scgi;
    include {folder}/site.conf;
}}
"""


def nginx_program() -> str:
    """Where Debian keeps it out of people's PATH too."""
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    assert found, "these tests run nginx: apt-get install nginx-light"
    return found


@dataclass
class NginxSite:
    """nginx on free ports with the site before a hub at 127.0.0.1:`hub_port`. Use as a context manager."""

    folder: Path
    hub_port: int
    https: int = 0
    http: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca = make_ca(self.folder, "county-ca")
        _, cert, _, key = server_cert(self.folder, "county", self.ca)
        self.https, self.http = free_port(), free_port()
        text = SITE.read_text(encoding="utf-8")
        for own, tests in (
            (r"server 127\.0\.0\.1:8000", f"server 127.0.0.1:{self.hub_port}"),
            (r"listen 80;", f"listen 127.0.0.1:{self.http};"),
            (r"listen 443 ", f"listen 127.0.0.1:{self.https} "),
            (r"listen \[::\]:80;", f"listen [::1]:{self.http};" if _has_v6() else ""),
            (r"listen \[::\]:443 ssl http2;", f"listen [::1]:{self.https} ssl http2;" if _has_v6() else ""),
            (r"/etc/lianban/tls/county\.pem", cert),
            (r"/etc/lianban/tls/county\.key", key),
            (r"/var/log/nginx/", f"{self.folder}/"),
        ):
            text, changed = re.subn(own, tests, text)
            assert changed, f"the site does not say {own} any more"
        (self.folder / "site.conf").write_text(text, encoding="utf-8")
        user = "user root;" if os.geteuid() == 0 else ""
        around = _AROUND.format(folder=self.folder, user=user)
        (self.folder / "nginx.conf").write_text(around, encoding="utf-8")

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.https}"

    def command(self, *more: str) -> list[str]:
        return [nginx_program(), "-e", str(self.folder / "start.log"), "-c", str(self.folder / "nginx.conf"), *more]

    def __enter__(self) -> NginxSite:
        self.process = subprocess.Popen(self.command())
        end = time.monotonic() + _START_SECONDS
        while not _listens(self.https):
            assert self.process.poll() is None and time.monotonic() < end, self.written()
            time.sleep(0.05)
        return self

    def __exit__(self, *exc: object) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(20)

    def logged(self) -> str:
        """What the site's access log says."""
        return (self.folder / "lianban.log").read_text(encoding="utf-8")

    def written(self) -> str:
        """Everything that nginx wrote to any log."""
        return "".join(path.read_text(encoding="utf-8") for path in self.folder.glob("*.log"))


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _has_v6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True
