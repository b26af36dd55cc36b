"""Why a line is what it is, as a person would say it: in short on the invoice, in full by `explain`."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from fee_tables.calculation import Kind, Parts, Reason
from fee_tables.size_key import band_title
from foundation.language import Text, day, joined, kroner, same, share, whole_number
from foundation.money import Money

_TITLES = {
    Kind.ANNUAL_FEE: Text("vederlag", "annual fee"),
    Kind.JOINING_FEE: Text("tilslutningsafgift", "joining fee"),
    Kind.REBATE: Text("rabat på tilslutningsafgift", "rebate on the joining fee"),
    Kind.EXEMPTION: Text("fritagelse for tilslutningsafgift", "exemption from the joining fee"),
}
_SUBJECTS = {
    Kind.ANNUAL_FEE: Text("vederlaget", "the annual fee"),
    Kind.JOINING_FEE: Text("tilslutningsafgiften", "the joining fee"),
    Kind.REBATE: Text("tilslutningsafgiften", "the joining fee"),
    Kind.EXEMPTION: Text("tilslutningsafgiften", "the joining fee"),
    Kind.MEMBERSHIP_DUES: Text("kontingentet", "the dues"),
}
_MADE_UP = Text("opdigtet takst", "made-up price")


def title(kind: Kind, product: str | None, year: int) -> Text:
    """Name a line: what it is for."""
    if kind is Kind.MEMBERSHIP_DUES:
        return Text(f"Kontingent til OS2 {year}", f"OS2 membership dues {year}")
    named = same(f"{product} – ") + _TITLES[kind]
    return named + same(f" {year}") if kind is Kind.ANNUAL_FEE else named


def why(kind: Kind, reason: Reason, parts: Parts) -> Text:
    """Give a line's reason in one short sentence, for the invoice."""
    table = reason.table
    since = day(table.valid_from)
    rates = Text("sats", "rate") if kind is Kind.MEMBERSHIP_DUES else Text("takstblad", "fee table")
    phrases = [*_short(kind, reason, parts), Text(f"{rates.da} fra {since.da}", f"{rates.en} from {since.en}")]
    if table.made_up:
        phrases.append(_MADE_UP)
    told = joined(phrases, by="; ")
    return Text(_capital(told.da), _capital(told.en))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _short(kind: Kind, reason: Reason, parts: Parts) -> Iterator[Text]:
    if reason.exemption is not None:
        yield same(reason.exemption)
    if reason.rebate_reason is not None:
        yield same(reason.rebate_reason)
    if reason.size is not None:
        yield _size_phrase(reason)
    if reason.shared_cost is not None:
        cost, sharers = kroner(reason.shared_cost.cost), reason.shared_cost.sharers
        yield Text(f"{cost.da} delt af {sharers}", f"{cost.en} shared by {sharers}")
    if reason.passive_share is not None:
        yield Text(f"passiv: {share(reason.passive_share).da}", f"passive: {share(reason.passive_share).en}")
    if reason.year_share is not None:
        yield Text(f"{share(reason.year_share).da} af året", f"{share(reason.year_share).en} of the year")
    if kind is Kind.ANNUAL_FEE and reason.contribution_share is not None:
        yield _split_phrase(reason.contribution_share, parts)


def _size_phrase(reason: Reason) -> Text:
    size = reason.size
    assert size is not None
    band = band_title(size.band)
    if size.inhabitants is None or size.inhabitants_on is None:
        return band + Text(" (indplacering)", " (placement)")
    count, on = whole_number(size.inhabitants), day(size.inhabitants_on)
    return Text(f"{band.da}: {count.da} indbyggere {on.da}", f"{band.en}: {count.en} inhabitants {on.en}")


def _split_phrase(contribution: Fraction, parts: Parts) -> Text:
    fee, extra, rate = kroner(parts.product), kroner(parts.association), share(contribution)
    return Text(
        f"{fee.da} til produktet + {rate.da} bidrag til OS2 ({extra.da})",
        f"{fee.en} to the product + {rate.en} contribution to OS2 ({extra.en})",
    )


# --- in full


def sentences(kind: Kind, product: str | None, year: int, reason: Reason, parts: Parts) -> list[Text]:
    """Tell a line's whole reasoning, step by step, so that its amount can be followed."""
    told = [*_decisive_day(reason), _table_sentence(kind, product, reason)]
    if reason.size is not None:
        told.append(_size_sentence(reason))
    told += _base_sentences(kind, reason)
    told += _share_sentences(kind, year, reason, parts)
    net = kroner(parts.net)
    told.append(Text(f"Linjen er {net.da} uden moms.", f"The line is {net.en} without VAT."))
    return [Text(sentence.da.replace("kr..", "kr."), sentence.en) for sentence in told]


def _decisive_day(reason: Reason) -> Iterator[Text]:
    if reason.signed_on is not None:
        signed = day(reason.signed_on)
        yield Text(
            f"Aftalen er underskrevet {signed.da}: takstbladet den dag og størrelsen det år afgør afgiften.",
            f"The agreement was signed on {signed.en}: the table of that day and the size of that year decide the fee.",
        )
    if reason.in_force_from is not None:
        first = day(reason.in_force_from)
        yield Text(f"Aftalen trådte i kraft {first.da}.", f"The agreement came into force on {first.en}.")
    if reason.joined_on is not None:
        joined_on = day(reason.joined_on)
        yield Text(f"Medlem af OS2 siden {joined_on.da}.", f"A member of OS2 since {joined_on.en}.")


