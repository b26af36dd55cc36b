"""The road in a real browser: a municipality from the price calculator to a countersigned agreement; others go along.

The municipality is at a phone, and works by keyboard alone for a while; the coordination group reads English.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from agreements.road import guide, journeys
from agreements.road.journeys import Change, Status
from app import agreement_demonstration
from tests import browser, world
from tests.browser import NARROW, Visitor
from tests.command_line import CommandLine
from tests.scenarios import acting, files
from tests.stories.conftest import DEMO, Visit
from tests.stories.test_agreements import NAMES, Served, sign

PRODUCT = "OS2kitos"
OWNER = "mobilisation/anchoring/owner"


@pytest.fixture
def place(planned_world: Path, tmp_path: Path) -> CommandLine:
    """A place where the texts of the road and of agreements are adopted, and nobody is on the way."""
    shutil.copytree(planned_world, tmp_path, dirs_exist_ok=True)
    line = CommandLine(f"sqlite:///{tmp_path / 'os2tilslut.sqlite'}", tmp_path).with_environ(**DEMO)
    with world.made(line) as app, app.app_context():
        agreement_demonstration.make(app.extensions["os2tilslut"], ())
    acting.by(line, "Sekretariatet", lambda session, trail: guide.publish(session, guide.shipped(), trail))
    return line


def look(visitor: Visitor, language: str = "da") -> list[str]:
    """Give what is wrong with the page that is open."""
    browser.screenshot(visitor.page, f"road {visitor.path}")
    return [f"{visitor.path}: {fault}" for fault in
            (*browser.shape(visitor.page, language), *browser.axe(visitor.page))]  # fmt: skip


def settle(line: CommandLine, step: str) -> None:
    """Let everything of a step be done that is not."""
    with line.session() as session:
        (row,) = session.execute(journeys.listing()).all()
        (journey,) = journeys.read(session, [row])
    done = Change(Status.DONE, "Digitaliseringschefen")
    waiting = [task for task in journey.walk(step).tasks if not task.is_settled]
    acting.by(
        line, "Underskriver i Aarhus",
        lambda session, trail: [journeys.write(session, journey, task, done, trail) for task in waiting],
    )  # fmt: skip


def tab_to(visitor: Visitor, selector: str) -> None:
    """Press Tab until an element has the focus, as a person without a mouse does."""
    for _ in range(150):
        visitor.page.keyboard.press("Tab")
        if visitor.page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"no way to {selector} by Tab")


def calculate(town: Visitor) -> list[str]:
    """Calculate the price without signing in, and begin where it says so."""
    town.go("/calculator")
    town.page.get_by_label("Myndighed", exact=True).select_option(world.AARHUS)
    town.page.get_by_label(re.compile(f"^{PRODUCT} ")).check()
    town.press("Beregn")
    found, shown = look(town), town.words
    town.go(town.page.get_by_role("link", name="fast adresse").get_attribute("href") or "")
    assert "Aarhus Kommune" in shown and town.words == shown  # the link carries it
    town.follow(f"Start her med {PRODUCT}")
    town.prove("signatory-aarhus")
    town.press("Begynd")
    return found + look(town)


def mobilise_by_keyboard(town: Visitor) -> list[str]:
    """Say by keyboard alone how a task stands."""
    town.go(f"{town.path}/mobilisation")
    tab_to(town, f"[id='{OWNER}'] summary")
    town.page.keyboard.press("Enter")
    tab_to(town, f"[id='{OWNER}'] select")
    town.page.keyboard.press("f")  # Færdig
    tab_to(town, f"[id='{OWNER}'] input[name=owner]")
    town.page.keyboard.type("Digitaliseringschefen")
    tab_to(town, f"[id='{OWNER}'] form[action$='/tasks'] button")
    with town.page.expect_navigation():
        town.page.keyboard.press("Enter")
    assert "Ansvarlig: Digitaliseringschefen" in town.words
    return look(town)


def try_it(town: Visitor, at: str) -> list[str]:
    """Plan a trial, and judge it."""
    town.go(f"{at}/test")
    town.page.get_by_text("Planlæg en prøve").click()
    form = town.page.locator("form[action$='/test/trials']")
    for label, words in (("Hvad skal bevises", "At overblikket holder"), ("Resultat", "Det holder"),
                         ("Hvem så det", "Arkitekten")):  # fmt: skip
        form.get_by_label(label).fill(words)
    form.get_by_label("Værdi mod indsats").select_option("worth_it")
    town.press("Gem prøven")
    assert "Indsatsen værd" in town.words
    return look(town)


def plan(town: Visitor, at: str) -> list[str]:
    """Plan the implementation in stages, with a risk."""
    town.go(f"{at}/implementation")
    town.press("Vælg: i etaper")
    town.page.get_by_text("Tilføj en etape").click()
    town.page.get_by_label("Etapens navn").fill("It-afdelingen")
    town.press("Gem etapen")
    town.page.get_by_text("Tilføj en risiko").click()
    town.page.get_by_label("Hvad kan der ske").fill("Nøglepersoner rejser")
    town.press("Gem risikoen")
    without = look(town)
    assert "Vælg, hvor sandsynligt det er" in town.words
    for label, grade in (("Sandsynlighed", "low"), ("Konsekvens", "high")):
        town.page.get_by_label(label).select_option(grade)
    town.press("Gem risikoen")
    move = town.page.locator("[id='implementation/technical/migration']")
    move.get_by_text("Ret").first.click()
    move.get_by_label("Etape").select_option("1")
    move.get_by_label("Senest").fill("2027-05-01")
    with town.page.expect_navigation():
        move.get_by_role("button", name="Gem", exact=True).click()
    assert "Etape 1: It-afdelingen" in town.words.partition("Tidslinje")[2]
    return without + look(town)


def offer(office: Visitor, at: str) -> tuple[str, list[str]]:
    """Draft the offer from the last step, and offer it; give its reference."""
    office.go(f"{at}/connection")
    found = look(office)
    office.follow("Lav tilbuddet")
    name, title = NAMES["signatory-aarhus"]
    office.page.get_by_label("Aftalens første dag").fill("2027-03-01")
    office.page.get_by_label("EAN/GLN-nummer").fill(files.gln(world.AARHUS))
    for label, words in (("1. navn", name), ("1. titel", title), ("1. mail", "signatory-aarhus@example.dk")):
        office.page.get_by_label(label).fill(words)
    office.press("Skriv udkastet")
    office.press("Tilbyd")
    return office.path.rpartition("/")[2], found + look(office)


def judge(office: Visitor) -> list[str]:
    """Judge how likely the journey is, from the list of those on the way."""
    office.go("/pipeline")
    office.follow("Aarhus Kommune")
    found = look(office)
    office.page.get_by_label("Egen sandsynlighed").fill("95")
    office.page.get_by_label("Hvorfor").fill("Tilbuddet er sendt")
    office.press("Gem vurderingen")
    assert "95 % – vurderet for sig: Tilbuddet er sendt" in office.words
    return found


def countersign(chair: Visitor) -> None:
    """Sign for the association."""
    chair.sign_in("approver")
    chair.go("/agreements/countersign")
    chair.press("Vis den valgte liste")
    chair.page.get_by_label(re.compile("Jeg underskriver de viste aftaler")).check()
    chair.press("Underskriv for OS2")


def test_a_municipality_goes_from_the_price_to_a_countersigned_agreement_and_others_see_how_far_it_is(
    place: CommandLine, served: Served, visits: Visit
) -> None:
    base = served(place)
    town, group, office, chair = visits(base, width=NARROW), visits(base), visits(base), visits(base)

    # the price, and mobilisation
    found = calculate(town)
    at = town.path
    found += mobilise_by_keyboard(town)
    settle(place, "mobilisation")

    # the test, and the question
    found += try_it(town, at)
    settle(place, "test")
    town.go(f"{at}/contact")
    found += look(town)
    town.follow("Stil et spørgsmål")
    town.page.get_by_label("Emne").select_option("references")
    town.page.get_by_label("Overskrift").fill("Hvem bruger det?")
    town.page.get_by_label("Spørgsmål").fill("Må vi tale med nogen?")
    found += look(town)
    town.press("Send")
    thread = town.path
    group.sign_in("group-kitos")
    group.press("English")
    group.go("/road")
    group.follow("What they are expected to bring")
    found += look(group, "en")
    waits = group.words
    group.go(thread)
    group.page.get_by_label("Answer to the authority").fill("Ja, ring til os")
    group.press("Send the answer")
    found += look(group, "en")
    town.go(thread)
    answered = town.words
    settle(place, "contact")

    # the plan, the offer, the signatures
    found += plan(town, at)
    settle(place, "implementation")
    office.sign_in("finance")
    reference, faults = offer(office, at)
    town.go(f"{at}/connection")
    asked = town.words
    found += judge(office) + faults + look(town) + sign(town, reference, "signatory-aarhus")
    countersign(chair)

    # the end, as everybody sees it
    office.go(at)
    office.page.get_by_text("Afslut rejsen").click()
    office.page.get_by_label("Udfald").select_option("connected")
    office.press("Afslut")
    found += look(office)
    group.go(at)
    town.go(f"/agreements/{reference}")

    assert "Aarhus Kommune OS2kitos 3. Contact with OS2" in waits and "50" in waits
    assert "Ja, ring til os" in answered
    assert "Aftalen venter på din underskrift" in asked
    assert "tilsluttet" in office.words and "connected" in group.words
    assert "underskrevet for OS2" in chair.words
    assert found == []
    place.done("verify")
