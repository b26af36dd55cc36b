"""Agreements in a real browser: signed by two in order and by the chair, declined, run out, opened by a scanner."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from agreements import offered
from agreements.models import Agreement as AgreementRow
from agreements.models import AgreementStep, Offer
from agreements.steps import Stand
from authorities.register import AUTHORITIES
from tests import browser, world
from tests.browser import Visitor
from tests.command_line import CommandLine
from tests.scenarios import files
from tests.stories.conftest import DEMO, Visit

Served = Callable[[CommandLine], str]

#: As `world.WAYS` has them, and one on top; each story has an offer of its own, for they share one place.
MINE, WAITING, THEIRS, SCANNED = (f"A-2027-0000{number}" for number in (1, 2, 3, 4))
NAMES = {"signatory-aarhus": ("Underskriver i Aarhus (opdigtet)", "Direktør"),
         "signatory-aarhus-2": ("Anden underskriver i Aarhus (opdigtet)", "Kommunaldirektør")}  # fmt: skip


def stand(line: CommandLine, reference: str) -> Stand:
    """Give where the newest version of an offer stands."""
    with line.session() as session:
        return offered.newest(session, reference).stand


def steps_taken(line: CommandLine, reference: str) -> int:
    """Count the steps of an offer."""
    of = select(Offer.id).where(Offer.reference == reference)
    with line.session() as session:
        return session.scalar(select(func.count()).where(AgreementStep.offer_id.in_(of))) or 0


@pytest.fixture(scope="module")
def agreed(agreed_world: Path, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """A place with agreements on their way, the same for all stories here."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copytree(agreed_world, folder, dirs_exist_ok=True)
    return CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder).with_environ(**DEMO)


@pytest.fixture(scope="module")
def base(agreed: CommandLine) -> Iterator[str]:
    """That place, served once: starting it takes longer than most stories."""
    with browser.served(agreed) as address:
        yield address


def axe(visitor: Visitor) -> list[str]:
    """Give what is wrong with the page that is open."""
    return [*browser.shape(visitor.page, "da"), *browser.axe(visitor.page)]


def _merged(line: CommandLine) -> tuple[int, int]:
    """Let Favrskov follow Skanderborg from 2027, both with one product; give the numbers of old and new."""
    old, new = (files.by_name(name).cvr for name in ("Skanderborg", "Favrskov"))
    begun = {"signed_on": "2026-11-01", "countersigned_on": "2026-11-02", "in_force_from": "2027-01-01"}
    files.take_agreements(line, files.agreement(old, "OS2kitos"), files.agreement(new, "OS2kitos", **begun))
    following = {"valid_to": date(2026, 12, 31), "succeeded_by_cvr": new}
    with line.session() as session:
        session.execute(AUTHORITIES.update().where(AUTHORITIES.c.cvr == old).values(following))
        session.commit()
        of = {cvr: select(AgreementRow.id).join(AUTHORITIES).where(AUTHORITIES.c.cvr == cvr) for cvr in (old, new)}
        return session.scalars(of[old]).one(), session.scalars(of[new]).one()


def sign_by_keyboard(visitor: Visitor, reference: str, who: str) -> None:
    """Read, accept and sign without a mouse."""
    name, title = NAMES[who]
    visitor.go(f"/agreements/{reference}/sign")
    _tab_to(visitor, "#field-read")
    visitor.page.keyboard.press("Space")
    _tab_to(visitor, "form[action$='/accept'] button")
    _enter(visitor)
    _tab_to(visitor, "#field-consent")
    visitor.page.keyboard.press("Space")
    _tab_to(visitor, "#field-name")
    visitor.page.keyboard.type(name)
    _tab_to(visitor, "#field-title")
    visitor.page.keyboard.type(title)
    _enter(visitor)


def sign(visitor: Visitor, reference: str, who: str) -> list[str]:
    """Read, accept and sign; give what axe says of the pages on the way."""
    name, title = NAMES[who]
    visitor.go(f"/agreements/{reference}")
    visitor.follow("Gå til underskrift")
    found = axe(visitor)
    visitor.page.get_by_label(re.compile("Jeg har læst hele aftalen")).check()
    visitor.press("Videre til underskrift")
    found += axe(visitor)
    visitor.page.get_by_label(re.compile("har læst aftalen")).check()
    visitor.page.get_by_label("Dit navn").fill(name)
    visitor.page.get_by_label("Din titel").fill(title)
    visitor.press("Underskriv bindende")
    return found + axe(visitor)


