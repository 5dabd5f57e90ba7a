"""哈尔滨 (情形): one item, a few questions, each applicant's own list of materials and way; nothing is enumerated."""

from __future__ import annotations

import pytest

from casework.catalogue import load_catalogue
from casework.example_intake import example_citizen_id
from casework.standing_papers import AUTHORISATION, COMMITMENT_LETTER, TOLERANCE_LETTER, paper_list
from tests.programs import Answer, Clerk, Programs, begun, new_draft, typed

CARD, PLACE, SHOP = "elder_card", "public_place_hygiene", "individual_business_setup"
PROXY = {
    "proxy__name": "王小代",
    "proxy__id_type": "111",
    "proxy__id": example_citizen_id(99),
    "proxy__phone": "13900000009",
    "proxy__authorisation": AUTHORISATION,
}


@pytest.fixture
async def agent(programs: Programs) -> Clerk:
    return await programs.clerk("v.agent")


def places(item_key: str, *names: str) -> list[tuple[str, str]]:
    """Ticks «seen» for these papers."""
    papers = [rule.name for rule in paper_list(load_catalogue().get(item_key))]
    return [(f"materials.{papers.index(name)}.seen", "1") for name in names]


def asked_for(page: Answer, name: str) -> bool:
    """Whether the page has a place for this material."""
    return f'data-name="{name}"' in page.text


async def shown(agent: Clerk, item_key: str, **answers: str) -> set[str]:
    """The names of the materials that the page asks of an applicant with these answers."""
    draft = await new_draft(agent, item_key, **answers)
    page = await agent.get(draft + "/materials")
    return {rule.name for rule in load_catalogue().get(item_key).materials if asked_for(page, rule.name)}


async def test_the_answers_decide_what_is_asked_for(agent: Clerk) -> None:
    assert await shown(agent, CARD) == {"老年人优待证申请表", "身份证", "户口本", "一寸免冠近照"}
    again = await shown(agent, CARD, answers__card_kind="补办", answers__residency="非本地户籍常住")
    assert again == {"老年人优待证申请表", "身份证", "一寸免冠近照", "居住证明(非本地户籍)"}


async def test_without_an_answer_nobody_goes_on_and_what_was_typed_is_kept(agent: Clerk) -> None:
    start = await begun(agent, CARD)
    fields = [(name, value) for name, value in typed(CARD) if not name.startswith("answers.")]
    page = await agent.post(start, ("asked", "residency,card_kind"), *fields, ("go", "next"))
    assert page.status == 422 and "没有回答「申请人的户籍情况」" in page.words
    assert 'id="f-answers-residency-error"' in page.text and "示例·申请人" in page.text
    odd = await agent.post(start, *typed(CARD, answers__residency="火星"), ("go", "next"))
    assert odd.status == 422 and "没有这个选项" in odd.words


async def test_a_traveller_with_a_passport_is_asked_the_age_that_the_number_does_not_tell(agent: Clerk) -> None:
    start = await begun(agent, CARD)
    foreign = typed(CARD, applicant__id_type="414", applicant__id="E12345678")
    page = await agent.post(start, *foreign, ("go", "next"))
    assert page.status == 422 and "没有回答「申请人年龄」" in page.words and 'name="answers.age"' in page.text
    went = await agent.post(start, *foreign, ("answers.age", "81"), ("go", "next"))
    assert went.location == start + "/materials"
    assert "高龄老人可用身份证照片" in (await agent.get(went.location)).words


async def test_the_way_follows_from_the_answers(agent: Clerk) -> None:
    new = await new_draft(agent, PLACE)
    assert "免去" not in (await agent.get(new + "/check")).words
    again = await new_draft(agent, PLACE, answers__apply_kind="延续且没有改变")
    words = (await agent.get(again + "/check")).words
    assert "收件 → 审批 → 送达" in words and "没有改变的凭说明免现场审核" in words


async def test_a_material_that_a_changed_answer_makes_needless_is_named_and_can_be_taken_away(agent: Clerk) -> None:
    draft = await new_draft(agent, CARD)
    have = places(CARD, "老年人优待证申请表", "身份证", "户口本", "一寸免冠近照")
    await agent.post(draft + "/materials", ("whole", "1"), *have, ("go", "next"))
    await agent.post(draft, *typed(CARD, answers__card_kind="换证"), ("go", "next"))
    check = await agent.get(draft + "/check")
    assert "按所答情形不需要「户口本」" in check.words
    assert (await agent.post(draft + "/submit")).status == 422
    kept = [pair for pair in have if pair not in places(CARD, "户口本")]
    done = await agent.post(draft + "/materials", ("whole", "1"), *kept, ("go", "next"))
    assert done.location == draft + "/check"


