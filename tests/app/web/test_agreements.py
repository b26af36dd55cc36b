"""Agreements by their pages: who sees and may do what, and the plain answer to everybody who cannot sign."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import event

from agreements import rights
from agreements.products import PRODUCTS
from agreements.steps import Stand, Step
from app import database
from app.access import Principal, Role
from tests import world
from tests.app.identity.conftest import Browser
from tests.app.web.agreed import MINE, NAME, THEIRS, TITLE, WAITING, Place
from tests.scenarios import files
from tests.scenarios.acting import by

# --- signing


def test_a_signature_keeps_words_identity_and_digest_and_never_a_token(place: Place) -> None:
    accepted, (status, _) = place.accept(), place.sign()

    signed = place.offer().signed[1]
    assert (accepted, status) == (303, 303)
    assert (signed.data["organisation_cvr"], signed.data["sub"]) == (world.AARHUS, "signatory-aarhus")
    assert "Aarhus Kommune" in signed.data["consent"] and "version 1" in signed.data["consent"]
    assert len(signed.data["id_token_sha256"]) == 64 and signed.data["assurance"]
    assert signed.digest == place.offer().digest
    assert "token" not in {name.removesuffix("_sha256") for name in signed.data} - {"id_token"}


def test_a_sign_in_that_proves_too_little_comes_in_and_signs_nothing(place: Place) -> None:
    weak = place.known["signatory-aarhus"] = Browser(place.app, place.app.test_client())
    weak.sign_in("signatory-aarhus", strength="weak")

    page = weak.get(f"/agreements/{MINE}/sign")

    assert page.status_code == 200 and "for lavt sikringsniveau" in page.text
    assert place.accept() == 422
    assert place.offer().stand is Stand.OFFERED and place.refusals() == [MINE]


def test_opening_pages_leaves_no_step(place: Place) -> None:
    before = place.offer().steps

    for path in ("", "/sign", "/sign/confirm", "/decline", "/agreement.pdf"):
        place.of("signatory-aarhus").get(f"/agreements/{MINE}{path}")

    assert place.offer().steps == before


def test_pv_111_confirming_without_accepting_is_refused_as_not_permitted(place: Place) -> None:
    shown = place.of("signatory-aarhus").get(f"/agreements/{MINE}/sign/confirm").status_code
    sent, _ = place.sign()

    assert (shown, sent) == (403, 403)
    assert place.offer().stand is Stand.OFFERED
    assert place.refusals() == [MINE]


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"consent": ""}, "sæt kryds"), ({"title": ""}, "mangler"), ({"name": "En anden"}, f"skriv {NAME}")],
)
def test_pv_110_a_form_that_lacks_something_says_what_and_signs_nothing(
    place: Place, changed: dict[str, str], words: str
) -> None:
    place.accept()

    status, page = place.sign(**changed)

    assert (status, words in page) == (422, True)
    assert place.offer().signed == {}


def test_another_digest_than_the_one_that_stands_is_refused_and_written_down(place: Place) -> None:
    assert place.accept(digest="0" * 64) == 409

    assert [each.step for each in place.offer().steps] == [Step.DRAFTED, Step.OFFERED]
    assert place.refusals() == [MINE]


# --- the plain answers


def test_a_second_signatory_is_told_who_signs_first_and_cannot_go_before(place: Place) -> None:
    page = place.of("signatory-aarhus-2").get(f"/agreements/{MINE}/sign").text

    assert f"{NAME}, {TITLE}, underskriver først" in page
    assert place.accept(who="signatory-aarhus-2") == 403


def test_a_signatory_who_has_left_is_told_when_the_right_ended_and_who_can(place: Place) -> None:
    authority_id = place.offer().authority_id
    yesterday = date(2027, 1, 14)
    by(place.line, "En Forbereder #1", lambda s, t: rights.end(s, _right(place), authority_id, yesterday, t))

    page = place.of("signatory-aarhus").get(f"/agreements/{MINE}/sign").text

    assert "ret til at underskrive ophørte 14. januar 2027" in page
    assert "Anden underskriver i Aarhus" in page
    assert place.accept() == 403


def _right(place: Place) -> int:
    """Give the right of Aarhus's first signatory."""
    with place.line.session() as session:
        listed = rights.register(session, place.offer().authority_id)
    return next(right.id for right in listed if right.person.name == NAME)


