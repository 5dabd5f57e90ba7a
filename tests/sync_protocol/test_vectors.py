"""The golden vectors: today's code makes the same bytes, and reads those that were written down."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from sync_protocol import canonical
from sync_protocol.blobs import open_blob, plain_hash, unwrap_key
from sync_protocol.bundles import MAGIC as BUNDLE_MAGIC
from sync_protocol.bundles import BundleFile, Counts, bundle_pieces
from sync_protocol.certificates import SignedCertificate, verify_certificate
from sync_protocol.compression import deflate
from sync_protocol.crypto import BoxKey, open_body
from sync_protocol.custody import pack_receipt, parse_receipt
from sync_protocol.enrolment import Token, parse_request, parse_welcome
from sync_protocol.entries import genesis, pack_header, parse_header, parse_opening
from sync_protocol.envelopes import parse_reply, verify_reply, verify_request
from sync_protocol.envelopes import parse_request as parse_envelope
from sync_protocol.epochs import pack_grant, pack_revocation, parse_grant, parse_revocation
from sync_protocol.errors import NotCanonical, SyncError
from sync_protocol.frontier import frontier_digest, parse_vector
from sync_protocol.messages import frame_bytes, parse_frame, parse_frames, parse_message
from sync_protocol.order import pack_runs, parse_runs
from sync_protocol.segments import ERASED, Segment, check_signature, link
from tests.vectors import golden as g
from tests.vectors.make import FILES, FOLDER, build, untagged


def vector(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def raw(text: str) -> bytes:
    """Hexadecimal, or "xx*n" for a long repetition."""
    if "*" in text:
        pair, times = text.split("*")
        return bytes.fromhex(pair) * int(times)
    return bytes.fromhex(text)


@pytest.mark.parametrize("name", sorted(FILES))
def test_todays_code_makes_the_bytes_that_were_written_down(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == build(name)


def test_every_file_of_vectors_is_made_by_the_generator():
    assert {path.name for path in Path(FOLDER).glob("*.json")} == set(FILES)


def test_good_values_are_read_back():
    for case in vector("canonical.json")["good"]:
        data = bytes.fromhex(case["bytes"])
        assert canonical.unpack(data, bytes_max=len(data)) == untagged(case["value"])


@pytest.mark.parametrize("case", vector("canonical.json")["refused"], ids=lambda case: case["why"])
def test_other_encodings_are_refused(case):
    data = raw(case["bytes"])
    with pytest.raises(NotCanonical):
        canonical.unpack(data, bytes_max=len(data))


def test_headers_are_read_back():
    entries = vector("entries.json")
    for case in [*entries["entries"], *entries["more headers"]]:
        data = bytes.fromhex(case["header_bytes"])
        header = parse_header(data)
        assert pack_header(header) == data
        assert [header.type, header.time, list(header.after), header.flags] == [
            case["header"][name] for name in ("type", "time", "after", "flags")
        ]


def test_the_opening_gives_the_salt_and_the_key_to_its_readers():
    opening = parse_opening(bytes.fromhex(vector("entries.json")["opening"]["bytes"]))
    assert opening.salt == g.TOPIC_SALT
    keys, seals = vector("keys.json"), vector("seals.json")
    for reader, seal in opening.wraps:
        box = BoxKey(bytes.fromhex(keys["stations"][str(reader)]["box_seed"]))
        assert unwrap_key(seal, box, g.DEPLOYMENT, seals["home"], bytes.fromhex(seals["topic"])) == g.CASE_KEY


def test_the_segment_chains_and_its_signature_verifies_with_and_without_an_erased_body():
    entries, keys = vector("entries.json"), vector("keys.json")
    frames = [parse_frame(bytes.fromhex(f["bytes"])[4:]) for f in vector("messages.json")["frames"]]
    segments = [frame for frame in frames if isinstance(frame, Segment)]
    assert len(segments) == 2
    for segment in segments:
        erased = any(item.body is None for item in segment.items)
        salt = ERASED if erased else None
        links = link(g.DEPLOYMENT, segment, genesis(g.DEPLOYMENT, segment.feed), lambda topic, salt=salt: salt)
        assert [item.head.hex() for item in links] == [case["head"] for case in entries["entries"]]
        check_signature(g.DEPLOYMENT, segment, links[-1].head, bytes.fromhex(keys["stations"]["3"]["sign_public"]))
    assert [item.body is None for item in segments[1].items] == [False, True, False]


def test_the_message_is_read_back_through_compression():
    whole = bytes.fromhex(vector("messages.json")["message before compression"])
    frames = parse_message(deflate(whole), trailed=True)
    assert b"".join(frame_bytes(frame) for frame in frames) == whole
    assert frames == list(parse_frames(whole)) == list(g.FRAMES)


def test_the_bundle_is_read_back_by_its_reader():
    case = vector("bundle.json")
    box = BoxKey(bytes.fromhex(vector("keys.json")["stations"]["1"]["box_seed"]))
    bundle = BundleFile(io.BytesIO(bytes.fromhex(case["bytes"])))
    messages = list(bundle.messages(bytes.fromhex(case["root_key"]), case["reader"], box))
    assert [tuple(frames) for frames in messages] == list(g.BUNDLE_FRAMES)
    assert (bundle.head.writer, bundle.serial, bundle.counts.fields()) == (3, 3, [3, 3, 1, len(g.SMALL_BLOB)])


def test_todays_bundle_differs_from_the_written_one_in_nothing_but_what_is_drawn():
    """The stream's header is drawn by the library: the rest of the bytes up to there, and their number, are fixed."""
    made = b"".join(
        bundle_pieces(
            g.BUNDLE_HEAD, g.BUNDLE_KEY, g.BUNDLE_MESSAGES, Counts(3, 3, 1, len(g.SMALL_BLOB)), g.SIGNERS[3], 3
        )
    )
    written = bytes.fromhex(vector("bundle.json")["bytes"])
    until = len(BUNDLE_MAGIC) + len(g.BUNDLE_HEAD.packed())
    assert (made[:until], len(made)) == (written[:until], len(written))


