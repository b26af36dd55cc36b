"""The paper route: recorded with its file by one, approved by another; and the evidence of what was signed here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from agreements import evidence, files, paper
from agreements.connections import AGREEMENTS
from agreements.files import FileRefused
from agreements.models import AgreementFile, RecordedAgreement
from agreements.paper import Facts, FactsRefused, NothingToRecord, OtherList, RecordedAlready
from agreements.steps import NotPermitted, Stand
from app.adapters import csv_files
from foundation import proposals
from foundation.audit import canonical, sha256
from foundation.errors import RowsRefused
from foundation.intake import Rows
from tests import queries
from tests.agreements.signed import CHAIR, DIRECTOR, MAYOR, SECRETARIAT, Way
from tests.command_line import CommandLine

PDF = ("aftale.pdf", b"%PDF-1.4 en scannet aftale")
HEADER = "cvr,product,kind,signed_on,countersigned_on,in_force_from,terminated_to,notice_given_on,gln,person_reference,"
HEADER += "order_reference,accounting_cost,file\n"


@pytest.fixture
def way(starter: CommandLine) -> Way:
    """The real registers, and who signs."""
    made = Way(starter)
    made.may_sign(DIRECTOR)
    return made


def said(way: Way, **changed: Any) -> Facts:
    """What a paper says: signed by both in 2022."""
    facts: dict[str, Any] = {"kind": "active", "signed_on": date(2022, 11, 15), "countersigned_on": date(2022, 12, 1),
             "in_force_from": date(2023, 1, 1), "gln": "2995513301806"}  # fmt: skip
    return Facts(way.cvr, "OS2valghalla", **(facts | changed))


def propose(way: Way, facts: Facts, file: tuple[str, bytes] = PDF) -> proposals.Proposal:
    """Let the secretariat propose a recording."""
    return way.by(SECRETARIAT, lambda s, t: paper.propose(s, facts, file, t))


def approve(way: Way, id_: int, actor: str = CHAIR) -> int:
    """Let another approve it."""
    return way.by(actor, lambda s, t: paper.approve(s, id_, t))


def count(way: Way, column: Any) -> int:
    """How many rows there are."""
    return int(way.column(select(func.count(column)))[0])


def test_pv_118_a_paper_is_recorded_by_two_people_and_never_sealed(way: Way) -> None:
    proposed = propose(way, said(way))
    with pytest.raises(proposals.SamePerson):
        approve(way, proposed.id, actor="Et Nyt Navn #1")
    assert count(way, AGREEMENTS.c.id) == 0

    number = approve(way, proposed.id)

    held = way.asked(lambda session: paper.of_agreement(session, number))
    assert held is not None
    assert (held.route, held.recorded_by, held.approved_by) == ("paper", SECRETARIAT, CHAIR)
    row = way.asked(lambda session: session.execute(select(AGREEMENTS)).one())
    assert (row.signed_on, row.countersigned_on, row.gln, row.offer_id) == (
        date(2022, 11, 15), date(2022, 12, 1), "2995513301806", None,
    )  # fmt: skip
    assert way.column(select(AgreementFile.sha256)) == [sha256(PDF[1])]
    way.line.done("verify")


def test_a_paper_names_who_gets_copies_by_mail(way: Way) -> None:
    approve(way, propose(way, said(way, contact_mail="faktura@kommune.example")).id)

    assert way.column(select(AGREEMENTS.c.contact_mail)) == ["faktura@kommune.example"]
    way.line.done("verify")


def test_a_paper_proposed_before_papers_named_who_gets_copies_is_approved_as_it_stands(way: Way) -> None:
    facts = asdict(said(way))
    del facts["contact_mail"]
    content = canonical({"facts": facts, "sha256": sha256(PDF[1])})
    way.by(SECRETARIAT, lambda s, t: files.keep_all(s, [PDF], t))
    old = way.by(SECRETARIAT, lambda s, t: proposals.propose_newest(s, "recorded_agreement", "før", content, t))

    approve(way, old.id)

    assert way.column(select(AGREEMENTS.c.contact_mail)) == [None]


def test_pv_118_a_rejected_paper_keeps_its_reason_and_may_be_proposed_again(way: Way) -> None:
    first = propose(way, said(way))
    way.by(CHAIR, lambda s, t: proposals.decide(s, first.id, "rejected", t, "Siden mangler"))

    second = propose(way, said(way), ("hel.pdf", b"%PDF-1.4 hele aftalen"))
    approve(way, second.id)

    decision = way.asked(lambda session: proposals.get(session, first.id)).decision
    assert decision is not None and (decision.outcome, decision.reason) == ("rejected", "Siden mangler")
    assert (count(way, RecordedAgreement.id), count(way, AgreementFile.id)) == (1, 2)
    with pytest.raises(RecordedAlready):
        propose(way, said(way))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"countersigned_on": date(2022, 11, 14)}, "countersigned_on"),
        ({"signed_on": date(2026, 11, 25), "countersigned_on": None}, "signed_on"),
        ({"terminated_to": date(2022, 12, 31), "notice_given_on": date(2022, 12, 1)}, "terminated_to"),
        ({"terminated_to": date(2026, 12, 31)}, "notice_given_on"),
        ({"gln": "2995513301807"}, "gln"),
        ({"kind": "halv"}, "kind"),
        ({"route": "fax"}, "route"),
        ({"note": "\u0007"}, "note"),
        ({"contact_mail": "a@kommune.example, b@kommune.example"}, "contact_mail"),
        ({"cvr": "12345678"}, "cvr"),
        ({"product": "OS2findesikke"}, "product"),
    ],
)
def test_days_are_held_against_the_permitted_steps_and_every_fault_names_its_field(
    way: Way, changed: dict[str, Any], field: str
) -> None:
    facts = said(way)
    facts = Facts(**{name: changed.get(name, getattr(facts, name)) for name in Facts.__slots__})

    with pytest.raises(FactsRefused) as refused:
        propose(way, facts)

    assert list(refused.value.faults) == [field]
    assert count(way, AgreementFile.id) == 0


@pytest.mark.parametrize("content", [b"", b"MZ program", b"%PDF-" + bytes(20 * 1024 * 1024)])
def test_what_is_no_pdf_or_too_large_is_not_kept(way: Way, content: bytes) -> None:
    with pytest.raises(FileRefused):
        propose(way, said(way), ("fil.pdf", content))


def test_an_offer_answered_on_paper_ends_there(way: Way) -> None:
    offer = way.offered()
    facts = said(way, signed_on=date(2026, 11, 24), countersigned_on=date(2026, 11, 24), reference=offer.reference)
    with pytest.raises(FactsRefused, match="countersigned_on"):
        propose(way, said(way, countersigned_on=None, reference=offer.reference))
    with pytest.raises(FactsRefused, match="reference"):
        propose(way, said(way, kind="passive", reference=offer.reference))

    approve(way, propose(way, facts).id)

    recorded = way.now(offer)
    assert (recorded.stand, recorded.steps[-1].data["file_sha256"]) == (Stand.AGREED, sha256(PDF[1]))
    with pytest.raises(NotPermitted):
        way.opened(offer)
    way.line.done("verify")


def test_an_offer_that_was_signed_here_meanwhile_is_not_recorded_from_paper(way: Way) -> None:
    offer = way.offered()
    facts = said(way, signed_on=date(2026, 11, 1), countersigned_on=date(2026, 11, 2), reference=offer.reference)
    proposed = propose(way, facts)
    way.signed_by(offer, DIRECTOR)

    with pytest.raises(NotPermitted):
        approve(way, proposed.id)

    assert count(way, AGREEMENTS.c.id) == 1


def test_many_papers_come_as_a_file_with_their_pdfs_all_or_none(way: Way) -> None:
    line = way.line
    first, second = line.folder / "a.pdf", line.folder / "b.pdf"
    first.write_bytes(b"%PDF-1.4 a")
    second.write_bytes(b"%PDF-1.4 b")
    rows = [f"{way.cvr},OS2kitos,active,2019-03-10,2019-04-01,2019-04-01,,,2995513301806,,,,a.pdf",
            "29189420,OS2kitos,passive,2020-03-10,2020-04-01,2020-04-01,,,,,,,b.pdf"]  # fmt: skip
    good = line.write("papir.csv", HEADER + "\n".join(rows) + "\n")
    bad = line.write("fejl.csv", HEADER + rows[0] + "\n" + rows[1].replace("b.pdf", "c.pdf") + "\n" + rows[0] + "\n")

    refused = line.run("agreement", "record", "propose", bad, first, second, "--by", "En Forbereder")
    done = line.done("agreement", "record", "propose", good, first, second, "--by", "En Forbereder")
    waiting = line.done("agreement", "record", "list").out
    own = line.run("agreement", "record", "approve", 1, 2, "--by", "En Forbereder")
    other = line.run("agreement", "record", "approve", 2, "--digest", "0" * 64, "--by", "En Godkender")
    none = line.run("agreement", "record", "approve", 2, 99, "--by", "En Godkender")
    line.done("agreement", "record", "reject", 1, "--reason", "Forkert side", "--by", "En Godkender")
    late = line.run("agreement", "record", "approve", 1, 2, "--by", "En Godkender")
    shown = line.done("agreement", "record", "list").out.split()[-1]
    line.done("agreement", "record", "approve", 2, "--digest", shown, "--by", "En Godkender")

    assert way.cvr in waiting and "OS2kitos" in waiting and "En Forbereder" in waiting
    assert refused.code == 1 and "række 3, kolonne file" in refused.err and "samme nøgle som række 2" in refused.err
    assert done.out.count("forslag") == 2
    assert (own.code, other.code, none.code, late.code) == (1, 1, 1, 1)
    assert "en anden end den viste" in other.err and "intet forslag har nummer 99" in none.err
    assert way.column(select(AGREEMENTS.c.kind)) == ["passive"]
    line.done("verify")


def test_a_file_of_papers_may_name_who_gets_copies_by_mail(way: Way) -> None:
    row = f"{way.cvr},OS2kitos,active,2019-03-10,2019-04-01,2019-04-01,,,2995513301806,,,,a.pdf"
    header = HEADER.replace("file", "file,contact_mail")

    def read(mail: str) -> Rows:
        return csv_files.read_bytes("papir.csv", f"{header}{row},{mail}\n".encode(), csv_files.PAPER)

    found = {"a.pdf": b"%PDF-1.4 a"}
    (made,) = way.by(SECRETARIAT, lambda s, t: paper.propose_all(s, read("faktura@kommune.example"), found, t))
    with pytest.raises(RowsRefused, match="contact_mail"):
        way.by(SECRETARIAT, lambda s, t: paper.propose_all(s, read("ingen adresse"), found, t))

    assert paper.proposed(made)[0].contact_mail == "faktura@kommune.example"


def papers(way: Way, *days: date) -> tuple[Rows, dict[str, bytes]]:
    """A file of papers signed on these days, each with its PDF."""
    facts = f"{way.cvr},OS2kitos,active,{{0}},{{0}},{{0}},,,2995513301806,,,,{{0}}.pdf\n"
    content = HEADER + "".join(facts.format(day) for day in days)
    rows = csv_files.read_bytes("papir.csv", content.encode(), csv_files.PAPER)
    return rows, {f"{day}.pdf": b"%PDF-1.4 " + str(day).encode() for day in days}


def test_a_list_of_papers_is_approved_in_one_act_and_what_cannot_be_is_left_out_and_named(way: Way) -> None:
    rows, found = papers(way, date(2019, 1, 1), date(2020, 1, 1), date(2021, 1, 1))
    made = way.by(SECRETARIAT, lambda s, t: paper.propose_all(s, rows, found, t))
    ids, shown = [each.id for each in made], paper.list_digest(made)
    way.by(CHAIR, lambda s, t: proposals.decide(s, ids[1], "rejected", t, "Siden mangler"))

    def approve_all(actor: str = CHAIR, digest: str = shown, wanted: Sequence[int] = ids) -> paper.Recorded:
        return way.by(actor, lambda s, t: paper.approve_all(s, wanted, digest, t))

    with pytest.raises(OtherList):
        approve_all(wanted=ids[1:])
    with pytest.raises(NothingToRecord, match="is your own"):
        approve_all(actor=SECRETARIAT)
    done = approve_all()

    assert (len(done.agreement_ids), [each.id for each, _ in done.left_out]) == (2, [ids[1]])
    assert "was rejected" in done.left_out[0][1].en
    assert way.column(select(AGREEMENTS.c.signed_on).order_by(AGREEMENTS.c.id)) == [date(2019, 1, 1), date(2021, 1, 1)]
    held = way.asked(lambda session: paper.of_agreement(session, done.agreement_ids[1]))
    assert held is not None and (held.proposal_id, held.approved_by) == (ids[2], CHAIR)
    with pytest.raises(NothingToRecord):
        approve_all()
    way.line.done("verify")


def test_papers_ask_as_many_questions_however_many_there_are(way: Way) -> None:
    def asked(count: int, year: int) -> tuple[int, int]:
        rows, found = papers(way, *(date(year, 1, 1 + nth) for nth in range(count)))
        with queries.heard() as proposing:
            made = way.by(SECRETARIAT, lambda s, t: paper.propose_all(s, rows, found, t))
        ids, shown = [each.id for each in made], paper.list_digest(made)
        with queries.heard() as approving:
            done = way.by(CHAIR, lambda s, t: paper.approve_all(s, ids, shown, t))
        assert len(done.agreement_ids) == count
        return len(proposing), len(approving)

    assert asked(2, 2019) == asked(20, 2020)


def test_of_two_papers_that_answer_one_offer_the_first_is_recorded(way: Way) -> None:
    offer = way.offered()
    made = [
        propose(way, said(way, signed_on=day, countersigned_on=day, reference=offer.reference))
        for day in (date(2026, 11, 23), date(2026, 11, 24))
    ]

    done = way.by(CHAIR, lambda s, t: paper.approve_all(s, [each.id for each in made], paper.list_digest(made), t))

    assert (len(done.agreement_ids), [each.id for each, _ in done.left_out]) == (1, [made[1].id])
    assert "answers the same offer" in done.left_out[0][1].en
    assert way.now(offer).stand is Stand.AGREED
    way.line.done("verify")


def test_rows_are_refused_with_what_is_wrong_in_each(way: Way) -> None:
    text = HEADER + f"{way.cvr},OS2kitos,active,2019-03-10,2019-03-01,2019-04-01,,,1,,,,a.pdf\n"
    rows = csv_files.read_bytes("papir.csv", text.encode(), csv_files.PAPER)

    with pytest.raises(RowsRefused) as refused:
        way.by(SECRETARIAT, lambda s, t: paper.propose_all(s, rows, {"a.pdf": b"nej"}, t))

    assert sorted(fault.column for fault in refused.value.faults) == ["countersigned_on", "file", "gln"]


# --- evidence


def test_the_evidence_holds_everything_and_can_be_recomputed_from_itself(way: Way) -> None:
    way.may_sign(MAYOR)
    way.chair_may_countersign()
    offer = way.countersigned(DIRECTOR, MAYOR)

    text = way.asked(lambda session: evidence.text(session, offer.id))

    held = json.loads(text)
    assert list(evidence.faults(text)) == []
    assert sha256(held["document"]) == held["document_sha256"] == offer.digest
    assert (held["template"]["name"], held["template"]["version"], held["reference"]) == (
        "connection",
        1,
        offer.reference,
    )
    assert [each["signed_at"] is not None for each in held["signatories"]] == [True, True]
    assert held["signatories"][0]["right"]["vouched_by"] == SECRETARIAT
    one, two, chair = evidence.signatures(held)
    assert {"iss", "sub", "assurance", "auth_time", "id_token_sha256", "consent", "language", "address", "user_agent",
            "organisation_cvr", "authority_cvr", "method", "mail", "name"} <= one.keys()  # fmt: skip
    assert (one["step"], two["step"], chair["step"]) == ("signed", "signed", "countersigned")
    assert (chair["batch_digest"] != "", chair["for_cvr"]) == (True, "41849983")


def test_any_change_of_the_evidence_is_found(way: Way) -> None:
    way.chair_may_countersign()
    offer = way.countersigned()
    held = way.asked(lambda session: evidence.record(session, offer.id))
    whole = json.loads(canonical(held))

    for number, step in enumerate(whole["steps"]):
        for name in (*evidence.HASHED, "sha256"):
            changed = json.loads(canonical(held))
            changed["steps"][number][name] = "x" if step[name] != "x" else "y"
            assert list(evidence.faults(canonical(changed))), (number, name)
    for broken in ({"document": whole["document"] + " "}, {"steps": whole["steps"][:1] + whole["steps"][2:]}):
        assert list(evidence.faults(canonical(whole | broken)))
    for nothing in ("{}", "[]", canonical(whole) + " "):
        with pytest.raises(ValueError, match="no record"):
            list(evidence.faults(nothing))


def test_the_evidence_is_written_and_checked_by_a_command(way: Way, tmp_path: Path) -> None:
    way.chair_may_countersign()
    offer = way.countersigned()
    file = tmp_path / "bevis.json"

    way.line.done("agreement", "evidence", offer.reference, "--into", file)
    printed = way.line.done("agreement", "evidence", offer.reference)
    shown = way.line.json("agreement", "show", offer.reference)

    assert file.read_text(encoding="utf-8") == printed.out.rstrip("\n")
    assert [step["step"] for step in shown["steps"]][-1] == "countersigned"
    assert way.line.run("agreement", "show", "A-2026-09999").code == 1
