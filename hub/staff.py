"""Staff of the county and of its stations: every change is a row in the log, told to where the person works.

Hashing a password takes long and blocks: callers do it before the transaction and hand over the hash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from casework import accounts_store, reference
from casework.accounts import MAX_LOGIN_CHARS, Account, canonical_login, password_problems
from casework.changes import ChangeKind
from casework.errors import BadInput, NotFound, Problem
from casework.policy import ROLE_NAMES, Role
from casework.staff_log import password_changed as write_password
from casework.staff_log import row_body
from casework.texts import N_, joined, say
from sync_protocol import canonical
from sync_protocol.feeds import HUB, TO_SELF
from sync_protocol.journal import Journal, Writing, staff_feed
from sync_protocol.store import tables as t
from sync_protocol.store import trust
from sync_protocol.store.dialect import lock_staff
from sync_protocol.topology import Tier

ROLES_OF_TIER: Mapping[Tier, tuple[Role, ...]] = {
    Tier.VILLAGE: (Role.VILLAGE_AGENT,),
    Tier.TOWNSHIP: (Role.TOWNSHIP_CLERK, Role.TOWNSHIP_REVIEWER),
    Tier.COUNTY: (Role.COUNTY_REVIEWER, Role.COUNTY_APPROVER, Role.SUPERVISOR, Role.ADMIN, Role.OPS),
}
ROLES_WITH_OFFICE = (Role.COUNTY_REVIEWER, Role.COUNTY_APPROVER)
MAX_DISPLAY_CHARS = 60
_TIER_NAMES = {Tier.VILLAGE: N_("村站"), Tier.TOWNSHIP: N_("乡镇"), Tier.COUNTY: N_("县级")}
_WORDS = 4
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class NewUser:
    """What an administrator says of a new colleague. `station` is a region code, "" for the county itself."""

    login: str
    display: str
    role: str
    station: str = ""
    office: str = ""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where people work: the hub, or a station that was at least invited."""

    author: int
    region: str
    tier: Tier
    name: str


def workplaces(conn: Connection) -> list[Workplace]:
    """The county first, then every station in the order of region codes."""
    county = trust.current_certificate(conn, HUB)
    region = county.region if county else ""
    rows = conn.execute(select(t.station).order_by(t.station.c.region))
    places = [Workplace(r.author, r.region, Tier(r.tier), reference.region_name(conn, r.region)) for r in rows]
    return [Workplace(HUB, region, Tier.COUNTY, reference.region_name(conn, region)), *places]


def workplace(conn: Connection, station: str) -> Workplace:
    """The place with this region code ("" or the county's own is the hub). Raises BadInput."""
    places = workplaces(conn)
    found = next((place for place in places if place.region == station), None)
    if station and found is None:
        raise BadInput(
            [
                Problem(
                    "station",
                    say("没有站点「{station}」", station=station[:20]),
                    N_("请先邀请该站点接入，或核对 12 位区划代码"),
                )
            ]
        )
    return found or places[0]


def first_password(random_bytes: Callable[[int], bytes]) -> str:
    """A password to hand over once: four groups of four letters and digits that are not mistaken for each other."""
    drawn = random_bytes(4 * _WORDS)
    letters = "".join(_LETTERS[byte % len(_LETTERS)] for byte in drawn)
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def check_first_password(password: str, login: str) -> None:
    """Raises BadInput for a password that nobody should start with."""
    if problems := password_problems(password, login):
        raise BadInput(problems)


def add_user(conn: Connection, journal: Journal, new: NewUser, new_hash: str, writing: Writing) -> Account:
    """Give a colleague an account with a first password that must be changed. Raises BadInput with every problem."""
    lock_staff(conn)
    place, problems = check_new_user(conn, new)
    if problems or place is None:
        raise BadInput(problems)
    account = Account(
        account=_next_number(conn),
        login=canonical_login(new.login),
        display=new.display.strip(),
        role=str(new.role),
        author=place.author,
        region=place.region,
        office=new.office.strip(),
        hash=new_hash,
        must_change=True,
        locked=False,
        row=1,
    )
    _tell(conn, journal, account, writing)
    return account


def check_new_user(conn: Connection, new: NewUser) -> tuple[Workplace | None, list[Problem]]:
    """Where the colleague would work, and what is wrong with what was said."""
    problems = [*_login_problems(conn, new.login), *_display_problems(new.display)]
    try:
        place = workplace(conn, new.station)
    except BadInput as error:
        return None, [*problems, *error.problems]
    return place, [*problems, *_role_problems(conn, new, place)]


