"""Every cut and every flipped bit of a golden object is refused with an error of the documented family.

Objects that carry no signature of their own (headers, bodies) may flip into other well-formed ones; then the
signature of the segment around them refuses it. No other exception than a SyncError ever comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from sync_protocol import canonical
from sync_protocol.blobs import open_blob, unwrap_key
from sync_protocol.certificates import SignedCertificate, parse_certificate, sign_certificate, verify_certificate
from sync_protocol.compression import deflate
from sync_protocol.crypto import domain, mac, open_body
from sync_protocol.custody import pack_receipt, parse_receipt
from sync_protocol.enrolment import Token, parse_request, parse_welcome
from sync_protocol.entries import (
    Header,
    Opening,
    genesis,
    head_message,
    pack_header,
    pack_opening,
    parse_header,
    parse_opening,
)
from sync_protocol.envelopes import parse_reply, sign_reply, sign_request, verify_reply, verify_request
from sync_protocol.envelopes import parse_request as parse_envelope
from sync_protocol.epochs import pack_grant, pack_revocation, parse_grant, parse_revocation
from sync_protocol.errors import BadBytes, BadSignature, BadToken, NotCanonical, NotYet, SyncError, UnknownCertificate
from sync_protocol.feeds import HUB, down
from sync_protocol.messages import frame_bytes, parse_frame, parse_frames, parse_message
from sync_protocol.order import pack_runs, parse_runs
from sync_protocol.segments import ERASED, Item, Segment, check_signature, link
from sync_protocol.transport import peer_error
from tests.vectors import golden as g

Check = Callable[[bytes], object]


def flips(data: bytes) -> Iterator[bytes]:
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def cuts(data: bytes) -> Iterator[bytes]:
    for length in range(len(data)):
        yield data[:length]


def accept_segment(frame: bytes) -> object:
    """What a replica does with a segment's frame, without its tables."""
    segment = parse_frame(frame)
    if not isinstance(segment, Segment):
        raise NotCanonical("not a segment")
    if segment.serial != g.SERIALS[g.VILLAGE]:
        raise UnknownCertificate
    erased = any(item.body is None for item in segment.items)
    salt = ERASED if erased else None
    links = link(g.DEPLOYMENT, segment, genesis(g.DEPLOYMENT, segment.feed), lambda topic: salt)
    check_signature(g.DEPLOYMENT, segment, links[-1].head, g.SIGNERS[g.VILLAGE].public)
    return segment


def accept_certificate(data: bytes, deployment: bytes = g.DEPLOYMENT) -> object:
    """As the store does: the signer's serial names the key."""
    signed = SignedCertificate.parse(data)
    keys = {0: g.ROOT.public, 1: g.SIGNERS[HUB].public}
    if signed.signer not in keys:
        raise UnknownCertificate
    return verify_certificate(deployment, signed, keys[signed.signer])


def accept_enrolment(data: bytes) -> object:
    sealed = parse_request(data)
    sealed.check(g.TOKEN.key, g.TOKEN.fingerprint)
    return sealed


def accept_welcome(data: bytes) -> object:
    return parse_welcome(data, g.TOKEN, g.SIGNERS[g.VILLAGE].public)


def accept_request(data: bytes) -> object:
    request = parse_envelope(data)
    verify_request(g.DEPLOYMENT, request, g.SIGNERS[g.VILLAGE].public, method="POST", path="/sync")
    return request


def accept_reply(data: bytes) -> object:
    reply = parse_reply(data)
    verify_reply(g.DEPLOYMENT, reply, g.SIGNERS[g.TOWNSHIP].public, nonce=g.NONCE)
    return reply


def open_small_blob(data: bytes) -> object:
    return b"".join(open_blob(g.CASE_KEY, g.DEPLOYMENT, [data]))


def open_wrap(data: bytes) -> object:
    return unwrap_key(data, g.BOXES[HUB], g.DEPLOYMENT, g.VILLAGE, g.TOPIC)


def open_sealed_body(data: bytes) -> object:
    return open_body(g.CASE_KEY, g.BODY_POSITION, data)


