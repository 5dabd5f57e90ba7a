"""The child process of `casework.passwords`: one JSON question on stdin, one JSON answer on stdout."""

from __future__ import annotations

import json
import sys

from casework.passwords import hash_password, verify_password


def answer(question: dict[str, str]) -> dict[str, object]:
    """{"op": "hash", "password"} -> {"hash"}; {"op": "verify", "password", "hash"} -> {"ok"}."""
    if question["op"] == "hash":
        return {"hash": hash_password(question["password"])}
    return {"ok": verify_password(question["password"], question["hash"])}


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
