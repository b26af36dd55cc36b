"""The road to a connection: journeys as their authority, the product's group and the secretariat see them."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import date

import pytest
from sqlalchemy import Table, func, select

from agreements.road import guide, implementation, journeys
from agreements.road.journeys import ENTRIES, JOURNEYS, Status
from app.access import Role
from authorities.register import AUTHORITIES
from billing import calculator
from billing.calculator import Wish
from foundation.language import Text, amount
from tests.app.web import desks
from tests.app.web.agreed import MINE, Place
from tests.app.web.desks import APPROVER, AUDITOR, FINANCE, GROUP, Desk, person
from tests.command_line import CommandLine
from tests.scenarios import acting, files

AARHUS, AALBORG = "55133018", "29189420"
OWNER, BENEFIT = "mobilisation/anchoring/owner", "mobilisation/value/benefit"


@dataclass
class Road:
    """A desk where the road's text is published, and where Aarhus is on its way to OS2valghalla."""

    line: CommandLine
    desk: Desk
    number: int

    @property
    def address(self) -> str:
        return f"/road/{self.number}"


@pytest.fixture
def road(starter: CommandLine) -> Road:
    desk = desks.desk(starter).sit(FINANCE)
    assert desk.post("/road/guide", text=guide.shipped()).status_code == 303
    answer = desk.post("/road/new", cvr=AARHUS, product="OS2valghalla")
    return Road(starter, desk, int(answer.location.rpartition("/")[2]))


def id_of(line: CommandLine, cvr: str) -> int:
    with line.session() as session:
        return int(session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == cvr)).scalar_one())


def change(road: Road, task: str = OWNER, **said: str) -> int:
    step = task.partition("/")[0]
    return road.desk.post(f"{road.address}/{step}/tasks", task=task, **said).status_code


def count(road: Road, table: Table) -> int:
    with road.line.session() as session:
        return int(session.execute(select(func.count()).select_from(table)).scalar_one())


# --- beginning -----------------------------------------------------------------------------------------------------


def test_without_a_published_text_no_journey_begins_and_the_page_says_how_to_mend_it(starter: CommandLine) -> None:
    desk = desks.desk(starter).sit(FINANCE)

    answer = desk.post("/road/new", cvr=AARHUS, product="OS2valghalla")

    assert answer.status_code == 404 and "vejens tekst er ikke udgivet endnu" in desks.words(answer)
    assert "Ingen version er udgivet" in desk.read("/road/guide")


def test_a_journey_has_five_steps_and_tells_what_is_next_and_what_it_will_cost(road: Road) -> None:
    told = road.desk.read(road.address)

    assert "Nu ved trinnet mobilisering" in told
    assert "Det næste: Passer produktet ind i jeres it-landskab?" in told
    assert [told.find(name) for name in ("Mobilisering", "Test", "Kontakt", "Implementering", "Tilslutning")] == sorted(
        told.find(name) for name in ("Mobilisering", "Test", "Kontakt", "Implementering", "Tilslutning")
    )
    assert "Hvad tilslutningen vil koste" in told


def test_an_authority_is_on_its_way_to_a_product_once(road: Road) -> None:
    again = road.desk.post("/road/new", cvr=AARHUS, product="OS2valghalla")

    assert again.location == road.address
    assert count(road, JOURNEYS) == 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"cvr": "", "product": "OS2mo"}, "Vælg en myndighed"),
        ({"cvr": AARHUS, "product": ""}, "Vælg et produkt"),
        ({"cvr": "12345678", "product": "OS2mo"}, "Vælg en myndighed"),
        ({"cvr": AARHUS, "product": "OS2findesikke"}, "Vælg et produkt"),
    ],
)
def test_who_and_what_must_be_known(road: Road, form: dict[str, str], said: str) -> None:
    answer = road.desk.post("/road/new", **form)

    assert answer.status_code == 422 and said in desks.words(answer)


