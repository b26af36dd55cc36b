"""What is handed over: invoices with credit notes, and reminders. Each stands in tables of its own, and goes alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, Table, case, func, literal, select

from billing.delivery_models import (
    Delivery,
    DeliveryAttempt,
    DeliveryClaim,
    DeliveryReceipt,
    ReminderDelivery,
    ReminderDeliveryAttempt,
    ReminderDeliveryClaim,
    ReminderDeliveryReceipt,
)
from billing.document import USUAL_FORMAT
from billing.gathering import INVOICES
from billing.models import OutboxMessage, Rendering, Verdict
from billing.reminder_models import Reminder, ReminderMessage, ReminderRendering, ReminderVerdict
from billing.verdicts import VALID
from foundation.letters import LETTERS

Kind = Literal["invoice", "reminder"]

#: How the document in the receiver's format stands beside accepted or refused: waiting for the rules, or not made.
WAITING, MISSING = "waiting", "missing"

#: The kind of the letters by which reminders leave; each is on the reminder's number.
REMINDER_LETTER = "reminder"

#: The channel of what people handed over outside the service.
BY_HAND = "hand"

OTHER_FORMAT = "peppol"
# In canonical JSON a quote inside a word is escaped, so no word can look like these keys and their values.
_OTHER_MARK = f'"format":"{OTHER_FORMAT}"'
WITHOUT_NOTICES = '"notices":[]'


@dataclass(frozen=True, slots=True, eq=False)
class Papers:
    """Where one kind of document stands: what was issued, made, judged, and handed over.

    `of` is the column by which orders, renderings and deliveries name what was issued.
    """

    kind: Kind
    of: str
    issued: Table
    orders: Table
    renderings: Table
    verdicts: Table
    deliveries: Table
    attempts: Table
    receipts: Table
    claims: Table

    def joined(self, found: Any) -> Any:
        """Join a question's tables, which hold what was issued, with the invoice that names the year."""
        return found if self is INVOICE else found.join(INVOICES, self.issued.c.invoice_id == INVOICES.c.id)

    def goes(self) -> ColumnElement[bool]:
        """Tell whether it is handed over: real invoices all, reminders that NemHandel takes or that people handed over.

        Peppol has no reminders, so there they are letters; and what left as a letter alone needs no carrier any more.
        """
        if self is INVOICE:
            return INVOICES.c.book == "real"
        written = select(LETTERS.c.id).where(
            LETTERS.c.kind == REMINDER_LETTER, LETTERS.c.subject == self.issued.c.number
        )
        sent = self.deliveries.alias("sent")
        made = select(sent.c.id).where(sent.c[self.of] == self.issued.c.id)
        return made.exists() | (self.receivers_format() == USUAL_FORMAT) & ~written.exists()

    def kept_format(self) -> ColumnElement[str]:
        """Give the format of the XML that is kept for the receiver; of reminders there is one."""
        return self.receivers_format() if self is INVOICE else literal(USUAL_FORMAT)

    def receivers_format(self) -> ColumnElement[str]:
        """Give the format that the receiver takes."""
        is_other = self.issued.c.document.contains(_OTHER_MARK, autoescape=True)
        return case((is_other, OTHER_FORMAT), else_=USUAL_FORMAT)

    def is_real(self) -> ColumnElement[bool]:
        """Tell whether a document bears no notice that it is none, or that its payment details are made up."""
        return self.issued.c.document.contains(WITHOUT_NOTICES, autoescape=True)

    def validation(self) -> ColumnElement[str]:
        """Give how the document in the receiver's format stands, by the newest verdict on it."""
        rendering, verdict = self.renderings.alias("own_rendering"), self.verdicts.alias("own_verdict")
        is_own = (rendering.c[self.of] == self.issued.c.id) & (rendering.c.format == self.kept_format())
        outcome = (
            select(verdict.c.outcome)
            .select_from(verdict.join(rendering, verdict.c.rendering_id == rendering.c.id))
            .where(is_own)
            .order_by(verdict.c.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        made = select(rendering.c.id).where(is_own).exists()
        return func.coalesce(outcome, case((made, WAITING), else_=MISSING))

    def accepted_by(self, packs: list[str]) -> Select[Any]:
        """Ask for the ids of the renderings that packs of rules, by their digests, accept."""
        columns = self.verdicts.c
        return select(columns.rendering_id).where(columns.pack_sha256.in_(packs), columns.outcome == VALID)


def _table(model: Any) -> Table:
    return model.__table__  # type: ignore[no-any-return]


INVOICE = Papers(
    "invoice", "invoice_id", INVOICES, _table(OutboxMessage), _table(Rendering), _table(Verdict), _table(Delivery),
    _table(DeliveryAttempt), _table(DeliveryReceipt), _table(DeliveryClaim),
)  # fmt: skip
REMINDER = Papers(
    "reminder", "reminder_id", _table(Reminder), _table(ReminderMessage), _table(ReminderRendering),
    _table(ReminderVerdict), _table(ReminderDelivery), _table(ReminderDeliveryAttempt),
    _table(ReminderDeliveryReceipt), _table(ReminderDeliveryClaim),
)  # fmt: skip
PAPERS = (INVOICE, REMINDER)
