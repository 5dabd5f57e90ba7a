"""Hashes, and the child process that makes them."""

from __future__ import annotations

from casework.passwords import ChildPasswords, hash_password, verify_password

SMALL = {"passes": 1, "memory_bytes": 8192}


def test_a_hash_is_salted_and_verifies_only_its_own_password() -> None:
    one, two = hash_password("石桥竹海旧书", **SMALL), hash_password("石桥竹海旧书", **SMALL)
    assert one != two
    assert one.startswith("$argon2id$")
    assert verify_password("石桥竹海旧书", one)
    assert not verify_password("石桥竹海旧书 ", one)


def test_full_width_typing_verifies() -> None:
    assert verify_password("ｌａｍｐ－２０２６－x", hash_password("lamp-2026-x", **SMALL))


def test_a_malformed_stored_hash_belongs_to_no_password() -> None:
    for stored in ("", "x", "$argon2id$v=19$m=8,t=1,p=1$AAAA$BBBB", "锁定", "$2b$12$" + "a" * 53):
        assert not verify_password("lamp-2026-x", stored)


async def test_the_child_process_hashes_with_the_full_cost_and_verifies() -> None:
    passwords = ChildPasswords()
    stored = await passwords.hash("竹海 lamp 2026")
    assert "m=65536,t=3" in stored
    assert await passwords.verify("竹海 lamp 2026", stored)
    assert not await passwords.verify("竹海 lamp 2027", stored)