# --- tasks ---------------------------------------------------------------------------------------------------------


def test_what_is_written_of_a_task_stays_as_its_history(road: Road) -> None:
    assert change(road, status="under_way", owner="Økonomichefen", due_on="2027-02-01") == 303
    assert change(road, status="done", owner="Økonomichefen", note="Besluttet i direktionen") == 303

    told = road.desk.read(f"{road.address}/mobilisation")

    assert "Er der en produktejer i forretningen med tid og mandat? Færdig" in told
    assert "I gang, Økonomichefen" in told and "Besluttet i direktionen" in told


def test_the_same_again_writes_nothing(road: Road) -> None:
    change(road, status="under_way", owner="En rolle")
    change(road, status="under_way", owner="En rolle")

    assert count(road, ENTRIES) == 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"status": "not_needed"}, "Skriv, hvorfor det ikke er nødvendigt"),
        ({"status": "maybe"}, "skal være en af"),
        ({"status": "done", "starts_on": "2027-03-02", "due_on": "2027-03-01"}, "Fristen ligger før begyndelsen"),
        ({"status": "done", "due_on": "i morgen"}, "skal være en dag"),
        ({"status": "done", "note": "x" * 4_001}, "har over 4000 tegn"),
        ({"status": "done", "owner": "\u202e"}, "tegnet U+202E"),
        ({"status": "done", "stranger": "1"}, "stranger"),
    ],
)
def test_a_wrong_form_writes_nothing_and_says_what_to_mend(road: Road, form: dict[str, str], said: str) -> None:
    answer = road.desk.post(f"{road.address}/mobilisation/tasks", task=OWNER, **form)

    assert answer.status_code == 422 and said in desks.words(answer)
    assert count(road, ENTRIES) == 0


@pytest.mark.parametrize("task", ["mobilisation/anchoring/none", "own/1", "own/99999999999999999999"])
def test_a_task_that_is_not_there_is_not_found(road: Road, task: str) -> None:
    assert road.desk.post(f"{road.address}/mobilisation/tasks", task=task, status="done").status_code == 404


def test_a_gap_becomes_a_task_of_the_journey_s_own(road: Road) -> None:
    answer = road.desk.post(f"{road.address}/mobilisation/own", theme="value", title="Find <b>tal</b> fra i år")
    assert answer.status_code == 303

    html = road.desk.html(f"{road.address}/mobilisation")

    assert "Find &lt;b&gt;tal&lt;/b&gt; fra i år" in html
    with road.line.session() as session:
        key = session.execute(select(journeys.TASKS.c.id)).scalar_one()
    assert change(road, f"own/{key}", status="done") == 404  # under another step than its own address says
    assert road.desk.post(f"{road.address}/mobilisation/tasks", task=f"own/{key}", status="done").status_code == 303


def test_a_step_is_done_when_nothing_of_it_is_left_and_the_next_has_come(road: Road) -> None:
    with road.line.session() as session:
        keys = [task.key for part in guide.newest(session).steps[0].themes for task in part.tasks]
    for key in keys[:-1]:
        change(road, key, status="done")
    assert "Nu ved trinnet mobilisering" in road.desk.read(road.address)

    change(road, keys[-1], status="not_needed", note="Intet udstyr")

    assert "Nu ved trinnet test siden 15. januar 2027" in road.desk.read(road.address)


def test_a_passed_day_is_said_in_words_and_is_what_is_next(road: Road) -> None:
    change(road, BENEFIT, status="under_way", owner="En rolle", due_on="2027-01-10")

    assert "Det næste: Er det beskrevet" in (told := road.desk.read(road.address)) and "overskredet" in told
    assert "Aarhus Kommune OS2valghalla Mobilisering" in road.desk.read("/road?state=late")
    assert "Intet passer på filtret" in road.desk.read("/road?state=ended")


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], Status.DONE),
        ([Status.NOT_STARTED], Status.NOT_STARTED),
        ([Status.NOT_STARTED, Status.DONE], Status.UNDER_WAY),
        ([Status.UNDER_WAY], Status.UNDER_WAY),
        ([Status.DONE, Status.NOT_NEEDED], Status.DONE),
        ([Status.NOT_NEEDED], Status.NOT_NEEDED),
    ],
)
def test_how_a_step_stands_is_read_from_its_tasks(statuses: list[Status], expected: Status) -> None:
    assert journeys.standing(statuses) is expected