def test_two_sign_in_order_one_by_keyboard_the_chair_countersigns_and_anybody_can_check_the_seal(
    agreed: CommandLine, base: str, visits: Visit, tmp_path: Path
) -> None:
    first, second, chair, anybody = (visits(base) for _ in range(4))

    second.sign_in("signatory-aarhus-2")
    second.go(f"/agreements/{MINE}/sign")
    too_early = second.words
    first.sign_in("signatory-aarhus")
    sign_by_keyboard(first, MINE, "signatory-aarhus")
    faults = axe(first)
    after_first = first.words
    faults += sign(second, MINE, "signatory-aarhus-2")
    chair.sign_in("approver")
    chair.go("/agreements/countersign")
    faults += axe(chair)
    chair.press("Vis den valgte liste")
    faults += axe(chair)
    chair.page.get_by_label(re.compile("Jeg underskriver de viste aftaler")).check()
    chair.press("Underskriv for OS2")
    told = chair.words
    sealed = _sealed(first, MINE, tmp_path)
    anybody.go("/verify")
    anybody.page.set_input_files("input[type=file]", sealed)
    anybody.press("Kontrollér")
    verdict = anybody.words
    changed = tmp_path / "changed.pdf"
    changed.write_bytes(sealed.read_bytes() + b"\n% lidt mere")
    anybody.page.set_input_files("input[type=file]", changed)
    anybody.press("Kontrollér")

    assert "underskriver først" in too_early
    assert "Nu er det Anden underskriver i Aarhus" in after_first
    assert "2 aftaler er underskrevet for OS2" in told
    assert MINE in verdict and "byte for byte" in verdict
    assert "ændret" in anybody.words.lower() and "byte for byte" not in anybody.words
    assert faults == [] and axe(anybody) == []
    assert stand(agreed, MINE) is Stand.AGREED
    agreed.done("verify")


def _sealed(visitor: Visitor, reference: str, folder: Path) -> Path:
    """Wait until the process that seals has sealed an agreement; give its file as a browser got it."""
    link = visitor.page.get_by_role("link", name="Den forseglede aftale")
    for _ in range(60):
        visitor.go(f"/agreements/{reference}")
        if link.count():
            break
        visitor.page.wait_for_timeout(500)
    with visitor.page.expect_download() as download:
        link.click()
    download.value.save_as(folder / "sealed.pdf")
    return folder / "sealed.pdf"


def test_the_page_and_its_pdf_show_the_same_digest(agreed: CommandLine, base: str, visits: Visit) -> None:
    visitor = visits(base)

    visitor.sign_in("signatory-aarhus")
    visitor.go(f"/agreements/{MINE}")
    shown = visitor.page.inner_text("#digest")

    with agreed.session() as session:
        assert shown == offered.newest(session, MINE).digest


def test_an_authority_declines_with_a_reason_that_the_secretariat_reads(
    agreed: CommandLine, base: str, visits: Visit
) -> None:
    signatory, finance = visits(base), visits(base)

    signatory.sign_in("signatory-aalborg")
    signatory.go(f"/agreements/{THEIRS}/decline")
    signatory.press("Afslå")
    without = signatory.words
    signatory.page.get_by_label("Grund").fill("Vi bruger et andet produkt")
    signatory.press("Afslå")
    finance.sign_in("finance")
    finance.go(f"/agreements/{THEIRS}")

    assert "giv en grund" in without
    assert "Vi bruger et andet produkt" in finance.words and "Afslået" in finance.words
    assert stand(agreed, THEIRS) is Stand.DECLINED
    assert finance.page.get_by_role("link", name="Gå til underskrift").count() == 0


def test_an_offer_that_ran_out_can_no_longer_be_signed_and_says_so(
    agreed_world: Path, tmp_path: Path, served: Served, visits: Visit
) -> None:
    shutil.copytree(agreed_world, tmp_path, dirs_exist_ok=True)
    later = CommandLine(f"sqlite:///{tmp_path / 'os2tilslut.sqlite'}", tmp_path).with_environ(**DEMO)
    later = later.at("2027-02-20T10:00:00Z")
    signatory = visits(served(later))

    signatory.sign_in("signatory-aalborg")
    signatory.go(f"/agreements/{THEIRS}")
    page = signatory.words
    signatory.go(f"/agreements/{THEIRS}/sign")

    assert "Gå til underskrift" not in page
    assert "kan ikke længere underskrives" in signatory.words
    assert axe(signatory) == []


