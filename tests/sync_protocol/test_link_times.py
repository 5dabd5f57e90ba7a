"""What the dialling side waits for follows the round trip that TCP measured."""

from __future__ import annotations

import socket
import time

import pytest

from sync_protocol.client import unreached_wait
from sync_protocol.link_times import TRY_EVENLY, LinkTimes
from sync_protocol.message_size import MessageSize

ANY = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)


def _limit_ms(one: socket.socket) -> int:
    return one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


def test_an_open_connection_is_given_up_by_the_round_trip_once_that_is_known() -> None:
    times = LinkTimes()
    times.round_trip = 10.0
    with socket.create_server(("127.0.0.1", 0)) as server, times.make_socket(ANY) as near:
        before = _limit_ms(near)
        near.setblocking(True)
        near.connect(server.getsockname())
        far, _ = server.accept()
        with far:
            near.sendall(b"x")
            far.recv(1)
            far.sendall(b"y")
            near.recv(1)
            times.answered()
            assert 0 < times.shortest <= times.round_trip < 2
            assert (before, _limit_ms(near)) == (40_000, 26_000)
            assert near.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert near.getsockopt(socket.IPPROTO_TCP, TRY_EVENLY) == 1


@pytest.mark.parametrize(
    ("round_trip", "give_up", "connect"),
    [(0.0, 26, 2.5), (0.05, 26, 2.5), (0.8, 26, 2.5), (8.0, 32, 12.0), (60.0, 60, 30)],
)
def test_limits_are_multiples_of_the_round_trip_within_bounds(round_trip: float, give_up: int, connect: float) -> None:
    times = LinkTimes()
    times.round_trip = round_trip
    assert (round(times.give_up), times.connect) == (give_up, connect)
    assert times.connect_securely > times.connect


def test_tries_to_connect_become_more_patient_and_forget_it_with_an_answer() -> None:
    times = LinkTimes()
    for _ in range(8):
        times.failed()
    assert times.connect == 5
    for _ in range(100):
        times.failed()
    assert times.connect == 10
    times.answered()
    assert times.connect == 2.5


def test_after_a_failure_tries_are_as_short_as_the_way_allows_and_every_fourth_is_patient() -> None:
    times = LinkTimes()
    times.round_trip, times.shortest = 2.0, 0.6
    limits = []
    for _ in range(5):
        limits.append(times.connect)
        times.failed()
    assert limits == [3.0, 1.2, 1.2, 1.2, 3.0]
    times.shortest = 0.02
    assert times.connect == 0.7, "a lost SYN is sent again no sooner by TCP itself"


def test_of_several_tries_after_a_failure_one_is_patient() -> None:
    times = LinkTimes()
    times.round_trip, times.shortest = 2.0, 0.6
    for _ in range(4):
        times.failed()
    with times.one_try() as (first, _), times.one_try() as (second, _), times.one_try() as (third, _):
        assert (first, second, third) == (3.0, 1.2, 1.2)
    with times.one_try() as (connect, securely):
        assert connect == 3.0 < securely, "the patient one has ended"


def test_while_another_connection_is_heard_tries_are_patient_for_its_queue_may_be_long() -> None:
    times = LinkTimes()
    times.shortest = 0.3
    times.failed()
    assert times.connect == 0.7
    with socket.create_server(("127.0.0.1", 0)) as server, times.make_socket(ANY) as near:
        near.setblocking(True)
        near.connect(server.getsockname())
        far, _ = server.accept()
        with far:
            near.sendall(b"x")
            assert far.recv(1) == b"x"
            assert times.connect == 2.5
            time.sleep(0.8)
            assert times.connect == 0.7, "it may be dead by now"
    assert times.connect == 0.7


def test_the_rest_after_an_outage_is_short_after_a_short_one_and_bounded_after_a_long_one() -> None:
    longest = [unreached_wait(seconds).wait_random_max for seconds in (0, 40, 86_400)]
    assert longest == [0.2, 0.2, 20.0]


def test_an_idle_connection_is_not_given_up_for_one_lost_probe() -> None:
    with LinkTimes().make_socket(ANY) as one:
        after, every = (
            one.getsockopt(socket.IPPROTO_TCP, option) for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL)
        )
        assert _limit_ms(one) > (after + every) * 1000


def test_messages_grow_where_they_are_answered_soon_stay_on_a_slow_link_and_shrink_with_each_cut() -> None:
    size = MessageSize(1_000_000)
    size.carried(12.0)
    assert size.bytes == 32 * 1024, "a slow link does not make them smaller than that"
    for _ in range(9):
        size.carried(0.1)
    assert size.bytes == 1_000_000
    size.carried(5.0)
    assert size.bytes == 1_000_000, "a few seconds are what is aimed at"
    size.carried(9.0)
    assert size.bytes == 500_000
    size.cut()
    assert size.bytes == 16 * 1024, "however large they were, a cut loses few entries from now on"
    for _ in range(20):
        size.cut()
    assert size.bytes == 8 * 1024
    assert size.of_blobs(9) == 32 * 1024, "of blobs a cut loses nothing"
    for _ in range(2):
        size.carried(2.0)
    assert size.bytes == 32 * 1024


def test_the_last_blobs_fill_the_link_alone() -> None:
    size = MessageSize(1_000_000)
    assert [size.of_blobs(left) // 1024 for left in (9, 3, 2, 1, 0)] == [32, 32, 32, 96, 96]
    assert MessageSize(50_000).of_blobs(1) == 50_000
    assert MessageSize(5_000).of_blobs(9) == 5_000
