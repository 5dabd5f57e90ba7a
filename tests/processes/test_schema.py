"""Databases: a newer schema, the migrated schema against the tables in code, wrong keys, and what fsck finds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from casework.case_tables import case_row
from hub.county import migrate as migrate_hub
from migrations import upgrade
from migrations.schema import schema_of
from node.station import migrate as migrate_node
from sync_protocol.store import tables as t
from sync_protocol.store.data_folder import DataFolder
from sync_protocol.store.seam import SqliteStore
from tests.processes.founding import found_small_county
from tests.processes.lines import line, scan, write_lines
from tests.processes.running import Server, fetch, report, run

MIGRATE = {"hub": migrate_hub, "node": migrate_node}


@dataclass(frozen=True, slots=True)
class Kept:
    """Folders "hub" and "village" of a county that stands still, with cases and scans in both."""

    folder: Path
    case: str

    def copy(self, program: str, to: Path) -> Path:
        """A copy of a program's folder and key, to be damaged."""
        name = "village" if program == "node" else "hub"
        shutil.copytree(self.folder / name, to / name)
        shutil.copy(self.folder / f"{name}.key", to / f"{name}.key")
        return to / name


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("schema")
    county = found_small_county(folder / "county", names=("township", "village"))
    try:
        county.serve("hub", "township")
        village = county.dir("village")
        report("node", "sync", "--dir", village)
        cases = write_lines(folder / "cases.jsonl", [line(1, files=(scan(folder / "scans", "a.jpg", 1),)), line(2)])
        taken = report("node", "intake", "--dir", village, cases, "--materials", folder / "scans")
        report("node", "sync", "--dir", village, "--until", "ordered")
        for server in county.servers.values():
            server.stop()
        yield Kept(county.folder, taken["cases"][0]["case"])
    finally:
        county.stop()


def _sql(program: str, folder: Path, fn: Callable[[sa.Connection], Any]) -> Any:
    """One transaction in a program's database, without the program."""
    store = DataFolder(folder).store(MIGRATE[program])
    try:
        return store.write(fn)
    finally:
        store.close()


@pytest.mark.parametrize("program", ["hub", "node"])
@pytest.mark.parametrize("made", ["at once", "by revisions"])
def test_the_migrated_schema_is_that_of_the_code(kept, tmp_path, program, made):

    def other_default(context: Any, there: Any, here: Any, stored: str | None, wanted: Any, rendered: Any) -> bool:
        """SQLite shows the default '' as an expression; alembic's own rule takes that for another one."""
        return (stored is None, (stored or "").strip("'()")) != (wanted is None, (rendered or "").strip("'"))

    def compare(conn: sa.Connection) -> list[Any]:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "compare_server_default": other_default})
        found: list[Any] = compare_metadata(context, schema_of(program))
        return found

    if made == "at once":
        folder = kept.copy(program, tmp_path)
        run = partial(_sql, program, folder)
    else:
        store = SqliteStore(tmp_path / "revisions.db", bytes(32))
        store.migrate(lambda conn: upgrade.migrate(conn, program, None))
        run = store.write
    assert run(compare) == []
    assert run(lambda conn: conn.execute(sa.text("select version_num from alembic_version")).scalar()) == (
        upgrade.newest(program)
    )
    extra = sa.text("alter table tip add column surplus integer")
    run(lambda conn: conn.execute(extra))
    assert run(compare) != []  # the comparison does see a difference
    if made == "by revisions":
        store.close()


@pytest.mark.parametrize("program", ["hub", "node"])
def test_the_newest_revision_is_known_without_loading_the_migration_library(program):
    config = Config()
    config.set_main_option("script_location", str(Path(upgrade.__file__).parent / program))
    config.set_main_option("path_separator", "os")
    assert upgrade.newest(program) == ScriptDirectory.from_config(config).get_current_head()


