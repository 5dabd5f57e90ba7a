"""Objects with a true signature or check over spoiled contents: what a certified liar or a finder of a token sends."""

from __future__ import annotations

import base64
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol import canonical
from sync_protocol.blobs import open_blob, unwrap_key
from sync_protocol.certificates import SignedCertificate, parse_certificate, verify_certificate
from sync_protocol.crypto import digest, domain, mac, open_body, open_stream, seal_stream, seal_to, verify
from sync_protocol.enrolment import EnrolRequest, Token, parse_request, parse_welcome
from sync_protocol.envelopes import parse_reply, verify_reply, verify_request
from sync_protocol.envelopes import parse_request as parse_envelope
from sync_protocol.errors import BadBytes, BadSignature, BadToken, SyncError
from sync_protocol.feeds import HUB
from sync_protocol.transport import peer_error
from tests.fuzz.spoil import RECIPES, spoiled, spoiled_bytes, tree
from tests.vectors import golden as g

FUZZ = settings.get_profile("fuzz")

TOKENS = [
    tree(canonical.unpack(canonical.pack([g.TOKEN.secret, g.TOKEN.fingerprint, g.TOKEN.station, 1]), bytes_max=99))
]
BODIES = [tree(canonical.unpack(signed.body, bytes_max=999)) for signed in g.CERTIFICATES.values()]
ENROLMENTS = [tree(canonical.unpack(g.ENROL.body(), bytes_max=999))]


def token_text(raw: bytes) -> str:
    return "LB1-" + base64.b32encode(raw + digest("token-check", raw)[:3]).decode().rstrip("=")


def _read_token(text: str) -> Token | None:
    try:
        return Token.parse(text)
    except BadToken:
        return None


@FUZZ
@given(recipe=RECIPES)
def test_a_token_with_a_true_check_over_anything(recipe):
    raw = spoiled(TOKENS, recipe)
    token = _read_token(token_text(raw))
    if token is not None:
        assert canonical.pack([token.secret, token.fingerprint, token.station, token.tier]) == raw


LETTERS = st.one_of(st.characters(), st.sampled_from(" \t\u3000\u00a0=-018abcIS\u0131\u017f\uff21\ud800"))


@FUZZ
@given(at=st.integers(0, 99), letter=LETTERS, cut=st.sampled_from([0, 0, 1, 2]))
def test_a_mistyped_token_is_refused_unless_only_case_and_space_differ(at, letter, cut):
    whole = g.TOKEN.text()
    typed = whole[:at] + letter + whole[at + cut :]
    token = _read_token(typed)
    if token is not None:
        plain = "".join(typed.split())
        assert plain.isascii() and plain.upper() == whole, ascii(typed)


@FUZZ
@given(
    recipe=RECIPES,
    hub=st.booleans(),
    signer=st.sampled_from([0, 1, 2, 2**32 - 1]),
    wrong=st.sampled_from(["", "sign-head"]),
)
def test_a_certificate_that_is_truly_signed_holds_what_a_certificate_may(recipe, hub, signer, wrong):
    body = spoiled(BODIES, recipe)
    key = g.ROOT if hub else g.SIGNERS[HUB]
    kind = wrong or ("sign-hub-key" if hub else "sign-certificate")
    packed = canonical.pack([body, signer, key.sign(domain(kind) + g.DEPLOYMENT + body)])
    try:
        certificate = verify_certificate(g.DEPLOYMENT, SignedCertificate.parse(packed), key.public)
    except BadBytes:
        return
    assert not wrong
    assert certificate == parse_certificate(body)
    assert (certificate.author == HUB) == hub == (signer == 0)


@FUZZ
@given(recipe=RECIPES, which=st.integers(0, 2))
def test_a_welcome_of_spoiled_certificates(recipe, which):
    names = (HUB, g.VILLAGE, g.TOWNSHIP)
    body = spoiled([BODIES[list(g.CERTIFICATES).index(names[which])]], recipe)
    kind, key, signer = ("sign-hub-key", g.ROOT, 0) if which == 0 else ("sign-certificate", g.SIGNERS[HUB], 1)
    certificates = [g.CERTIFICATES[name].packed() for name in names]
    certificates[which] = canonical.pack([body, signer, key.sign(domain(kind) + g.DEPLOYMENT + body)])
    packed = canonical.pack([g.ROOT.public, certificates[0], certificates[1], [certificates[2]]])
    try:
        welcome = parse_welcome(packed, g.TOKEN, g.SIGNERS[g.VILLAGE].public)
    except BadBytes:
        return
    mine = welcome.station.certificate
    assert (mine.region, int(mine.tier)) == (g.TOKEN.station, g.TOKEN.tier)
    assert welcome.hub.certificate.author == HUB


@FUZZ
@given(recipe=RECIPES)
def test_an_enrolment_truly_made_with_the_token(recipe):
    body = spoiled(ENROLMENTS, recipe)
    signature = g.SIGNERS[g.VILLAGE].sign(domain("sign-enrol") + g.TOKEN.fingerprint + body)
    packed = canonical.pack([body, mac("enrol", g.TOKEN.key, body), signature])
    try:
        sealed = parse_request(packed)
        sealed.check(g.TOKEN.key, g.TOKEN.fingerprint)
    except BadBytes:
        return
    request: EnrolRequest = sealed.request
    assert request.sign_key == g.SIGNERS[g.VILLAGE].public and request.body() == body