def test_the_frontier_has_its_digest():
    case = vector("messages.json")
    frontier = parse_vector([[untagged(field) for field in item] for item in case["frontier"]])
    assert frontier_digest(frontier).hex() == case["digest"]


@pytest.mark.parametrize(
    ("name", "parse", "pack"),
    [
        ("order", parse_runs, pack_runs),
        ("receipt", parse_receipt, pack_receipt),
        ("grant", parse_grant, pack_grant),
        ("revocation", parse_revocation, pack_revocation),
    ],
)
def test_bodies_of_the_librarys_own_entries_are_read_back(name, parse, pack):
    data = bytes.fromhex(vector("bodies.json")[name]["bytes"])
    assert pack(parse(data)) == data


def test_the_chain_of_trust_holds():
    trust, keys = vector("trust.json"), vector("keys.json")
    root, hub = bytes.fromhex(keys["root_public"]), bytes.fromhex(keys["stations"]["1"]["sign_public"])
    for author, case in trust["certificates"].items():
        signed = SignedCertificate.parse(bytes.fromhex(case["bytes"]))
        certificate = verify_certificate(g.DEPLOYMENT, signed, root if author == "1" else hub)
        assert certificate.sign_key.hex() == keys["stations"][author]["sign_public"]


def test_the_token_is_read_as_it_is_typed():
    case = vector("trust.json")["token"]
    typed = case["text"].lower()
    spaced = " ".join(typed[at : at + 4] for at in range(0, len(typed), 4)) + "\n"
    for text in (case["text"], typed, spaced):
        token = Token.parse(text)
        assert (token.id.hex(), token.key.hex(), token.station) == (case["id"], case["key"], case["station"])


def test_the_enrolment_request_and_its_answer_verify():
    case = vector("trust.json")
    sealed = parse_request(bytes.fromhex(case["enrolment request"]))
    sealed.check(bytes.fromhex(case["token"]["key"]), g.TOKEN.fingerprint)
    token = Token.parse(case["token"]["text"])
    welcome = parse_welcome(bytes.fromhex(case["welcome"]), token, sealed.request.sign_key)
    assert welcome.station.certificate.region == token.station


def test_envelopes_verify():
    case = vector("envelopes.json")
    request = parse_envelope(bytes.fromhex(case["request"]["bytes"]))
    verify_request(g.DEPLOYMENT, request, g.SIGNERS[g.VILLAGE].public, method="POST", path="/sync")
    assert request.payload.hex() == case["request"]["payload"]
    reply = parse_reply(bytes.fromhex(case["reply"]["bytes"]))
    verify_reply(g.DEPLOYMENT, reply, g.SIGNERS[g.TOWNSHIP].public, nonce=request.nonce)
    assert [nonce.hex() for nonce in reply.nonces] == case["reply"]["nonces"]


def test_blobs_and_sealed_bodies_open():
    case = vector("seals.json")
    key = bytes.fromhex(case["case_key"])
    small = bytes.fromhex(case["blob_small"])
    assert b"".join(open_blob(key, g.DEPLOYMENT, [small])).hex() == case["blob_small_plain"]
    plain = bytes.fromhex(case["plain"]["repeat"]) * case["plain"]["times"]
    assert b"".join(open_blob(key, g.DEPLOYMENT, [g.BLOB])) == plain
    assert plain_hash(bytes.fromhex(case["plain_salt"]), plain).hex() == case["plain_hash"]
    body = case["sealed_body"]
    opened = open_body(key, bytes.fromhex(body["position"]), bytes.fromhex(body["bytes"]))
    assert opened.hex() == body["plain"]
    with pytest.raises(SyncError):
        open_body(key, bytes.fromhex(body["position"])[:-1] + b"\x03", bytes.fromhex(body["bytes"]))
