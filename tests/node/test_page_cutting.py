"""Photos in a draft: a page is cut out of each, can be cut again from the photo that was kept, and only the page is
handed in."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import pytest
from PIL import Image

from casework.materials.quad import WHOLE, Cut, Quad
from tests.casework.materials.samples import encoded, jpeg, pdf, photo
from tests.casework.materials.test_shots import CUT, DESK, MARKS, close_to, on_a_desk
from tests.programs import Clerk, Programs, blobs_on_disk, new_draft, required_indexes, take_in, typed

DESK_PHOTO = jpeg(on_a_desk())
CROSSED = Quad(((0, 0), (10_000, 10_000), (10_000, 0), (0, 10_000))).text


async def add(agent: Clerk, draft: str, *files: tuple[str, bytes, str], index: int = 0, whole: bool = False) -> int:
    """Photos as the camera sends them: name, bytes, cut; the answer's status."""
    cuts = [(f"materials.{index}.cut", cut) for _name, _data, cut in files]
    sent = [(f"materials.{index}.file", name, data) for name, data, _cut in files]
    more = [("whole", "1")] if whole else []
    return (await agent.post(draft + "/materials", *more, *cuts, files=sent)).status


async def pages(agent: Clerk, draft: str, index: int = 0) -> list[str]:
    """Hashes of the pages of one material, in order."""
    text = (await agent.get(draft + "/materials")).text
    row = text.split(f'data-material="{index}"')[1].split("</fieldset>")[0]
    return re.findall(r'data-page="([0-9a-f]{64})"', row)


async def picture(agent: Clerk, draft: str, hash_: str) -> Image.Image:
    return Image.open(io.BytesIO((await agent.get(f"{draft}/file/{hash_}")).body))


async def test_a_page_is_cut_out_of_its_photo_and_can_be_cut_again(programs: Programs, agent: Clerk) -> None:
    draft = await new_draft(agent)
    before = blobs_on_disk(programs.hall.village)
    assert await add(agent, draft, ("拍照.jpg", DESK_PHOTO, CUT.text)) == 303
    (hash_,) = await pages(agent, draft)
    flat = await picture(agent, draft, hash_)
    assert flat.size == (1292, 1096) and close_to(flat.getpixel((12, 12)), MARKS[0])
    assert blobs_on_disk(programs.hall.village) == before + 3  # page, preview, photo
    form = (await agent.get(f"{draft}/page/{hash_}")).text
    assert f'value="{CUT.text}"' in form
    shown = re.search(r'<img src="/drafts/[^"]+/file/([0-9a-f]{64})"', form)
    assert shown and (await picture(agent, draft, shown[1])).size == (2000, 1500)
    assert (await agent.post(f"{draft}/page/{hash_}", ("go", "whole"))).location.endswith("/materials#f-materials-0")
    (again,) = await pages(agent, draft)
    whole = await picture(agent, draft, again)
    assert whole.size == (2000, 1500) and close_to(whole.getpixel((12, 12)), DESK)
    turned = Cut(CUT.quad, 180).text
    assert (await agent.post(f"{draft}/page/{again}", ("cut", turned), ("go", "save"))).status == 303
    (last,) = await pages(agent, draft)
    assert close_to((await picture(agent, draft, last)).getpixel((12, 12)), MARKS[2])
    assert blobs_on_disk(programs.hall.village) == before + 3  # nothing of the tries is left
    assert (await agent.get(f"{draft}/file/{hash_}")).status == 404


async def test_only_the_page_is_handed_in(programs: Programs, agent: Clerk) -> None:
    draft = await new_draft(agent)
    before = blobs_on_disk(programs.hall.village)
    await add(agent, draft, ("拍照.jpg", DESK_PHOTO, CUT.text))
    (hash_,) = await pages(agent, draft)
    form = (await agent.get(f"{draft}/page/{hash_}")).text
    kept = re.search(r'<img src="/drafts/[^"]+/file/([0-9a-f]{64})"', form)
    seen = [(f"materials.{n}.seen", "1") for n in required_indexes()[1:]]
    await agent.post(draft + "/materials", *seen)
    case = (await agent.post(draft + "/submit")).location.removesuffix("/taken")
    shown = (await agent.get(case)).text
    assert kept and (await agent.get(f"{case}/file/{hash_}")).status == 200
    assert (await agent.get(f"{case}/file/{kept[1]}")).status == 404 and kept[1] not in shown
    assert blobs_on_disk(programs.hall.village) == before + 2  # the photo is gone from the disk


async def test_a_discarded_draft_leaves_no_photo_behind(programs: Programs, agent: Clerk) -> None:
    before = blobs_on_disk(programs.hall.village)
    draft = await new_draft(agent)
    await add(agent, draft, ("一.jpg", DESK_PHOTO, CUT.text), ("二.jpg", jpeg(photo(400, 500)), WHOLE.text))
    assert len(await pages(agent, draft)) == 2
    await agent.post(draft + "/discard")
    assert blobs_on_disk(programs.hall.village) == before


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        (CROSSED, "连成的线交叉或向内折"),
        ("0,0,10001,0,10000,10000,0,10000", "有一个角在照片外面"),
        ("0,0,100,0,100,100,0,100", "围得太小"),
        ("everything", "没有认出来"),
        (WHOLE.text + ";45", "没有认出来"),
    ],
)
async def test_bad_corners_name_the_page_and_the_others_are_kept(agent: Clerk, cut: str, said: str) -> None:
    draft = await new_draft(agent)
    files = [("好.jpg", DESK_PHOTO, CUT.text), ("坏.jpg", jpeg(photo(300, 300)), cut)]
    cuts = [("materials.0.cut", one) for _n, _d, one in files]
    answer = await agent.post(draft + "/materials", *cuts, files=[("materials.0.file", n, d) for n, d, _c in files])
    assert answer.status == 422 and f"「坏.jpg」{'' if said[0] == '有' else '的四个角'}{said}" in answer.words
    assert "用整张照片" in answer.words and 'id="f-materials-0-error"' in answer.text
    (hash_,) = await pages(agent, draft)
    again = await agent.post(f"{draft}/page/{hash_}", ("cut", cut), ("go", "save"))
    assert again.status == 422 and "第 1 页」" in again.words and said in again.words
    assert await pages(agent, draft) == [hash_]


