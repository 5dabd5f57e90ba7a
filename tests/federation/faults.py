"""What goes wrong in a play: chosen by the seed, over before the county is asked to be equal again."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sync_protocol.bundle_export import bundle_for
from sync_protocol.bundle_import import Imported, take_bundle
from sync_protocol.errors import NotEnrolled, SyncError, WrongReader
from sync_protocol.feeds import HUB
from tests.federation.network import Weather

if TYPE_CHECKING:
    from tests.federation.places import Machine
    from tests.federation.world import World

DAY_SECONDS = 86_400.0


async def play(world: World, ends: float) -> None:
    """Trouble after trouble until `ends`; then everything that was broken is whole again."""
    rng = world.rng
    lost = rng.choice(sorted(world.cables))[0] if rng.random() < 0.11 else None
    if lost is not None:
        for cable in world.cables_of(lost):
            cable.set(Weather(down=True, silent=True))
    while world.loop.time() < ends:
        await asyncio.sleep(rng.expovariate(1 / 0.35))
        troubles = (_weather, _kill, _power_cut, _lie, _replace, _dead_parent, _full_disk, _stick)
        trouble = rng.choices(troubles, (7, 2, 27, 7, 2.5, 5, 3, 4))[0]
        world.loop.create_task(_reported(world, trouble))
    await asyncio.sleep(ends - world.loop.time() if ends > world.loop.time() else 0)
    while any(machine.off or machine.lying or machine.fuse is not None for machine in world.machines()):
        _mend(world)
        await asyncio.sleep(1.0)
    if lost is not None:
        await _days_down(world, lost)


async def _reported(world: World, trouble: Callable[[World], Awaitable[None]]) -> None:
    try:
        await trouble(world)
    except Exception as error:  # noqa: BLE001 - the play ends with it
        world._note(world.loop, {"exception": error})


async def _days_down(world: World, station: int) -> None:
    """A station is cut off for days while nobody else works, and keeps trying."""
    world.counts["down for days"] += 1
    world.night = True
    others = [machine for machine in world.machines() if machine.author != station]
    for machine in others:
        machine.stop(power=False)
    await asyncio.sleep(world.rng.choice((1.02, 1.2)) * DAY_SECONDS)
    for machine in others:
        world.restart(machine)
    for cable in world.cables_of(station):
        cable.set(Weather())


async def _weather(world: World) -> None:
    rng = world.rng
    cable = world.cables[rng.choice(sorted(world.cables))]
    if cable.weather.silent:
        return
    weather = Weather(slow=rng.choice((0.0, 0.5)))
    for name in rng.sample(("drop_request", "drop_reply", "repeat", "truncate", "flip", "old_reply"), 2):
        setattr(weather, name, rng.choice((0.1, 0.3)))
    match rng.randrange(5):
        case 0:
            weather.one_way = True
        case 1:
            weather.down = True
    cable.set(weather)
    await asyncio.sleep(rng.choice((5.0, 20.0, 60.0)))
    if cable.weather is weather:
        cable.set(Weather())


def _somebody(world: World, *, relay: bool = False) -> Machine | None:
    """A machine that is up; relays and the county more often than villages."""
    found = [m for m in world.machines() if not m.off and m.fuse is None]
    if relay:
        found = [m for m in found if m.tier == 2 and not m.lying]
    if not found:
        return None
    return world.rng.choices(found, [3 if m.tier > 1 else 1 for m in found])[0]


async def _stop(world: World, *, power: bool) -> None:
    """At a random write or sync of the disk from now on, or at once."""
    rng = world.rng
    machine = _somebody(world)
    if machine is None:
        return
    if rng.random() < 0.8:
        machine.fuse_is_power = power
        machine.fuse = rng.randrange(1, 25)
        await machine.stopped.wait()
    else:
        machine.stop(power=power)
    await asyncio.sleep(rng.choice((0.3, 1.0, 6.0)))
    if machine.off and world.machine(machine.author) is machine and not world.night:
        world.restart(machine, lying=machine.lying)
        world.counts["restarted"] += 1
        if machine.tier > 1:
            world.counts["parent restarted"] += 1


async def _kill(world: World) -> None:
    await _stop(world, power=False)


async def _power_cut(world: World) -> None:
    await _stop(world, power=True)


async def _dead_parent(world: World) -> None:
    """A township's machine stays off for so long that its villages go past it."""
    machine = _somebody(world, relay=True)
    if machine is None:
        return
    machine.stop(power=True)
    world.counts["parent dead"] += 1
    await asyncio.sleep(world.rng.choice((30.0, 90.0)))
    if machine.off and world.machine(machine.author) is machine and not world.night:
        world.restart(machine)