@pytest.mark.parametrize("program", ["hub", "node"])
def test_a_database_of_an_older_program_is_brought_up_to_date(kept, tmp_path, program):
    folder = kept.copy(program, tmp_path)
    of_rows = ("changed", "state", "due", "office", "station", "received", "item", "trouble", "lapse", "asked")
    of_rows += ("public", "tell")
    own = {"node": ["used_page"], "hub": ["card", "card_look", "case_facts", "rating", "message"]}[program]
    tables = ["blob_ask", "share", "station_address", "case_term", *own]
    tables += ["hall_row", "revoked_result", "rating_code", "rating_given", "report"]
    older = [f"drop index {name}" for name in ("topic_topic", *(f"case_row_{of}" for of in of_rows))]
    older += [f"drop table {name}" for name in tables]
    older += [f"alter table case_row drop column {name}" for name in ("due", "lapse_day", "asked", "public", "tell")]
    older += ["alter table catalogue_item drop column name"]
    older += [f"alter table region_row drop column {name}" for name in ("until", "successor")]
    older += [
        "create index case_row_changed on case_row (changed)",
        "create index case_row_holder on case_row (holder)",
    ]
    if program == "node":
        older += ["drop index ix_draft_started", "alter table draft drop column started"]
    older += ["update alembic_version set version_num = '0001'", "delete from identity where name = 'rows'"]
    for statement in older:
        _sql(program, folder, lambda conn, what=statement: conn.execute(sa.text(what)))
    assert report(program, "fsck", "--dir", folder)["wrong"] == []
    found = _sql(program, folder, lambda conn: sa.inspect(conn).get_indexes("topic"))
    assert [index["name"] for index in found] == ["topic_topic"]
    assert _sql(program, folder, lambda conn: sa.inspect(conn).has_table("blob_ask"))
    lost = ("select count(*) from case_term", "select count(*) from case_row where due like '2%'")
    lost += ("select count(*) from catalogue_item where name != ''",)
    assert all(_sql(program, folder, lambda conn, q=query: conn.execute(sa.text(q)).scalar_one()) for query in lost)


@pytest.mark.parametrize("program", ["hub", "node"])
def test_a_newer_database_is_refused_with_a_page_and_left_as_it_is(kept, tmp_path, program):
    folder = kept.copy(program, tmp_path)
    _sql(program, folder, lambda conn: conn.execute(sa.text("update alembic_version set version_num = '9999_later'")))
    server = Server(program, folder, url="http://127.0.0.1:0")
    command = "status" if program == "node" else "fsck"
    for words in ((command,), ("export", "--to", tmp_path / "x"), ("fsck",)):
        refused = run(program, words[0], "--dir", folder, *words[1:])
        assert refused.code == 1 and "newer" in refused.err and "9999_later" in refused.err
        assert refused.err.count("\n") == 1 and refused.out == ""
    server.launch()
    try:
        url = _refusing_at(server)
        for path in ("/", "/sign-in", "/cases/00", "/sync", "/static/app.css"):
            status, page = fetch(url + path)
            assert status == 503 and "程序需要升级" in page and "数据没有被改动" in page and "9999_later" in page
        assert server.process is not None and server.process.stdout is not None
        assert server.stop() == 1
    finally:
        server.kill()
    assert "Traceback" not in server.written()
    _sql_unmigrated(folder)


def _refusing_at(server: Server) -> str:
    from tests.processes.running import wait_for

    def look() -> str:
        lines = [text for text in server.written().splitlines() if text.startswith("refusing on ")]
        return lines[-1].split()[-1] if lines else ""

    return wait_for("the refusal's address", look, 30)


def _sql_unmigrated(folder: Path) -> None:
    """The database still says what it said."""
    store = DataFolder(folder).store(lambda conn: None)
    try:
        found = store.read(lambda conn: conn.execute(sa.text("select version_num from alembic_version")).scalar())
        assert found == "9999_later"
    finally:
        store.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("ab" * 32, "does not open with this key"),
        ("ab" * 31, "32 bytes in hex"),
        ("not hex", "cannot be read"),
        (None, "cannot be read"),
    ],
    ids=["another", "short", "garbage", "missing"],
)
def test_a_wrong_key_file_is_named_and_the_folder_stays_as_it_is(kept, tmp_path, content, words):
    folder = kept.copy("node", tmp_path)
    key = tmp_path / "wrong.key"
    if content is not None:
        key.write_text(content + "\n", encoding="ascii")
    for command in ("status", "fsck", "serve", "sync"):
        refused = run("node", command, "--dir", folder, "--key-file", key)
        assert refused.code == 1 and words in refused.err and refused.err.count("\n") == 1, refused.err
    assert not key.exists() or content is not None
    assert report("node", "fsck", "--dir", folder)["wrong"] == []


