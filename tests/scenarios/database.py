"""Looking into the database behind the command line's back: everything that stands in it, and tampering with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select, text
from sqlalchemy.orm import Session

from authorities.register import AUTHORITIES
from billing import (
    account_mapping,
    balances,
    bank_models,
    bookkeeping,
    deliveries,
    ledger,
    payments,
    reminder_charges,
    settlements,
    verdicts,
    vouchers,
)
from billing.deliveries import Receipt
from billing.einvoice.rule_packs import Failure, RulePack
from billing.funding import comments, disclosures, forecast, pipeline, publications
from billing.funding.comments import On
from billing.funding.pipeline import Seen
from billing.funding.publications import File
from billing.funding.report import FundingReport
from billing.gathering import INVOICES
from billing.matching import Part
from billing.payments import Placing
from billing.settlements import RefundOrder, WaiverOrder, WriteOffOrder
from foundation import append_only, letters, periods, proposals
from foundation.audit import Trail
from foundation.base import Base
from foundation.language import LANGUAGES, Text
from foundation.money import Money
from tests.billing.funding import reports
from tests.command_line import CommandLine

AT = datetime(2027, 1, 15, 10, tzinfo=UTC)

Dump = dict[str, list[tuple[Any, ...]]]


def dump(line: CommandLine, *, without: tuple[str, ...] = ()) -> Dump:
    """Give every row of every table, so that two moments can be compared."""
    tables = [table for table in Base.metadata.sorted_tables if table.name not in without]
    with line.session() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in tables
        }


def count(line: CommandLine, table: str) -> int:
    """Count the rows of a table."""
    with line.session() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def column(line: CommandLine, sql: str) -> list[Any]:
    """Give the first column of a query."""
    with line.session() as session:
        return list(session.execute(text(sql)).scalars())


def judge(line: CommandLine) -> None:
    """Keep a verdict on the first two XML, as a pack that is not here would give it."""
    with line.session() as session:
        trail = Trail(session, "kommandolinjen", AT)
        ids = session.execute(text("SELECT id FROM rendering WHERE format = 'peppol' ORDER BY id LIMIT 2")).scalars()
        pack = RulePack("peppol-bis-billing", "3.0.21", Path(), "0" * 64)
        warning = Failure("cen", "warning", "UBL-DT-28", "/Invoice[1]", "A warning.")
        verdicts.store(session, [(verdicts.Task(id_, pack, b""), (warning,)) for id_ in ids], trail)
        trail.write()


def propose(line: CommandLine) -> None:
    """Keep proposals of each end, and one that is open; nothing is done by them."""
    with line.session() as session:
        one, other = (Trail(session, f"En {who} #{nth}", AT) for nth, who in enumerate(("Forbereder", "Godkender")))
        made = [proposals.propose(session, "settings", "OS2", f"forslag {nth}", one) for nth in range(4)]
        proposals.propose(session, "settings", "OS2", "et bedre", one, replaces=made[3].id)
        proposals.decide(session, made[2].id, "withdrawn", one)
        one.write()
        proposals.decide(session, made[0].id, "approved", other)
        proposals.decide(session, made[1].id, "rejected", other, "ikke aftalt")
        other.write()


def keep_payments(line: CommandLine) -> None:
    """Keep two bank statements of a payment each, booked on an account of the balance sheet."""
    with line.session() as session:
        trail = Trail(session, "En Bogholder", AT)
        for id_ in (1, 2):
            rows = _bank_rows(id_, trail)
            trail.record("bank.imported", f"bank-{id_}.xml", rows=rows)
            for table, row in rows:
                append_only.add(session, table, [row])
            amounts = (vouchers.Entry(ledger.BANK, Money(100)), vouchers.Entry(ledger.CLEARING, Money(-100)))
            vouchers.book(session, [vouchers.Order("bank", str(id_), AT.date(), "Indbetaling", amounts)], trail)
            place_payment(session, id_, trail)
        trail.write()


def close_periods(line: CommandLine) -> None:
    """Adopt two mappings of accounts, and close two months before the year, each with a payment in it."""
    with line.session() as session:
        one, other = (Trail(session, f"En {who} #{nth}", AT) for nth, who in enumerate(("Forbereder", "Godkender")))
        for nth in (11, 12):
            text_ = f"{account_mapping.EXAMPLE}# {nth}\n"
            mapping = account_mapping.propose(session, text_, one)
            amounts = (vouchers.Entry("6480", Money(100)), vouchers.Entry("6935", Money(-100)))
            order = vouchers.Order("opening", f"2026-{nth}", date(2026, nth, 15), "Primo", amounts)
            vouchers.book(session, [order], one)
            period = periods.named(f"2026-{nth}")
            closing = bookkeeping.propose_closing(session, period, one, on=AT.date())
            one.write()
            account_mapping.approve(session, mapping.id, other)
            bookkeeping.approve_closing(session, closing.id, other, on=AT.date())
            other.write()


def keep_forecasts(line: CommandLine) -> None:
    """Let an authority be expected, seen anew, steps be more and less likely, and keep two forecasts."""
    with line.session() as session:
        trail = Trail(session, "En Forbereder", AT)
        cvr = session.scalars(select(AUTHORITIES.c.cvr).order_by(AUTHORITIES.c.cvr)).first() or ""
        for nth in (1, 2):
            pipeline.see(session, Seen(cvr, "OS2mo", date(2028, nth, 1), "contact", f"Opdigtet {nth}"), trail)
            pipeline.set_chance(session, "contact", 40 + nth, f"Opdigtet {nth}", trail)
            forecast.keep(session, forecast.compute(session, "OS2mo", 2027 + nth, AT.date()), trail)
        trail.write()


def publish_reports(line: CommandLine) -> None:
    """Publish an empty report twice; ask, answer and decide on it, and make it public for a while."""
    with line.session() as session:
        one, other = (Trail(session, f"En {who} #{nth}", AT) for nth, who in enumerate(("Forbereder", "Godkender")))
        for head in ("1" * 64, "2" * 64):
            report = replace(reports.empty(), product="OS2kitos", period=periods.named("2026-Q1"), ledger_head=head)
            made = publications.propose(session, report, one, on=AT.date())
            one.write()
            edition = publications.approve(session, made.id, report, report_files, other, on=AT.date())
            other.write()
            on = On(edition.product, edition.period, edition.version)
            comments.answer(session, comments.ask(session, on, f"Spørgsmål {head}", one), "Svar", other)
            one.write()
            comments.decide(session, on, f"Vedtaget {head}", other, decided_on=AT.date(), reference="Punkt 1")
            published = publications.by_id(session, edition.id)
            shown = disclosures.choice(["closing"], [], [])
            asked = disclosures.propose(session, published, shown, one)
            one.write()
            public = disclosures.approve(session, asked.id, other)
            disclosures.end(session, public.id, "Opdigtet", other)
            other.write()


def report_files(report: FundingReport, version: int) -> list[File]:
    """Give files that stand for those of a report."""
    return [
        File(format_, language, f"{format_} {language} {version}".encode())
        for format_ in publications.FORMATS
        for language in LANGUAGES
    ]


def place_payment(session: Session, id_: int, trail: Trail) -> None:
    """Put a payment to an authority's credit, pay half of it back, and give up an øre of an invoice."""
    invoice = session.execute(select(INVOICES).where(INVOICES.c.book == "real").order_by(INVOICES.c.id)).first()
    assert invoice is not None
    cvr = session.execute(select(AUTHORITIES.c.cvr).where(AUTHORITIES.c.id == invoice.authority_id)).scalar_one()
    part, why = Part(Money(100), invoice.authority_id), Text("valgt i hånden", "chosen by hand")
    payments.place(session, [Placing(id_, (part,), "hand", why)], AT.date(), trail)
    approver = Trail(session, "En Godkender", AT)
    back = settlements.propose_refund(session, RefundOrder(cvr, Money(50), "Betalt for meget"), trail)
    order = WriteOffOrder(invoice.number, Money(1), "Uerholdelig", with_vat=False)
    lost = settlements.propose_write_off(session, order, trail)
    trail.write()
    settlements.approve_refund(session, back.id, AT.date(), approver)
    settlements.approve_write_off(session, lost.id, AT.date(), approver)
    approver.write()


