"""Certificates whose numbers no feed could carry are no certificates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync_protocol.certificates import pack_certificate, parse_certificate
from sync_protocol.errors import NotCanonical
from sync_protocol.topology import Tier
from tests.vectors import golden as g

GOOD = g.CERTIFICATES[g.VILLAGE].certificate


@pytest.mark.parametrize(
    "change",
    [
        {"serial": 0},
        {"serial": 2**32},
        {"author": 0},
        {"author": 2**32},
        {"parent": 2**32},
        {"parent": -1},
        {"parent": 0},
        {"epoch": 2**31},
        {"not_after": 2**53},
        {"region": "3" * 13},
        {"sign_key": bytes(31)},
        {"box_key": bytes(33)},
        {"tier": Tier.COUNTY},
        {"author": 1},
    ],
)
def test_impossible_certificates(change):
    with pytest.raises(NotCanonical):
        parse_certificate(pack_certificate(replace(GOOD, **change)))
    assert parse_certificate(pack_certificate(GOOD)) == GOOD


def test_the_hub_has_no_parent():
    hub = g.CERTIFICATES[g.HUB].certificate
    assert parse_certificate(pack_certificate(hub)) == hub
    with pytest.raises(NotCanonical):
        parse_certificate(pack_certificate(replace(hub, parent=2)))
