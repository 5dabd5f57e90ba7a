"""A new version of an item as what differs from an earlier one, and back, exactly. Pure.

A county has one to two thousand items and changes a few facts at a time; the whole form of an item is about 7 kB. The
shorter form names the version it starts from, the top-level keys that are new, gone or different, and for a list which
stretches of the old one stand where and what is new between them. The digest of the result proves the rebuilding.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from casework.errors import BadInput, Problem
from casework.texts import N_

LIST_ENTRIES_MAX = 1_000
_NAMED = ("key", "version", "base", "digest")


def digest(plain: Mapping[str, Any]) -> str:
    """SHA-256, in hex, over the plain form as JSON with sorted keys; equal exactly for equal plain forms."""
    return hashlib.sha256(_text(plain).encode()).hexdigest()


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def is_delta(body: object) -> bool:
    """Whether a body is the shorter form; a whole item has no `base`."""
    return isinstance(body, Mapping) and "base" in body


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The body that `rebuilt` turns into `new` where `old` is held. Both are plain forms of one item."""
    assert old["key"] == new["key"] and old["version"] != new["version"]
    keys = [key for key in new if key not in _NAMED and (key not in old or _text(old[key]) != _text(new[key]))]
    lists = {key: _list_steps(old[key], new[key]) for key in keys if _both_lists(old.get(key), new[key])}
    return {
        "key": new["key"],
        "version": new["version"],
        "base": old["version"],
        "digest": digest(new),
        "set": {key: new[key] for key in keys if key not in lists},
        "unset": [key for key in old if key not in new],
        "lists": lists,
    }


def _both_lists(old: Any, new: Any) -> bool:
    return isinstance(old, list) and isinstance(new, list)


def _list_steps(old: list[Any], new: list[Any]) -> list[dict[str, Any]]:
    """Stretches of the old list as {from, count}, new entries as {new}."""
    places: dict[str, int] = {}
    for index, entry in enumerate(old):
        places.setdefault(_text(entry), index)
    steps: list[dict[str, Any]] = []
    for entry in new:
        place = places.get(_text(entry))
        last = steps[-1] if steps else {}
        if place is None:
            steps.append({"new": entry})
        elif last.get("from", -1) + last.get("count", 0) == place and "from" in last:
            last["count"] += 1
        else:
            steps.append({"from": place, "count": 1})
    return steps


def rebuilt(old: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The whole plain form. Raises BadInput where the body does not fit `old`, or the result is not what was meant."""
    try:
        new = _rebuilt(old, body)
        if digest(new) == body["digest"]:
            return new
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        pass
    raise BadInput([Problem("digest", N_("事项的新版本与本机的旧版本对不上"), N_("请由县级下发这一版的完整内容"))])


def _rebuilt(old: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    if old["key"] != body["key"] or old["version"] != body["base"]:
        raise ValueError("another base")
    gone = set(body["unset"])
    new = {key: value for key, value in old.items() if key not in gone}
    new |= dict(body["set"])
    for key, steps in body["lists"].items():
        new[key] = _rebuilt_list(old[key], steps)
    return new | {"key": body["key"], "version": body["version"]}


def _rebuilt_list(old: list[Any], steps: list[Any]) -> list[Any]:
    new: list[Any] = []
    for step in steps:
        if "new" in step:
            new.append(step["new"])
        else:
            start, count = step["from"], step["count"]
            if start < 0 or count < 1 or start + count > len(old):
                raise ValueError("no such stretch")
            new += old[start : start + count]
        if len(new) > LIST_ENTRIES_MAX:
            raise ValueError("too long")
    return new