SIGNED: dict[str, tuple[bytes, Check, tuple[type[SyncError], ...]]] = {
    "segment": (frame_bytes(g.SEGMENT)[4:], accept_segment, (BadBytes, NotYet)),
    "erased": (frame_bytes(g.ERASED)[4:], accept_segment, (BadBytes, NotYet)),
    "hub certificate": (g.CERTIFICATES[HUB].packed(), accept_certificate, (BadBytes, UnknownCertificate)),
    "certificate": (g.CERTIFICATES[g.VILLAGE].packed(), accept_certificate, (BadBytes, UnknownCertificate)),
    "enrolment": (g.ENROL_REQUEST, accept_enrolment, (BadBytes, BadToken)),
    "welcome": (g.WELCOME.packed(), accept_welcome, (BadBytes,)),
    "request": (g.REQUEST.packed(), accept_request, (BadBytes,)),
    "reply": (g.REPLY.packed(), accept_reply, (BadBytes,)),
    "blob": (g.SMALL_BLOB, open_small_blob, (BadSignature,)),
    "wrap": (g.WRAPS[0][1], open_wrap, (BadSignature,)),
    "sealed body": (g.SEALED_BODY, open_sealed_body, (BadSignature,)),
}


@pytest.mark.parametrize("name", SIGNED)
def test_every_cut_of_a_signed_object_is_refused(name):
    data, check, family = SIGNED[name]
    check(data)
    for cut in cuts(data):
        with pytest.raises(family):
            check(cut)


@pytest.mark.parametrize("name", SIGNED)
def test_every_flipped_bit_of_a_signed_object_is_refused(name):
    data, check, family = SIGNED[name]
    for flipped in flips(data):
        with pytest.raises(family):
            check(flipped)


@pytest.mark.parametrize("name", SIGNED)
def test_bytes_after_a_signed_object_are_refused(name):
    data, check, family = SIGNED[name]
    for tail in (b"\x00", b"\xc0", data):
        with pytest.raises(family):
            check(data + tail)


UNSIGNED: dict[str, tuple[bytes, Callable[[bytes], object], Callable[..., bytes]]] = {
    "header": (pack_header(g.HEADERS[0]), parse_header, pack_header),
    "order record": (g.ORDER, parse_runs, pack_runs),
    "receipt": (g.RECEIPT, parse_receipt, pack_receipt),
    "grant": (g.GRANT, parse_grant, pack_grant),
    "revocation": (g.REVOCATION, parse_revocation, pack_revocation),
}


@pytest.mark.parametrize("name", UNSIGNED)
def test_every_cut_of_an_unsigned_object_is_refused(name):
    data, parse, _ = UNSIGNED[name]
    for cut in cuts(data):
        with pytest.raises(BadBytes):
            parse(cut)
    with pytest.raises(BadBytes):
        parse(data + b"\xc0")


def hub_says(body: bytes) -> tuple[Segment, list[bytes]]:
    """A segment of hub→village with one entry, and its heads."""
    feed = down(HUB, g.VILLAGE)
    item = Item(pack_header(Header(1, b"", 0, g.NOW)), body)
    bare = Segment(feed, 0, 1, (item,), 1, bytes(64))
    heads = [made.head for made in link(g.DEPLOYMENT, bare, genesis(g.DEPLOYMENT, feed), lambda topic: None)]
    signature = g.SIGNERS[HUB].sign(head_message(g.DEPLOYMENT, feed, 0, 1, heads[-1], 1))
    return replace(bare, signature=signature), heads


@pytest.mark.parametrize("name", UNSIGNED)
def test_every_flipped_bit_of_an_unsigned_object_is_refused_or_breaks_the_signature(name):
    data, parse, pack = UNSIGNED[name]
    segment, heads = hub_says(data)
    check_signature(g.DEPLOYMENT, segment, heads[-1], g.SIGNERS[HUB].public)
    for flipped in flips(data):
        try:
            again = pack(parse(flipped))
        except BadBytes:
            continue
        assert again == flipped  # one value, one encoding
        _, changed = hub_says(flipped)
        with pytest.raises(BadSignature):
            check_signature(g.DEPLOYMENT, segment, changed[-1], g.SIGNERS[HUB].public)


def test_a_token_with_one_mistyped_letter_is_refused():
    text = g.TOKEN.text()
    for flipped in flips(text.encode("ascii")):
        try:
            token = Token.parse(flipped.decode("latin-1"))
        except BadToken:
            continue
        assert token == g.TOKEN  # only case and space may differ
    for length in range(len(text)):
        with pytest.raises(BadToken):
            Token.parse(text[:length])


