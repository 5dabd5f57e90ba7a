"""The judge of traces, on traces written by hand: what is in order, what is too early, and the edges between."""

from __future__ import annotations

import pytest

from tests.durability.strace_lines import NotUnderstood, calls
from tests.durability.synced import judge

WAL, SHM, DB = "5</d/lianban.db-wal>", "6</d/lianban.db-shm>", "4</d/lianban.db>"
OUT, WAKE, DIR = "9<TCP:[127.0.0.1:80->127.0.0.1:4000]>", "8<UNIX-STREAM:[10->11]>", "7</d>"
HASH = "ab" * 32
BLOB, INNER, PART = f"/d/blobs/ab/{HASH}", "/d/blobs/ab", "/d/blobs/partial/new-1-2"
LOOP, WRITER, FILES = 100, 101, 102


def write(thread: int, fd: str = WAL, offset: int = 4152) -> str:
    return f'{thread}  pwrite64({fd}, ""..., 4096, {offset}) = 4096'


def sync(thread: int, fd: str = WAL, result: str = "0") -> str:
    return f"{thread}  fdatasync({fd}) = {result}"


def unlock(thread: int) -> str:
    return f"{thread}  fcntl({SHM}, F_SETLK, {{l_type=F_UNLCK, l_whence=SEEK_SET, l_start=120, l_len=1}}) = 0"


def wake(thread: int) -> str:
    return f'{thread}  sendto({WAKE}, ""..., 1, 0, NULL, 0) = 1'


def reply(thread: int = LOOP) -> str:
    return f'{thread}  sendto({OUT}, ""..., 512, 0, NULL, 0) = 512'


def rename(thread: int, source: str = PART, target: str = BLOB) -> str:
    return f'{thread}  rename("{source}", "{target}") = 0'


def put(thread: int, *, bytes_: bool = True, name: bool = True, folder: bool = True) -> list[str]:
    """Storing a blob, as the product does it, or with one of its three syncs left out."""
    lines = [
        f'{thread}  openat(AT_FDCWD</>, "{PART}", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3<{PART}>',
        f'{thread}  write(3<{PART}>, ""..., 80) = 80',
        f"{thread}  fsync(3<{PART}>) = 0" if bytes_ else "",
        f'{thread}  mkdir("{INNER}", 0777) = 0',
        rename(thread),
        f"{thread}  fsync(3</d/blobs>) = 0" if folder else "",
        f"{thread}  fsync(3<{INNER}>) = 0" if name else "",
    ]
    return [line for line in lines if line]


COMMIT = [write(WRITER), write(WRITER), sync(WRITER), unlock(WRITER), wake(WRITER)]
UNSYNCED_COMMIT = [write(WRITER), unlock(WRITER), wake(WRITER)]

