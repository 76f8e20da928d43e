"""Runs migrations on the connection that ``store.engine.migrate`` hands over; there is no other way in."""

from alembic import context

from polycloud.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,
)
context.run_migrations()