@pytest.mark.parametrize("command", ["status", "fsck", "serve", "sync", "export", "intake"])
def test_a_folder_without_a_station_is_named_and_not_filled(tmp_path, command):
    more = {"export": ("--to", tmp_path / "x"), "intake": (tmp_path / "c.jsonl", "--materials", tmp_path)}
    refused = run("node", command, "--dir", tmp_path / "none", *more.get(command, ()))
    assert refused.code == 1 and "run init first" in refused.err.replace("lianban-node init", "init")
    assert not (tmp_path / "none").exists()


def test_two_servers_do_not_share_a_folder(kept, tmp_path):
    folder = kept.copy("node", tmp_path)
    server = Server("node", folder).start()
    try:
        refused = run("node", "serve", "--dir", folder, "--listen", "127.0.0.1:0")
        assert refused.code == 1 and "served by another process" in refused.err
        assert fetch(server.url + "/sign-in")[0] == 200
    finally:
        server.kill()


def _flip_body(conn: sa.Connection) -> str:
    """One bit of one case entry's body; the name of its feed."""
    e = t.entry.c
    row = conn.execute(sa.select(e.feed, e.epoch, e.number, e.body).where(e.type == 64).order_by(e.number)).first()
    assert row is not None
    body = bytearray(row.body)
    body[len(body) // 2] ^= 1
    where = sa.and_(e.feed == row.feed, e.epoch == row.epoch, e.number == row.number)
    conn.execute(sa.update(t.entry).where(where).values(body=bytes(body)))
    return "up:3 epoch 0"


def _cut_chain(conn: sa.Connection) -> str:
    """The newest entry of the village's own feed is gone, and its tip says nothing of it."""
    e = t.entry.c
    last = conn.execute(sa.select(sa.func.max(e.number)).where(e.type == 64)).scalar_one()
    conn.execute(sa.delete(t.entry).where(e.type == 64, e.number == last))
    return "up:3 epoch 0"


def _change_topic(conn: sa.Connection) -> str:
    """An entry is moved to another case by its row; its header still says which."""
    e = t.entry.c
    number = conn.execute(sa.select(sa.func.min(e.number)).where(e.type == 64)).scalar_one()
    other = conn.execute(sa.select(e.topic).where(e.type == 64, e.number > number).limit(1)).scalar_one()
    conn.execute(sa.update(t.entry).where(e.type == 64, e.number == number).values(topic=other))
    return f"up:3 0/{number}: the row differs"


def _flip_signature(conn: sa.Connection) -> str:
    h = t.head_signature.c
    row = conn.execute(sa.select(t.head_signature).order_by(h.feed, h.number)).first()
    assert row is not None
    changed = bytes([row.signature[0] ^ 1]) + row.signature[1:]
    where = sa.and_(h.feed == row.feed, h.epoch == row.epoch, h.number == row.number)
    conn.execute(sa.update(t.head_signature).where(where).values(signature=changed))
    return "bad_signature"


def _change_standing(conn: sa.Connection) -> str:
    e = t.entry.c
    number = conn.execute(sa.select(sa.func.min(e.number)).where(e.type == 64)).scalar_one()
    conn.execute(sa.update(t.entry).where(e.type == 64, e.number == number).values(standing=2, code="wrong_state"))
    return f"up:3 0/{number}: standing is 2"


def _rename_case(conn: sa.Connection) -> str:
    conn.execute(sa.update(case_row).where(case_row.c.ref.endswith("-1")).values(name="别人", state="granted"))
    return "the row differs in name, state"


def _drop_case(conn: sa.Connection) -> str:
    conn.execute(sa.delete(case_row).where(case_row.c.ref.endswith("-1")))
    return "has no row"


def _invent_case(conn: sa.Connection) -> str:
    row = dict(conn.execute(sa.select(case_row)).mappings().first() or {})
    conn.execute(sa.insert(case_row).values(row | {"topic": bytes(16)}))
    return f"case {'00' * 16}: a row without a log"


DAMAGE = [
    _flip_body,
    _cut_chain,
    _change_topic,
    _flip_signature,
    _change_standing,
    _rename_case,
    _drop_case,
    _invent_case,
]


@pytest.mark.parametrize("program", ["hub", "node"])
@pytest.mark.parametrize("damage", DAMAGE, ids=[one.__name__.strip("_") for one in DAMAGE])
def test_fsck_names_what_was_changed_behind_the_programs_back(kept, tmp_path, damage, program):
    folder = kept.copy(program, tmp_path)
    named = _sql(program, folder, damage)
    found = report(program, "fsck", "--dir", folder, code=1)
    assert any(named in text for text in found["wrong"]), found["wrong"]
    spoken = run(program, "fsck", "--dir", folder)
    assert spoken.code == 1 and named in spoken.out


@pytest.mark.parametrize("program", ["hub", "node"])
@pytest.mark.parametrize("how", ["truncated", "flipped", "missing"])
def test_fsck_names_a_scan_that_is_not_what_it_was(kept, tmp_path, how, program):
    folder = kept.copy(program, tmp_path)
    blobs = [path for path in (folder / "blobs").glob("??/*") if path.is_file()]
    assert len(blobs) == 2  # a page and its preview
    whole = blobs[0].read_bytes()
    if how == "truncated":
        blobs[0].write_bytes(whole[:-1])
    elif how == "flipped":
        blobs[0].write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    else:
        blobs[0].unlink()
    found = report(program, "fsck", "--dir", folder, code=1)
    assert found["wrong"] == [f"blob {blobs[0].name}: missing or changed on disk"]


@pytest.mark.parametrize("program", ["hub", "node"])
def test_fsck_of_what_nobody_touched_finds_nothing(kept, tmp_path, program):
    found = report(program, "fsck", "--dir", kept.copy(program, tmp_path))
    assert found["wrong"] == [] and (found["cases"], found["blobs"]) == (2, 2)


def _rows(conn: sa.Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in conn.execute(sa.select(case_row).order_by(case_row.c.topic))]


ROW_DAMAGE = [_rename_case, _drop_case, _invent_case]


@pytest.mark.parametrize("program", ["hub", "node"])
@pytest.mark.parametrize("damage", ROW_DAMAGE, ids=[one.__name__.strip("_") for one in ROW_DAMAGE])
def test_rebuild_writes_the_rows_anew_byte_for_byte_and_says_which(kept, tmp_path, damage, program):
    folder = kept.copy(program, tmp_path)
    before = _sql(program, folder, _rows)
    named = _sql(program, folder, damage)
    assert _sql(program, folder, _rows) != before
    mended = report(program, "fsck", "--dir", folder, "--rebuild")
    assert len(mended["mended"]) == 1 and named in mended["mended"][0] and mended["wrong"] == []
    assert _sql(program, folder, _rows) == before
    again = report(program, "fsck", "--dir", folder, "--rebuild")
    assert again["mended"] == again["wrong"] == []


@pytest.mark.parametrize("program", ["hub", "node"])
def test_nothing_is_rebuilt_from_a_log_that_is_wrong(kept, tmp_path, program):
    folder = kept.copy(program, tmp_path)
    _sql(program, folder, _rename_case)
    _sql(program, folder, _flip_signature)
    damaged = _sql(program, folder, _rows)
    found = report(program, "fsck", "--dir", folder, "--rebuild", code=1)
    assert any("nothing was written anew" in text for text in found["wrong"]) and found["mended"] == []
    assert _sql(program, folder, _rows) == damaged