@pytest.mark.parametrize(
    "value",
    [
        [b"s" * 16, b"f" * 16, "341882103201", "not a tier"],
        [b"s" * 16, b"f" * 16, "341882103201", None],
        [b"s" * 16, b"f" * 16, "341882103201", 9],
        [b"s" * 16, b"f" * 16, "341882103201", True],
        [b"s" * 16, b"f" * 15, "341882103201", 1],
        [b"s" * 16, b"f" * 16, "3" * 13, 1],
        [b"s" * 15, b"f" * 16, "341882103201", 1],
        [b"s" * 16, b"f" * 16, 341882103201, 1],
        ["s" * 16, b"f" * 16, "341882103201", 1],
        [b"s" * 16, b"f" * 16, "341882103201"],
        {},
    ],
)
def test_a_token_with_a_true_check_sum_and_a_false_inside_is_refused(value):
    import base64

    from sync_protocol.crypto import digest

    raw = canonical.pack(value)
    body = base64.b32encode(raw + digest("token-check", raw)[:3]).decode().rstrip("=")
    with pytest.raises(BadToken):
        Token.parse(f"LB1-{body}")


def test_a_token_has_one_spelling():
    whole = g.TOKEN.text()
    assert Token.parse(f" {whole.lower()}\n") == g.TOKEN
    dotless = whole.replace("I", "\u0131", 1)
    last = whole[:-1] + chr(ord(whole[-1]) + 1)  # the bits of the last letter that no byte needs
    for other in (dotless, last, whole + "=", whole + "=" * 6):
        with pytest.raises(BadToken):
            Token.parse(other)


@pytest.mark.parametrize("text", ["", "LB1-", "LB1-A", "LB1-ÄÖ", "LB2-" + g.TOKEN.text()[4:], "LB1-" + "A" * 300, "张"])
def test_no_token_at_all(text):
    with pytest.raises(BadToken):
        Token.parse(text)


def test_a_message_survives_no_cut_and_never_fails_otherwise():
    whole = b"".join(frame_bytes(frame) for frame in g.FRAMES)
    packed = deflate(whole)
    for cut in cuts(packed):
        with pytest.raises(BadBytes):
            parse_message(cut)
    for flipped in flips(packed):
        try:
            parse_message(flipped)  # the envelope's signature covers these bytes; here only no other exception
        except BadBytes:
            continue
    ends = set()
    at = 0
    for frame in g.FRAMES:
        ends.add(at)
        at += len(frame_bytes(frame))
    for length in range(len(whole)):
        if length not in ends:
            with pytest.raises(BadBytes):
                list(parse_frames(whole[:length]))


def test_every_flipped_bit_of_a_frame_is_refused_or_is_another_frame():
    for frame in g.FRAMES:
        for flipped in flips(frame_bytes(frame)[4:]):
            try:
                other = parse_frame(flipped)
            except BadBytes:
                continue
            assert frame_bytes(other)[4:] == flipped
            assert other != frame


# --- one thing presented as another -----------------------------------------------------------------------------

OBJECTS: dict[str, tuple[bytes, Check]] = {
    "segment": (frame_bytes(g.SEGMENT)[4:], accept_segment),
    "certificate": (g.CERTIFICATES[g.VILLAGE].packed(), accept_certificate),
    "certificate body": (g.CERTIFICATES[g.VILLAGE].body, parse_certificate),
    "enrolment": (g.ENROL_REQUEST, accept_enrolment),
    "welcome": (g.WELCOME.packed(), accept_welcome),
    "request": (g.REQUEST.packed(), accept_request),
    "reply": (g.REPLY.packed(), accept_reply),
    "header": (pack_header(g.HEADERS[1]), parse_header),
    "opening": (g.BODIES[0], parse_opening),
    "order record": (g.ORDER, parse_runs),
    "receipt": (g.RECEIPT, parse_receipt),
    "grant": (g.GRANT, parse_grant),
    "revocation": (g.REVOCATION, parse_revocation),
    "blob": (g.SMALL_BLOB, open_small_blob),
    "wrap": (g.WRAPS[0][1], open_wrap),
    "sealed body": (g.SEALED_BODY, open_sealed_body),
    "token": (g.TOKEN.text().encode(), lambda data: Token.parse(data.decode("latin-1"))),
}


