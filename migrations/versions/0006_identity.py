"""Why: people sign in, have roles and seats for some days, and are known again by their browser.

Revision: 0006, after 0005, 2026-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mail", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
    )
    op.create_index(op.f("ix_user_account_mail"), "user_account", ["mail"])
    op.create_table(
        "user_identity",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("user_id", _WHOLE, nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        _of_a_user("user_identity"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_identity")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_user_identity_issuer_subject")),
    )
    op.create_table(
        "role_grant",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("user_id", _WHOLE, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", _INSTANT, nullable=False),
        _of_a_user("role_grant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
    )
    op.create_index(op.f("ix_role_grant_role"), "role_grant", ["role"])
    op.create_table(
        "seat",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("user_id", _WHOLE, nullable=False),
        sa.Column("authority_id", _WHOLE, nullable=True),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("given_by", sa.Text(), nullable=False),
        _of_a_user("seat"),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"], name=op.f("fk_seat_authority_id_authority")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat")),
    )
    op.create_table(
        "invitation",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("user_id", _WHOLE, nullable=False),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("browser_sha256", sa.Text(), nullable=True),
        sa.Column("used_at", _INSTANT, nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        _of_a_user("invitation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_invitation_token_sha256")),
    )
    op.create_table(
        "browser_session",
        sa.Column("id_sha256", sa.Text(), nullable=False),
        sa.Column("user_id", _WHOLE, nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.Column("signed_in_at", _INSTANT, nullable=True),
        sa.Column("expires_at", _INSTANT, nullable=False),
        _of_a_user("browser_session"),
        sa.PrimaryKeyConstraint("id_sha256", name=op.f("pk_browser_session")),
    )
    op.create_index(op.f("ix_browser_session_expires_at"), "browser_session", ["expires_at"])
    for name in ("user_identity", "role_grant", "seat", "invitation", "browser_session"):
        op.create_index(op.f(f"ix_{name}_user_id"), name, ["user_id"])
    op.create_table(
        "sign_in_count",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("window_start", _INSTANT, nullable=False),
        sa.Column("count", _WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("key", "window_start", name=op.f("pk_sign_in_count")),
    )


def _of_a_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f(f"fk_{table}_user_id_user_account"))


def downgrade() -> None:
    """There is no way back: who did what is told by the people's ids."""
    raise RuntimeError("the sixth revision cannot be undone; restore a backup from before it instead")