async def test_a_proxy_brings_a_letter_lacks_a_photograph_and_the_county_sees_it_all(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    how = PROXY | {"green": "申请人卧床不起", "first_asked": "李首问"}
    start = await begun(agent, CARD)
    wrong = how | {"proxy__id": "123", "proxy__name": "", "answers__card_kind": "补办"}
    page = await agent.post(start, *typed(CARD, **wrong), ("go", "next"))
    assert page.status == 422 and "应当是 18 位" in page.words and "没有填写代办人姓名" in page.words
    assert 'value="李首问"' in page.text and 'value="申请人卧床不起"' in page.text
    went = await agent.post(start, *typed(CARD, answers__card_kind="补办", **how), ("go", "next"))
    assert went.location == start + "/materials", went.words

    have = places(CARD, "老年人优待证申请表", "身份证")
    lacks = await agent.post(went.location, ("whole", "1"), *have, ("go", "next"))
    assert "缺少必备材料「一寸免冠近照」" in lacks.words and f"《{TOLERANCE_LETTER}》后补交" in lacks.words
    assert f"缺少申请人的委托书「{AUTHORISATION}」" in lacks.words
    have += places(CARD, TOLERANCE_LETTER, AUTHORISATION)
    passed = await agent.post(went.location, ("whole", "1"), *have, ("go", "next"))
    assert passed.location == start + "/check", passed.words
    check = await agent.get(passed.location)
    for said in ("补办", "王小代", "李首问", "申请人卧床不起", "容缺，5 个工作日内补交"):
        assert said in check.words
    done = await agent.post(start + "/submit")
    assert done.location.startswith("/cases/"), done.words
    case = done.location.removesuffix("/taken")

    programs.exchange()
    for login in ("v.agent", "t.reviewer"):
        clerk = await programs.clerk(login)
        page = await clerk.get(case)
        for said in ("补办", "王小代", "李首问", "绿色通道", "申请人卧床不起", "容缺，尚未收到", "一寸免冠近照"):
            assert said in page.words, (login, said)
        assert "B 级：经与原件核对" in page.words
    assert (await clerk.post(case + "/do/endorse", ("opinion", "属实"))).location == case
    programs.exchange()
    officer = await programs.clerk("c.reviewer")
    page = await officer.get(case)
    assert "容缺，尚未收到" in page.words and "王小代" in page.words


async def test_without_the_letter_nothing_may_lack_and_what_is_not_tolerable_never_may(agent: Clerk) -> None:
    draft = await new_draft(agent, CARD, answers__card_kind="补办")
    letter = places(CARD, "老年人优待证申请表", TOLERANCE_LETTER)
    page = await agent.post(draft + "/materials", ("whole", "1"), *letter, ("go", "next"))
    assert page.status == 422 and "缺少必备材料「身份证」" in page.words and "缺少必备材料「一寸" not in page.words


async def test_a_commitment_replaces_what_the_item_says_and_is_itself_a_paper(agent: Clerk) -> None:
    draft = await new_draft(agent, SHOP, commitment="1")
    materials = await agent.get(draft + "/materials")
    assert not asked_for(materials, "经营场所使用证明") and asked_for(materials, COMMITMENT_LETTER)
    have = places(SHOP, "个体工商户登记申请书", "经营者身份证明")
    lacks = await agent.post(draft + "/materials", ("whole", "1"), *have, ("go", "next"))
    assert lacks.status == 422 and f"缺少必备材料「{COMMITMENT_LETTER}」" in lacks.words
    have += places(SHOP, COMMITMENT_LETTER)
    passed = await agent.post(draft + "/materials", ("whole", "1"), *have, ("go", "next"))
    assert passed.location == draft + "/check"
    done = await agent.post(draft + "/submit")
    assert "告知承诺" in (await agent.get(done.location.removesuffix("/taken"))).words


async def test_what_data_sharing_gives_is_not_asked_for_again(programs: Programs) -> None:
    """免提交 (国务院令第716号第七条): ticked at the window, shown at the county as of level A, and never both ways."""
    agent = await programs.clerk("v.agent")
    item = load_catalogue().get("resident_pension_enrol")
    draft = await new_draft(agent, item.key)
    page = await agent.get(draft + "/materials")
    assert page.words.count("免提交，已通过数据共享取得") == sum(rule.exempt == "shared" for rule in item.materials)
    form = [index for index, rule in enumerate(item.materials) if rule.required and rule.exempt != "shared"]
    ticks = [(f"materials.{n}.exempt", "1") for n in range(len(item.materials)) if n not in form]
    ticks += [(f"materials.{n}.seen", "1") for n in form]
    foreign = await agent.post(
        draft + "/materials", ("whole", "1"), (f"materials.{form[0]}.exempt", "1"), ("go", "next")
    )
    assert foreign.status == 422 and f"缺少必备材料「{item.materials[form[0]].name}」" in foreign.words
    passed = await agent.post(draft + "/materials", ("whole", "1"), *ticks, ("go", "next"))
    assert passed.location == draft + "/check", passed.words
    assert "免提交：数据共享" in (await agent.get(passed.location)).words
    case = (await agent.post(draft + "/submit")).location.removesuffix("/taken")
    slip = await agent.get(case + "/paper/receipt")
    assert "免提交" in slip.words
    programs.exchange()
    page = await (await programs.clerk("t.reviewer")).get(case)
    assert "免提交：数据共享" in page.words and "A 级：" in page.words