@pytest.mark.parametrize("presented", OBJECTS)
@pytest.mark.parametrize("expected", OBJECTS)
def test_no_object_is_read_as_another(presented, expected):
    data, _ = OBJECTS[presented]
    _, check = OBJECTS[expected]
    if presented == expected:
        check(data)
        return
    with pytest.raises(SyncError):
        check(data)


ONE = g.SIGNERS[g.VILLAGE]
"""One key that signs everything: only the domains keep the signatures apart."""
_CERTIFICATE = g.CERTIFICATES[g.VILLAGE].certificate
_HUB = g.CERTIFICATES[HUB].certificate


def _enrol(signature: bytes) -> None:
    body = g.ENROL.body()
    parse_request(canonical.pack([body, mac("enrol", g.TOKEN.key, body), signature])).check(
        g.TOKEN.key, g.TOKEN.fingerprint
    )


def _reply(signature: bytes, deployment: bytes) -> None:
    reply = sign_reply(deployment, ONE, nonce=g.NONCE, serial=3, nonces=g.FRESH, payload=b"")
    verify_reply(deployment, replace(reply, signature=signature), ONE.public, nonce=g.NONCE)


def _request(signature: bytes, deployment: bytes) -> None:
    request = sign_request(deployment, ONE, method="POST", path="/sync", author=3, serial=3, nonce=g.NONCE, payload=b"")
    verify_request(deployment, replace(request, signature=signature), ONE.public, method="POST", path="/sync")


def _head(signature: bytes, deployment: bytes) -> None:
    check_signature(deployment, replace(g.SEGMENT, signature=signature), g.HEAD, ONE.public)


def signatures(deployment: bytes) -> dict[str, bytes]:
    request = sign_request(deployment, ONE, method="POST", path="/sync", author=3, serial=3, nonce=g.NONCE, payload=b"")
    return {
        "head": ONE.sign(head_message(deployment, g.FEED, 0, 3, g.HEAD, 3)),
        "request": request.signature,
        "reply": sign_reply(deployment, ONE, nonce=g.NONCE, serial=3, nonces=g.FRESH, payload=b"").signature,
        "certificate": sign_certificate(deployment, _CERTIFICATE, ONE, 1).signature,
        "hub key": sign_certificate(deployment, _HUB, ONE, 0).signature,
        "enrolment": ONE.sign(domain("sign-enrol") + g.TOKEN.fingerprint + g.ENROL.body()),
    }


def verifiers(deployment: bytes) -> dict[str, Callable[[bytes], object]]:
    station, hub = g.CERTIFICATES[g.VILLAGE], g.CERTIFICATES[HUB]
    return {
        "head": lambda s: _head(s, deployment),
        "request": lambda s: _request(s, deployment),
        "reply": lambda s: _reply(s, deployment),
        "certificate": lambda s: verify_certificate(deployment, replace(station, signature=s), ONE.public),
        "hub key": lambda s: verify_certificate(deployment, replace(hub, signature=s), ONE.public),
        "enrolment": _enrol,
    }


def test_no_signature_is_good_for_another_kind_of_object():
    made, checks = signatures(g.DEPLOYMENT), verifiers(g.DEPLOYMENT)
    assert set(made) == set(checks)
    for kind, check in checks.items():
        check(made[kind])
        for other, signature in made.items():
            if other != kind:
                with pytest.raises(BadSignature):
                    check(signature)


def test_no_signature_is_good_in_another_county():
    checks = verifiers(g.DEPLOYMENT)
    for kind, signature in signatures(g.OTHER_DEPLOYMENT).items():
        if kind != "enrolment":  # bound to the county by its token's secret
            with pytest.raises(BadSignature):
                checks[kind](signature)


def test_no_signature_is_good_under_another_key():
    for author in (HUB, g.TOWNSHIP):
        with pytest.raises(BadSignature):
            check_signature(g.DEPLOYMENT, g.SEGMENT, g.HEAD, g.SIGNERS[author].public)
    with pytest.raises(BadSignature):
        verify_request(g.DEPLOYMENT, g.REQUEST, g.SIGNERS[g.TOWNSHIP].public, method="POST", path="/sync")
    for method, path in (("PUT", "/sync"), ("POST", "/enrol"), ("POST", "/sync/"), ("POST", "/sync?x")):
        with pytest.raises(BadSignature):
            verify_request(g.DEPLOYMENT, g.REQUEST, g.SIGNERS[g.VILLAGE].public, method=method, path=path)
    with pytest.raises(BadSignature):
        verify_reply(g.DEPLOYMENT, g.REPLY, g.SIGNERS[g.TOWNSHIP].public, nonce=bytes(16))


