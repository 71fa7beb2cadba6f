"""How Alembic reaches the database: through the open connection it is given."""

from alembic import context

from citewise.registry.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
