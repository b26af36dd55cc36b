"""The cases of an e-invoice that must pass the official rules without a word, whatever kind and format."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from billing.document import InvoiceDocument
from foundation.language import Text, same
from foundation.money import Money, kroner
from tests.billing.einvoice import documents as make

LONG_NAME = "Foreningen til fællesoffentlig digitalisering på Ærø, Samsø og Åland " * 3
HOSTILE = ["<&\"'>", "]]>", "<![CDATA[x]]>", "&amp;", "<!-- -- -->", "tab\tline\nend\r", "nul\0bell\a", "#AAB# note"]


def named(name: str) -> InvoiceDocument:
    """Put one text everywhere a person can write one."""
    buyer = replace(make.BUYER, name=name, address=name, postcode=name, city=name)
    references = replace(make.REFERENCES, person_reference=name, order_reference=name, accounting_cost=name)
    line = make.line(text=same(name), why=same(name))
    return make.invoice(line, buyer=buyer, references=references, notices=(same(name),))


def without_references(**kept: str) -> InvoiceDocument:
    none: dict[str, Any] = {"person_reference": "", "order_reference": "", "accounting_cost": ""}
    return make.invoice(references=replace(make.REFERENCES, **{**none, **kept}))


def waived(fee: int = 70_000) -> list[Any]:
    """A joining fee and the exemption that takes it off again."""
    return [make.line(kroner(fee), kind="joining_fee"), replace(make.taken_off(kroner(-fee)), kind="exemption")]


NO_ADDRESS = replace(make.BUYER, address="", postcode="", city="")

CASES = {
    "one line": make.invoice(),
    "many lines": make.invoice(*[make.line(Money(10_001 + at)) for at in range(40)]),
    "exempt dues alone": make.invoice(make.exempt()),
    "exempt dues beside taxed fees": make.invoice(make.line(), make.exempt(), make.line(kroner(12_000))),
    "an exemption without a code": make.invoice(make.exempt(), exemption="Momsfri forening"),
    "an exemption that is only a code": make.invoice(make.exempt(), exemption="VATEX-EU-132-1L"),
    "zero rate": make.invoice(make.zero_rated(), make.line()),
    "a seller not registered for VAT": make.of_unregistered_seller(),
    "a seller not registered for VAT, many lines": make.of_unregistered_seller(*[make.outside_vat()] * 3),
    "a seller not registered for VAT, exempt": make.invoice(make.exempt(), seller_vat_registered=False),
    "FIK": make.invoice(payment=make.BY_FIK),
    "bank account": make.invoice(payment=make.BY_ACCOUNT),
    "IBAN": make.invoice(payment=make.BY_IBAN),
    "every way of payment": make.invoice(payment=make.EVERY_WAY),
    "bank account and IBAN": make.invoice(payment=replace(make.BY_ACCOUNT, iban=make.BY_IBAN.iban)),
    "to a CVR number": make.invoice(references=replace(make.REFERENCES, endpoint="cvr", gln="")),
    "a seller without GLN": make.invoice(seller=replace(make.SELLER, gln="")),
    "no reference": without_references(),
    "an order number only": without_references(order_reference="PO-1"),
    "a person only": without_references(person_reference="Økonomi, Ådalen"),
    "an account string only": without_references(accounting_cost="4140"),
    "a rebate": make.invoice(make.line(kroner(70_000)), make.taken_off(kroner(-5_000))),
    "a waived joining fee beside others": make.invoice(make.line(), *waived()),
    "a waived joining fee alone": make.invoice(*waived()),
    "a fee of nothing": make.invoice(make.line(), make.line(Money(0))),
    "one øre": make.invoice(make.line(Money(1))),
    "only a first day": make.invoice(make.line(last_day=None)),
    "no period": make.invoice(make.line(first_day=None, last_day=None)),
    "no reason": make.invoice(make.line(why=same(""))),
    "long Danish names": named(LONG_NAME[:200]),
    "a buyer without address": make.invoice(buyer=NO_ADDRESS),
    "notices": make.invoice(notices=(Text("PRØVE.", "REHEARSAL."), Text("Data er opdigtede.", "Made-up data."))),
    "a rehearsal": make.invoice(number="R-2027-0001"),
    "a line whose VAT is rounded away": make.invoice(make.line(Money(2)), make.line(Money(2))),
    "a sum of millions": make.invoice(make.line(kroner(98_765_432)), make.line(Money(1))),
    "VAT that is rounded": make.invoice(*[make.line(Money(ore)) for ore in (1, 3, 5, 7, 333)]),
    "to a CVR number without a reference": replace(
        without_references(), references=replace(without_references().references, endpoint="cvr", gln="")
    ),
    **{f"hostile {text!r}": named(text) for text in HOSTILE},
}