# --- the plan of an implementation ---------------------------------------------------------------------------------


def test_an_implementation_comes_in_stages_whose_tasks_stand_in_the_timeline(road: Road) -> None:
    at = f"{road.address}/implementation"
    assert "Det er ikke valgt endnu" in road.desk.read(at)
    road.desk.post(f"{at}/plan", manner="stages")
    for title, starts in (("Biblioteket", "2027-02-01"), ("Borgerservice", "2027-05-01")):
        assert road.desk.post(f"{at}/stages", title=title, starts_on=starts).status_code == 303
    for task, stage in (("transition", "2"), ("migration", "1"), ("installation", "")):
        said = {"status": "under_way", "due_on": "2027-06-01", "stage": stage}
        assert change(road, f"implementation/technical/{task}", **said) == 303

    told = road.desk.read(at).partition("Tidslinje")[2]

    places = [told.find(words) for words in (
        "Alle etaper", "Installation", "Etape 1: Biblioteket", "Flytning af data", "Etape 2: Borgerservice", "Overgang"
    )]  # fmt: skip
    assert -1 not in places and places == sorted(places)
    road.desk.post(f"{at}/plan", manner="at_once")
    assert "Etape 1" not in road.desk.read(at)


def test_a_stage_and_a_risk_are_written_anew_as_further_versions_and_a_second_click_adds_none(road: Road) -> None:
    at = f"{road.address}/implementation"
    road.desk.post(f"{at}/plan", manner="stages")
    risk = {"words": "Leverandøren <b>springer</b> fra", "likelihood": "low", "consequence": "high"}
    for _ in range(2):
        road.desk.post(f"{at}/stages", title="Biblioteket")
        road.desk.post(f"{at}/risks", **risk)
    road.desk.post(f"{at}/stages", stage="1", title="Bibliotekerne")
    road.desk.post(
        f"{at}/risks", risk="1", **(risk | {"likelihood": "gone", "measure": "Aftale", "owner": "It-chefen"})
    )

    html = road.desk.html(at)

    assert (count(road, journeys.STAGES), count(road, implementation.RISKS)) == (2, 2)
    assert "Etape 1: Bibliotekerne" in html and "Ikke længere en risiko" in html and "It-chefen" in html
    assert "Leverandøren &lt;b&gt;springer&lt;/b&gt; fra" in html


def test_the_gravest_risk_stands_first(road: Road) -> None:
    for words, likelihood, consequence in (
        ("Den lille", "low", "low"),
        ("Den store", "high", "high"),
        ("Den forbi", "gone", "high"),
    ):
        road.desk.post(f"{road.address}/implementation/risks", words=words, likelihood=likelihood,
                       consequence=consequence)  # fmt: skip

    told = road.desk.read(f"{road.address}/implementation").partition("gå galt")[2]

    assert told.find("Den store") < told.find("Den lille") < told.find("Den forbi")


