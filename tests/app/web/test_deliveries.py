"""Deliveries in the browser: what is shown to whom, and that something is sent again with its history kept."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from billing import deliveries, verdicts
from billing.deliveries import Outcome, Receipt
from billing.einvoice.rule_packs import RulePack
from foundation.audit import Trail
from foundation.language import Text
from tests import reminding
from tests.app.web.desks import (
    ADMINISTRATOR,
    APPROVER,
    AUDITOR,
    FINANCE,
    GROUP,
    Desk,
    issue,
    opened,
    signatory,
)
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import files

FIRST, SECOND = "2027-0001", "2027-0002"
AT = datetime(2027, 1, 15, 10, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def _deliver(line: CommandLine) -> None:
    """Issue two invoices that a pack has accepted; the access point would not take the first, and took the second."""
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    issue(line)
    pack = RulePack("oioubl", "0.0", Path(), "0" * 64)
    known = verdicts.Rules({"oioubl": pack}, {})
    with line.session() as session:
        trail = Trail(session, "afleveringen", AT)
        ids = session.scalars(text("SELECT id FROM rendering WHERE format = 'oioubl' ORDER BY id"))
        verdicts.store(session, [(verdicts.Task(id_, pack, b""), ()) for id_ in ids], trail)
        deliveries.make(session, known, trail, year=None, at_most=10)
        taken = deliveries.claim(session, at=AT, now=LONG_AGO, until=LONG_AGO, at_most=10, channels=deliveries.CHANNELS)
        outcomes = [Outcome("failed", Text("HTTP 422: <b>ukendt</b>", "HTTP 422: <b>ukendt</b>")),
                    Outcome("handed_over", Text("afleveret", "handed over"))]  # fmt: skip
        tried = [(one.kind, one.id, outcome) for one, outcome in zip(taken, outcomes, strict=True)]
        deliveries.note(session, tried, trail, now=LONG_AGO)
        trail.write()


@pytest.fixture
def delivered(prepared: Prepared) -> CommandLine:
    """The command line on two invoices, one of which could not be handed over."""
    return prepared(with_starter, _deliver)


@pytest.fixture
def desk(delivered: CommandLine) -> Iterator[Desk]:
    """A browser on that database."""
    with opened(delivered) as made:
        yield made


def test_the_list_tells_how_each_stands_and_why_in_both_languages(desk: Desk) -> None:
    danish = desk.sit(FINANCE).html("/deliveries")
    desk.post("/language", language="en")
    english = desk.html("/deliveries?state=to_mend")

    assert "Opgivet" in danish and "HTTP 422: &lt;b&gt;ukendt" in danish and "Afleveret" in danish
    assert "Given up" in english and FIRST in english and SECOND not in english


def test_the_list_is_filtered_and_exported(desk: Desk) -> None:
    desk.sit(AUDITOR)

    assert SECOND not in desk.get("/deliveries.csv?state=given_up").text
    assert FIRST in desk.get("/deliveries.csv?state=given_up").text
    assert "Intet passer" in desk.html("/deliveries?channel=peppol")
    assert desk.get("/deliveries.xlsx").data.startswith(b"PK")


def test_what_could_not_be_handed_over_is_named_on_the_start_page(desk: Desk) -> None:
    assert "Dokumenter, der ikke kunne afleveres" in desk.sit(FINANCE).html("/")
    assert "Dokumenter, der ikke kunne afleveres" not in desk.sit(AUDITOR).html("/")


def test_the_year_tells_how_many_were_handed_over(desk: Desk) -> None:
    page = desk.sit(FINANCE).html("/year/2027/progress")

    assert (
        "Afleveret ad modtagernes vej" in page and "/deliveries?year=2027&amp;paper=invoice&amp;state=given_up" in page
    )


def test_a_signatory_sees_how_its_own_invoice_is_handed_over_and_no_list(desk: Desk, delivered: CommandLine) -> None:
    page = desk.sit(signatory(delivered)).html(f"/invoices/{FIRST}")

    assert "Aflevering" in page and "Opgivet" in page and "Se hele forløbet" not in page
    assert {desk.get(path).status_code for path in ("/deliveries", "/deliveries.csv", f"/deliveries/{FIRST}")} == {403}


@pytest.mark.parametrize("who", [ADMINISTRATOR, GROUP])
def test_who_reads_no_invoices_reads_no_deliveries(desk: Desk, who: object) -> None:
    desk.sit(who)  # type: ignore[arg-type]

    assert {desk.get(path).status_code for path in ("/deliveries", f"/deliveries/{FIRST}")} == {403}


def test_a_document_is_sent_again_elsewhere_and_what_happened_stays(desk: Desk, delivered: CommandLine) -> None:
    other = files.gln(files.starter()[9].cvr)

    answer = desk.sit(APPROVER).post(f"/deliveries/{FIRST}/again", channel="", address=other)
    page = desk.html(f"/deliveries/{FIRST}")

    assert answer.status_code == 303
    assert "Skal sendes" in page and f"GLN {other}" in page and "HTTP 422" in page
    delivered.done("verify")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"address": "1234567890123"}, "kontrolciffer"),
        ({"address": "<script>"}, "otte cifre"),
        ({"channel": "fax"}, "skal være en af"),
        ({"channel": "peppol"}, "ikke godkendt af de officielle regler"),
        ({"address": "x" * 41}, "over 40 tegn"),
        ({"address": "\u202e"}, "kan ikke stå"),
        ({"rendering_id": "7"}, "ikke hører til"),
    ],
)  # fmt: skip
def test_sending_again_refuses_what_is_wrong_at_its_field_and_changes_nothing(
    given: dict[str, str], told: str, desk: Desk, delivered: CommandLine
) -> None:
    answer = desk.sit(FINANCE).post(f"/deliveries/{FIRST}/again", **given)

    assert answer.status_code == 422 and told in answer.text
    assert "<script>" not in answer.text
    with delivered.session() as session:
        assert session.execute(text("SELECT count(*) FROM delivery")).scalar_one() == 2


def test_what_people_handed_over_is_noted(desk: Desk, delivered: CommandLine) -> None:
    answer = desk.sit(FINANCE).post(f"/deliveries/{FIRST}/by-hand")

    assert answer.status_code == 303
    assert "uden om tjenesten" in desk.html(f"/deliveries/{FIRST}")
    assert FIRST not in desk.html("/deliveries?state=to_mend")
    delivered.done("verify")


def test_who_only_reads_gets_no_form_and_sends_nothing(desk: Desk) -> None:
    page = desk.sit(AUDITOR).html(f"/deliveries/{FIRST}")

    assert '<form method="post" action="/deliveries' not in page
    assert {desk.post(f"/deliveries/{FIRST}/{act}").status_code for act in ("again", "by-hand")} == {403}


@pytest.mark.parametrize("number", ["2027-9999", "R-2027-0001", "%00", "..%2F..", "'--"])
def test_an_unknown_document_is_not_there(number: str, desk: Desk) -> None:
    assert desk.sit(FINANCE).get(f"/deliveries/{number}").status_code in (400, 404)


def test_a_receipt_is_shown_with_the_receivers_words(desk: Desk, delivered: CommandLine) -> None:
    with delivered.session() as session:
        trail = Trail(session, "afleveringen", AT)
        message = session.scalars(text("SELECT message_id FROM delivery ORDER BY id DESC LIMIT 1")).one()
        deliveries.receive(session, [Receipt(message, "rejected", "<i>forkert konto</i>", "{}")], trail)
        trail.write()

    page = desk.sit(FINANCE).html(f"/deliveries/{SECOND}")

    assert "Afvist af modtageren" in page and "&lt;i&gt;forkert konto" in page


def test_the_year_counts_each_kind_of_paper_and_every_count_leads_to_its_list(
    desk: Desk, delivered: CommandLine
) -> None:
    late = delivered.at("2027-04-01")
    delivered.done("billing", "credit", SECOND, "--line", 1, "--reason", "Fejl", "--approved-by", "En Godkender")
    reminding.bank(late, date(2027, 4, 1))
    reminding.approved(late)

    page = desk.sit(FINANCE).html("/year/2027/progress")
    links = re.findall(r'href="/deliveries\?([^"]+)" aria-label="([^"]+): ([0-9]+)"', page)

    assert {words: int(number) for _, words, number in links} == {
        "Fakturaer, Opgivet": 1, "Fakturaer, Afleveret": 1, "Fakturaer, i alt": 2, "Kreditnotaer, Venter": 1,
        "Kreditnotaer, i alt": 1, "Rykkere, Venter": 2, "Rykkere, i alt": 2,
    }  # fmt: skip
    for query, _, number in links:
        listed = desk.get(f"/deliveries.csv?{html.unescape(query)}").text
        assert listed.count("\n") - 1 == int(number), query
    assert 'href="/year/2027/progress#deliveries"' in desk.html("/year/2027")
    assert 'href="/deliveries?year' not in desk.html("/year/2027/progress?book=rehearsal")
