"""lianban-hub: the county program's commands. See docs/commands.md."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from casework import reference
from casework.accounts import password_problems
from casework.errors import BadInput, CaseworkError
from casework.fsck import look_at_cases
from casework.logs import configure_logs
from casework.passwords import hash_password
from casework.verify_command import finding_lines, text_to_verify
from casework.verify_scan import verify_scan
from casework.web.listen import checked_proxies, serve_refusal, tls_context
from hub import app as program
from hub import staff, stations, statistics
from hub.card_check import look_at_cards
from hub.catalogue_cli import catalogue
from hub.cli_options import AsJson, Db, Dir, Image, KeyFile, show
from hub.county import open_county
from hub.founding import found_county
from hub.hall_cli import hall_command
from hub.rating_rows import look_at_ratings
from hub.regions_cli import regions
from hub.settings import HubSettings
from hub.sharing import share_by_hand
from migrations.upgrade import SchemaTooNew
from sync_protocol.courier import Meter, look_at, written_line
from sync_protocol.errors import SyncError
from sync_protocol.export import write_export
from sync_protocol.fsck import check_replica
from sync_protocol.journal import Writing
from sync_protocol.store.data_folder import DataFolder, FolderError
from sync_protocol.store.seam import StoreError

cli = typer.Typer(help="Lianban hub: the county's program.", no_args_is_help=True, add_completion=False)
user = typer.Typer(help="Staff accounts.", no_args_is_help=True)
cli.add_typer(user, name="user")
cli.add_typer(catalogue, name="catalogue")
cli.add_typer(regions, name="regions")
cli.command("hall")(hall_command)
bundle = typer.Typer(help="Bundles that a courier carries.", no_args_is_help=True)
cli.add_typer(bundle, name="bundle")

Rebuild = Annotated[bool, typer.Option("--rebuild", help="Write the cases' rows anew from the log where they differ.")]


def main() -> None:
    """Entry point; known failures become one line and an exit code. Files are this user's alone."""
    os.umask(0o077)
    try:
        cli()
    except (FolderError, StoreError, SyncError, SchemaTooNew, CaseworkError, ValueError, OSError) as error:
        print(f"lianban-hub: {error}", file=sys.stderr)
        sys.exit(1)


