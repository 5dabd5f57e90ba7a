"""Database schemas in revisions, one alembic environment per program: node and hub."""