def test_who_signed_already_and_a_colleague_are_told_so(place: Place) -> None:
    place.accept()
    place.sign()

    page = place.of("signatory-aarhus").get(f"/agreements/{MINE}/sign").text

    assert "har allerede underskrevet" in page
    assert place.accept() == 409


def test_a_forwarded_link_shows_another_authority_nothing(place: Place) -> None:
    stranger = place.of("signatory-aalborg")

    answers = {stranger.get(f"/agreements/{MINE}{path}").status_code for path in ("", "/sign", "/agreement.pdf")}

    assert answers == {404}


def test_a_withdrawn_offer_cannot_be_signed_and_says_so(place: Place) -> None:
    finance = place.of("finance")
    without = finance.post(f"/agreements/{MINE}/withdraw", f"/agreements/{MINE}", reason=" ")
    finance.post(f"/agreements/{MINE}/withdraw", f"/agreements/{MINE}", reason="En fejl i teksten")

    assert (without.status_code, "error-reason" in without.text) == (422, True)
    page = place.of("signatory-aarhus").get(f"/agreements/{MINE}/sign").text

    assert "kan ikke længere underskrives" in page
    assert place.accept() == 409


def test_choices_make_a_new_version_and_a_wrong_gln_none(place: Place) -> None:
    path = f"/agreements/{MINE}/sign"
    said = place.offer().document.billing
    given = {"effective_on": "2027-03-01", "kind": "active", "endpoint": "gln", "format": "oioubl", "gln": said.gln,
             "person_reference": "", "order_reference": "", "accounting_cost": "", "contact_name": "",
             "contact_mail": "", "digest": place.offer().digest}  # fmt: skip
    browser = place.of("signatory-aarhus")

    wrong = browser.post(f"{path}/choose", path, **(given | {"gln": "1234567890123"}))
    right = browser.post(f"{path}/choose", path, **given)

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert "field-gln" in wrong.text
    assert (place.offer().version, place.offer().document.effective_on.isoformat()) == (2, "2027-03-01")
    assert place.accept(digest=given["digest"]) == 409


def test_faults_of_a_form_are_told_in_the_order_of_its_fields(place: Place) -> None:
    browser, path = place.of("signatory-aarhus"), f"/agreements/{MINE}"
    given = {"digest": place.offer().digest, "endpoint": "gln", "gln": "1", "format": "oioubl", "kind": "active",
             "person_reference": "", "order_reference": "", "accounting_cost": "", "contact_name": "",
             "contact_mail": "nej"}  # fmt: skip

    read = browser.post(f"{path}/sign/choose", path, effective_on="", **given | {"kind": "halv"}).text
    judged = browser.post(f"{path}/sign/choose", path, effective_on="2020-01-01", **given).text

    def linked(page: str) -> list[str]:
        summary = page[page.index("Ret dette") : page.index("</ul>", page.index("Ret dette"))]
        return re.findall(r'href="#field-([a-z_]+)"', summary)

    assert linked(read)[:2] == ["effective_on", "kind"]
    assert linked(judged) == [
        name for name in ("effective_on", "kind", "gln", "contact_mail") if name in linked(judged)
    ]
    assert len(linked(judged)) > 1


def test_a_draft_says_what_the_register_says_of_the_product(place: Place) -> None:
    header = "product,account,level,description_da,description_en"
    given = '"Valg, fra liste til resultat","Elections, from list to result"'
    place.line.done("products", "import", place.line.write("p.csv", f"{header}\nOS2valghalla,XG-9212045260,,{given}\n"))
    half = place.line.write("half.csv", f"{header}\nOS2kitos,,,Et katalog,\n")

    refused = place.line.run("products", "import", half)
    who = ("--signatory", "En", "Direktør", "en@eksempel.dk")
    wish = ("--product", "OS2valghalla", "--effective", "2027-03-01", "--gln", files.gln(world.ODENSE))
    place.line.done("agreement", "offer", "--cvr", world.ODENSE, *wish, *who)

    newest = place.line.json("agreement", "list")["offers"][0]["reference"]
    assert refused.code == 1 and "description_en" in refused.err
    assert "Valg, fra liste til resultat" in place.of("finance").get(f"/agreements/{newest}").text
    place.line.done("verify")
    with place.line.session() as session:
        session.execute(PRODUCTS.update().where(PRODUCTS.c.name == "OS2valghalla").values(description_en=None))
        session.commit()
    assert "product OS2valghalla" in place.line.run("verify").out