async def _full_disk(world: World) -> None:
    """For a while nothing more finds room at one place; what is refused there comes again later."""
    machine = _somebody(world)
    if machine is None:
        return
    machine.database.full = True
    world.counts["disk full"] += 1
    await asyncio.sleep(world.rng.choice((3.0, 15.0)))
    machine.database.full = False


async def _lie(world: World) -> None:
    """A township's program is exchanged for one that lies, and back."""
    machine = _somebody(world, relay=True)
    if machine is None:
        return
    machine.stop(power=False)
    world.restart(machine, lying=True)
    world.counts["carrier lies"] += 1
    await asyncio.sleep(world.rng.choice((5.0, 20.0)))
    liar = world.machine(machine.author)
    if liar.lying and not liar.off:
        liar.stop(power=False)
        world.restart(liar)


async def _replace(world: World) -> None:
    """A station's machine is lost and replaced."""
    machine = _somebody(world)
    if machine is None or machine.author == HUB or machine.lying or world.machine(HUB).off:
        return
    world.counts[f"machine replaced: {machine.tier.name.lower()}"] += 1
    world.replace(machine)


async def _stick(world: World) -> None:
    """A courier takes a bundle from one place to another, at once or much later; some sticks come damaged."""
    writer = _somebody(world)
    if writer is None or writer.lying:
        return
    tree = {one: _above(world, one) for one in world.parents}
    author = world.rng.choice([one for one in tree if one in tree[writer.author] or writer.author in tree[one]])
    try:
        bundle = await writer.store.off_loop(lambda: _written(writer, author))
    except NotEnrolled:
        return  # this place has not heard of that one yet
    await asyncio.sleep(world.rng.choice((0.0, 2.0, 15.0)))
    good = world.rng.random() < 0.8
    if not good:
        bundle = _damaged(world, bundle)
    reader = world.machine(author)
    if reader.off:
        return
    try:
        done = await reader.store.off_loop(lambda: _taken(reader, bundle))
    except WrongReader:
        world.counts["stick for a machine that was replaced"] += 1
    except OSError:
        world.counts["no room for a stick"] += 1
    except SyncError:
        if good:
            raise
        world.counts["damaged stick refused"] += 1
    else:
        assert good, "a damaged stick was taken"
        world.counts["stick taken"] += 1
        world.counts.update(f"stick: {fault.code}" for fault in done.refused)
        if done.new_entries or done.new_blobs:
            world.counts["stick brought news"] += 1


def _above(world: World, author: int) -> list[int]:
    found = []
    while author := world.parents[author]:
        found.append(author)
    return found


def _written(machine: Machine, reader: int) -> bytes:
    return b"".join(bundle_for(machine.sync, machine.replica, reader, machine.now()).pieces())


def _taken(machine: Machine, bundle: bytes) -> Imported:
    return take_bundle(machine.sync, machine.replica, io.BytesIO(bundle), machine.now(), lambda what, length: None)


def _damaged(world: World, bundle: bytes) -> bytes:
    at = world.rng.randrange(len(bundle))
    if world.rng.random() < 0.5:
        return bundle[:at]
    return bundle[:at] + bytes([bundle[at] ^ 1 << world.rng.randrange(8)]) + bundle[at + 1 :]


def _mend(world: World) -> None:
    for machine in world.machines():
        machine.fuse = None
        machine.database.full = False
        if machine.lying and not machine.off:
            machine.stop(power=False)
        if machine.off:
            world.restart(machine)
