"""Alembic's entry: runs the migrations on the database that `infusion_guide.storage.database.migrate` names.

All of them in one transaction that excludes others: several assistants may start at once, and one may be stopped midway.
"""

from alembic import context

from infusion_guide.storage.database import create_engine
from infusion_guide.storage.tables import metadata

engine = create_engine(context.config.attributes["url"])
with engine.connect() as connection, connection.begin():
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(71062)")
    else:
        connection.connection.isolation_level = None  # else Python's driver commits before each CREATE TABLE
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    context.run_migrations()
engine.dispose()