def settle(line: CommandLine) -> None:
    """Give up all that the first invoice owes, and take two øre of it in after all; let two øre of a reminder go."""
    with line.session() as session:
        trail, approver = Trail(session, "En Bogholder", AT), Trail(session, "En Godkender", AT)
        owed = next(iter(balances.still_open(session, payments.EVER).values()))
        lost = WriteOffOrder(owed.number, owed.outstanding, "Uerholdelig", with_vat=True)
        made = settlements.propose_write_off(session, lost, trail)
        trail.write()  # each in its turn, as its rows were numbered
        settlements.approve_write_off(session, made.id, AT.date(), approver)
        approver.write()
        for _ in range(2):
            part, why = Part(Money(1), owed.authority_id, owed.invoice_id), Text("til gode", "of credit")
            payments.place(session, [Placing(None, (part,), "credit", why)], AT.date(), trail)
        number = next(iter(reminder_charges.charged(session, payments.EVER).values())).number
        for ore in (1, 2):
            order = WaiverOrder(number, Money(ore), "Eftergivet")
            made = settlements.propose_waiver(session, order, trail)
            trail.write()
            settlements.approve_waiver(session, made.id, AT.date(), approver)
            approver.write()


def deliver(line: CommandLine) -> None:
    """Keep deliveries of two invoices and of two reminders where there are any, by hand, and a receipt of each."""
    with line.session() as session:
        trail = Trail(session, "En Bogholder", AT)
        reminded = session.execute(text("SELECT number FROM reminder ORDER BY id LIMIT 2")).scalars()
        for number in ("2027-0001", "2027-0002", *reminded):
            deliveries.by_hand(session, number, trail, now=AT)
        for table in ("delivery", "reminder_delivery"):
            ids = session.execute(text(f"SELECT message_id FROM {table} ORDER BY id")).scalars()
            deliveries.receive(session, [Receipt(id_, "acknowledged", "Modtaget", "{}") for id_ in ids], trail)
        trail.write()