async def test_a_photo_spoiled_on_the_way_holds_up_no_other(programs: Programs, agent: Clerk) -> None:
    draft = await new_draft(agent)
    before = blobs_on_disk(programs.hall.village)
    status = await add(
        agent,
        draft,
        ("一.jpg", DESK_PHOTO, CUT.text),
        ("半张.jpg", DESK_PHOTO[: len(DESK_PHOTO) // 2], CUT.text),
        ("多页.pdf", pdf(2), CUT.text),
        ("四.tif", encoded(photo(300, 300), "TIFF"), ""),
    )
    assert status == 422
    assert len(await pages(agent, draft)) == 2
    assert blobs_on_disk(programs.hall.village) == before + 3 + 2
    assert list(programs.folder.glob("spool-*/*")) == []


async def test_a_page_sent_twice_because_the_answer_was_lost_is_there_once(programs: Programs, agent: Clerk) -> None:
    draft = await new_draft(agent)
    before = blobs_on_disk(programs.hall.village)
    for _ in range(2):
        assert await add(agent, draft, ("拍照.jpg", DESK_PHOTO, CUT.text)) == 303
        assert await add(agent, draft, ("两页.pdf", pdf(1), ""), index=1) == 303
    assert len(await pages(agent, draft)) == 1 and len(await pages(agent, draft, 1)) == 1
    assert blobs_on_disk(programs.hall.village) == before + 3 + 2
    await add(agent, draft, ("拍照.jpg", DESK_PHOTO, WHOLE.text))  # cut otherwise, it is another page
    assert len(await pages(agent, draft)) == 2


async def test_pages_are_put_in_order_turned_and_taken_out(programs: Programs, agent: Clerk) -> None:
    draft = await new_draft(agent)
    before = blobs_on_disk(programs.hall.village)
    sizes = [(300, 400), (310, 400), (320, 400)]
    await add(agent, draft, *((f"{w}.jpg", jpeg(photo(w, h)), "") for w, h in sizes))
    a, b, c = await pages(agent, draft)

    async def press(word: str, hash_: str) -> Sequence[str]:
        answer = await agent.post(draft + "/materials", (word, hash_))
        assert answer.status == 303 and answer.location == draft + "/materials#f-materials-0"
        return await pages(agent, draft)

    assert await press("later", a) == [b, a, c]
    assert await press("earlier", c) == [b, c, a]
    assert await press("earlier", b) == [b, c, a]
    turned = await press("turn", c)
    assert turned[0] == b and turned[2] == a and turned[1] != c
    assert (await picture(agent, draft, turned[1])).size == (400, 320)
    for _ in range(3):
        turned = await press("turn", (await pages(agent, draft))[1])
    assert (await picture(agent, draft, turned[1])).size == (320, 400)  # once around
    assert await press("remove", turned[1]) == [b, a]
    assert blobs_on_disk(programs.hall.village) == before + 4
    assert (
        await agent.post(draft + "/materials", ("turn", "f" * 64))
    ).status == 303  # a second click: nothing is left to turn


async def test_only_a_page_of_this_draft_opens_for_cutting(agent: Clerk, programs: Programs) -> None:
    draft, other = await new_draft(agent), await new_draft(agent)
    await add(agent, draft, ("拍照.jpg", DESK_PHOTO, CUT.text))
    (hash_,) = await pages(agent, draft)
    for path in (f"{other}/page/{hash_}", f"{draft}/page/{'0' * 64}", f"{draft}/page/x"):
        assert (await agent.get(path)).status == 404
        assert (await agent.post(path, ("go", "turn"))).status == 404
    assert (await agent.post(f"{draft}/page/{hash_}", ("go", "turn"), token="0" * 64)).status == 403
    reviewer = await programs.clerk("t.reviewer")
    assert (await reviewer.get(f"{draft}/page/{hash_}")).status == 403


async def test_a_supplement_takes_photos_with_corners(programs: Programs, agent: Clerk) -> None:
    case = await take_in(agent)
    path = case + "/do/correct"
    form = (await agent.get(path)).text
    assert "data-capture" in form and 'data-material="0"' in form
    reason = [*typed(), ("reason", "重新拍照")]
    bad = await agent.post(
        path, *reason, ("materials.0.cut", CROSSED), files=[("materials.0.file", "a.jpg", DESK_PHOTO)]
    )
    assert bad.status == 422 and "「a.jpg」" in bad.words
    good = await agent.post(
        path, *reason, ("materials.0.cut", CUT.text), files=[("materials.0.file", "a.jpg", DESK_PHOTO)]
    )
    assert good.location == case
    shown = set(re.findall(r"[0-9a-f]{64}", (await agent.get(case)).text))
    files = [await agent.get(f"{case}/file/{hash_}") for hash_ in shown]
    sizes = [Image.open(io.BytesIO(file.body)).size for file in files if file.status == 200]
    assert sizes and all(width * 1096 == pytest.approx(height * 1292, rel=0.01) for width, height in sizes)
