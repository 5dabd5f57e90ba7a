"""lianban-node: the village and township program's commands. See docs/commands.md."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from casework.errors import CaseworkError
from casework.fsck import look_at_cases
from casework.logs import configure_logs
from casework.reference import checked_url
from casework.verify_command import finding_lines, text_to_verify
from casework.verify_scan import verify_scan
from casework.web.listen import serve_refusal, tls_context
from migrations.upgrade import SchemaTooNew
from node import app as program
from node.control import ask_status, ask_sync, telling
from node.enrol import enrol_here, read_ca
from node.intake_file import take_file
from node.keeping_words import progress_line
from node.settings import NodeSettings
from node.station import open_station
from node.status_report import status_report, status_words
from node.syncing import EXIT_FAILED, Until, sync_until
from node.watching import situation_from
from sync_protocol.courier import Meter, look_at, written_line
from sync_protocol.enrolment import Token
from sync_protocol.errors import SyncError
from sync_protocol.export import write_export
from sync_protocol.fsck import check_replica
from sync_protocol.store.data_folder import DataFolder, FolderError, Serving
from sync_protocol.store.seam import StoreError

_FIRST_EXCHANGE_SECONDS = 60

cli = typer.Typer(
    help="Lianban node: a village station or a township hall.", no_args_is_help=True, add_completion=False
)
bundle = typer.Typer(help="Bundles that a courier carries.", no_args_is_help=True)
cli.add_typer(bundle, name="bundle")

Dir = Annotated[Path, typer.Option("--dir", help="Folder of this station's data.")]
KeyFile = Annotated[Path | None, typer.Option("--key-file", help="File with the database key (default: DIR.key).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")]
Rebuild = Annotated[bool, typer.Option("--rebuild", help="Write the cases' rows anew from the log where they differ.")]


def main() -> None:
    """Entry point; known failures become one line and an exit code. Files are this user's alone."""
    os.umask(0o077)
    try:
        cli()
    except (FolderError, StoreError, SyncError, SchemaTooNew, CaseworkError, ValueError, OSError) as error:
        print(f"lianban-node: {error}", file=sys.stderr)
        sys.exit(EXIT_FAILED)


