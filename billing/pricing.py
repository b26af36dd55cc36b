"""The rules of price: from a billable and the tables in force to charges with parts and reasons, or named problems.

Reads nothing, writes nothing. The rules stand in the contract under "Rules of price"; where a rule comes from the
bylaws or a decision, its source is named. Here stands which agreements are billed; what each costs stands in
`annual_fees`, `joining_fees` and `dues`.
"""

from __future__ import annotations

from dataclasses import replace

from agreements import lifecycle
from billing import annual_fees, dues, joining_fees
from billing.case import Case, Ground, NothingDue, Priced, Withheld
from billing.charges import Billable, Code, Connection
from billing.document import References
from foundation.language import Text, day, kroner
from foundation.money import Money, total


def price(ground: Ground, billable: Billable) -> Priced:
    """Price everything one payer owes for a year."""
    case = _begun(ground, billable)
    for connection in case.billed:
        _charge(case, connection)
    if (member := dues.owing(case)) is not None:
        case.attempt(None, dues.keys, dues.charge, member)
    return case.priced


def price_alone(ground: Ground, billable: Billable, connection: Connection) -> Priced:
    """Price one of a payer's agreements as `price` does among the others, and tell only what concerns it."""
    case = _begun(ground, billable)
    case.priced = Priced()
    if case.attempt(connection.product, _keys, _refuse_unbillable, connection):
        _charge(case, connection)
    return case.priced


def _begun(ground: Ground, billable: Billable) -> Case:
    case = Case(ground, billable, [c for c in billable.connections if _concerns(ground, c)])
    case.billed = [c for c in case.relevant if case.attempt(c.product, _keys, _refuse_unbillable, c)]
    return case


def _charge(case: Case, connection: Connection) -> None:
    case.attempt(connection.product, annual_fees.keys, annual_fees.charge, connection)
    case.attempt(connection.product, joining_fees.keys, joining_fees.charge, connection)


def _concerns(ground: Ground, connection: Connection) -> bool:
    """Tell whether an agreement could be in force on a day of the year (one without a first day may be)."""
    facts = connection.facts
    if facts.signed_on > ground.last_day:
        return False
    if facts.terminated_to is not None and facts.terminated_to < max(ground.key_day, facts.signed_on):
        return False  # ended before the year, or taken back before it was countersigned
    return facts.in_force_from is None or facts.in_force_from <= ground.last_day


def _keys(case: Case, connection: Connection) -> list[str]:
    return [*annual_fees.keys(case, connection), *joining_fees.keys(case, connection)]


def _refuse_unbillable(case: Case, connection: Connection) -> None:
    """Withhold an agreement's lines where it is not in force, a second one, or has nowhere to send to."""
    case.refuse_ended()
    if not _is_countersigned(case.ground, connection):
        at_risk = _at_risk(case, connection)
        raise Withheld(Code.NOT_COUNTERSIGNED, _not_countersigned(connection, at_risk), at_risk)
    if connection.facts.in_force_from is None:
        raise NothingDue(Code.NO_FORCE_DAY, _no_force_day(connection))
    _refuse_duplicate(case, connection)
    if connection.details is None:
        raise Withheld(Code.NO_ENDPOINT, _no_endpoint(connection.product))


def _is_countersigned(ground: Ground, connection: Connection) -> bool:
    countersigned_on = connection.facts.countersigned_on
    return countersigned_on is not None and countersigned_on <= ground.last_day


def _refuse_duplicate(case: Case, connection: Connection) -> None:
    """One authority pays for one product once a year, also where two regions' agreements came to one successor."""
    others = [o for o in case.others(connection) if _is_countersigned(case.ground, o) and _together(connection, o)]
    if not others or annual_fees.key(case, connection) in case.billable.invoiced:
        return
    product, year = connection.product, case.ground.year
    listed = ", ".join(f"{c.facts.signed_on} ({c.signer.name})" for c in (connection, *others))
    raise Withheld(
        Code.DUPLICATE_AGREEMENT,
        Text(
            f"flere aftaler om {product} gælder i {year}: {listed}; afslut alle på nær én",
            f"several agreements on {product} are in force in {year}: {listed}; end all but one",
        ),
    )


def _together(one: Connection, other: Connection) -> bool:
    """Tell whether two agreements are in force on the same day; one without a first day is in force on none."""
    first, second = lifecycle.force(one.facts), lifecycle.force(other.facts)
    return first is not None and second is not None and first.overlaps(second)


def _at_risk(case: Case, connection: Connection) -> Money:
    """Give what the agreement would bring in the year, were it countersigned and had somewhere to send to."""
    supposed = connection._replace(
        facts=connection.facts._replace(countersigned_on=connection.facts.signed_on),
        details=connection.details or _ANYWHERE,
    )
    priced = price(case.ground, replace(case.billable, connections=(supposed,), members=case.billable.members))
    return total(charge.parts.net for charge in priced.charges if charge.agreement_id == connection.id)


_ANYWHERE = References("cvr", "", "", "", "")


def _not_countersigned(connection: Connection, at_risk: Money) -> Text:
    signed = day(connection.facts.signed_on)
    told = Text(
        f"aftalen underskrevet {signed.da} er ikke kontrasigneret af OS2",
        f"the agreement signed on {signed.en} is not countersigned by OS2",
    )
    if not at_risk:
        return told
    amount = kroner(at_risk)
    return told + Text(f"; på spil uden moms: {amount.da}", f"; at risk without VAT: {amount.en}")


def _no_force_day(connection: Connection) -> Text:
    signed = day(connection.facts.signed_on)
    return Text(
        f"aftalen underskrevet {signed.da} har ingen ikrafttrædelsesdag og faktureres ikke",
        f"the agreement signed on {signed.en} has no effective day and is not invoiced",
    )


def _no_endpoint(product: str) -> Text:
    return Text(
        f"{product} har intet GLN og sendes ikke til CVR-nummeret: der er intet sted at sende fakturaen",
        f"{product} has no GLN and is not sent to the CVR number: there is nowhere to send the invoice",
    )
