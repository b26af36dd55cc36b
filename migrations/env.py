"""How Alembic reaches the database: by the connection that `app.migrating` hands over."""

from __future__ import annotations

from alembic import context

from app.database import db

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=db.metadata,
    render_as_batch=True,  # SQLite cannot alter in place
    transaction_per_migration=False,
)

with context.begin_transaction():
    context.run_migrations()