@cli.command()
def init(
    folder: Dir,
    county: Annotated[str, typer.Option("--county", help="County code, 6 digits (GB/T 2260).")],
    regions: Annotated[Path | None, typer.Option("--regions", help="Region CSV of another county.")] = None,
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Found a county: root and hub keys, regions, items, calendar."""
    data = DataFolder(folder, key_file, db)
    done = found_county(data, county, regions, os.urandom, program.now)
    report = {
        "county": done.county,
        "name": done.name,
        "regions": done.regions,
        "items": done.items,
        "key_file": str(data.key_file),
        "root_key_file": str(done.root_key_file),
    }
    text = (
        f"{done.name} {done.county}: {done.regions} regions, {done.items} items. Database key: {data.key_file}.\n"
        f"Move {done.root_key_file} to a medium that is kept offline."
    )
    show(report, as_json, text)


@cli.command()
def serve(
    folder: Dir,
    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT of the pages and of stations.")] = "127.0.0.1:8000",
    admin_listen: Annotated[
        str, typer.Option("--admin-listen", help="HOST:PORT of metrics, health and control.")
    ] = "127.0.0.1:0",
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="PEM certificate chain.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="PEM private key.")] = None,
    proxies: Annotated[
        list[str] | None,
        typer.Option("--proxy", help="IP address of a proxy that ends TLS before this program; may be repeated."),
    ] = None,
    supervision: Annotated[
        Path | None, typer.Option("--supervision", help="YAML file with the county's own thresholds of supervision.")
    ] = None,
    messages_dir: Annotated[
        Path | None, typer.Option("--messages-dir", help="Folder into which text messages are dropped as JSON files.")
    ] = None,
    messages_url: Annotated[str, typer.Option("--messages-url", help="Gateway that takes text messages by POST.")] = "",
    messages_token: Annotated[
        Path | None, typer.Option("--messages-token", help="File with the gateway's bearer token.")
    ] = None,
    messages_without: Annotated[
        list[str] | None, typer.Option("--messages-without", help="Key of an item without messages; may be repeated.")
    ] = None,
    key_file: KeyFile = None,
    db: Db = None,
) -> None:
    """Serve pages and stations and judge. Prints one JSON line {url, admin_url} when ready."""
    configure_logs(sys.stderr)
    settings = HubSettings(
        folder,
        key_file,
        db,
        listen,
        admin_listen,
        tls_cert,
        tls_key,
        proxies=checked_proxies(proxies or ()),
        supervision=supervision,
        messages_dir=messages_dir,
        messages_url=messages_url,
        messages_token=messages_token,
        messages_without=tuple(messages_without or ()),
    )
    asyncio.run(_serve(settings))


async def _serve(settings: HubSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await program.serve(settings, stop, lambda line: print(line, flush=True))
    except SchemaTooNew as error:
        print(f"lianban-hub: {error}", file=sys.stderr, flush=True)
        tls = tls_context(settings.tls_cert, settings.tls_key)
        await serve_refusal(
            settings.listen, tls, str(error), stop, lambda url: print(f"refusing on {url}", file=sys.stderr, flush=True)
        )
        raise


@cli.command()
def invite(
    folder: Dir,
    station: Annotated[str, typer.Option("--station", help="12-digit region code of the station.")],
    tier: Annotated[str, typer.Option("--tier", help="village or township.")],
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Print a one-time token (72 hours) with which a station enrols."""
    county = open_county(DataFolder(folder, key_file, db), os.urandom, program.now)
    try:
        done = county.store.write(
            lambda conn: stations.invite(conn, county.me, station, tier, os.urandom, program.now())
        )
    finally:
        county.close()
    report = {"token": done.token, "station": done.station, "expires": done.expires}
    show(report, as_json, done.token)


@cli.command()
def address(
    folder: Dir,
    url: Annotated[str | None, typer.Option("--url", help='URL; "" takes it back; without it all are listed.')] = None,
    station: Annotated[
        str, typer.Option("--station", help="12-digit region code of a township; default: the county itself.")
    ] = "",
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Tell all stations where the county (or a township) is reached when their own parent does not answer."""
    county = open_county(DataFolder(folder, key_file, db), os.urandom, program.now)
    try:
        if url is not None:
            writing = Writing(0, program.now(), 1)
            county.store.write(lambda conn: stations.say_address(conn, county.replica.journal, station, url, writing))
        known = county.store.read(reference.addresses)
    finally:
        county.close()
    show({"addresses": known}, as_json, "\n".join(f"{author}: {known[author]}" for author in sorted(known)))


@cli.command()
def verify(
    folder: Dir,
    text: Annotated[str, typer.Argument(help="What a scanner read, or the code alone.")] = "",
    image: Image = None,
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Whether a slip or a certificate is genuine, by what is held here. Exit 1: it is not, or cannot be confirmed."""
    read = text_to_verify(text, image)
    county = open_county(DataFolder(folder, key_file, db), os.urandom, program.now)
    try:
        found = county.store.read(lambda conn: verify_scan(conn, county.topics, read, program.now()))
    finally:
        county.close()
    show(found.report(), as_json, "\n".join(finding_lines(found)))
    raise typer.Exit(0 if found.genuine else 1)


@user.command("add")
def user_add(
    folder: Dir,
    name: Annotated[str, typer.Option("--name", help="Login name.")],
    role: Annotated[str, typer.Option("--role", help="Role, for example village_agent or county_approver.")],
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the first password from stdin.")],
    station: Annotated[str, typer.Option("--station", help="12-digit code of the person's station.")] = "",
    office: Annotated[str, typer.Option("--office", help="County office, for example 民政局.")] = "",
    display: Annotated[str, typer.Option("--display", help="Name shown; default the login name.")] = "",
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Add a member of staff; the first password must be changed at the first sign-in."""
    if not password_stdin:
        raise ValueError("give the first password on standard input with --password-stdin")
    password = sys.stdin.readline().rstrip("\n")
    if problems := password_problems(password, name):
        raise BadInput(problems)
    new = staff.NewUser(name, display or name, role, station, office)
    county = open_county(DataFolder(folder, key_file, db), os.urandom, program.now)
    try:
        hashed = hash_password(password)
        account = county.store.write(
            lambda conn: staff.add_user(conn, county.replica.journal, new, hashed, Writing(0, program.now(), 1))
        )
    finally:
        county.close()
    show({"account": account.account, "login": account.login}, as_json, f"account {account.account}: {account.login}")


@cli.command()
def export(
    folder: Dir,
    to: Annotated[Path, typer.Option("--to", help="File to write.")],
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Write all feeds, signatures, order records and blobs to one file, for audit."""
    county = open_county(DataFolder(folder, key_file, db), os.urandom, program.now)
    try:
        with to.open("xb") as out:
            done = county.store.read(lambda conn: write_export(conn, county.me, county.replica.blobs, out))
    finally:
        county.close()
    report = {name: getattr(done, name) for name in done.__slots__}
    text = f"{done.entries} entries, {done.blobs} blobs, {done.bytes} bytes in {to}"
    show(report, as_json, text + (f"; {done.damaged} damaged scans left out, see fsck" if done.damaged else ""))


@cli.command()
def fsck(
    folder: Dir, key_file: KeyFile = None, db: Db = None, rebuild: Rebuild = False, as_json: AsJson = False
) -> None:
    """Re-judge every chain, compare every row with a fresh fold, re-hash blobs. Exit 1 with what is wrong."""
    county = open_county(DataFolder(folder, key_file, db), os.urandom, program.now)
    try:
        found = county.store.read(lambda conn: check_replica(conn, county.me, county.replica.blobs))
        mend = rebuild and not found.wrong
        cases = look_at_cases(county.store, county.topics, mend=mend)
        said = [*look_at_cards(county.store, mend=mend), *look_at_ratings(county.store, county.topics, mend=mend)]
        (cases.mended if mend else cases.wrong).extend(said)
    finally:
        county.close()
    if rebuild and found.wrong:
        found.wrong.append("nothing was written anew: the log itself is wrong")
    found.wrong.extend(cases.wrong)
    report = {name: getattr(found, name) for name in found.__slots__} | {"cases": cases.cases, "mended": cases.mended}
    text = f"{found.entries} entries, {found.signatures} signatures, {found.blobs} blobs, {cases.cases} cases checked"
    show(report, as_json, "\n".join([text, *(f"mended: {line}" for line in cases.mended), *found.wrong]))
    raise typer.Exit(1 if found.wrong else 0)


@cli.command("statistics")
def show_statistics(
    folder: Dir,
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD; default: of the month.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD; default: the day of the moment.")] = "",
    by: Annotated[str, typer.Option("--by", help="item, office, station or month.")] = "item",
    item: Annotated[str, typer.Option("--item", help="Of this item alone.")] = "",
    office: Annotated[str, typer.Option("--office", help="Of this county office alone.")] = "",
    station: Annotated[str, typer.Option("--station", help="Region code of a station or a township.")] = "",
    at: Annotated[str, typer.Option("--at", help="As of a past moment, from the log: YYYY-MM-DD[THH:MM].")] = "",
    csv: Annotated[Path | None, typer.Option("--csv", help="File to write.")] = None,
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Volumes, early completion, compression against the statutory limit; see docs/statistics.md."""
    asked = {"from": first, "to": last, "by": by, "item": item, "office": office, "station": station}
    county = open_county(DataFolder(folder, key_file, db), os.urandom, program.now)
    try:
        report = statistics.read(county, asked, at, program.now())
    finally:
        county.close()
    if csv is not None:
        with csv.open("xb") as out:
            out.write(statistics.csv_of(report))
    show(statistics.plain_report(report), as_json, statistics.text_of(report))


@cli.command()
def share(
    folder: Dir,
    case: Annotated[str, typer.Option("--case", help="The case's intake code.")],
    reader: Annotated[str, typer.Option("--with", help="Region code of its home, or of the township above it.")],
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Let a station's present machine open one case: for a replaced one, or a township that has to take over."""
    county = open_county(DataFolder(folder, key_file, db), os.urandom, program.now)
    try:
        shared = county.store.write(lambda conn: share_by_hand(conn, county.topics, case, reader, program.now()))
    finally:
        county.close()
    text = "The key goes down with the next exchange." if shared else "That machine had the key already."
    show({"case": case, "with": reader, "shared": shared}, as_json, text)


@bundle.command("export")
def bundle_export(
    folder: Dir,
    to: Annotated[Path, typer.Option("--to", help="The stick's folder, or a file to write on it.")],
    reader: Annotated[str, typer.Option("--for", help="The region code or author of a station below.")],
    everything: Annotated[
        bool, typer.Option("--everything", help="Everything, whatever the reader is said to hold already.")
    ] = False,
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Write what the reader lacks to one file for a courier, sealed to it. Runs beside a server of the same folder."""
    county = open_county(DataFolder(folder, key_file, db), os.urandom, program.now)
    try:
        _, sticks = county.sticks()
        report = sticks.write(reader, to, program.now(), _say, everything=everything)
    finally:
        county.close()
    show(report, as_json, written_line(report))


@bundle.command("import")
def bundle_import(
    file: Annotated[Path, typer.Argument(help="The bundle.")],
    folder: Dir,
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Check a bundle whole and take it in; again is harmless. Runs beside a server. Exit 3: a part was refused."""
    county = open_county(DataFolder(folder, key_file, db), os.urandom, program.now)
    try:
        words, sticks = county.sticks()
        with file.open("rb") as opened:
            carried = words.carried(sticks.take(opened, program.now(), Meter(_say, file.stat().st_size)))
        county.judge(carried.homes)
    finally:
        county.close()
    show(carried.report(), as_json, "\n".join(carried.lines()))
    raise typer.Exit(3 if carried.refused else 0)


@bundle.command("inspect")
def bundle_inspect(file: Annotated[Path, typer.Argument(help="The bundle.")], as_json: AsJson = False) -> None:
    """From where, for where, when, how much, and whether it is whole. Needs no key. Exit 1: it is damaged."""
    look = look_at(file, _say)
    report = look.report()
    show(report, as_json, "\n".join(f"{name}: {value}" for name, value in report.items()))
    raise typer.Exit(0 if look.sound else 1)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
