"""Making the agreement: an adopted template, its fields filled in, and the terms that were agreed, as one document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date

from agreements import clauses, template_text
from agreements.clauses import NoticeTerms
from agreements.document import (
    AgreementDocument,
    AgreementKind,
    Billing,
    FeeAnnex,
    Grants,
    Party,
    Signatory,
    Subject,
    TemplateReference,
)
from agreements.templates import Adopted
from foundation import identifiers, letters, wording
from foundation.errors import Refused
from foundation.language import Text, day, joined, kroner, same
from foundation.money import Money

KINDS: Mapping[AgreementKind, Text] = {"active": Text("aktiv", "active"), "passive": Text("passiv", "passive")}

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything an agreement says beside its template; the fields of the document of the same names."""

    reference: str
    version: int
    authority: Party
    association: Party
    subject: Subject
    kind: AgreementKind
    effective_on: date
    signatories: tuple[Signatory, ...]
    in_order: bool
    countersignatory: Signatory
    grants: Grants
    billing: Billing
    annex: FeeAnnex
    notices: tuple[Text, ...] = ()


class TermsRefused(Refused):
    """The terms are not right; `faults` says what is wrong, by the name of the field."""

    def __init__(self, faults: Mapping[str, Text]) -> None:
        self.faults = faults
        super().__init__(joined((same(f"{name}: ") + fault for name, fault in faults.items()), by="\n"))


def compose(adopted: Adopted, terms: Terms) -> AgreementDocument:
    """Give the agreement: the template's text with its fields filled in. Raises TermsRefused with every fault."""
    if found := faults(adopted, terms):
        raise TermsRefused(found)
    template, values = adopted.template, _values(adopted.template.notice, terms)
    return AgreementDocument(
        template=TemplateReference(adopted.name, adopted.version, adopted.digest),
        draft=template.draft,
        title=template.title,
        notice=template.notice,
        sections=template_text.filled(template, values),
        personal_data=template_text.filled_words(template.personal_data, values),
        **{each.name: getattr(terms, each.name) for each in fields(Terms)},
    )


def terms_of(document: AgreementDocument) -> Terms:
    """Give the terms a document was made with, to change some and compose the next version."""
    return Terms(**{each.name: getattr(document, each.name) for each in fields(Terms)})


# --- the fields ------------------------------------------------------------------------------------------------------


def _values(notice: NoticeTerms, terms: Terms) -> dict[str, Text]:
    """Give the value of every field of `template_text.FIELDS`."""
    signed_by = "; ".join(f"{one.name}, {one.title}" for one in terms.signatories)
    return {
        "authority": same(terms.authority.name),
        "authority_cvr": same(terms.authority.cvr),
        "association": same(terms.association.name),
        "association_cvr": same(terms.association.cvr),
        "reference": same(terms.reference),
        "version": same(str(terms.version)),
        "signed_by": same(signed_by),
        "effective_date": day(terms.effective_on),
        "notice": clauses.notice_words(notice),
        "fee_year": same(str(terms.annex.year)),
        "price_sheet": _price_sheet(terms.annex),
        "product": same(terms.subject.product),
        "description": terms.subject.description,
        "kind": KINDS[terms.kind],
        "grants": _granted(terms.grants),
    }


def _price_sheet(annex: FeeAnnex) -> Text:
    sheet = annex.sheets[0]
    since, decided = day(sheet.valid_from), day(sheet.decided_on)
    return Text(
        f"{sheet.name} fra {since.da}, vedtaget {decided.da} af {sheet.decided_by}",
        f"{sheet.name} from {since.en}, decided on {decided.en} by {sheet.decided_by}",
    )


def _granted(grants: Grants) -> Text:
    if grants.exempt_reason:
        because = grants.exempt_reason
        return Text(f"Myndigheden er fritaget for tilslutningsafgiften: {because}.",
                    f"The authority is exempt from the joining fee: {because}.")  # fmt: skip
    if grants.rebate_ore:
        less, because = kroner(Money(grants.rebate_ore)), grants.rebate_reason
        return Text(f"Der er givet en rabat på {less.da} på tilslutningsafgiften: {because}.",
                    f"A rebate of {less.en} on the joining fee is granted: {because}.")  # fmt: skip
    return Text("Der er ikke givet rabat på eller fritagelse for tilslutningsafgiften.",
                "No rebate on the joining fee and no exemption from it is granted.")  # fmt: skip


# --- checking --------------------------------------------------------------------------------------------------------

_MISSING = Text("mangler", "is missing")