def _tab_to(visitor: Visitor, selector: str) -> None:
    """Press Tab until an element has the focus, as a person without a mouse does."""
    for _ in range(120):
        visitor.page.keyboard.press("Tab")
        if visitor.page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"no way to {selector} by Tab")


def _enter(visitor: Visitor) -> None:
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press("Enter")


def test_a_mail_scanner_that_opens_links_and_presses_the_first_button_gains_nothing(
    agreed: CommandLine, base: str, visits: Visit
) -> None:
    scanner, signatory = visits(base), visits(base)
    before = steps_taken(agreed, SCANNED)

    for path in ("", "/sign", "/sign/confirm", "/decline"):
        scanner.go(f"/agreements/{SCANNED}{path}")
        _press_first(scanner)
    signatory.sign_in("signatory-aalborg")  # even with the signatory's own browser
    for path in ("", "/sign", "/sign/confirm", "/decline"):
        signatory.go(f"/agreements/{SCANNED}{path}")
        _press_first(signatory)

    assert steps_taken(agreed, SCANNED) == before
    assert stand(agreed, SCANNED) is Stand.OFFERED


def _press_first(visitor: Visitor) -> None:
    """Press the first button of the page's main part, where there is one."""
    first = visitor.page.locator("main button").first
    if first.count():
        first.evaluate("button => button.click()")  # hidden or not: it is a program
        visitor.page.wait_for_timeout(400)  # whatever it does, it has begun by then
        visitor.page.wait_for_load_state()


def test_the_secretariat_drafts_looks_and_offers(agreed: CommandLine, base: str, visits: Visit) -> None:
    finance = visits(base)
    page = finance.page

    finance.sign_in("finance")
    finance.go(f"/agreements/new?cvr={world.ODENSE}&product=OS2valghalla")
    page.get_by_label("Aftalens første dag").fill("2027-03-01")
    for label, words in (("1. navn", "En Underskriver"), ("1. titel", "Direktør"), ("1. mail", "en@eksempel.dk")):
        page.get_by_label(label).fill(words)
    finance.press("Skriv udkastet")
    without_gln = finance.words
    page.get_by_label("EAN/GLN-nummer").fill(files.gln(world.ODENSE))
    finance.press("Skriv udkastet")
    drafted = finance.words
    finance.press("Tilbyd")

    assert "Ret dette" in without_gln and "mangler" in without_gln
    assert "Udkast" in drafted and "I alt uden moms" in drafted
    assert "Tilbudt" in finance.words
    assert stand(agreed, finance.path.rpartition("/")[2]) is Stand.OFFERED


def test_a_new_text_is_offered_from_the_list_of_those_who_lack_it(
    agreed: CommandLine, base: str, visits: Visit
) -> None:
    finance = visits(base)
    page = finance.page

    finance.sign_in("finance")
    finance.go("/agreements")
    finance.follow("Ny version til alle")
    before, found = finance.words, axe(finance)
    page.locator("tbody tr", has_text="Odense").get_by_role("link", name="Lav tilbud").click()
    page.get_by_label("Aftalens første dag").fill("2027-03-01")
    page.get_by_label("EAN/GLN-nummer").fill(files.gln(world.ODENSE))
    for label, words in (("1. navn", "En Underskriver"), ("1. titel", "Direktør"), ("1. mail", "en@eksempel.dk")):
        page.get_by_label(label).fill(words)
    finance.press("Skriv udkastet")
    drafted = finance.words
    finance.press("Tilbyd")
    finance.go("/agreements/campaign?state=offered")

    assert "ændrer ingen betaling" in before and "Mangler" in before and found == []
    assert "tilslutningsafgift" not in drafted.partition("Bilag")[2].partition("I alt")[0]
    assert "Odense Kommune OS2kitos Tilbudt" in finance.words and axe(finance) == []


def test_after_a_merger_the_successor_s_agreement_takes_the_place_of_the_other(
    agreed: CommandLine, base: str, visits: Visit
) -> None:
    finance = visits(base)
    old, new = _merged(agreed)

    finance.sign_in("finance")
    finance.go(f"/agreements/{new}")
    finance.follow("Erstat efter sammenlægning")
    asked, found = finance.words, axe(finance)
    finance.press("Erstat aftalerne")
    without = finance.words
    finance.page.get_by_label("Grund").fill("Beslutning om sammenlægning (opdigtet)")
    finance.press("Erstat aftalerne")
    finance.go(f"/agreements/{old}")

    assert "betales der ikke tilslutningsafgift igen" in asked and found == []
    assert "giv en grund" in without
    assert "31. december 2026" in finance.words and axe(finance) == []
    agreed.done("verify")