ENVELOPES = [g.REQUEST.packed(), g.REPLY.packed()]


@FUZZ
@given(recipe=RECIPES)
def test_spoiled_envelopes_are_refused_or_are_their_own_bytes(recipe):
    data = spoiled_bytes(ENVELOPES, recipe)
    try:
        request = parse_envelope(data)
        assert request.packed() == data
        verify_request(g.DEPLOYMENT, request, g.SIGNERS[g.VILLAGE].public, method="POST", path="/sync")
        assert data == ENVELOPES[0]
    except BadBytes:
        pass
    try:
        reply = parse_reply(data)
        assert reply.packed() == data
        verify_reply(g.DEPLOYMENT, reply, g.SIGNERS[g.TOWNSHIP].public, nonce=g.NONCE)
        assert data == ENVELOPES[1]
    except BadBytes:
        pass


@FUZZ
@given(
    key=st.binary(max_size=33), message=st.binary(max_size=9), signature=st.binary(max_size=65), edge=st.integers(0, 9)
)
def test_no_key_and_no_signature_is_good_by_chance(key, message, signature, edge):
    edges = (bytes(32), b"\x01" + bytes(31), b"\xff" * 32, g.SIGNERS[HUB].public)
    with pytest.raises(BadSignature):
        verify(
            edges[edge] if edge < len(edges) else key, message, signature.ljust(64, b"\0") if edge % 2 else signature
        )


# --- seals --------------------------------------------------------------------------------------------------------

STREAM_KEY, CONTEXT = bytes(32), b"context"
STREAM = list(seal_stream(STREAM_KEY, CONTEXT, [b"x" * 65_536, b"y"]))


@FUZZ
@given(recipe=RECIPES, cuts=st.lists(st.integers(0, 80), max_size=3))
def test_a_spoiled_blob_never_opens_to_something_else(recipe, cuts):
    data = spoiled_bytes([g.SMALL_BLOB], recipe)
    at, pieces = 0, []
    for length in cuts:
        pieces.append(data[at : at + length])
        at += length
    pieces.append(data[at:])
    try:
        plain = b"".join(open_blob(g.CASE_KEY, g.DEPLOYMENT, pieces))
    except BadSignature:
        assert data != g.SMALL_BLOB
        return
    assert (data, plain) == (g.SMALL_BLOB, g.SMALL_PLAIN)


@FUZZ
@given(blocks=st.lists(st.one_of(st.sampled_from([*STREAM, b""]), st.binary(max_size=40)), max_size=5))
def test_blocks_of_a_stream_open_only_in_their_order(blocks):
    try:
        plain = b"".join(open_stream(STREAM_KEY, CONTEXT, blocks))
    except BadSignature:
        assert blocks != STREAM
        return
    assert blocks == STREAM and plain == b"x" * 65_536 + b"y"


@FUZZ
@given(recipe=RECIPES)
def test_a_spoiled_body_does_not_open(recipe):
    data = spoiled_bytes([g.SEALED_BODY], recipe)
    try:
        assert open_body(g.CASE_KEY, g.BODY_POSITION, data) == g.BODY_PLAIN
        assert data == g.SEALED_BODY
    except BadSignature:
        assert data != g.SEALED_BODY


WRAPPED = [g.CASE_KEY + g.WRAP_CONTEXT]
_seen: Counter[str] = Counter()


@FUZZ
@given(recipe=RECIPES, outside=st.booleans())
def test_a_wrap_that_anybody_could_seal_is_a_key_of_its_case_or_nothing(recipe, outside):
    plain = spoiled_bytes([g.WRAPS[0][1]] if outside else WRAPPED, recipe)
    sealed = plain if outside else seal_to(g.BOXES[HUB].public, plain)
    try:
        key = unwrap_key(sealed, g.BOXES[HUB], g.DEPLOYMENT, g.VILLAGE, g.TOPIC)
    except BadSignature:
        return
    assert len(key) == 32
    assert key == (g.CASE_KEY if outside else plain[:32])


@FUZZ
@given(
    key=st.one_of(
        st.binary(max_size=40), st.binary(min_size=32, max_size=32), st.sampled_from([bytes(32), b"\x01" + bytes(31)])
    )
)
def test_nothing_is_sealed_to_what_is_no_key(key):
    try:
        assert len(seal_to(key, b"plain")) == 48 + 5
    except BadSignature:
        pass


# --- refusals, which nobody signs -----------------------------------------------------------------------------------

REFUSALS = [
    [code, text, nonces]
    for code, text, nonces in (
        ("bad_nonce", "spent", [bytes(16), bytes(16)]),
        ("fork", "x", []),
        ("sync_error", "", []),
        ("no such code", "张" * 256, [b"", 1]),
        ("certificate_revoked", "replaced", []),
    )
]


@FUZZ
@given(recipe=RECIPES, status=st.sampled_from([0, 200, 302, 400, 401, 502, 999]))
def test_an_unsigned_refusal_is_an_error_with_a_verdict_whatever_it_says(recipe, status):
    data = spoiled(REFUSALS, recipe)
    error = peer_error(status, data)
    assert isinstance(error, SyncError) and error.verdict in ("retry", "quarantine", "stop")
    assert len(str(error)) <= 256
    assert all(type(nonce) is bytes and len(nonce) == 16 for nonce in error.evidence.get("nonces", ()))