@pytest.mark.parametrize(
    ("form", "fields", "said"),
    [
        ("plan", {"manner": "måske"}, "Vælg, hvordan I gør det"),
        ("stages", {"title": " "}, "Giv etapen et navn"),
        ("stages", {"title": "A", "starts_on": "2027-03-02", "due_on": "2027-03-01"}, "Fristen ligger før"),
        ("stages", {"title": "\u202e"}, "tegnet U+202E"),
        ("risks", {"words": "", "likelihood": "low", "consequence": "low"}, "må ikke være tomt"),
        ("risks", {"words": "A", "likelihood": "", "consequence": "low"}, "Vælg, hvor sandsynligt det er"),
        ("risks", {"words": "A", "likelihood": "low", "consequence": "gone"}, "Vælg, hvor alvorligt det er"),
        ("risks", {"words": "x" * 4_001, "likelihood": "low", "consequence": "low"}, "har over 4000 tegn"),
        ("tasks", {"task": "implementation/technical/migration", "status": "done", "stage": "1"}, "Vælg en etape"),
    ],
)
def test_a_wrong_plan_writes_nothing_and_says_what_to_mend(
    road: Road, form: str, fields: dict[str, str], said: str
) -> None:
    answer = road.desk.post(f"{road.address}/implementation/{form}", **fields)

    assert answer.status_code == 422 and said in desks.words(answer)
    assert {count(road, table) for table in (journeys.STAGES, implementation.RISKS, ENTRIES)} == {0}


def test_a_number_that_is_not_the_journey_s_is_not_found(road: Road) -> None:
    at = f"{road.address}/implementation"

    assert road.desk.post(f"{at}/stages", title="A", stage="7").status_code == 404
    assert road.desk.post(f"{at}/risks", words="A", likelihood="low", consequence="low", risk="7").status_code == 404


# --- trials and the end --------------------------------------------------------------------------------------------


def test_a_trial_is_planned_and_then_judged_with_its_evidence(road: Road) -> None:
    trial = {"way": "supplier", "proves": "At valget kan planlægges"}
    assert road.desk.post(f"{road.address}/test/trials", **trial).status_code == 303

    without = road.desk.post(f"{road.address}/test/trials", trial="1", verdict="worth_it", **trial)
    assert without.status_code == 422 and "En afgørelse kræver et resultat" in desks.words(without)

    judged = {"result": "Det kan det", "seen_by": "Valgkontoret", "verdict": "worth_it"}
    assert road.desk.post(f"{road.address}/test/trials", trial="1", **trial, **judged).status_code == 303
    told = road.desk.read(f"{road.address}/test")
    assert "Prøve 1: I en leverandørs test- eller demonstrationsmiljø – Indsatsen værd" in told
    assert road.desk.post(f"{road.address}/test/trials", trial="2", **trial).status_code == 404


def test_a_second_click_adds_nothing(road: Road) -> None:
    for _ in range(2):
        road.desk.post(f"{road.address}/mobilisation/own", theme="value", title="Find tal")
        road.desk.post(f"{road.address}/test/trials", way="own", proves="At det virker")

    assert (count(road, journeys.TASKS), count(road, journeys.TRIALS)) == (1, 1)


def test_giving_up_asks_for_a_reason_and_ends_all_changes(road: Road) -> None:
    bare = road.desk.post(f"{road.address}/end", outcome="given_up")
    assert bare.status_code == 422 and "Skriv, hvorfor rejsen slutter" in desks.words(bare)

    assert road.desk.post(f"{road.address}/end", outcome="given_up", reason="For dyrt").status_code == 303

    assert "opgivet. For dyrt" in road.desk.read(road.address)
    assert change(road, status="done") == 409
    assert road.desk.post("/road/new", cvr=AARHUS, product="OS2valghalla").location != road.address


# --- who sees what -------------------------------------------------------------------------------------------------


def test_another_authority_sees_nothing_of_it(road: Road) -> None:
    mine = person(8, Role.SIGNATORY, authorities=frozenset({id_of(road.line, AARHUS)}))
    theirs = person(9, Role.SIGNATORY, authorities=frozenset({id_of(road.line, AALBORG)}))
    assert road.desk.sit(mine).get(road.address).status_code == 200

    road.desk.sit(theirs)

    assert road.desk.get(road.address).status_code == 404
    assert road.desk.get(f"{road.address}/mobilisation").status_code == 404
    assert "Aarhus" not in road.desk.read("/road")
    assert change(road, status="done") == 404
    assert road.desk.post("/road/new", cvr=AARHUS, product="OS2mo").status_code == 422