def test_keys_that_are_no_points_verify_nothing():
    for key in (bytes(32), b"\x01" + bytes(31), b"\xff" * 32, b"", bytes(31), bytes(33)):
        for signature in (bytes(64), g.SEGMENT.signature, b"", bytes(63)):
            with pytest.raises(BadSignature):
                check_signature(g.DEPLOYMENT, replace(g.SEGMENT, signature=signature), g.HEAD, key)


def test_a_signature_with_the_group_order_added_is_refused():
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(g.SEGMENT.signature[32:], "little") + order
    twin = g.SEGMENT.signature[:32] + s.to_bytes(32, "little")
    with pytest.raises(BadSignature):
        check_signature(g.DEPLOYMENT, replace(g.SEGMENT, signature=twin), g.HEAD, g.SIGNERS[g.VILLAGE].public)


def test_the_signer_of_a_certificate_is_the_root_for_the_hub_and_only_for_the_hub():
    hub, station = g.CERTIFICATES[HUB], g.CERTIFICATES[g.VILLAGE]
    with pytest.raises(BadSignature):
        verify_certificate(g.DEPLOYMENT, replace(hub, signer=1), g.ROOT.public)
    with pytest.raises(BadSignature):
        verify_certificate(g.DEPLOYMENT, replace(station, signer=0), g.SIGNERS[HUB].public)


def _opening(salt: bytes) -> Item:
    header = Header(64, g.TOPIC, 7, g.NOW, flags=1)
    return Item(pack_header(header), pack_opening(Opening(salt, (), b"\xc0")))


def test_only_a_home_opens_a_topic():
    segment = Segment(g.FEED, 0, 1, (_opening(g.TOPIC_SALT),), 3, bytes(64))
    assert len(link(g.DEPLOYMENT, segment, bytes(32), lambda topic: None)) == 1
    with pytest.raises(NotCanonical):
        link(g.DEPLOYMENT, replace(segment, feed=down(HUB, g.VILLAGE)), bytes(32), lambda topic: None)


def test_a_topic_is_not_opened_again_with_another_salt():
    first, other = _opening(g.TOPIC_SALT), _opening(bytes(16))
    again = Segment(g.FEED, 0, 1, (first, first), 3, bytes(64))
    assert len(link(g.DEPLOYMENT, again, bytes(32), lambda topic: None)) == 2
    with pytest.raises(NotCanonical):
        link(g.DEPLOYMENT, replace(again, items=(first, other)), bytes(32), lambda topic: None)
    with pytest.raises(NotCanonical):
        link(g.DEPLOYMENT, replace(again, items=(other,)), bytes(32), lambda topic: g.TOPIC_SALT)


def test_a_wrapped_key_is_good_for_its_case_only():
    seal = g.WRAPS[0][1]
    assert unwrap_key(seal, g.BOXES[HUB], g.DEPLOYMENT, g.VILLAGE, g.TOPIC) == g.CASE_KEY
    for deployment, home, topic in (
        (g.OTHER_DEPLOYMENT, g.VILLAGE, g.TOPIC),
        (g.DEPLOYMENT, g.TOWNSHIP, g.TOPIC),
        (g.DEPLOYMENT, g.VILLAGE, bytes(16)),
    ):
        with pytest.raises(BadSignature):
            unwrap_key(seal, g.BOXES[HUB], deployment, home, topic)
    with pytest.raises(BadSignature):
        unwrap_key(seal, g.BOXES[g.TOWNSHIP], g.DEPLOYMENT, g.VILLAGE, g.TOPIC)


@pytest.mark.parametrize("body", [b"<html>" + b"x" * 5_000, bytes(100_000), canonical.pack(["a" * 9_000, "", []]), b""])
def test_a_long_answer_of_something_in_between_is_a_failed_transfer(body):
    assert peer_error(502, body).code == "transfer_failed"
