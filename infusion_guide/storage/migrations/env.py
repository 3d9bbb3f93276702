"""Alembic's entry: runs the migrations on the database that `infusion_guide.storage.database.migrate` names."""

from alembic import context

from infusion_guide.storage.database import create_engine
from infusion_guide.storage.tables import metadata

engine = create_engine(context.config.attributes["url"])
with engine.connect() as connection:
    if connection.dialect.name == "postgresql":
        # Several assistants start at once in production: one migrates, the others wait.
        connection.exec_driver_sql("SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock(71062)")
        connection.commit() if hasattr(connection, "commit") else None
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