# --- countersigning


def test_pv_115_the_chair_signs_what_is_chosen_and_nobody_else_may(place: Place) -> None:
    chair, id_ = place.of("approver"), place.offer(WAITING).id
    page = chair.post("/agreements/countersign/list", "/agreements/countersign", offer=str(id_)).text
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
    assert digest is not None
    form = {"digest": digest[1], "offer": str(id_), "consent": "on"}

    others = {who: place.of(who).post("/agreements/countersign", "/", **form).status_code
              for who in ("approver-2", "finance", "signatory-aarhus", "administrator")}  # fmt: skip
    none = chair.post("/agreements/countersign/list", "/agreements/countersign").status_code
    done = chair.post("/agreements/countersign", "/agreements/countersign", **form).status_code

    assert set(others.values()) == {403}
    assert (none, done) == (422, 303)
    assert place.offer(WAITING).stand is Stand.AGREED


def test_a_list_with_a_withdrawn_one_is_another_list(place: Place) -> None:
    chair, id_ = place.of("approver"), place.offer(WAITING).id
    form = {"digest": "0" * 64, "offer": str(id_), "consent": "on"}

    assert chair.post("/agreements/countersign", "/agreements/countersign", **form).status_code == 409
    assert place.offer(WAITING).stand is Stand.SIGNED


def test_the_office_is_given_and_ended_by_an_administrator_and_never_by_oneself(place: Place) -> None:
    administrator = place.of("administrator")
    with place.line.session() as session:
        people_of = {held.person.name: held.person.user_id for held in rights.register(session, None)}
    holder = people_of["Godkender (opdigtet)"]

    ended = administrator.post(f"/users/{holder}/office", f"/users/{holder}", act="end").status_code
    place.known.pop("approver", None)

    assert ended == 303
    assert place.of("approver").get("/agreements/countersign").status_code == 403


def test_no_token_signs_countersigns_or_adopts() -> None:
    everything = Principal(1, "En", frozenset(Role), frozenset({1}), via="token", is_chair=True)

    binding = ("agreement.sign", "agreement.countersign", "agreement.notice", "agreement.approve_record",
               "templates.adopt", "rights.change")  # fmt: skip

    assert [permission for permission in binding if everything.may(permission)] == []


# --- seeing


def test_a_signatory_lists_its_own_and_no_draft(place: Place) -> None:
    page = place.of("signatory-aarhus").get("/agreements").text

    assert MINE in page and WAITING in page
    assert THEIRS not in page and "Aalborg" not in page


def test_an_administrator_sees_that_an_agreement_is_there_and_not_its_text(place: Place) -> None:
    page = place.of("administrator").get(f"/agreements/{MINE}").text

    assert "Tilbudt" in page
    assert "Parterne" not in page and "Direktør" not in page
    assert place.of("administrator").get(f"/agreements/{MINE}/evidence.json").status_code == 403


def test_lists_ask_as_many_questions_however_many_agreements_there_are(place: Place) -> None:
    browser = place.of("finance")
    few = _asked(place, browser, "/agreements")
    files.take_agreements(place.line, *(files.agreement(each.cvr, "OS2kitos") for each in files.starter()[5:25]))

    assert _asked(place, browser, "/agreements") == few


def _asked(place: Place, browser: Browser, path: str) -> int:
    statements: list[str] = []
    browser.get(path)
    with place.app.app_context():
        engine = database.db.engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert browser.get(path).status_code == 200
    return len(statements)