def test_an_agreement_on_paper_takes_two_people(agreed: CommandLine, base: str, visits: Visit, tmp_path: Path) -> None:
    finance, approver = visits(base), visits(base)
    (tmp_path / "papir.pdf").write_bytes(b"%PDF-1.7 opdigtet")

    finance.sign_in("finance")
    finance.go("/agreements/record")
    finance.page.get_by_label("CVR").fill(world.ODENSE)
    finance.page.get_by_label("Produkt").select_option("OS2kitos")
    finance.page.set_input_files("input[type=file]", tmp_path / "papir.pdf")
    for name in ("signed_on", "countersigned_on", "in_force_from"):
        finance.page.locator(f"#field-{name}").fill("2027-01-10")
    finance.page.get_by_label("EAN/GLN").fill(files.gln(world.ODENSE))
    finance.page.get_by_label("Mail til kopier").fill("faktura@odense.example")
    finance.press("Send til godkendelse")
    own, path = finance.words, finance.path
    approver.sign_in("approver")
    approver.go(path)
    shown = approver.words
    approver.press("Godkend")

    assert "en anden skal afgøre det" in own
    assert "faktura@odense.example" in shown
    assert "ikke forseglet af os" in approver.words and axe(approver) == []
    agreed.done("verify")


def test_papers_of_one_file_are_approved_in_one_act_over_the_list_that_was_shown(
    agreed: CommandLine, base: str, visits: Visit
) -> None:
    columns = "cvr,product,kind,signed_on,countersigned_on,in_force_from,terminated_to,notice_given_on,gln,"
    rows = [f"{files.by_name(name).cvr},OS2sofd,active,2019-03-10,2019-04-01,2019-04-01,,,,,,,{name}.pdf"
            for name in ("Billund", "Varde", "Vejen")]  # fmt: skip
    table = columns + "person_reference,order_reference,accounting_cost,file\n" + "\n".join(rows) + "\n"
    pdfs = [agreed.write(f"{name}.pdf", f"%PDF-1.7 {name}") for name in ("Billund", "Varde", "Vejen")]
    agreed.done("agreement", "record", "propose", agreed.write("p.csv", table), *pdfs, "--by", "En Forbereder")
    approver = visits(base)

    approver.sign_in("approver")
    approver.go("/agreements/record")
    approver.follow("Godkend flere på én gang")
    found = axe(approver)
    approver.page.get_by_label("Vælg Varde Kommune, OS2sofd").uncheck()
    approver.press("Vis den valgte liste")
    shown, found = approver.words, found + axe(approver)
    approver.press("Godkend alle på listen")
    unticked, found = approver.words, found + axe(approver)
    approver.page.get_by_label("Oplysningerne svarer til filerne").check()
    approver.press("Godkend alle på listen")

    assert found == []
    assert "Billund" in shown and "Vejen" in shown and "Varde" not in shown and "Listens kontrolsum" in shown
    assert "Sæt kryds for at godkende" in unticked
    assert "2 aftaler er registreret" in approver.words
    agreed.done("verify")


def test_an_authority_gives_notice_and_takes_it_back(agreed: CommandLine, base: str, visits: Visit) -> None:
    signatory = visits(base)

    signatory.sign_in("signatory-aalborg")
    signatory.go("/agreements")
    signatory.page.locator("tbody tr", has_text="I kraft").first.get_by_role("link").click()
    signatory.follow("Opsig")
    last_day = signatory.words
    signatory.page.get_by_label("Grund").fill("Vi skifter produkt")
    signatory.press("Opsig aftalen")
    given = signatory.words
    signatory.follow("Træk opsigelsen tilbage")
    signatory.page.get_by_label("Grund").fill("Vi bliver alligevel")
    signatory.press("Træk opsigelsen tilbage")

    assert "31. december 2027" in last_day
    assert "Aftalen er opsagt; sidste dag er 31. december 2027" in given
    assert "Opsigelsen er trukket tilbage" in signatory.words and "I kraft" in signatory.words
    agreed.done("verify")
