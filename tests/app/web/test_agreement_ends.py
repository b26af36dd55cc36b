"""How agreements and memberships end by their pages, the office of who signs for OS2, and many papers at once."""

from __future__ import annotations

import io
import json
import re
import stat
import zipfile
from collections.abc import Mapping
from datetime import date

import pytest
from sqlalchemy import select

from agreements.models import Agreement
from app.identity.models import UserAccount
from authorities.models import Membership
from authorities.register import AUTHORITIES
from foundation import proposals
from foundation.audit import AuditEntry
from tests import world
from tests.app.web.agreed import Place
from tests.scenarios import files

CSV = "cvr,product,kind,signed_on,countersigned_on,in_force_from,terminated_to,notice_given_on,gln,person_reference,"
CSV += "order_reference,accounting_cost,file\n"
PDF = b"%PDF-1.7 opdigtet"


def row(cvr: str, file: str, product: str = "OS2kitos") -> str:
    """A line of the CSV of papers."""
    return f"{cvr},{product},active,2019-03-10,2019-04-01,2019-04-01,,,{files.gln(cvr)},,,,{file}\n"


def zipped(members: Mapping[str, bytes | str]) -> bytes:
    """A ZIP of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def left_on(place: Place, cvr: str = world.AARHUS) -> date | None:
    """The first day without membership."""
    found = select(Membership.left_on).where(Membership.authority_id == authority(place, cvr))
    with place.line.session() as session:
        return session.scalars(found).one()


def authority(place: Place, cvr: str) -> int:
    """The number of an authority."""
    with place.line.session() as session:
        return int(session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == cvr)).scalar_one())


# --- a membership


def test_an_authority_gives_notice_of_its_membership_and_takes_it_back(place: Place) -> None:
    browser, path = place.of("signatory-aarhus"), f"/authorities/{world.AARHUS}/membership"

    shown = browser.get(path).text
    without = browser.post(path, path, reason="")
    given = browser.post(path, path, reason="Vi går ud")
    day, page = left_on(place), browser.get(path).text
    back = browser.post(f"{path}/withdraw", path, reason="Vi bliver")

    assert "31. december 2027" in shown and "31. december 2027" in browser.get("/").text + shown
    assert (without.status_code, "giv en grund" in without.text) == (422, True)
    assert (given.status_code, day, back.status_code, left_on(place)) == (303, date(2028, 1, 1), 303, None)
    assert "Træk opsigelsen tilbage" in page and "1. januar 2028" in page
    place.line.done("verify")


def test_the_secretariat_records_a_letter_and_a_weak_or_foreign_sign_in_ends_no_membership(place: Place) -> None:
    path = f"/authorities/{world.AALBORG}/membership"
    finance = place.of("finance")

    foreign = place.of("signatory-aarhus").get(path).status_code
    letter = finance.post(path, path, reason="Brev af 1. januar", by="authority").status_code

    assert (foreign, letter, left_on(place, world.AALBORG)) == (404, 303, date(2028, 1, 1))


def test_notice_of_a_membership_goes_by_command_too(place: Place) -> None:
    notice = ("agreement", "notice-membership", world.AARHUS, "--party", "association", "--reason", "Brev")

    given = place.line.done(*notice).out
    twice = place.line.run(*notice)
    back = place.line.done(*notice, "--withdraw").out

    assert "medlem til og med 31. december 2027" in given and "trukket tilbage" in back
    assert twice.code == 1 and left_on(place) is None


# --- a merger


def merged(place: Place) -> tuple[int, int]:
    """Let Odense follow Aalborg from 2027, both with the product; give the numbers of old and new."""
    following = {"valid_to": date(2026, 12, 31), "succeeded_by_cvr": world.ODENSE}
    with place.line.session() as session:
        session.execute(AUTHORITIES.update().where(AUTHORITIES.c.cvr == world.AALBORG).values(following))
        session.commit()
    new = {"signed_on": "2026-11-01", "countersigned_on": "2026-11-02", "in_force_from": "2027-01-01"}
    files.take_agreements(place.line, files.agreement(world.ODENSE, "OS2kitos", **new))
    with place.line.session() as session:
        old = select(Agreement.id).where(Agreement.authority_id == authority(place, world.AALBORG))
        newest = select(Agreement.id).order_by(Agreement.id.desc()).limit(1)
        return session.scalars(old).one(), session.scalars(newest).one()


def ends(place: Place, number: int) -> date | None:
    """The last day of an agreement."""
    with place.line.session() as session:
        return session.get_one(Agreement, number).terminated_to


def test_a_successor_s_agreement_takes_the_place_of_the_one_it_follows(place: Place) -> None:
    old, new = merged(place)
    finance, path = place.of("finance"), f"/agreements/{new}/replace"

    linked = f'href="{path}"' in finance.get(f"/agreements/{new}").text
    page = finance.get(path).text
    none = finance.post(path, path, reason="Lov")
    without = finance.post(path, path, old=str(old), reason="")
    other = finance.post(path, path, old=str(new), reason="Lov").status_code
    done = finance.post(path, path, old=str(old), reason="Lov nr. 699").status_code

    assert linked and "Aalborg" in page
    assert (none.status_code, "vælg mindst én" in none.text) == (422, True)
    assert (without.status_code, "giv en grund" in without.text) == (422, True)
    assert (other, done, ends(place, old)) == (409, 303, date(2026, 12, 31))
    assert "Ingen aftale at erstatte" in finance.get(path).text
    place.line.done("verify")


def test_a_replacement_goes_by_command_and_lists_what_there_is(place: Place) -> None:
    old, new = merged(place)

    listed = place.line.done("agreement", "replace", new).out
    place.line.done("agreement", "replace", new, old, "--reason", "Lov nr. 699")

    assert world.AALBORG in listed and ends(place, old) == date(2026, 12, 31)


# --- passive to active, and a new text for all


def active_from(place: Place, number: int) -> date | None:
    """From when an agreement is active where it was passive."""
    with place.line.session() as session:
        return session.get_one(Agreement, number).active_from


#: Signed when products had joining fees.
_LATE = {"signed_on": "2026-09-01", "countersigned_on": "2026-09-02"}


def passive(place: Place, cvr: str, product: str) -> int:
    """Take a passive agreement in; give its number."""
    files.take_agreements(place.line, files.agreement(cvr, product, kind="passive", **_LATE))
    with place.line.session() as session:
        return int(session.scalars(select(Agreement.id).order_by(Agreement.id.desc()).limit(1)).one())


def test_a_passive_connection_becomes_active_by_its_page_and_by_command(place: Place) -> None:
    one, other = passive(place, world.ODENSE, "OS2valghalla"), passive(place, world.AALBORG, "OS2sofd")
    finance, path = place.of("finance"), f"/agreements/{one}/activate"

    linked = f'href="{path}"' in finance.get(f"/agreements/{one}").text
    wrong = finance.post(path, path, active_from="31-02-2027")
    early = finance.post(path, path, active_from="2022-01-01").status_code
    foreign = place.of("signatory-aalborg").post(path, "/", active_from="2027-03-01").status_code
    untouched = active_from(place, one)
    done = finance.post(path, path, active_from="2027-03-01").status_code
    twice = finance.post(path, path, active_from="2027-04-01").status_code
    place.line.done("agreement", "activate", other, "--from", "2027-06-01", "--by", "Økonomimedarbejder (opdigtet)")
    again = place.line.run("agreement", "activate", other, "--from", "2027-07-01")

    assert linked and (wrong.status_code, 'id="error-active_from"' in wrong.text) == (422, True)
    assert (early, foreign, untouched, done, twice) == (409, 403, None, 303, 409)
    assert (active_from(place, one), active_from(place, other)) == (date(2027, 3, 1), date(2027, 6, 1))
    assert again.code == 1 and "kun en passiv tilslutning" in again.err
    assert "OS2valghalla – tilslutningsafgift" in place.of("finance").get(f"/authorities/{world.ODENSE}").text
    place.line.done("verify")


def test_the_campaign_is_listed_by_command_and_its_page_tells_when_somebody_was_asked_and_reminded(
    place: Place,
) -> None:
    page, finance = "/agreements/campaign", place.of("finance")
    before = place.line.done("agreement", "campaign").out
    linked = f"/agreements/new?cvr={world.ODENSE}&amp;product=OS2kitos" in finance.get(page).text
    wish = ("--product", "OS2kitos", "--effective", "2027-03-01", "--gln", files.gln(world.ODENSE))
    who = ("--signatory", "En Underskriver", "Direktør", "en@eksempel.dk")
    place.line.done("agreement", "offer", "--cvr", world.ODENSE, *wish, *who)
    place.line.at("2027-01-25T10:00:00Z").done("work")

    listed = place.line.done("agreement", "campaign", "--product", "OS2kitos").out
    told = finance.get(f"{page}?state=offered").text

    def odense(of: str) -> list[str]:
        return next(line for line in of.splitlines() if world.ODENSE in line).split()

    assert linked and odense(before)[-1] == "has_not"
    assert odense(listed)[-3:] == ["offered", "2027-01-15", "2027-01-25"]
    assert "OS2valghalla" not in listed and "connection 1: " in listed
    assert "2027-01-15" in told and "2027-01-25" in told and "ændrer ingen betaling" in told


# --- many papers


def send(place: Place, content: bytes, name: str = "papirer.zip") -> tuple[int, str]:
    """Bring a ZIP; give the status and the page."""
    finance, path = place.of("finance"), "/agreements/record/many"
    token = re.search(r'name="csrf_token" value="([^"]+)"', finance.get(path).text)
    assert token is not None
    given = {"csrf_token": token[1], "file": (io.BytesIO(content), name)}
    answer = finance.client.post(path, data=given, content_type="multipart/form-data")
    return answer.status_code, answer.text


def waiting(place: Place) -> int:
    """How many papers wait for approval."""
    with place.line.session() as session:
        return len(proposals.open(session, "recorded_agreement"))


def test_many_papers_come_as_one_zip_by_the_page_and_by_command(place: Place) -> None:
    packed = zipped(
        {
            "aftaler/papir.csv": CSV + row(world.AARHUS, "å.pdf") + row(world.ODENSE, "b.pdf", "OS2valghalla"),
            "aftaler/a\u030a.pdf": PDF, "aftaler/b.pdf": PDF + b" b",
            "__MACOSX/aftaler/._b.pdf": b"x", "noter.txt": "x",
        }
    )  # fmt: skip
    archive = place.line.folder / "papirer.zip"
    archive.write_bytes(packed)

    status, _ = send(place, packed)
    by_page = waiting(place)
    place.line.done("agreement", "record", "propose", archive, "--by", "En Forbereder")

    assert (status, by_page, waiting(place)) == (303, 2, 2), "the same proposed again is proposed once"


def test_papers_are_approved_on_one_page_by_the_digest_of_their_list(place: Place) -> None:
    packed = zipped({"papir.csv": CSV + row(world.AARHUS, "a.pdf") + row(world.ODENSE, "b.pdf", "OS2valghalla"),
                     "a.pdf": PDF, "b.pdf": PDF + b" b"})  # fmt: skip
    send(place, packed)
    approver, path = place.of("approver"), "/agreements/record/approve"
    with place.line.session() as session:
        ids = sorted(each.id for each in proposals.open(session, "recorded_agreement"))

    page = approver.get(path).text
    shown = approver.post("/agreements/record/list", path, proposal=[*map(str, ids)]).text
    seen = re.search(r'name="digest" value="([0-9a-f]{64})"', shown)
    assert seen is not None
    form = {"proposal": [*map(str, ids)], "digest": seen[1], "consent": "on"}
    none = approver.post("/agreements/record/list", path).status_code
    unticked = approver.post(path, path, **(form | {"consent": ""}))
    part = approver.post(path, path, **(form | {"proposal": str(ids[0])})).status_code
    strange = approver.post(path, path, **(form | {"proposal": "1 OR 1=1"})).status_code
    others = {place.of(who).post(path, "/", **form).status_code for who in ("finance", "signatory-aarhus")}
    before = waiting(place)
    done = approver.post(path, path, **form)
    told = approver.get("/agreements/record").text
    again = approver.post(path, path, **form).status_code

    assert page.count('name="proposal"') == 2 and "Aarhus" in page and "OS2valghalla" in page
    assert (unticked.status_code, unticked.text.count("Sæt kryds for at godkende")) == (422, 2), "on top, at the field"
    assert (none, part, strange, others, before) == (422, 409, 422, {403}, 2)
    assert (done.status_code, waiting(place), again) == (303, 0, 422)
    assert "2 aftaler er registreret" in told
    assert "Intet venter på din godkendelse" in approver.get(path).text
    place.line.done("verify")


def bomb() -> bytes:
    """A ZIP that unpacks to more than it may."""
    return zipped({"papir.csv": CSV, "a.pdf": bytes(21 * 1024 * 1024)})


def link() -> bytes:
    """A ZIP with a symbolic link."""
    member = zipfile.ZipInfo("a.pdf")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("papir.csv", CSV)
        archive.writestr(member, "/etc/passwd")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"ikke en zip", "ikke en ZIP"),
        (zipped({"papir.csv": CSV})[:-30], "ikke en ZIP"),
        (zipped({"a.pdf": PDF}), "netop én CSV-fil, og har 0"),
        (zipped({"a.csv": CSV, "b.csv": CSV}), "netop én CSV-fil, og har 2"),
        (zipped({"papir.csv": CSV, "../a.pdf": PDF}), "fører ud af den"),
        (zipped({"papir.csv": CSV, "/etc/a.pdf": PDF}), "fører ud af den"),
        (zipped({"papir.csv": CSV, "c:\\a.pdf": PDF}), "fører ud af den"),
        (zipped({"papir.csv": CSV, "x/a.pdf": PDF, "y/a.pdf": PDF}), "to filer hedder a.pdf"),
        (zipped({f"{at}.pdf": b"" for at in range(2_001)}), "for mange filer"),
        (bomb(), "fylder mere"),
        (link(), "er et link"),
        (zipped({"papir.csv": "cvr;navn\n1;2\n"}), "kolonne"),
        (zipped({"papir.csv": CSV + row(world.AARHUS, "mangler.pdf")}), "filen er ikke med"),
        (zipped({"papir.csv": CSV + row(world.AARHUS, "a.pdf"), "a.pdf": b"nej"}), "ikke en PDF"),
    ],
)  # fmt: skip
def test_a_zip_that_is_not_right_is_refused_as_a_whole_and_says_why(place: Place, content: bytes, words: str) -> None:
    status, page = send(place, content)

    assert (status, words in page) == (422, True), page[-2000:]
    assert waiting(place) == 0


# --- where it was done from


def test_pv_118_the_paper_route_keeps_from_where_when_and_why_also_of_what_was_rejected(place: Place) -> None:
    status, _ = send(place, zipped({"papir.csv": CSV + row(world.AARHUS, "a.pdf"), "a.pdf": PDF}))
    with place.line.session() as session:
        number = proposals.open(session, "recorded_agreement")[0].id
    path = f"/agreements/record/{number}"

    rejected = place.of("approver").post(f"{path}/reject", path, reason="Siden mangler").status_code
    again, _ = send(place, zipped({"papir.csv": CSV + row(world.AARHUS, "b.pdf"), "b.pdf": PDF + b" hel"}))
    newer = f"/agreements/record/{number + 1}"
    approved = place.of("approver").post(f"{newer}/approve", newer, digest=digest(place, number + 1)).status_code

    assert (status, rejected, again, approved) == (303, 303, 303, 303)
    with place.line.session() as session:
        decision = proposals.get(session, number).decision
        told = (
            select(AuditEntry.action, AuditEntry.data)
            .where(AuditEntry.action.like("proposal.%"))
            .order_by(AuditEntry.position.desc())
        )
        entries = list(session.execute(told.limit(4)))[::-1]
    assert [each.action.removeprefix("proposal.") for each in entries] == ["made", "rejected", "made", "approved"]
    assert {json.loads(each.data)["address"] for each in entries} == {"127.0.0.1"}
    assert decision is not None and (decision.reason, decision.at.isoformat()[:10]) == ("Siden mangler", "2027-01-15")
    place.line.done("verify")


def digest(place: Place, number: int) -> str:
    """The digest of a proposal."""
    with place.line.session() as session:
        return proposals.get(session, number).digest


# --- the office of who signs for OS2


def test_the_office_is_given_from_a_day_by_the_page_and_everybody_in_the_settings_sees_who_holds_it(
    place: Place,
) -> None:
    with place.line.session() as session:
        second = session.scalars(select(UserAccount.id).where(UserAccount.mail.startswith("approver-2@"))).one()
    administrator, path = place.of("administrator"), f"/users/{second}"

    form = {"act": "give", "title": "Næstformand", "from_on": "2027-02-01", "until_on": "2027-12-31"}
    given = administrator.post(f"{path}/office", path, **form).status_code
    page = place.of("finance").get("/settings").text

    assert given == 303
    assert "Næstformand" in page and "1. februar 2027" in page and "31. december 2027" in page
    assert place.of("approver-2").get("/agreements/countersign").status_code == 403, "not before its first day"


def test_the_office_is_given_listed_and_ended_by_command(place: Place) -> None:
    given = place.line.done("users", "give-office", "approver-2@example.dk", "--from", "2027-01-10").out
    listed = place.line.done("users", "offices").out
    may = place.of("approver-2").get("/agreements/countersign").status_code
    place.line.done("users", "end-office", "approver-2@example.dk")
    place.known.pop("approver-2")

    assert "10. januar 2027" in given and "2027-01-10" in listed and "Formand for bestyrelsen" in listed
    assert (may, place.of("approver-2").get("/agreements/countersign").status_code) == (200, 403)
    assert place.line.run("users", "end-office", "approver-2@example.dk").code == 1
