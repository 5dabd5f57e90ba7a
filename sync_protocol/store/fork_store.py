"""Forks as they are found: compare what arrives with what is held, keep the proof, stop the branch."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from sync_protocol.entries import leaf
from sync_protocol.errors import Fork
from sync_protocol.forks import Proof, Side, pack_proof
from sync_protocol.frontier import Branch, Tip
from sync_protocol.segments import Item, Link, SaltOf, Segment, link
from sync_protocol.store import tables as t
from sync_protocol.store.memory import memory


def compare_overlap(
    conn: Connection, deployment: bytes, segment: Segment, links: Sequence[Link], known: Tip, salt_of: SaltOf
) -> None:
    """The part already held must be the same. Raises Fork with the proof when its author signed another history.

    `links` are the arriving segment's, its signature verified; `known` is the tip held, at or after its first.
    """
    branch = Branch(segment.feed, segment.epoch)
    at = min(known.number, segment.last)
    mine = _head(conn, branch, at)
    theirs = next(item.head for item in links if item.number == at)
    if mine == theirs:
        return
    later = [item for item in links if item.number > at]
    arrived = Side(theirs, _leaves(deployment, branch, later), segment.serial, segment.signature)
    held = _held_side(conn, deployment, branch, Tip(at, mine), salt_of)
    proof = pack_proof(Proof(branch.feed, branch.epoch, at, (arrived, held)))
    raise Fork("the author signed two histories", feed=branch.feed, epoch=branch.epoch, number=at, proof=proof)


def _held_side(conn: Connection, deployment: bytes, branch: Branch, tip: Tip, salt_of: SaltOf) -> Side:
    """What is held from `tip` to the next signature."""
    h, e = t.head_signature.c, t.entry.c
    packed = branch.feed.packed()
    signed = conn.execute(
        select(h.number, h.serial, h.signature)
        .where(h.feed == packed, h.epoch == branch.epoch, h.number >= tip.number)
        .order_by(h.number)
        .limit(1)
    ).one()
    rows = conn.execute(
        select(e.header, e.body, e.body_hash)
        .where(e.feed == packed, e.epoch == branch.epoch, e.number > tip.number, e.number <= signed.number)
        .order_by(e.number)
    )
    items = tuple(Item(row.header, row.body, row.body_hash) for row in rows)
    stretch = Segment(branch.feed, branch.epoch, tip.number + 1, items, signed.serial, signed.signature)
    links = link(deployment, stretch, tip.head, salt_of)
    return Side(tip.head, _leaves(deployment, branch, links), signed.serial, signed.signature)


def _leaves(deployment: bytes, branch: Branch, links: Sequence[Link]) -> tuple[bytes, ...]:
    feed, epoch = branch
    return tuple(leaf(deployment, feed, epoch, item.number, item.header_bytes, item.body_hash) for item in links)


def _head(conn: Connection, branch: Branch, number: int) -> bytes:
    e = t.entry.c
    where = (e.feed == branch.feed.packed(), e.epoch == branch.epoch, e.number == number)
    return bytes(conn.execute(select(e.head).where(*where)).scalar_one())


def refuse_if_stopped(conn: Connection, branch: Branch) -> None:
    """Raises Fork, with the proof that was stored, on a branch whose author signed two histories."""
    f = t.fork.c
    known = memory(conn)
    if "forked" not in known:
        known["forked"] = {(row.feed, row.epoch) for row in conn.execute(select(f.feed, f.epoch))}
    if (branch.feed.packed(), branch.epoch) not in known["forked"]:
        return
    row = conn.execute(
        select(f.number, f.proof)
        .where(f.feed == branch.feed.packed(), f.epoch == branch.epoch)
        .order_by(f.number)
        .limit(1)
    ).one_or_none()
    if row is not None:
        evidence = {"feed": branch.feed, "epoch": branch.epoch, "number": row.number, "proof": bytes(row.proof)}
        raise Fork("the feed is stopped", **evidence)
