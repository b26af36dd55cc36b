"""Made-up data around the real authorities, so that a whole year can be shown.

Memberships, agreements, GLNs, references, what products are and the prices of those without a public price sheet are
invented here, from a fixed rule so that everyone sees the same year. Every file says that it is made up. The GLNs begin
with 299, a range that is never given to anyone.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stdnum import ean

from foundation.language import Text

YEAR = 2027
MADE_UP = "opdigtet til demonstration"

_COLUMNS = (
    "cvr", "product", "kind", "signed_on", "countersigned_on", "in_force_from", "terminated_to", "notice_given_on",
    "gln", "person_reference", "order_reference", "accounting_cost", "rebate_dkk", "rebate_reason",
    "joining_fee_exempt_reason", "joining_fee_invoiced_on", "endpoint", "format",
)  # fmt: skip

#: Municipalities that co-funded OS2valghalla 3.0 and so pay no joining fee (os2.eu, 2022; real).
_CO_FUNDERS = (
    "0151", "0153", "0607", "0147", "0813", "0270", "0376", "0316", "0615", "0326", "0621", "0101", "0410", "0370",
    "0461", "0760", "0779", "0330", "0706", "0575", "0751",
)  # fmt: skip

#: Products whose real price sheets ship with the service; OS2mo's has a joining fee only.
_PUBLIC = {"OS2valghalla", "OS2kitos"}

#: Share of all municipalities that have joined, in percent; the others have 15.
_JOINED = {"OS2valghalla": 55, "OS2kitos": 60, "OS2rollekatalog": 45, "OS2borgerPC": 40, "OS2forms": 38, "OS2kle": 30,
           "OS2display": 28, "OS2sync": 25, "OS2mo": 22, "OS2autoproces": 20, "OS2faktor": 20}  # fmt: skip
_OTHERWISE_JOINED = 15
_MEMBERS = 72  # of 100
_SHOWN = 75  # of 100 products say who uses them

#: What products are said to be for.
_PURPOSE = Text("Et fælles digitalt produkt, som myndigheder ejer og udvikler sammen",
                "A shared digital product that authorities own and develop together")  # fmt: skip
_PURPOSES = {
    "OS2valghalla": Text("Bemander valgsteder, og holder styr på tilforordnede og deres opgaver",
                         "Staffs polling stations, and keeps track of poll workers and their tasks"),
    "OS2kitos": Text("Giver overblik over it-systemer, kontrakter og databehandling",
                     "Gives an overview of IT systems, contracts and data processing"),
    "OS2rollekatalog": Text("Samler roller og rettigheder på tværs af fagsystemer",
                            "Gathers roles and rights across specialist systems"),
    "OS2borgerPC": Text("Styrer borgernes computere på biblioteker og i borgerservice",
                        "Manages the public's computers at libraries and citizen service centres"),
    "OS2forms": Text("Bygger selvbetjening og digitale blanketter", "Builds self-service and digital forms"),
    "OS2kle": Text("Viser, hvilke enheder der løser hvilke opgaver", "Shows which units perform which tasks"),
    "OS2display": Text("Viser indhold på infoskærme", "Shows content on information screens"),
    "OS2sync": Text("Fører organisation og brugere ajour mellem systemer",
                    "Keeps organisation and users up to date between systems"),
    "OS2mo": Text("Samler viden om organisation og medarbejdere ét sted",
                  "Gathers what is known of organisation and employees in one place"),
    "OS2autoproces": Text("Deler viden om automatiserede arbejdsgange", "Shares knowledge of automated processes"),
    "OS2faktor": Text("Lader medarbejdere og elever logge ind med to faktorer",
                      "Lets employees and pupils sign in with two factors"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Authority:
    """One row of the shipped authorities."""

    type: str
    code: str
    cvr: str


@dataclass(frozen=True, slots=True)
class Product:
    """One row of the shipped products."""

    name: str
    account: str
    level: str


def write(folder: Path, authorities: Sequence[Authority], known: Sequence[Product]) -> list[Path]:
    """Write every made-up file into a folder; give the fee tables among them."""
    folder.mkdir(parents=True, exist_ok=True)
    products = [product.name for product in known]
    _write_csv(folder / "products.csv", [_described(product) for product in known])
    _write_csv(folder / "placements.csv", list(_placements(authorities)))
    _write_csv(folder / "members.csv", list(_members(authorities)))
    _write_csv(folder / "agreements.csv", list(_agreements(authorities, products)))
    return [_write_table(folder, product) for product in products if product not in _PUBLIC]


def _write_csv(file: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, [*rows[0], "note"], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "note": MADE_UP} for row in rows)


def _chance(*about: str) -> int:
    """Draw 0 to 99 from a name, always the same."""
    return int.from_bytes(hashlib.sha256("|".join(about).encode()).digest()[:4], "big") % 100


def gln(cvr: str, nth: int = 0) -> str:
    """Make up a GLN with a right check digit, in a range that nobody owns."""
    digits = f"299{cvr}{nth}"
    return digits + str(ean.calc_check_digit(digits))


# --- products


def _described(product: Product) -> dict[str, str]:
    """Tell what a product is, who coordinates it by function, and, for most, that its users are shown."""
    purpose = _PURPOSES.get(product.name, _PURPOSE)
    return {
        "product": product.name,
        "account": product.account,
        "level": product.level,
        "description_da": f"{purpose.da} ({MADE_UP}).",
        "description_en": f"{purpose.en} (made up for demonstration).",
        "coordinator": "Koordinator (opdigtet)",
        "users_shown": "yes" if _chance("shown", product.name) < _SHOWN else "no",
    }


# --- registers


def _placements(authorities: Sequence[Authority]) -> Iterator[dict[str, str]]:
    for authority in authorities:
        if authority.type == "region":
            yield {
                "cvr": authority.cvr,
                "band": "very_large",
                "valid_from": "2023-01-01",
                "decided_by": "bestyrelsen",
                "reason": f"størrelse, formål og kontaktflade ({MADE_UP})",
            }


def _members(authorities: Sequence[Authority]) -> Iterator[dict[str, str]]:
    for authority in authorities:
        if _chance("member", authority.cvr) < _MEMBERS:
            own = _chance("dues", authority.cvr) < 30
            yield {
                "cvr": authority.cvr,
                "joined_on": f"{2012 + _chance('since', authority.cvr) % 13}-01-01",
                "left_on": "",
                "gln": gln(authority.cvr) if own else "",
                "person_reference": "Digitalisering" if own else "",
                "format": _format(authority),
            }


def _format(authority: Authority) -> str:
    """One authority in five has asked for Peppol; the others get what all take."""
    return "peppol" if _chance("format", authority.cvr) < 20 else ""


# --- agreements


def _agreements(authorities: Sequence[Authority], products: Sequence[str]) -> Iterator[dict[str, str]]:
    for authority in authorities:
        for product in products:
            if _chance("joined", authority.cvr, product) < _JOINED.get(product, _OTHERWISE_JOINED):
                yield _agreement(authority, product)


def _agreement(authority: Authority, product: str) -> dict[str, str]:
    draw = _chance("terms", authority.cvr, product)
    is_new = draw < 8
    signed = "2026-10-15" if is_new else f"{2023 + draw % 3}-0{1 + draw % 9}-15"
    row = dict.fromkeys(_COLUMNS, "") | {
        "cvr": authority.cvr,
        "product": product,
        "kind": "passive" if product == "OS2mo" and draw % 4 == 0 else "active",
        "signed_on": signed,
        "countersigned_on": "2026-11-01" if is_new else f"{signed[:8]}28",
        "in_force_from": "2027-01-01" if is_new else f"{int(signed[:4]) + 1}-01-01",
        "joining_fee_invoiced_on": "" if is_new else f"{int(signed[:4]) + 1}-02-01",
    }
    return row | _billing_details(authority, product) | _particulars(authority, product, draw, is_new=is_new)


def _billing_details(authority: Authority, product: str) -> dict[str, str]:
    """Most authorities have one receiver; one in six has a second one for some products."""
    second = _chance("receiver", authority.cvr) < 16 and _chance("which", product) < 40
    return {
        "gln": gln(authority.cvr, 1 if second else 0),
        "person_reference": "Skoleforvaltningen" if second else "Digitalisering",
        "order_reference": f"RK-{authority.code}" if _chance("order", authority.cvr) < 35 else "",
        "accounting_cost": f"45.{authority.code}.{1 + second}" if _chance("account", authority.cvr) < 25 else "",
        "endpoint": "gln",
        "format": _format(authority),
    }


def _particulars(authority: Authority, product: str, draw: int, *, is_new: bool) -> dict[str, str]:
    """Give some agreements what a real year has: exemptions, rebates, endings, and things left undone."""
    found: dict[str, str] = {}
    if is_new and product == "OS2valghalla" and authority.code in _CO_FUNDERS:
        found["joining_fee_exempt_reason"] = "medfinansierede OS2valghalla 3.0"
    elif is_new and product == "OS2mo":
        found |= {"rebate_dkk": "30000", "rebate_reason": f"medfinansierede en tidligere udgave ({MADE_UP})"}
    if draw == 97:
        found |= {"notice_given_on": "2026-06-01", "terminated_to": "2026-12-31"}
    if is_new and _chance("undone", authority.cvr, product) < 6:
        found["countersigned_on"] = ""
    if _chance("gln", authority.cvr, product) == 7:
        found |= {"gln": "", "endpoint": ""}
    return found


# --- fee tables


def _write_table(folder: Path, product: str) -> Path:
    file = folder / f"takstblad_{product}.toml"
    file.write_text("\n".join(_table(product)) + "\n", encoding="utf-8")
    return file


def _table(product: str) -> Iterator[str]:
    yield f"# {MADE_UP.upper()}: {product} har intet offentligt takstblad"
    yield f'product = "{product}"'
    yield "valid_from = 2024-01-01"
    yield "decided_on = 2023-11-01"
    yield f'decided_by = "styregruppen for {product} (opdigtet)"'
    yield "made_up = true"
    yield from _fees(product)
    yield 'vat = "25 %"'


def _fees(product: str) -> Iterator[str]:
    """Vary the forms: a shared cost, flat fees, first years by months or days, and for most a fee by band."""
    step = 1 + _chance("price", product) % 6
    if product == "OS2kle":
        yield "annual_fee = { shared_cost = 1000000 }"
        return
    if product == "OS2mo":
        yield "annual_fee = { small = 60000, medium = 75000, large = 90000, very_large = 120000 }"
        yield 'passive_share = "1/3"'
        return
    if _chance("flat", product) < 25:
        yield f"annual_fee = {5000 * step}"
        yield f"joining_fee = {10000 * step}"
    else:
        yield _bands("annual_fee", 4000 + 3000 * step)
        yield _bands("joining_fee", 10000 * step)
    yield f'first_year = "{("full", "months", "days")[step % 3]}"'


def _bands(name: str, least: int) -> str:
    return f"{name} = {{ small = {least}, medium = {least * 3 // 2}, large = {least * 2}, very_large = {least * 3} }}"
