"""Tables of a replica, the same in a node's and a hub's database (created by the migrations)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text, text

metadata = MetaData()

identity = Table(
    "identity",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

tip = Table(
    "tip",
    metadata,
    Column("feed", LargeBinary, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("stopped", SmallInteger, nullable=False, server_default="0"),
)

entry = Table(
    "entry",
    metadata,
    Column("feed", LargeBinary, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("home", BigInteger, nullable=False),
    Column("type", Integer, nullable=False),
    Column("topic", LargeBinary, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("body", LargeBinary),
    Column("body_hash", LargeBinary),
    Column("head", LargeBinary, nullable=False),
    Column("standing", SmallInteger, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("judged_by", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("received", BigInteger, nullable=False),
)
Index("entry_topic", entry.c.home, entry.c.topic)
Index(
    "entry_unsettled",
    entry.c.home,
    entry.c.standing,
    entry.c.feed,
    entry.c.epoch,
    entry.c.number,
    sqlite_where=text("standing in (0, 3)"),
    postgresql_where=text("standing in (0, 3)"),
)

head_signature = Table(
    "head_signature",
    metadata,
    Column("feed", LargeBinary, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("serial", BigInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

placement_ahead = Table(
    "placement_ahead",
    metadata,
    Column("home", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", SmallInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("place", BigInteger, nullable=False),
    Column("judged_by", BigInteger, nullable=False),
    Column("standing", SmallInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("field", Text, nullable=False),
)

topic = Table(
    "topic",
    metadata,
    Column("home", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", LargeBinary, primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("key", LargeBinary),
    Column("wrap", LargeBinary),
)
Index("topic_topic", topic.c.topic)

certificate = Table(
    "certificate",
    metadata,
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("author", BigInteger, nullable=False, index=True),
    Column("packed", LargeBinary, nullable=False),
    Column("revoked", Text),
)

grant = Table(
    "epoch_grant",
    metadata,
    Column("author", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)

revocation = Table(
    "revocation",
    metadata,
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("author", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

receipt = Table(
    "receipt",
    metadata,
    Column("author", BigInteger, primary_key=True, autoincrement=False),
    Column("home", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)

blob = Table(
    "blob",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("length", BigInteger, nullable=False),
    Column("held", SmallInteger, nullable=False),
)
Index("blob_wanted", blob.c.held, sqlite_where=text("held = 0"), postgresql_where=text("held = 0"))

blob_ref = Table(
    "blob_ref",
    metadata,
    Column("feed", LargeBinary, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False, index=True),
    Column("home", BigInteger, nullable=False),
    Column("topic", LargeBinary, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("urgency", BigInteger, nullable=False),
)
Index("blob_ref_topic", blob_ref.c.home, blob_ref.c.topic)

blob_receipt = Table(
    "blob_receipt",
    metadata,
    Column("author", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, primary_key=True),
)

share = Table(
    "share",
    metadata,
    Column("home", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", LargeBinary, primary_key=True),
    Column("reader", BigInteger, primary_key=True, autoincrement=False),
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("author", BigInteger, primary_key=True, autoincrement=False),
    Column("seal", LargeBinary, nullable=False),
)
"""Case keys for readers that the opening did not name, or whose machine was replaced since."""

blob_ask = Table(
    "blob_ask",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("asked", BigInteger, nullable=False),
)
"""Scans that somebody above waits for; they go before all others. `asked`: unix seconds by the asker's clock."""

peer = Table(
    "peer",
    metadata,
    Column("author", BigInteger, primary_key=True, autoincrement=False),
    Column("proven", LargeBinary),
    Column("offered", LargeBinary),
    Column("nonces", LargeBinary, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("skew", BigInteger, nullable=False),
)

report = Table(
    "report",
    metadata,
    Column("author", BigInteger, primary_key=True, autoincrement=False),
    Column("packed", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("heard", BigInteger, nullable=False),
    Column("skew", BigInteger, nullable=False),
)
"""The newest report of each station below this one."""

fork = Table(
    "fork",
    metadata,
    Column("feed", LargeBinary, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("proof", LargeBinary, nullable=False),
    Column("seen", BigInteger, nullable=False),
)

station = Table(
    "station",
    metadata,
    Column("author", BigInteger, primary_key=True, autoincrement=False),
    Column("region", Text, nullable=False, unique=True),
    Column("tier", SmallInteger, nullable=False),
)

invitation = Table(
    "invitation",
    metadata,
    Column("token_id", LargeBinary, primary_key=True),
    Column("key", LargeBinary, nullable=False),
    Column("region", Text, nullable=False),
    Column("tier", SmallInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used_by", LargeBinary),
    Column("serial", BigInteger),
)
