"""Virtual time: an event loop whose clock jumps to the next thing to do, and blocking work without threads."""

from __future__ import annotations

import asyncio
import ctypes
import random
import selectors
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import nacl._sodium


class _Leap(selectors.SelectSelector):
    """Nothing is ever ready: instead of waiting, time passes."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the county is asleep for ever: nothing is scheduled")
        self.loop.passed += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` starts at 0; a run of it depends on nothing outside."""

    def __init__(self) -> None:
        selector = _Leap()
        selector.loop = self
        self.passed = 0.0
        super().__init__(selector)

    def time(self) -> float:
        return self.passed

    def _write_to_self(self) -> None:
        """Nobody sleeps, so nobody needs waking."""


class Inline(Executor):
    """Runs work at once and lets its result arrive a moment later, in the order of its pool's threads.

    `run` does the work: it may count it, look at what it did, or refuse to (a machine that is off answers nothing:
    the result then never arrives).
    """

    def __init__(
        self, loop: VirtualLoop, rng: random.Random, workers: int, run: Callable[[Callable[[], Any]], Any]
    ) -> None:
        self._loop = loop
        self._rng = rng
        self._run = run
        self._free = [0.0] * workers

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        worker = min(range(len(self._free)), key=self._free.__getitem__)
        starts = max(self._loop.time(), self._free[worker])
        self._free[worker] = ends = starts + self._rng.expovariate(500.0)

        def work() -> None:
            try:
                result = self._run(lambda: fn(*args, **kwargs))
            except MachineOff:
                return
            except BaseException as error:  # noqa: BLE001 - it is the waiter's
                self._loop.call_at(ends, arrive, future.set_exception, error)
            else:
                self._loop.call_at(ends, arrive, future.set_result, result)

        def arrive(settle: Callable[[Any], None], what: Any) -> None:
            if not future.done():  # whoever waited may have given up
                settle(what)

        self._loop.call_at(starts, work)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing waits here."""


class MachineOff(BaseException):
    """The machine has no power, or its process was killed: nothing it does has an effect."""


class _Randomness(ctypes.Structure):
    """randombytes_implementation of libsodium."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("name", "random", "stir", "uniform", "buf", "close")]


_NAME = ctypes.CFUNCTYPE(ctypes.c_void_p)
_RANDOM = ctypes.CFUNCTYPE(ctypes.c_uint32)
_BUFFER = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t)


class Dice:
    """Gives libsodium's own random numbers (stream headers, sealed boxes) a seed, until `release`."""

    def __init__(self, rng: random.Random) -> None:
        self._library = ctypes.CDLL(nacl._sodium.__file__)
        self._before = ctypes.c_void_p.in_dll(self._library, "randombytes_sysrandom_implementation")
        name = ctypes.create_string_buffer(b"seeded")
        self._keep = (
            name,
            _NAME(lambda: ctypes.addressof(name)),
            _RANDOM(lambda: rng.getrandbits(32)),
            _BUFFER(lambda to, count: ctypes.memmove(to, rng.randbytes(count), count) and None),
        )
        pointers = [ctypes.cast(item, ctypes.c_void_p).value for item in self._keep[1:]]
        self._table = _Randomness(pointers[0], pointers[1], None, None, pointers[2], None)
        self._library.randombytes_set_implementation(ctypes.byref(self._table))

    def release(self) -> None:
        self._library.randombytes_set_implementation(ctypes.byref(self._before))