def faults(adopted: Adopted, terms: Terms) -> dict[str, Text]:
    """Tell what is wrong with the terms, by the name of the field; nothing where they are right."""
    found = [
        *_subject_faults(adopted, terms),
        *_people_faults(terms),
        *_grant_faults(terms.grants),
        *_billing_faults(terms.billing),
        *_annex_faults(terms),
        *_word_faults(terms),
    ]
    return dict(reversed(found))


def _subject_faults(adopted: Adopted, terms: Terms) -> Iterator[tuple[str, Text]]:
    is_product, of = adopted.name == "connection", terms.subject.product
    if is_product and not of:
        yield "product", _MISSING
    if not is_product and (of or terms.kind != "active"):
        yield "product", Text("et medlemskab er ikke om et produkt og kun aktivt",
                              "a membership is on no product, and active only")  # fmt: skip
    if not terms.reference or terms.version < 1:
        yield "reference", _MISSING


def _people_faults(terms: Terms) -> Iterator[tuple[str, Text]]:
    listed = terms.signatories
    if [one.position for one in listed] != [*range(1, len(listed) + 1)] or not listed:
        yield "signatories", Text("nævn mindst én underskriver, nummereret 1, 2, 3 …",
                                  "name one signatory at least, numbered 1, 2, 3 …")  # fmt: skip
    for one in listed:
        yield from ((f"signatories.{one.position}.{name}", fault) for name, fault in _person_faults(one))
    if len({one.mail.casefold() for one in listed}) < len(listed):
        yield "signatories", Text("samme mail står to gange", "the same mail stands twice")
    if not terms.countersignatory.title.strip():
        yield "countersignatory.title", _MISSING


def _person_faults(one: Signatory) -> Iterator[tuple[str, Text]]:
    yield from ((name, _MISSING) for name in ("name", "title") if not getattr(one, name).strip())
    if letters.address_fault(one.mail):
        yield "mail", Text("er ikke en mailadresse", "is not a mail address")


def _grant_faults(grants: Grants) -> Iterator[tuple[str, Text]]:
    if grants.rebate_ore < 0:
        yield "rebate_ore", Text("er under nul", "is below zero")
    if bool(grants.rebate_ore) != bool(grants.rebate_reason):
        yield "rebate_reason", Text("en rabat har et beløb og en grund", "a rebate has an amount and a reason")
    if grants.rebate_ore and grants.exempt_reason:
        yield (
            "exempt_reason",
            Text("giv rabat eller fritagelse, ikke begge", "grant a rebate or an exemption, not both"),
        )


def _billing_faults(billing: Billing) -> Iterator[tuple[str, Text]]:
    if billing.endpoint == "gln" and not billing.gln:
        yield "gln", _MISSING
    if billing.gln and (fault := identifiers.gln_fault(billing.gln)):
        yield "gln", fault
    if billing.contact_mail and letters.address_fault(billing.contact_mail):
        yield "contact_mail", Text("er ikke en mailadresse", "is not a mail address")


def _annex_faults(terms: Terms) -> Iterator[tuple[str, Text]]:
    annex = terms.annex
    if not annex.sheets:
        yield "annex", Text("intet takstblad er i kraft", "no price sheet is in force")
    if annex.year != max(annex.on, terms.effective_on).year:
        yield "annex", Text(f"bilaget er for {annex.year}, ikke for aftalens første år",
                            f"the annex is for {annex.year}, not for the agreement's first year")  # fmt: skip
    if annex.total_ore != sum(line.amount_ore for line in annex.lines):
        yield "annex", Text("linjerne giver ikke summen", "the lines do not add up")


def _word_faults(terms: Terms) -> Iterator[tuple[str, Text]]:
    """Tell which words paper could not show as they are: what is signed must be what is seen."""
    for name, words in _all_words(terms):
        if fault := wording.fault(
            words, wording.LONGEST_TEXT if "reason" in name or "description" in name else _LONGEST
        ):
            yield name, fault


def _all_words(terms: Terms) -> Iterator[tuple[str, str]]:
    described = terms.subject.description
    yield from (("reference", terms.reference), ("product", terms.subject.product))
    yield from (("description", described.da), ("description", described.en))
    parts: dict[str, Party | Billing | Grants | Signatory] = {
        "authority": terms.authority,
        "association": terms.association,
        "billing": terms.billing,
        "grants": terms.grants,
        "countersignatory": terms.countersignatory,
    }
    parts |= {f"signatories.{one.position}": one for one in terms.signatories}
    for place, part in parts.items():
        for each in fields(part):
            if isinstance(words := getattr(part, each.name), str):
                yield f"{place}.{each.name}", words
