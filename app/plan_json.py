"""Plans and explanations as the contract's JSON; amounts are whole øre."""

from __future__ import annotations

from typing import Any

from billing.annual_run import Plan, Proposal
from billing.charges import DraftLine, Payer, Problem
from billing.credits import Told
from billing.reasons import Explained, ExplainedLine
from fee_tables.calculation import Kind, Parts, reason_json
from foundation.language import Language
from foundation.money import Money


def plan(made: Plan, language: Language) -> dict[str, Any]:
    """Write a plan without its invoices, which `invoice` writes one by one; messages are in one language."""
    totals = made.totals
    names = sorted({*totals.annual_fees, *totals.joining_fees})
    return {
        "year": made.year,
        "book": made.book,
        "digest": made.digest,
        "totals": {
            "invoices": totals.invoices,
            "lines": totals.lines,
            "net_ore": totals.net.ore,
            "vat_ore": totals.vat.ore,
            "gross_ore": totals.net.ore + totals.vat.ore,
            "by_product": {
                name: {"annual_fee_ore": totals.annual_fees[name], "joining_fee_ore": totals.joining_fees[name]}
                for name in names
            },
            "association": {"dues_ore": totals.dues.ore, "contribution_ore": totals.contribution.ore},
        },
        "unchanged": made.unchanged,
        "problems": [_problem(problem, language) for problem in made.problems],
        "notes": [_problem(note, language) for note in made.notes],
        "nothing_to_invoice": [
            {"authority": _authority(nothing.payer), "reason": nothing.reason[language]} for nothing in made.nothing
        ],
    }


def invoice(proposal: Proposal) -> dict[str, Any]:
    """Write one invoice of a plan."""
    draft = proposal.draft
    return {
        "authority": _authority(draft.payer),
        "gln": draft.details.gln or None,
        "endpoint": draft.details.endpoint,
        "person_reference": draft.details.person_reference,
        "order_reference": draft.details.order_reference,
        "accounting_cost": draft.details.accounting_cost,
        "format": draft.details.format,
        "lines": [_line(line) for line in draft.lines],
        "net_ore": draft.net.ore,
        "vat_ore": draft.vat.ore,
        "gross_ore": draft.gross.ore,
    }


def _authority(payer: Payer) -> dict[str, str]:
    return {"cvr": payer.cvr, "name": payer.name}


def _line(line: DraftLine) -> dict[str, Any]:
    charge = line.charge
    return _amounts(charge.kind, charge.product, charge.parts, line.vat) | {"reason": reason_json(charge.reason)}


def _amounts(kind: Kind, product: str | None, parts: Parts, vat: Money) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "product": product,
        "net_ore": parts.net.ore,
        "parts": {"product_ore": parts.product.ore, "association_ore": parts.association.ore},
        "vat_ore": vat.ore,
    }


def _problem(problem: Problem, language: Language) -> dict[str, Any]:
    return {
        "authority": _authority(problem.named),
        "product": problem.product,
        "code": problem.code.value,
        "message": problem.message[language],
        **({} if problem.at_risk is None else {"at_risk_ore": problem.at_risk.ore}),
    }


def explained(invoice: Explained) -> dict[str, Any]:
    """Write an explanation, sentences in both languages; what is said of credit notes only where there are any."""
    written: dict[str, Any] = {
        "number": invoice.number,
        "authority": {"cvr": invoice.authority_cvr, "name": invoice.authority_name},
        "lines": [_explained_line(line) for line in invoice.lines],
    }
    if invoice.credits:
        written["kind"] = "credit_note" if invoice.is_credit_note else "invoice"
        written["credits"] = [_told(told) for told in invoice.credits]
    if invoice.corrections.of:
        written["corrects"] = list(invoice.corrections.of)
    if invoice.corrections.by:
        written["corrected_by"] = list(invoice.corrections.by)
    return written


def _told(told: Told) -> dict[str, Any]:
    return {
        "number": told.number,
        "credits": told.credits,
        "lines": list(told.positions),
        "reason": told.reason,
        "prepared_by": told.prepared_by,
        "approved_by": told.approved_by,
        "then_reissue": told.then_reissue,
    }


def _explained_line(line: ExplainedLine) -> dict[str, Any]:
    return _amounts(line.kind, line.product, line.parts, line.vat) | {
        "reason": dict(line.reason),
        "sentences": {
            "da": [sentence.da for sentence in line.sentences],
            "en": [sentence.en for sentence in line.sentences],
        },
    }