def _bank_rows(id_: int, trail: Trail) -> list[tuple[Table, dict[str, Any]]]:
    on, texts = AT.date(), ("fik_id", "creditor_reference", "message", "payer", "payer_account", "end_to_end_id", "raw")
    file = {
        "id": id_, "name": f"bank-{id_}.xml", "sha256": f"0{id_}", "format": "camt.053", "taken_by": trail.actor,
        "taken_at": trail.at,
    }  # fmt: skip
    statement = {
        "id": id_, "file_id": id_, "account": "DK", "bank_id": "1", "opening_on": on, "opening_ore": 100 * id_ - 100,
        "closing_on": on, "closing_ore": 100 * id_,
    }  # fmt: skip
    transaction = {
        "id": id_, "statement_id": id_, "position": 1, "account": "DK", "booked_on": on, "value_on": on,
        "amount_ore": 100, "bank_reference": f"{id_}", "fingerprint": f"{id_}", "twin": 1, **dict.fromkeys(texts, "x"),
    }  # fmt: skip
    tables: tuple[Any, ...] = (bank_models.BankFile, bank_models.BankStatement, bank_models.BankTransaction)
    return [(model.__table__, row) for model, row in zip(tables, (file, statement, transaction), strict=True)]


def write_letters(line: CommandLine) -> None:
    """Write three letters: one is sent, one is put off, one could not be sent and is written again."""
    sender = letters.Sender("OS2", "os2@example.org")
    with line.session() as session:
        trail = Trail(session, "En Sekretær", AT)
        ids = letters.write(
            session,
            [
                letters.Letter("offer", f"A-2027-0000{nth} v1", "en@example.org", "Tilbud", "Se tilbuddet.")
                for nth in (1, 2, 3)
            ],
            trail,
            sender=sender,
        )
        tried = ("sent", "deferred", "failed")
        said = Text("svaret", "the answer")
        letters.note(session, [letters.Tried(*each, said, "450 vent") for each in zip(ids, tried, strict=True)], trail)  # type: ignore[arg-type]
        letters.resend(session, ids[2], "anden@example.org", "ny adresse", trail)
        trail.write()


def adopt_templates(line: CommandLine) -> None:
    """Adopt the templates that ship, one proposing and another adopting."""
    for name in ("connection", "membership"):
        line.done("agreement", "templates", "propose", "--shipped", name, "--by", "En Forbereder")
        number = line.json("agreement", "templates", "list")["proposed"][0]["proposal"]
        line.done("agreement", "templates", "adopt", number, "--by", "En Godkender")


def tamper(line: CommandLine, table: str, *statements: str) -> None:
    """Change rows as someone with the database's password would: the triggers are away only meanwhile."""
    with line.session() as session:
        standing = _take_triggers_off(session, table)
        for statement in statements:
            session.execute(text(statement.replace(":", "\\:")))
        for create in standing:
            session.execute(text(create.replace(":", "\\:")))


def _take_triggers_off(session: Session, table: str) -> list[str]:
    if session.get_bind().dialect.name == "sqlite":
        rows = session.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :t"), {"t": table}
        ).all()
        for row in rows:
            session.execute(text(f'DROP TRIGGER "{row.name}"'))
        return [row.sql for row in rows]
    rows = session.execute(
        text(
            "SELECT t.tgname AS name, pg_get_triggerdef(t.oid) AS sql FROM pg_trigger t "
            "JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND c.relname = :t"
        ),
        {"t": table},
    ).all()
    for row in rows:
        session.execute(text(f"DROP TRIGGER {row.name} ON {table}"))
    return [row.sql for row in rows]