def test_a_group_reads_its_product_s_journeys_and_changes_none(road: Road) -> None:
    road.desk.sit(GROUP)

    assert "Aarhus Kommune" in road.desk.read("/road")
    assert '<form method="post" action="/road/' not in road.desk.html(f"{road.address}/mobilisation")
    assert change(road, status="done") == 403
    stranger = person(7, Role.COORDINATION, products=frozenset({"OS2mo"}))
    assert road.desk.sit(stranger).get(road.address).status_code == 404


@pytest.mark.parametrize("who", [AUDITOR], ids=["auditor"])
def test_an_auditor_reads_and_changes_nothing(road: Road, who: object) -> None:
    road.desk.sit(AUDITOR)

    assert road.desk.get(road.address).status_code == 200
    assert change(road, status="done") == 403


def test_reading_many_journeys_costs_as_many_queries_as_one(road: Road) -> None:
    road.desk.read("/road")  # what was done is told once
    with road.desk.counted() as few:
        road.desk.read("/road")
    ids = [id_of(road.line, known.cvr) for known in files.starter()[2:12]]
    acting.by(road.line, "Nogen", lambda session, trail: [journeys.open_(session, id_, "OS2mo", trail) for id_ in ids])

    with road.desk.counted() as many:
        road.desk.read("/road")

    assert len(many) == len(few)


# --- the text ------------------------------------------------------------------------------------------------------


def test_a_new_version_counts_for_new_journeys_only(road: Road) -> None:
    words = guide.shipped().replace("Er der en produktejer i forretningen", "Er der nogen")
    assert road.desk.sit(APPROVER).post("/road/guide", text=words).status_code == 303

    number = road.desk.post("/road/new", cvr=AARHUS, product="OS2mo").location

    assert "Er der nogen" in road.desk.read(f"{number}/mobilisation")
    assert "Er der en produktejer" in road.desk.read(f"{road.address}/mobilisation")
    assert "Er der en produktejer" in road.desk.read("/road/guide/1")


def test_every_text_of_the_road_is_data_in_both_languages_and_who_published_each_version_is_told(road: Road) -> None:
    words = guide.shipped().replace("Have you", "Do you").replace('en = "Mobilisation"', 'en = "Getting ready"')
    assert road.desk.sit(APPROVER).post("/road/guide", text=words).status_code == 303

    history = road.desk.read("/road/guide")
    road.desk.post("/road/new", cvr=AALBORG, product="OS2mo")
    road.desk.post("/language", language="en", next="/")
    newer, older = road.desk.read("/road/2"), road.desk.read(road.address)

    assert history.find("Person 2 #2") < history.find("Person 1 #1") and "15. januar 2027" in history
    assert "Getting ready" in newer and "Getting ready" not in older and "Mobilisation" in older
    with road.line.session() as session:
        told = [text for step in guide.newest(session).steps for text in (step.title, step.told)]
    assert all(text.da and text.en for text in told)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("x", "linje 1"),
        ("step = 1", "er ikke en liste"),
        ("", "må ikke være tomt"),
        ("[[step]]\nkey = 'test'\nda = 'T'\nen = 'T'\ntold_da = 'T'\ntold_en = 'T'", "[[theme]] mangler"),
        (guide.shipped().replace('key = "test"\nda', 'key = "Test!"\nda'), "key skal være små bogstaver"),
        (guide.shipped().replace('key = "hosting"', 'key = "security"'), "security står to gange"),
        (guide.shipped().replace('en = "Training"', 'en = ""'), "en mangler"),
        (guide.shipped() + "\nnavn = 1", "navn kendes ikke"),
        (guide.shipped().replace("Færdig", "\u202e") + "#" * 60_000, "har over"),
    ],
)
def test_a_wrong_text_is_refused_with_its_place(road: Road, words: str, said: str) -> None:
    answer = road.desk.post("/road/guide", text=words)

    assert answer.status_code == 422 and said in desks.words(answer)
    with road.line.session() as session:
        assert [row.version for row in guide.versions(session)] == [1]