GOOD = {
    "nothing at all": [],
    "a reply after its commit": [*COMMIT, reply()],
    "a reply while another commit is in the middle of its writes": [*COMMIT, write(WRITER), reply(), *COMMIT, reply()],
    "a reply while another blob is being named": [*put(FILES)[:-2], reply(), *put(FILES)[-2:], wake(FILES), reply()],
    "a blob, told and named by an entry": [*put(FILES), wake(FILES), *COMMIT, reply()],
    "an unfinished blob may be lost": [f'{FILES}  write(3<{PART}>, ""..., 80) = 80', wake(FILES), reply()],
    "the database file is covered by the log": [*COMMIT, write(WRITER, DB), wake(WRITER), reply()],
    "the log is begun anew after a checkpoint": [*COMMIT, write(WRITER, DB), sync(WRITER, DB), write(WRITER, WAL, 0)],
    "old frames cut off the log": [f"{WRITER}  ftruncate({WAL}, 67108864) = 0", unlock(WRITER), wake(WRITER), reply()],
    "the spool, and what says where it serves": [f'{LOOP}  write(3</d/spool/x>, ""..., 8) = 8', reply()],
    "standard error is no acknowledgement": [write(LOOP), f'{LOOP}  write(2<pipe:[7]>, ""..., 8) = 8', sync(LOOP)],
    "an unlock by a thread that only read": [write(WRITER), unlock(LOOP), reply(), sync(WRITER)],
    "a folder that was there": [f'{FILES}  mkdir("{INNER}", 0777) = -1 EEXIST (File exists)', wake(FILES), reply()],
    "a sync that another thread finished": [write(WRITER), sync(FILES), unlock(WRITER), wake(WRITER), reply()],
    "a log that was removed and made anew, with nothing in it yet": [
        *COMMIT,
        f'{LOOP}  unlink("/d/lianban.db-wal") = 0',
        f'{LOOP}  openat(AT_FDCWD</>, "/d/lianban.db-wal", O_RDWR|O_CREAT, 0644) = {WAL}',
        unlock(LOOP),
        reply(),
    ],
    "an empty folder for blobs": [f'{LOOP}  mkdir("/d/blobs", 0777) = 0', reply()],
    "signals and ends": ["100  --- SIGTERM {si_signo=SIGTERM} ---", "100  +++ exited with 0 +++"],
}
BAD = {
    "a reply after a commit that was not synced": ([*UNSYNCED_COMMIT, reply()], "left"),
    "shown to readers before it was on disk": ([write(WRITER), unlock(WRITER), sync(WRITER)], "seen"),
    "the replying thread's own write": ([write(LOOP), reply()], ""),
    "a sync that failed": ([write(WRITER), sync(WRITER, WAL, "-1 EIO (Input/output error)"), wake(WRITER)], ""),
    "a write after the sync": ([write(WRITER), sync(WRITER), write(WRITER), unlock(WRITER), wake(WRITER)], "left"),
    "the log's name not synced": (
        [f'{WRITER}  openat(AT_FDCWD</>, "/d/lianban.db-wal", O_RDWR|O_CREAT, 0644) = {WAL}', *COMMIT, reply()],
        "left",
    ),
    "a blob's bytes not synced": ([*put(FILES, bytes_=False), wake(FILES), reply()], "left"),
    "a blob's name not synced": ([*put(FILES, name=False), wake(FILES), reply()], "left"),
    "a blob's folder not synced": ([*put(FILES, folder=False), wake(FILES), reply()], "left"),
    "the folder of all blobs not synced": (
        [f'{LOOP}  mkdir("/d/blobs", 0777) = 0', *put(FILES), wake(FILES), reply()],
        "left",
    ),
    "a command says it on standard output": (
        [*put(LOOP, name=False), f'{LOOP}  write(1<pipe:[7]>, ""..., 9) = 9'],
        "left",
    ),
    "the log begun anew too early": ([*COMMIT, write(WRITER, DB), write(WRITER, WAL, 0)], "overwritten"),
    "the log removed too early": (
        [*COMMIT, write(WRITER, DB), f'{LOOP}  unlink("/d/lianban.db-wal") = 0'],
        "overwritten",
    ),
    "a key not named for good": ([rename(LOOP, "/d.key.part", "/d.key"), reply()], "left"),
    "sent with write, or with sendmsg": (
        [*UNSYNCED_COMMIT, f"{LOOP}  sendmsg({OUT}, {{msg_name=NULL}}, 0) = 9", f'{LOOP}  write({OUT}, ""..., 9) = 9'],
        "left",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_in_order_is_not_blamed(name):
    assert judge(GOOD[name]).early == []


@pytest.mark.parametrize("name", BAD)
def test_what_is_too_early_is_found(name):
    lines, rule = BAD[name]
    if not rule:  # found once somebody could rest on it
        lines, rule = [*lines, unlock(WRITER), unlock(LOOP), reply()], "left"
    else:
        lines = [*lines, reply()]
    assert rule in judge(lines).rules(), judge(lines)


def test_calls_that_are_cut_in_two_by_another_thread_count_from_their_beginning_and_to_their_end():
    begun = f"{WRITER}  fdatasync({WAL} <unfinished ...>"
    ended = f"{WRITER}  <... fdatasync resumed>) = 0"
    frames = [write(WRITER), unlock(WRITER)]
    assert judge([*frames, begun, reply(), ended]).rules()["left"] == 1
    assert judge([*frames, begun, ended, reply()]).rules()["left"] == 0
    late = [begun, write(WRITER).replace(str(WRITER), str(FILES)), ended, wake(FILES), unlock(FILES), reply()]
    assert judge([*frames, *late]).rules()["left"] == 1  # written while the sync ran: not covered by it
    sent = f'{LOOP}  sendto({OUT}, ""..., 512, 0, NULL, 0 <unfinished ...>'
    again = f"{LOOP}  <... sendto resumed>) = 512"
    assert judge([*frames, sent, begun, ended, again]).rules()["left"] == 1


def test_counts_show_that_there_was_something_to_see():
    found = judge([*put(FILES), wake(FILES), *COMMIT, reply(), reply()])
    assert (found.commits, found.blobs, found.sent, found.checkpoints) == (1, 1, 2, 0)


@pytest.mark.parametrize(
    "line", ["no trace at all", "100  fsync(", f'100  linkat(AT_FDCWD</>, "/x", AT_FDCWD</>, "{BLOB}", 0) = 0']
)
def test_a_line_that_is_not_understood_is_an_error(line):
    with pytest.raises(NotUnderstood):
        judge([line])


def test_paths_relative_to_a_folder_and_names_with_quotes():
    line = '100  renameat2(AT_FDCWD</a>, "b", 3</c>, "d\\"e", RENAME_NOREPLACE) = 0'
    assert list(calls([line]))[1].paths == ["/a/b", '/c/d\\"e']
