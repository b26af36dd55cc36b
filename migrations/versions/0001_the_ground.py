"""Why: the ground of everything: registers, tables, agreements, invoices, ledger, audit chain; issued rows guarded.

Revision: 0001, the first, 2026-11-23
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_APPEND_ONLY = (
    "adopted_table", "approved_invoice", "audit_entry", "invoice", "invoice_line", "ledger_entry", "outbox_message",
    "plan_approval", "posting", "rendering", "seller_settings",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name_da", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("number", name=op.f("uq_account_number")),
    )
    op.create_table(
        "adopted_table",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("adopted_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adopted_table")),
        sa.UniqueConstraint("kind", "product", "valid_from", name=op.f("uq_adopted_table_kind_product_valid_from")),
    )
    op.create_index(op.f("ix_adopted_table_digest"), "adopted_table", ["digest"])

    op.create_table(
        "audit_entry",
        sa.Column("position", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("covers", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_entry")),
    )
    op.create_index(op.f("ix_audit_entry_action"), "audit_entry", ["action"])

    op.create_table(
        "authority",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("cvr", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("succeeded_by_cvr", sa.Text(), nullable=True),
        sa.Column("cvr_forced_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authority")),
        sa.UniqueConstraint("cvr", name=op.f("uq_authority_cvr")),
    )
    op.create_index(op.f("ix_authority_code"), "authority", ["code"])

    op.create_table(
        "invoice_series",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_number", _WHOLE, nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_invoice_series")),
    )
    op.create_table(
        "plan_approval",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("year", _WHOLE, nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("invoices", _WHOLE, nullable=False),
        sa.Column("net_ore", _WHOLE, nullable=False),
        sa.Column("seller_digest", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_approval")),
    )
    op.create_table(
        "product",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("name", name=op.f("uq_product_name")),
    )
    op.create_table(
        "seller_settings",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seller_settings")),
    )
    op.create_table(
        "agreement",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("authority_id", _WHOLE, nullable=False),
        sa.Column("product_id", _WHOLE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("countersigned_on", sa.Date(), nullable=True),
        sa.Column("in_force_from", sa.Date(), nullable=True),
        sa.Column("terminated_to", sa.Date(), nullable=True),
        sa.Column("notice_given_on", sa.Date(), nullable=True),
        sa.Column("active_from", sa.Date(), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=True),
        sa.Column("gln", sa.Text(), nullable=True),
        sa.Column("person_reference", sa.Text(), nullable=True),
        sa.Column("order_reference", sa.Text(), nullable=True),
        sa.Column("accounting_cost", sa.Text(), nullable=True),
        sa.Column("rebate_ore", _WHOLE, nullable=False),
        sa.Column("rebate_reason", sa.Text(), nullable=True),
        sa.Column("joining_fee_exempt_reason", sa.Text(), nullable=True),
        sa.Column("joining_fee_invoiced_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"], name=op.f("fk_agreement_authority_id_authority")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_agreement_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
        sa.UniqueConstraint(
            "authority_id", "product_id", "signed_on", name=op.f("uq_agreement_authority_id_product_id_signed_on")
        ),
    )
    op.create_index(op.f("ix_agreement_product_id"), "agreement", ["product_id"])

    op.create_table(
        "approved_invoice",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("approval_id", _WHOLE, nullable=False),
        sa.Column("position", _WHOLE, nullable=False),
        sa.Column("authority_id", _WHOLE, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["plan_approval.id"],
            name=op.f("fk_approved_invoice_approval_id_plan_approval"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["authority.id"], name=op.f("fk_approved_invoice_authority_id_authority")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approved_invoice")),
        sa.UniqueConstraint("approval_id", "position", name=op.f("uq_approved_invoice_approval_id_position")),
    )
    op.create_table(
        "membership",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("authority_id", _WHOLE, nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("gln", sa.Text(), nullable=True),
        sa.Column("person_reference", sa.Text(), nullable=True),
        sa.Column("order_reference", sa.Text(), nullable=True),
        sa.Column("accounting_cost", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"], name=op.f("fk_membership_authority_id_authority")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("authority_id", "joined_on", name=op.f("uq_membership_authority_id_joined_on")),
    )
    op.create_table(
        "placement",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("authority_id", _WHOLE, nullable=False),
        sa.Column("band", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"], name=op.f("fk_placement_authority_id_authority")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement")),
        sa.UniqueConstraint("authority_id", "valid_from", name=op.f("uq_placement_authority_id_valid_from")),
    )
    op.create_table(
        "population",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("authority_id", _WHOLE, nullable=False),
        sa.Column("year", _WHOLE, nullable=False),
        sa.Column("inhabitants", _WHOLE, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"], name=op.f("fk_population_authority_id_authority")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_population")),
        sa.UniqueConstraint("authority_id", "year", name=op.f("uq_population_authority_id_year")),
    )
    op.create_index(op.f("ix_population_year"), "population", ["year"])

    op.create_table(
        "invoice",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("sequence", _WHOLE, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("year", _WHOLE, nullable=False),
        sa.Column("authority_id", _WHOLE, nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("net_ore", _WHOLE, nullable=False),
        sa.Column("vat_ore", _WHOLE, nullable=False),
        sa.Column("gross_ore", _WHOLE, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.Column("approved_invoice_id", _WHOLE, nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["approved_invoice_id"],
            ["approved_invoice.id"],
            name=op.f("fk_invoice_approved_invoice_id_approved_invoice"),
        ),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"], name=op.f("fk_invoice_authority_id_authority")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("approved_invoice_id", name=op.f("uq_invoice_approved_invoice_id")),
        sa.UniqueConstraint("number", name=op.f("uq_invoice_number")),
        sa.UniqueConstraint("series", "sequence", name=op.f("uq_invoice_series_sequence")),
    )
    op.create_index(op.f("ix_invoice_authority_id"), "invoice", ["authority_id"])

    op.create_table(
        "invoice_line",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("invoice_id", _WHOLE, nullable=False),
        sa.Column("position", _WHOLE, nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("year", _WHOLE, nullable=False),
        sa.Column("authority_id", _WHOLE, nullable=False),
        sa.Column("agreement_id", _WHOLE, nullable=True),
        sa.Column("membership_id", _WHOLE, nullable=True),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("net_ore", _WHOLE, nullable=False),
        sa.Column("product_ore", _WHOLE, nullable=False),
        sa.Column("association_ore", _WHOLE, nullable=False),
        sa.Column("vat_ore", _WHOLE, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.id"], name=op.f("fk_invoice_line_agreement_id_agreement")
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["authority.id"], name=op.f("fk_invoice_line_authority_id_authority")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id_invoice")),
        sa.ForeignKeyConstraint(
            ["membership_id"], ["membership.id"], name=op.f("fk_invoice_line_membership_id_membership")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_line")),
        sa.UniqueConstraint("book", "key", name=op.f("uq_invoice_line_book_key")),
        sa.UniqueConstraint("invoice_id", "position", name=op.f("uq_invoice_line_invoice_id_position")),
    )
    op.create_index(op.f("ix_invoice_line_agreement_id"), "invoice_line", ["agreement_id"])
    op.create_index(op.f("ix_invoice_line_authority_id"), "invoice_line", ["authority_id"])
    op.create_index(op.f("ix_invoice_line_membership_id"), "invoice_line", ["membership_id"])

    op.create_table(
        "ledger_entry",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=False),
        sa.Column("authority_id", _WHOLE, nullable=False),
        sa.Column("invoice_id", _WHOLE, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["authority.id"], name=op.f("fk_ledger_entry_authority_id_authority")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_ledger_entry_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("invoice_id", name=op.f("uq_ledger_entry_invoice_id")),
    )
    op.create_index(op.f("ix_ledger_entry_authority_id"), "ledger_entry", ["authority_id"])

    op.create_table(
        "outbox_message",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("invoice_id", _WHOLE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_outbox_message_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("invoice_id", "kind", name=op.f("uq_outbox_message_invoice_id_kind")),
    )
    op.create_table(
        "rendering",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("invoice_id", _WHOLE, nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("rendered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_rendering_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rendering")),
        sa.UniqueConstraint("invoice_id", "format", name=op.f("uq_rendering_invoice_id_format")),
    )
    op.create_table(
        "posting",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("entry_id", _WHOLE, nullable=False),
        sa.Column("position", _WHOLE, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("amount_ore", _WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("fk_posting_entry_id_ledger_entry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
        sa.UniqueConstraint("entry_id", "position", name=op.f("uq_posting_entry_id_position")),
    )

    bind = op.get_bind()
    for name in _APPEND_ONLY:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back from the first revision: it would delete what was issued."""
    raise RuntimeError("the first revision cannot be undone; restore a backup instead")