def test_the_same_text_again_is_no_new_version(road: Road) -> None:
    road.desk.post("/road/guide", text=guide.shipped())

    with road.line.session() as session:
        assert len(guide.versions(session)) == 1


def test_a_journey_came_to_its_step_when_the_one_before_was_settled(road: Road) -> None:
    with road.line.session() as session:
        found = journeys.get(session, journeys.listing(), road.number)

    assert journeys.came_on(found) == found.opened_on == date(2027, 1, 15)
    assert found.step.title == Text("Mobilisering", "Mobilisation")


# --- the signature at its end --------------------------------------------------------------------------------------


def test_pv_112_the_last_step_tells_each_where_signing_stands(place: Place) -> None:
    aarhus = id_of(place.line, AARHUS)
    acting.by(place.line, "Nogen", lambda session, trail: guide.publish(session, guide.shipped(), trail))
    number = acting.by(place.line, "Nogen", lambda session, trail: journeys.open_(session, aarhus, "OS2kitos", trail))
    address = f"/road/{number}/connection"

    waits = place.of("signatory-aarhus").get(address).text
    later = place.of("signatory-aarhus-2").get(address).text
    place.accept()
    place.sign()

    assert "Mangler" in waits and "Aftalen venter på din underskrift" in waits
    assert "underskriver først" in later
    assert "Aarhus Kommune har allerede underskrevet" in place.of("signatory-aarhus").get(address).text


def test_the_last_step_explains_the_cost_and_leads_an_authority_to_ask_for_the_offer(road: Road) -> None:
    address = f"{road.address}/connection"
    assert "Lav tilbuddet" in road.desk.read(address)  # who drafts offers

    road.desk.sit(person(8, Role.SIGNATORY, authorities=frozenset({id_of(road.line, AARHUS)})))
    told = road.desk.read(address)
    link = re.search(r'href="(/questions/new[^"]*)">Bed om tilbuddet', road.desk.html(address))

    with road.line.session() as session:
        cost = calculator.calculate(session, AARHUS, [Wish("OS2valghalla", "active")], date(2027, 1, 15))
    for years in ((cost.as_member.first, cost.as_other.first), (cost.as_member.later, cost.as_other.later)):
        assert " ".join(amount(year.net, "da").replace("\xa0", " ") for year in years) in " ".join(told.split())
    assert cost.gain.ore < 0 and cost.pays_from is not None
    assert "For dette produkt alene koster medlemskabet" in told and "Det betaler sig fra årlige vederlag på" in told
    assert link is not None
    form = road.desk.html(html.unescape(link[1]))
    for chosen in (AARHUS, "OS2valghalla", "connection"):
        assert re.search(f'<option value="{chosen}"[^>]*selected', form), chosen
    assert 'value="Vi beder om tilbuddet på tilslutningen"' in form
    assert "Bed om tilbuddet" not in road.desk.sit(GROUP).read(address)


def test_an_offer_that_is_there_is_led_to_and_not_asked_for_again(place: Place) -> None:
    aarhus = id_of(place.line, AARHUS)
    acting.by(place.line, "Nogen", lambda session, trail: guide.publish(session, guide.shipped(), trail))
    number = acting.by(place.line, "Nogen", lambda session, trail: journeys.open_(session, aarhus, "OS2kitos", trail))

    page = place.of("signatory-aarhus").get(f"/road/{number}/connection").text

    assert f'href="/agreements/{MINE}">Gå til tilbuddet' in page
    assert "Bed om tilbuddet" not in page