@cli.command()
def init(
    folder: Dir,
    parent: Annotated[str, typer.Option("--parent", help="URL of the parent: the township's or the county's.")],
    token: Annotated[str, typer.Option("--token", help="The invitation token from lianban-hub invite.")],
    ca: Annotated[
        Path | None, typer.Option("--ca", help="PEM file of the county's CA; the only one then trusted.")
    ] = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Enrol this machine as a station: make its keys, redeem the invitation. Run again after a failure, it goes on."""
    data = DataFolder(folder, key_file)
    parent, pem = checked_url(parent, "--parent"), read_ca(ca)
    invitation = Token.parse(token)
    me = enrol_here(data, parent, pem, invitation, os.urandom)
    asyncio.run(_first_exchange(NodeSettings(folder, key_file)))
    report = {"station": invitation.station, "author": me.author, "epoch": me.epoch, "key_file": str(data.key_file)}
    _print(report, as_json, f"Enrolled as station {me.author} ({invitation.station}). Key file: {data.key_file}")


async def _first_exchange(settings: NodeSettings) -> None:
    """Fetch items, regions and staff at once, so that the first start finds them; without a link they come later."""
    async with program.running(settings) as parts:
        try:
            async with asyncio.timeout(_FIRST_EXCHANGE_SECONDS):
                while (await parts.link.exchange()).again:
                    pass
        except (SyncError, TimeoutError) as error:
            print(f"lianban-node: enrolled; the first exchange comes later ({error})", file=sys.stderr)


@cli.command()
def serve(
    folder: Dir,
    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT of the pages and of children.")] = "127.0.0.1:8080",
    admin_listen: Annotated[
        str, typer.Option("--admin-listen", help="HOST:PORT of metrics, health and control.")
    ] = "127.0.0.1:0",
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="PEM certificate chain.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="PEM private key.")] = None,
    key_file: KeyFile = None,
    metered: Annotated[
        bool, typer.Option("--metered", help="The link is paid by the byte: ask every 14 minutes in office hours.")
    ] = False,
) -> None:
    """Serve pages and children and keep in step with the parent. Prints one JSON line {url, admin_url} when ready."""
    configure_logs(sys.stderr)
    asyncio.run(_serve(NodeSettings(folder, key_file, listen, admin_listen, tls_cert, tls_key, metered=metered)))


async def _serve(settings: NodeSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await program.serve(settings, stop, lambda line: print(line, flush=True))
    except SchemaTooNew as error:
        print(f"lianban-node: {error}", file=sys.stderr, flush=True)
        tls = tls_context(settings.tls_cert, settings.tls_key)
        await serve_refusal(
            settings.listen, tls, str(error), stop, lambda url: print(f"refusing on {url}", file=sys.stderr, flush=True)
        )
        raise


@cli.command()
def status(folder: Dir, key_file: KeyFile = None, as_json: AsJson = False) -> None:
    """What is saved here, what nobody above has yet, what would be lost, how fast the link is, its last word."""
    data = DataFolder(folder, key_file)
    serving = data.serving()
    told = asyncio.run(_told(serving)) if serving else None
    station = open_station(data, os.urandom, program.now)
    try:
        report = status_report(station, serving, told)
        said = status_words(station, told, program.now()).lines()
    finally:
        station.close()
    _print(report, as_json, "\n".join([*said, "", *(f"{name}: {value}" for name, value in report.items())]))


async def _told(serving: Serving) -> dict[str, Any] | None:
    """What the running program says of its link; None while it is too busy to answer."""
    try:
        return await ask_status(serving)
    except FolderError as error:
        _say(f"lianban-node: {error}; the folder alone is read")
        return None


@cli.command()
def sync(
    folder: Dir,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Go on until nothing is left to say.")] = True,
    until: Annotated[str, typer.Option("--until", help="received or ordered (by the county).")] = "received",
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds after which to give up.")] = 120.0,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Exchange until the county has everything. Exit 0 done, 3 some entries are held, 1 not done."""
    if until not in ("received", "ordered"):
        raise ValueError("--until is received or ordered")
    data = DataFolder(folder, key_file)
    serving = data.serving()
    wanted: Until = "ordered" if until == "ordered" else "received"
    work = _sync_beside(serving, wanted, timeout) if serving else _sync_alone(folder, key_file, wanted, timeout)
    code, report = asyncio.run(work)
    _print(report, as_json, "\n".join(f"{name}: {value}" for name, value in report.items()))
    raise typer.Exit(code)


async def _sync_alone(folder: Path, key_file: Path | None, until: Until, seconds: float) -> tuple[int, dict[str, Any]]:
    async with program.running(NodeSettings(folder, key_file)) as parts:

        async def situation() -> str:
            return progress_line(await parts.watch.look(), parts.link.state.error)

        work = sync_until(parts.link, parts.store, parts.bell, parts.station.me.author, until, seconds)
        return await telling(work, situation, _say)


async def _sync_beside(serving: Serving, until: Until, seconds: float) -> tuple[int, dict[str, Any]]:
    async def situation() -> str:
        told = await ask_status(serving)
        return progress_line(situation_from(told["situation"]), told["error"])

    return await telling(ask_sync(serving, until, seconds), situation, _say)


@cli.command()
def intake(
    folder: Dir,
    cases: Annotated[Path, typer.Argument(help="File with one case a line (JSON).")],
    materials: Annotated[Path, typer.Option("--materials", help="Folder in which the named files lie.")],
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Take in cases from a file; run again, it adds nothing twice. Exit 1 when a line was bad."""
    station = open_station(DataFolder(folder, key_file), os.urandom, program.now)
    try:
        outcome = take_file(station, cases, materials, NodeSettings(folder).disk_reserve_mib)
    finally:
        station.close()
    report = {name: getattr(outcome, name) for name in outcome.__slots__}
    lines = [f"taken {outcome.taken}, drafts {outcome.drafts}, known {outcome.known}, bad {outcome.bad}"]
    lines += [f"第 {p['line']} 行 {p['field']}：{p['message']}。{p['remedy']}" for p in outcome.problems]
    _print(report, as_json, "\n".join(lines))
    raise typer.Exit(1 if outcome.bad else 0)


@cli.command()
def verify(
    folder: Dir,
    text: Annotated[str, typer.Argument(help="What a scanner read, or the code alone.")] = "",
    image: Annotated[Path | None, typer.Option("--image", help="Photo or scan (or PDF) on which the QR is.")] = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Whether a slip or a certificate is genuine, by what is held here. Exit 1: it is not, or cannot be confirmed."""
    read = text_to_verify(text, image)
    station = open_station(DataFolder(folder, key_file), os.urandom, program.now)
    try:
        found = station.store.read(lambda conn: verify_scan(conn, station.topics, read, program.now()))
    finally:
        station.close()
    _print(found.report(), as_json, "\n".join(finding_lines(found)))
    raise typer.Exit(0 if found.genuine else 1)


@cli.command()
def export(
    folder: Dir,
    to: Annotated[Path, typer.Option("--to", help="File to write.")],
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Write all feeds, signatures, order records and blobs to one file, for audit."""
    station = open_station(DataFolder(folder, key_file), os.urandom, program.now)
    try:
        with to.open("xb") as out:
            done = station.store.read(lambda conn: write_export(conn, station.me, station.replica.blobs, out))
    finally:
        station.close()
    report = {name: getattr(done, name) for name in done.__slots__}
    text = f"{done.entries} entries, {done.blobs} blobs, {done.bytes} bytes in {to}"
    _print(report, as_json, text + (f"; {done.damaged} damaged scans left out, see fsck" if done.damaged else ""))


@cli.command()
def fsck(folder: Dir, key_file: KeyFile = None, rebuild: Rebuild = False, as_json: AsJson = False) -> None:
    """Re-judge every chain, compare every row with a fresh fold, re-hash blobs. Exit 1 with what is wrong."""
    station = open_station(DataFolder(folder, key_file), os.urandom, program.now)
    try:
        found = station.store.read(lambda conn: check_replica(conn, station.me, station.replica.blobs))
        cases = look_at_cases(station.store, station.topics, mend=rebuild and not found.wrong)
    finally:
        station.close()
    if rebuild and found.wrong:
        found.wrong.append("nothing was written anew: the log itself is wrong")
    found.wrong.extend(cases.wrong)
    report = {name: getattr(found, name) for name in found.__slots__} | {"cases": cases.cases, "mended": cases.mended}
    text = f"{found.entries} entries, {found.signatures} signatures, {found.blobs} blobs, {cases.cases} cases checked"
    _print(report, as_json, "\n".join([text, *(f"mended: {line}" for line in cases.mended), *found.wrong]))
    raise typer.Exit(1 if found.wrong else 0)


@bundle.command("export")
def bundle_export(
    folder: Dir,
    to: Annotated[Path, typer.Option("--to", help="The stick's folder, or a file to write on it.")],
    reader: Annotated[
        str, typer.Option("--for", help="parent, county, or the region code or author of a station below.")
    ] = "parent",
    everything: Annotated[
        bool, typer.Option("--everything", help="Everything, whatever the reader is said to hold already.")
    ] = False,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Write what the reader lacks to one file for a courier, sealed to it. Runs beside a server of the same folder."""
    station = open_station(DataFolder(folder, key_file), os.urandom, program.now)
    try:
        _, sticks = station.sticks()
        report = sticks.write(reader, to, program.now(), _say, everything=everything)
    finally:
        station.close()
    _print(report, as_json, written_line(report))


@bundle.command("import")
def bundle_import(
    file: Annotated[Path, typer.Argument(help="The bundle.")],
    folder: Dir,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Check a bundle whole and take it in; again is harmless. Runs beside a server. Exit 3: a part was refused."""
    station = open_station(DataFolder(folder, key_file), os.urandom, program.now)
    try:
        words, sticks = station.sticks()
        with file.open("rb") as opened:
            carried = words.carried(sticks.take(opened, program.now(), Meter(_say, file.stat().st_size)))
    finally:
        station.close()
    _print(carried.report(), as_json, "\n".join(carried.lines()))
    raise typer.Exit(3 if carried.refused else 0)


@bundle.command("inspect")
def bundle_inspect(file: Annotated[Path, typer.Argument(help="The bundle.")], as_json: AsJson = False) -> None:
    """From where, for where, when, how much, and whether it is whole. Needs no key. Exit 1: it is damaged."""
    look = look_at(file, _say)
    report = look.report()
    _print(report, as_json, "\n".join(f"{name}: {value}" for name, value in report.items()))
    raise typer.Exit(0 if look.sound else 1)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _print(report: dict[str, Any], as_json: bool, text: str) -> None:
    print(json.dumps(report, ensure_ascii=False) if as_json else text)


if __name__ == "__main__":
    main()