def _login_problems(conn: Connection, typed: str) -> list[Problem]:
    login = canonical_login(typed)
    if not 2 <= len(login) <= MAX_LOGIN_CHARS:
        return [Problem("login", N_("登录名应当有 2 到 64 个字符"), N_("请重新填写登录名"))]
    if not login.isprintable() or any(char.isspace() or char in "~:/\\" for char in login):
        return [Problem("login", N_("登录名里有空格或不能使用的符号"), N_("请只用汉字、字母、数字、点和短横"))]
    if accounts_store.find_by_login(conn, login) is not None:
        return [
            Problem(
                "login", say("登录名「{login}」已经有人使用", login=login), N_("全县范围内登录名不能重复，请换一个")
            )
        ]
    return []


def _display_problems(typed: str) -> list[Problem]:
    name = typed.strip()
    if 0 < len(name) <= MAX_DISPLAY_CHARS and name.isprintable():
        return []
    return [Problem("display", N_("姓名为空、超过 60 个字或有控制字符"), N_("请填写这位工作人员的姓名"))]


def _role_problems(conn: Connection, new: NewUser, place: Workplace) -> list[Problem]:
    if new.role not in set(Role):
        return [Problem("role", N_("没有选择岗位"), N_("请选择一个岗位"))]
    allowed = ROLES_OF_TIER[place.tier]
    if new.role not in allowed:
        names = joined(N_("、"), (ROLE_NAMES[role] for role in allowed))
        return [
            Problem(
                "role",
                say("{tier_names}没有这个岗位", tier_names=_TIER_NAMES[place.tier]),
                say("{name}可选：{names}", name=place.name, names=names),
            )
        ]
    return _office_problems(conn, new)


def _office_problems(conn: Connection, new: NewUser) -> list[Problem]:
    office, wanted = new.office.strip(), new.role in ROLES_WITH_OFFICE
    if not wanted:
        return [Problem("office", N_("这个岗位不属于某个部门"), N_("请把部门留空"))] if office else []
    known = reference.offices(conn)
    if office and (office in known or not known):
        return []
    remedy = say("请填写目录里的部门：{names}", names=joined(N_("、"), known)) if known else N_("请填写部门名称")
    return [Problem("office", N_("审核员和审批员须属于一个部门") if not office else N_("目录里没有这个部门"), remedy)]


def _next_number(conn: Connection) -> int:
    """Account numbers are never given twice, also when the counter was lost."""
    while True:
        (number,) = reference.next_serials(conn, "account")
        if accounts_store.get(conn, number) is None:
            return number


def reset_password(conn: Connection, journal: Journal, number: int, new_hash: str, writing: Writing) -> Account:
    """A new first password: it beats whatever was set at the station before it arrives there. Raises NotFound."""
    lock_staff(conn)
    account = _account(conn, number)
    changed = replace(account, hash=new_hash, must_change=True, row=account.row + 1)
    _tell(conn, journal, changed, writing)
    return changed


def lock(conn: Connection, journal: Journal, number: int, writing: Writing) -> Account:
    """The account signs in no more and its sessions end. Raises NotFound, or BadInput for one's own account."""
    if number == writing.actor:
        raise BadInput([Problem("", N_("不能停用自己的账号"), N_("请由另一位管理员操作"))])
    return _set_locked(conn, journal, number, locked=True, writing=writing)


def unlock(conn: Connection, journal: Journal, number: int, writing: Writing) -> Account:
    """The account signs in again, with the password it had. Raises NotFound."""
    return _set_locked(conn, journal, number, locked=False, writing=writing)


def _set_locked(conn: Connection, journal: Journal, number: int, *, locked: bool, writing: Writing) -> Account:
    lock_staff(conn)
    account = _account(conn, number)
    if account.locked == locked:
        return account
    changed = replace(account, locked=locked, row=account.row + 1)
    _tell(conn, journal, changed, writing)
    return changed


def list_users(conn: Connection) -> list[Account]:
    """Everybody, in the order of account numbers."""
    return accounts_store.staff_rows(conn)


def account_of(conn: Connection, number: int) -> Account:
    """Raises NotFound in words."""
    return _account(conn, number)


def password_changed(conn: Connection, journal: Journal, account: int, new_hash: str, writing: Writing) -> None:
    """One of the county's own people chose a new password; it stays inside the hub."""

    def say(conn: Connection, kind: int, body: dict[str, object]) -> None:
        journal.tell(conn, TO_SELF, kind, canonical.pack(body), writing)

    lock_staff(conn)
    write_password(conn, account, new_hash, say)


def _account(conn: Connection, number: int) -> Account:
    account = accounts_store.get(conn, number) if 0 < number < 2**63 else None
    if account is None:
        raise NotFound(N_("没有这个账号，请刷新人员名单"))
    return account


def _tell(conn: Connection, journal: Journal, account: Account, writing: Writing) -> None:
    body = canonical.pack(row_body(account))
    journal.tell(conn, staff_feed(account.author), int(ChangeKind.STAFF_ROW), body, writing)
