"""A scan that was handed in before, for the same person or household, is never sent a second time."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa

from casework.case_tables import used_page
from casework.example_intake import example_citizen_id
from sync_protocol import authority
from sync_protocol.blobs import KEY_NONCE_BYTES, open_blob_key, seal_blob_key
from sync_protocol.dialer import Dialer
from sync_protocol.errors import BadSignature
from sync_protocol.messages import Chunk
from tests.casework.materials.samples import jpeg, photo
from tests.programs import Clerk, Programs, blobs_on_disk, take_in

CARD = ("materials.0.file", "身份证.jpg", jpeg(photo(600, 400)))
OTHER = ("materials.1.file", "户口簿.jpg", jpeg(photo(500, 700)))
SOMEBODY_ELSE = {"applicant__id": example_citizen_id(98), "applicant__name": "别人"}


def entry_of(programs: Programs, case: str) -> Any:
    return programs.hall.changes(programs.hall.village, bytes.fromhex(case.rsplit("/", maxsplit=1)[-1]))[0]


def hashes(programs: Programs, case: str) -> list[bytes]:
    return [blob.hash for blob in entry_of(programs, case).blobs]


def chunks_sent(programs: Programs) -> list[bytes]:
    """The scans whose bytes go up until the village has nothing more to say."""
    hall = programs.hall
    dialer, sent, again = Dialer(hall.village.replica, hall.township.author), [], True
    while again:
        message = hall.village.store.read(lambda conn: dialer.compose(conn, hall.now(), 0))
        sent += [frame.hash for frame in message.frames if isinstance(frame, Chunk) and frame.data]
        dialer.drop(message)  # to be composed again
        again = hall.county.exchange(dialer, hall.village, hall.township).again
    return sent


async def the_page(clerk: Clerk, case: str) -> list[bytes]:
    """What the links of a case's page open at full size: the plain bytes, in order."""
    sheets = re.findall(rf'href="({case}/view/[0-9]+)"', (await clerk.get(case)).text)
    links = [re.findall(rf'"({case}/file/[0-9a-f]+)"', (await clerk.get(sheet)).text)[-1] for sheet in sheets]
    return [(await clerk.get(link)).body for link in links]


async def test_the_same_scan_for_the_same_person_costs_no_second_upload(programs: Programs, agent: Clerk) -> None:
    first = await take_in(agent, [CARD, OTHER])
    assert set(chunks_sent(programs)) == set(hashes(programs, first))
    before = blobs_on_disk(programs.hall.village)
    second = await take_in(agent, [CARD])
    assert hashes(programs, second) == hashes(programs, first)[:2]
    assert blobs_on_disk(programs.hall.village) == before, "the second file stays on the disk"
    assert chunks_sent(programs) == []
    page = entry_of(programs, second).body["materials"][0]["pages"][0]
    assert len(page["key"]) == len(page["preview_key"]) == 72
    programs.exchange()
    plain = (await the_page(agent, first))[0]
    assert plain.startswith(b"\xff\xd8\xff")
    for login in ("v.agent", "t.reviewer", "c.reviewer"):
        clerk = await programs.clerk(login)
        assert await the_page(clerk, second) == [plain], login
        small = (await clerk.get(second)).text.split(f'src="{second}/file/')[1].split('"')[0]
        assert (await clerk.get(f"{second}/file/{small}")).body[8:12] == b"WEBP"
    assert "材料 1/1 页已到县级" in (await agent.get(second)).words


async def test_a_page_used_a_third_time_opens_by_the_second_case_alone(programs: Programs, agent: Clerk) -> None:
    """The case that brought it is erased; what was sealed for the others goes on being good."""
    hall = programs.hall
    first, second = await take_in(agent, [CARD]), await take_in(agent, [CARD])
    programs.exchange()
    topic = bytes.fromhex(first.split("/")[-1])
    hall.at_hub(authority.erase, hall.village.author, topic, hall.writing())
    programs.exchange()
    kept = hall.village.store.read(lambda conn: set(conn.execute(sa.select(used_page.c.topic)).scalars()))
    assert topic not in kept and len(kept) == 1
    third = await take_in(agent, [CARD])
    assert hashes(programs, third) == hashes(programs, second) and chunks_sent(programs) == []
    programs.exchange()
    officer = await programs.clerk("c.reviewer")
    assert await the_page(officer, third) == await the_page(officer, second) != []


async def test_a_household_shares_its_scans_and_strangers_do_not(programs: Programs, agent: Clerk) -> None:
    first = await take_in(agent, [CARD], household="张家")
    family = await take_in(agent, [CARD], household="张家", **SOMEBODY_ELSE)
    assert hashes(programs, family) == hashes(programs, first)
    stranger = await take_in(
        agent, [CARD], household="李家", applicant__id=example_citizen_id(97), applicant__name="陌生人"
    )
    assert not set(hashes(programs, stranger)) & set(hashes(programs, first))
    assert "key" not in entry_of(programs, stranger).body["materials"][0]["pages"][0]


async def test_a_page_brought_twice_in_one_intake_is_one_blob(programs: Programs, agent: Clerk) -> None:
    case = await take_in(agent, [CARD, ("materials.1.file", "又一次.jpg", CARD[2])])
    assert len(hashes(programs, case)) == 2  # the page and its preview
    assert (await agent.get(case)).text.count("<img") == 3  # two places, and the mark of the program


async def test_a_scan_whose_file_is_gone_is_brought_anew(programs: Programs, agent: Clerk) -> None:
    first = await take_in(agent, [CARD])
    for hash_ in hashes(programs, first):
        programs.hall.village.replica.blobs.path(hash_).unlink()
    second = await take_in(agent, [CARD])
    assert not set(hashes(programs, second)) & set(hashes(programs, first))


def test_a_sealed_key_opens_for_its_case_county_and_blob_only() -> None:
    case, county, blob, key, nonce = b"c" * 32, b"d" * 16, b"h" * 32, b"k" * 32, b"n" * KEY_NONCE_BYTES
    sealed = seal_blob_key(case, county, blob, key, nonce)
    assert len(sealed) == 72 and open_blob_key(case, county, blob, sealed) == key
    flipped = bytes([sealed[0] ^ 1]) + sealed[1:]
    for wrong in (
        (b"x" * 32, county, blob, sealed), (case, b"x" * 16, blob, sealed), (case, county, b"x" * 32, sealed),
        (case, county, blob, flipped), (case, county, blob, sealed[:-1]), (case, county, blob, b""),
    ):  # fmt: skip
        with pytest.raises(BadSignature):
            open_blob_key(*wrong)
