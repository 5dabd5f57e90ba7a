"""alembic environment of the hub's database; the program passes its own connection."""

from __future__ import annotations

from alembic import context

from migrations.schema import schema_of

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema_of("hub"),
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