def _table_sentence(kind: Kind, product: str | None, reason: Reason) -> Text:
    table = reason.table
    since, decided = day(table.valid_from), day(table.decided_on)
    what = _SUBJECTS[kind]
    made_up = Text(" Taksten er opdigtet til demonstration.", " The price is made up for demonstration.")
    source = same(f" ({table.source})") if table.source else same("")
    return (
        Text(
            f"For {what.da}{' til ' + product if product else ''} gælder tabellen for {table.product} fra {since.da}, "
            f"vedtaget {decided.da} af {table.decided_by}",
            f"For {what.en}{' of ' + product if product else ''} the table of {table.product} from {since.en} counts, "
            f"decided on {decided.en} by {table.decided_by}",
        )
        + source
        + same(".")
        + (made_up if table.made_up else same(""))
    )


def _size_sentence(reason: Reason) -> Text:
    size = reason.size
    assert size is not None
    band = band_title(size.band)
    if size.placement is not None:
        placed = size.placement
        since = day(placed.valid_from)
        return Text(
            f"Myndigheden er indplaceret som {band.da.lower()} fra {since.da} af {placed.decided_by}: {placed.reason}.",
            f"The authority is placed as {band.en.lower()} from {since.en} by {placed.decided_by}: {placed.reason}.",
        )
    assert size.inhabitants is not None and size.inhabitants_on is not None
    count, on = whole_number(size.inhabitants), day(size.inhabitants_on)
    return Text(
        f"Myndigheden havde {count.da} indbyggere {on.da} ({size.inhabitants_source}) og er dermed {band.da.lower()}.",
        f"The authority had {count.en} inhabitants on {on.en} ({size.inhabitants_source}) and so is {band.en.lower()}.",
    )


def _base_sentences(kind: Kind, reason: Reason) -> Iterator[Text]:
    base = kroner(reason.base)
    if reason.shared_cost is not None:
        cost = reason.shared_cost
        whole = kroner(cost.cost)
        yield Text(
            f"Den årlige udgift på {whole.da} deles af {cost.sharers} aktive aftaler i kraft 1. januar; "
            f"del nummer {cost.number} er {base.da}.",
            f"The yearly cost of {whole.en} is shared by {cost.sharers} active agreements in force on 1 January; "
            f"part number {cost.number} is {base.en}.",
        )
    elif kind is Kind.MEMBERSHIP_DUES:
        yield Text(f"Kontingentet er {base.da} om året.", f"The dues are {base.en} a year.")
    elif kind is Kind.EXEMPTION:
        yield Text(
            f"Afgiften på {base.da} er eftergivet: {reason.exemption}.",
            f"The fee of {base.en} is waived: {reason.exemption}.",
        )
    elif kind is Kind.REBATE:
        granted = kroner(reason.rebate or Money(0))
        yield Text(
            f"Der er givet en rabat på {granted.da} af afgiften på {base.da}: {reason.rebate_reason}.",
            f"A rebate of {granted.en} on the fee of {base.en} was granted: {reason.rebate_reason}.",
        )
    else:
        yield Text(f"Tabellens beløb er {base.da}.", f"The table's amount is {base.en}.")


def _share_sentences(kind: Kind, year: int, reason: Reason, parts: Parts) -> Iterator[Text]:
    if reason.regulation is not None:
        yield _index_sentence(reason)
    if reason.passive_share is not None:
        part = share(reason.passive_share)
        yield Text(f"En passiv tilslutning betaler {part.da} af det.", f"A passive connection pays {part.en} of it.")
    if reason.year_share is not None:
        yield _year_sentence(kind, year, reason.year_share)
    if kind is Kind.ANNUAL_FEE:
        yield from _contribution_sentences(year, reason, parts)


def _index_sentence(reason: Reason) -> Text:
    index = reason.regulation
    assert index is not None
    old, new = (_decimal(value) for value in (index.old, index.new))
    rounded = Text("hele kroner", "whole kroner") if index.round_to != 1 else Text("øre", "øre")
    return Text(
        f"Det reguleres med indekset fra {old.da} til {new.da}, afrundet til {rounded.da}.",
        f"It is regulated by the index from {old.en} to {new.en}, rounded to {rounded.en}.",
    )


def _decimal(value: Fraction) -> Text:
    digits = f"{value.numerator / value.denominator:.6f}".rstrip("0").rstrip(".")
    return Text(digits.replace(".", ","), digits)


def _year_sentence(kind: Kind, year: int, part: Fraction) -> Text:
    told = share(part)
    if kind is Kind.MEMBERSHIP_DUES:
        return Text(
            f"Indmeldt så sent i {year}, at der betales {told.da} for det år.",
            f"Joined so late in {year} that {told.en} is paid for that year.",
        )
    return Text(
        f"{year} er aftalens første år, og der betales for {told.da} af det.",
        f"{year} is the agreement's first year, and {told.en} of it is paid for.",
    )


def _contribution_sentences(year: int, reason: Reason, parts: Parts) -> Iterator[Text]:
    fee = kroner(parts.product)
    if reason.contribution_share is None:
        yield Text(
            f"{fee.da} går til produktet; tabellen har intet bidrag til foreningen.",
            f"{fee.en} goes to the product; the table has no contribution to the association.",
        )
        return
    member = (
        Text(f"medlem af OS2 1. januar {year}", f"a member of OS2 on 1 January {year}")
        if reason.member
        else Text(f"ikke medlem af OS2 1. januar {year}", f"not a member of OS2 on 1 January {year}")
    )
    rate, extra = share(reason.contribution_share), kroner(parts.association)
    yield Text(
        f"Myndigheden var {member.da}: oven i de {fee.da} til produktet kommer {rate.da} bidrag til "
        f"foreningen, {extra.da}.",
        f"The authority was {member.en}: on top of the {fee.en} to the product comes {rate.en} contribution to the "
        f"association, {extra.en}.",
    )
