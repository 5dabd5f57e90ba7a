"""Tables that both programs share, for SQLite and PostgreSQL alike. Migrations create them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()


def storable(text: str) -> str:
    """As both databases can keep and compare it: PostgreSQL has no NUL in a text. The log keeps what was written."""
    return text.replace("\0", "\ufffd")


# SQLite counts up by itself only in a column declared exactly INTEGER PRIMARY KEY.
_serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

staff = sa.Table(
    "staff",
    metadata,
    sa.Column("account", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("login", sa.String(100), nullable=False, unique=True),
    sa.Column("display", sa.String(100), nullable=False),
    sa.Column("role", sa.String(40), nullable=False),
    sa.Column("author", sa.BigInteger, nullable=False),
    sa.Column("region", sa.String(12), nullable=False),
    sa.Column("office", sa.String(100), nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("must_change", sa.Boolean, nullable=False),
    sa.Column("locked", sa.Boolean, nullable=False),
    sa.Column("row", sa.BigInteger, nullable=False),
    # "" = the password is the hub's; "local:<marks>" = set here, marks of the hashes it supersedes.
    sa.Column("origin", sa.Text, nullable=False, server_default=""),
)

web_session = sa.Table(
    "web_session",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("account", sa.BigInteger, nullable=False, index=True),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("last_seen", sa.BigInteger, nullable=False),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("data", sa.Text, nullable=False, server_default="{}"),
)

sign_in_failure = sa.Table(
    "sign_in_failure",
    metadata,
    sa.Column("id", _serial, primary_key=True),
    # sha256, because people type their password into the login field.
    sa.Column("key", sa.String(64), nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
)
