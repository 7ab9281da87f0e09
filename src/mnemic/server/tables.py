"""What the server keeps beside the memories: who may call, what is told to whom. No table holds words of a memory."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, DateTime, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[str]:
    return Column("id", String(36), primary_key=True)


def _moment(name: str, *, optional: bool = False) -> Column[object]:
    """UTC, without a zone, since SQLite keeps none."""
    return Column(name, DateTime(), nullable=optional)


organizations = Table(
    "organizations",
    metadata,
    _id(),
    Column("name", String(200), nullable=False),
    _moment("created_at"),
)

projects = Table(
    "projects",
    metadata,
    _id(),
    Column("organization_id", ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("description", Text),
    # The project of the store that its memories lie in.
    Column("store_project", String(200), nullable=False, unique=True),
    Column("settings", JSON, nullable=False),
    Column("is_default", Boolean, nullable=False),
    _moment("created_at"),
    _moment("updated_at"),
)

# A member of one project, or (without a project) of all of an organisation.
members = Table(
    "members",
    metadata,
    _id(),
    Column("organization_id", ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), index=True),
    Column("email", String(320), nullable=False),
    Column("role", String(10), nullable=False),
    _moment("created_at"),
)

keys = Table(
    "keys",
    metadata,
    _id(),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("email", String(320), nullable=False),
    Column("name", String(200), nullable=False),
    # What is shown of it, so that its owner can tell it from others.
    Column("prefix", String(20), nullable=False),
    # SHA-256: a key is 256 random bits, which nobody guesses however fast the hash is.
    Column("hash", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    _moment("created_at"),
    _moment("expires_at", optional=True),
    _moment("revoked_at", optional=True),
    _moment("last_used_at", optional=True),
)

# The one-time code that makes the first admin's key; a row that is used stays.
setup = Table(
    "setup",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", String(64), nullable=False),
    _moment("created_at"),
    _moment("used_at", optional=True),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    _moment("at"),
    Column("project_id", String(36), nullable=False),
    Column("key_id", String(36), nullable=False),
    Column("email", String(320), nullable=False),
    Column("action", String(200), nullable=False),
    Column("route", String(200), nullable=False),
    Column("ids", JSON, nullable=False),
    Column("status", Integer, nullable=False),
    Column("request_id", String(64), nullable=False),
    Index("ix_audit_project_id_at", "project_id", "at"),
)

# Requests that came with an `Idempotency-Key`, for a day: what was asked (its hash), and the answer without any words
# of memories, which are put in again from the store.
requests = Table(
    "requests",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("fingerprint", String(64), nullable=False),
    # None while it is being worked on, or where whoever did was cut short.
    Column("status", Integer),
    Column("answer", JSON),
    # What the work was begun on.
    Column("before", JSON),
    Column("began_at", DateTime(), nullable=False, index=True),
    Column("held_until", DateTime(), nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    _id(),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("url", Text, nullable=False),
    Column("event_types", JSON, nullable=False),
    # The form of what is sent: ours, or that of mem0's platform.
    Column("form", String(10), nullable=False),
    # Signs what is sent, so that it is kept as it is.
    Column("secret", String(100), nullable=False),
    Column("is_active", Boolean, nullable=False),
    _moment("created_at"),
    _moment("updated_at"),
)

# One line of a memory's history for one webhook. The words are read when it is sent, so that what was erased is not.
deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    Column("webhook_id", ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("event_id", String(36), nullable=False),
    Column("memory_id", String(36), nullable=False, index=True),
    Column("event_type", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    _moment("created_at"),
    # While pending: not before; of one that is being sent: until when.
    _moment("due_at", optional=True),
    _moment("ended_at", optional=True),
    Column("last_status", Integer),
    Column("last_error", String(300)),
    Index("uq_deliveries_event_id", "webhook_id", "event_id", unique=True),
    Index("ix_deliveries_due", "state", "due_at"),
)

# A form to fill with what was known when it was asked for. What it is filled with is read when it is fetched, so that
# nothing of a person is kept here.
exports = Table(
    "exports",
    metadata,
    _id(),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("form", JSON, nullable=False),
    Column("ids", JSON, nullable=False),
    Column("filters", JSON),
    Column("instructions", Text),
    _moment("created_at"),
)
