"""Certificates for tests, made with the openssl program: a CA, and servers that it vouches for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def _openssl(*words: str | Path) -> None:
    program = shutil.which("openssl")
    assert program, "these tests make certificates with the openssl program: apt-get install openssl"
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def make_ca(folder: Path, name: str) -> tuple[Path, Path]:
    """Certificate and key of a new CA, valid for 30 days."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    words = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}")
    _openssl("req", "-x509", *words, "-keyout", key, "-out", cert, "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    return cert, key


def server_cert(folder: Path, name: str, ca: tuple[Path, Path]) -> tuple[str, ...]:
    """The options with which a program serves as 127.0.0.1, signed by the CA."""
    request, cert, key = folder / f"{name}.csr", folder / f"{name}.pem", folder / f"{name}.key"
    words = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}")
    _openssl("req", *words, "-keyout", key, "-out", request)
    extensions = folder / f"{name}.ext"
    extensions.write_text("subjectAltName=IP:127.0.0.1\nkeyUsage=critical,digitalSignature\n", encoding="ascii")
    signing = ("-CA", ca[0], "-CAkey", ca[1], "-CAcreateserial", "-days", "30")
    _openssl("x509", "-req", "-in", request, "-out", cert, *signing, "-extfile", extensions)
    return ("--tls-cert", str(cert), "--tls-key", str(key))
