"""Makes the tables of SPEC.md that follow from code: `python -m tests.sync_protocol.spec_tables`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sync_protocol import limits
from sync_protocol.errors import SyncError
from sync_protocol.server import status_of

SPEC = Path(__file__).resolve().parents[2] / "sync_protocol" / "SPEC.md"

UNITS: dict[str, tuple[str, str]] = {
    "INT_MAX": ("", "largest integer, except marks, fields of later versions (6.1) and integers inside bodies"),
    "DEPTH_MAX": ("levels", "arrays and maps inside one another (2)"),
    "HEADER_BYTES_MAX": ("bytes", "a header (6.1)"),
    "BODY_BYTES_MAX": ("bytes", "a body (6.2)"),
    "BLOBS_PER_ENTRY_MAX": ("blobs", "named by one entry (6.1)"),
    "WRAP_BYTES_MAX": ("bytes", "a case key sealed to a reader (6.2, 13.7)"),
    "SHARES_PER_ENTRY_MAX": ("case keys", "in a share (13.7)"),
    "EPOCH_MAX": ("", "largest epoch (6.4); a mark has room for no larger one (6.1)"),
    "AUTHOR_MAX": ("", "largest author (5.1)"),
    "SERIAL_MAX": ("", "largest serial of a certificate (9.1)"),
    "SEGMENT_ENTRIES_MAX": ("entries", "in a segment, and between two signatures (7)"),
    "SEGMENT_PAYLOAD_BYTES_MAX": ("bytes", "headers and bodies of a segment (7)"),
    "FRAME_BYTES_MAX": ("bytes", "one frame (8.1)"),
    "FRAMES_PER_MESSAGE_MAX": ("frames", "in a message (8.1)"),
    "BLOB_CHUNK_BYTES_MAX": ("bytes", "of a blob in one frame (8.2)"),
    "PIECE_BYTES": ("bytes", "of a blob, believed together (8.3)"),
    "PIECE_DIGEST_BYTES": ("bytes", "of a piece's hash (8.3)"),
    "BLOB_BYTES_MAX": ("bytes", "a blob, as ciphertext (13.3)"),
    "WANTS_MAX": ("blobs", "in a Want or a Blob state (8.2)"),
    "ANSWER_BLOB_BYTES": ("bytes", "of scans in one answer (10.5)"),
    "VECTOR_BRANCHES_MAX": ("branches", "in a vector (8.2)"),
    "RECEIPT_BLOBS_MAX": ("blobs", "in a receipt (11.5)"),
    "RUN_EXCEPTIONS_MAX": ("exceptions", "in a run (11.1)"),
    "RUNS_PER_RECORD_MAX": ("runs", "in an order record (11.1)"),
    "GRANT_HEADS_MAX": ("feeds", "in a grant or a revocation (6.4, 9.2)"),
    "OPENING_WRAPS_MAX": ("readers", "in an opening (6.2)"),
    "FAULTS_MAX": ("faults", "in a message (8.1)"),
    "FORK_PROOF_BYTES_MAX": ("bytes", "a proof of a fork (7.1)"),
    "MESSAGE_BYTES_MAX": ("bytes", "a request or reply as it travels (8.1)"),
    "MESSAGE_UNPACKED_BYTES_MAX": ("bytes", "a message after decompression (8.1)"),
    "UPLOAD_TARGET_BYTES": ("bytes", "what a writer aims to put into one message; no reader checks it"),
    "ZSTD_WINDOW_LOG_MAX": ("log₂ bytes", "window of a stream (8.1)"),
    "BUNDLE_HEAD_BYTES_MAX": ("bytes", "the head of a bundle (17.1)"),
    "BUNDLE_CERTIFICATES_MAX": ("certificates", "in the head of a bundle (17.1)"),
    "TOKEN_BYTES_MAX": ("letters", "a token as text, without white space (9.3)"),
    "CERTIFICATE_BYTES_MAX": ("bytes", "a signed certificate (9.1)"),
    "REPORT_BYTES_MAX": ("bytes", "a report (19)"),
    "REPORTS_PER_MESSAGE_MAX": ("reports", "in a message (8.2)"),
    "STATEMENT_BYTES_MAX": ("bytes", "a statement (18)"),
    "STATEMENT_PAYLOAD_BYTES_MAX": ("bytes", "of what a statement says (18)"),
    "TOKEN_SECONDS": ("seconds", "life of a token (9.3)"),
    "NONCES_PER_PEER_MAX": ("nonces", "that an author has to use (8.3)"),
    "NONCES_REMEMBERED_MAX": ("nonces", "remembered per author (8.3)"),
    "LONG_POLL_SECONDS_MAX": ("seconds", "a server waits with an answer (8.4)"),
}


def values() -> dict[str, int]:
    """The bounds of limits.py."""
    names = [name for name in vars(limits) if name.isupper() and name not in ("KIB", "MIB")]
    return {name: getattr(limits, name) for name in names}


def limits_table() -> str:
    rows = [f"| `{name}` | {value:,} | {UNITS[name][0]} | {UNITS[name][1]} |" for name, value in values().items()]
    return "\n".join(["| name | value | unit | bounds |", "|---|---|---|---|", *rows])


def classes(cls: type[SyncError] = SyncError) -> Iterator[type[SyncError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from classes(child)


def errors_table() -> str:
    rows = []
    for cls in classes():
        meaning = (cls.__doc__ or "").split("\n")[0].split(";")[0].rstrip(".").replace("`", "")
        rows.append(f"| `{cls.code}` | {cls.verdict} | {status_of(cls)} | {cls.__name__} | {meaning} |")
    return "\n".join(["| code | verdict | HTTP | class | meaning |", "|---|---|---|---|---|", *rows])


TABLES = {"limits": limits_table, "errors": errors_table}


def filled(text: str) -> str:
    """The page with its tables as they are now."""
    for name, table in TABLES.items():
        before, rest = text.split(f"<!-- {name} -->\n")
        _, after = rest.split(f"<!-- /{name} -->")
        text = f"{before}<!-- {name} -->\n{table()}\n<!-- /{name} -->{after}"
    return text


if __name__ == "__main__":
    SPEC.write_text(filled(SPEC.read_text(encoding="utf-8")), encoding="utf-8")
