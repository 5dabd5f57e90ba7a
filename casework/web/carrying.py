"""A bundle that is being read or written behind the courier's page: how far it is, and what came of it.

It belongs to the program, not to the request: who reloads the page, or comes to it later, finds it there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, TypeVar

from casework.errors import BadInput, Problem
from casework.texts import say
from casework.web.amounts import size_text
from casework.web.courier_words import Carried
from casework.web.i18n import N_

T = TypeVar("T")
Translate = Callable[[str], str]
_log = logging.getLogger("lianban.casework")

CHECK, TAKE, WRITE = "check", "take", "write"
_STEPS = {
    CHECK: N_("第 1 步，共 2 步：核对整个文件，已读 {done}/{whole}"),
    TAKE: N_("第 2 步，共 2 步：导入，已读 {done}/{whole}"),
}
_FAULT = Problem("bundle", N_("程序出错，没有导入完；已导入的部分有效"), N_("请再导入一次；仍然出错请告诉县级运维"))


@dataclass(slots=True)
class Carrying:
    """One bundle. name: the file's; at: unix seconds of its beginning; whole: its bytes, 0 if that is not known."""

    name: str
    at: int
    whole: int
    step: str = ""
    done: int = 0
    ended: bool = False
    broken: bool = False
    problems: Sequence[Problem] = ()
    carried: Carried | None = None

    def heard(self, step: str, length: int) -> None:
        """So many more bytes in this step; called from the thread that reads."""
        if step != self.step:
            self.step, self.done = step, 0
        self.done += length

    @property
    def bar(self) -> tuple[int, int]:
        """How far of how much, both readings of an import together."""
        if self.step == WRITE:
            return self.done, max(self.done, self.whole)
        return self.done + (self.whole if self.step == TAKE else 0), 2 * self.whole

    def words(self, _: Translate = str) -> str:
        """One sentence for what is not over yet."""
        done, whole = size_text(self.done, _), size_text(max(self.done, self.whole), _)
        if self.step == WRITE:
            return _("正在写出，已写 {done}，共约 {whole}").format(done=done, whole=whole)
        return _(_STEPS.get(self.step, N_("等待开始"))).format(done=done, whole=whole)


@dataclass(slots=True)
class Shelf:
    """What this program carries or carried last, in each direction."""

    taken: Carrying | None = None
    written: Carrying | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def take(
        self,
        carrying: Carrying,
        file: BinaryIO,
        work: Callable[[Carrying], Awaitable[Carried]],
        taken: Callable[[Carried], None],
    ) -> asyncio.Task[None]:
        """Begin to take a bundle in; `file` is closed at the end. Raises BadInput while another one is taken in."""
        if self.taken is not None and not self.taken.ended:
            message = say("正在导入另一个U盘包（{name}）", name=self.taken.name)
            raise BadInput([Problem("bundle", message, N_("请等它完成后再导入；进度见本页"))])
        self.taken = carrying
        task = asyncio.create_task(_taking(carrying, file, work, taken))
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a bundle was not taken in", exc_info=error)


async def _taking(
    carrying: Carrying,
    file: BinaryIO,
    work: Callable[[Carrying], Awaitable[Carried]],
    taken: Callable[[Carried], None],
) -> None:
    try:
        carrying.carried = await work(carrying)
        taken(carrying.carried)
    except BadInput as error:
        carrying.problems = error.problems
    finally:
        if carrying.carried is None and not carrying.problems:
            carrying.problems = [_FAULT]
        carrying.ended = True
        file.close()
