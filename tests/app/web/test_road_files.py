"""Files on the road: laid by who is on it, seen by whom the journey is shown, given as attachments, withdrawn."""

from __future__ import annotations

import io
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from agreements.road import files, journeys
from agreements.road.files import FILES
from app.access import Role
from foundation.audit import AuditEntry
from tests import office
from tests.app.web import desks
from tests.app.web.desks import APPROVER, AUDITOR, FINANCE, GROUP, person
from tests.app.web.test_road import AALBORG, AARHUS, OWNER, Road, id_of, road

__all__ = ["road"]

PDF = b"%PDF-1.7\n1 0 obj << >> endobj\ntrailer << >>\n%%EOF\n"


def lay(road: Road, content: bytes = PDF, name: str = "plan.pdf", about: str = OWNER, step: str = "") -> TestResponse:
    """Lay a file to a task."""
    given = (io.BytesIO(content), name)
    return road.desk.post(f"{road.address}/{step or about.partition('/')[0]}/files", about=about, file=given)


def rows(road: Road) -> list[Any]:
    with road.line.session() as session:
        return list(session.execute(select(FILES).order_by(FILES.c.id)))


def test_a_file_is_laid_to_a_task_shown_with_it_and_given_as_an_attachment(road: Road) -> None:
    assert lay(road, name="../../Prøveplan.html").status_code == 303

    assert "Prøveplan.html.pdf (1 KB, 15. januar 2027" in road.desk.read(f"{road.address}/mobilisation")
    (row,) = rows(road)
    answer = road.desk.get(f"{road.address}/files/{row.id}")
    assert answer.data == PDF
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_trial_carries_several_files_and_a_second_click_lays_none_again(road: Road) -> None:
    road.desk.post(f"{road.address}/test/trials", way="own", proves="At det virker")
    for content, name in ((PDF, "a.pdf"), (PDF, "a.pdf"), (office.docx(), "b.docx")):
        assert lay(road, content, name, "trial/1", "test").status_code == 303

    told = road.desk.read(f"{road.address}/test")
    assert told.count("a.pdf (") == 1 and "b.docx (" in told
    assert lay(road, about="trial/2", step="test").status_code == 404
    assert lay(road, about="mobilisation/value/nothing").status_code == 404


def test_a_withdrawn_file_is_gone_and_stays_as_a_fact(road: Road) -> None:
    lay(road)
    (row,) = rows(road)

    assert road.desk.post(f"{road.address}/files/{row.id}/withdraw").status_code == 303

    (kept,) = rows(road)
    assert (kept.content, kept.withdrawn_by, kept.sha256) == (None, FINANCE.actor, row.sha256)
    assert road.desk.get(f"{road.address}/files/{row.id}").status_code == 404
    assert "plan.pdf, lagt 15. januar 2027" in road.desk.read(f"{road.address}/mobilisation")
    assert lay(road).status_code == 303 and len(rows(road)) == 2
    with road.line.session() as session:
        told = session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("journey.file%"))).all()
    assert sorted(told) == ["journey.file_added", "journey.file_added", "journey.file_withdrawn"]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"<html><script>alert(1)</script>", "plan.pdf", "filen skal være PDF"),
        (PDF + office.docx(), "plan.pdf", "to slags på én gang"),
        (PDF.replace(b"<< >>", b"<< /S /JavaScript >>", 1), "plan.pdf", "scripts"),
        (office.docx({"word/vbaProject.bin": b"x"}), "plan.docx", "makroer"),
        (office.docx({"word/media/a.xml": b"\0" * (33 * 1024 * 1024)}), "plan.docx", "fylder mere, end der må være"),
        (PDF + b" " * files.LARGEST + b"%%EOF", "plan.pdf", "filen er over 10 MB"),
        (b"", "plan.pdf", "filen skal være PDF"),
        (b"", "", "Vælg en fil"),
    ],
    ids=["html", "polyglot", "script", "macro", "bomb", "large", "empty", "none"],
)
def test_a_hostile_file_is_refused_at_its_field_and_nothing_is_kept(
    road: Road, content: bytes, name: str, said: str
) -> None:
    answer = lay(road, content, name)

    assert answer.status_code == 422 and said in desks.words(answer)
    assert 'aria-invalid="true"' in answer.text
    assert rows(road) == []


def test_a_journey_has_so_many_files_and_so_many_bytes(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 2 * len(PDF))
    monkeypatch.setattr(files, "MOST_FILES", 2)
    assert lay(road).status_code == 303

    assert "fylder højst" in desks.words(lay(road, PDF.replace(b"1.7", b"1.7  ")))
    assert lay(road, PDF.replace(b"1.7", b"1.6")).status_code == 303
    assert "Højst 2 filer" in desks.words(lay(road, PDF.replace(b"1.7", b"1.5")))


def test_files_are_seen_by_whom_the_journey_is_shown_and_by_nobody_else(road: Road) -> None:
    lay(road)
    (row,) = rows(road)
    at, away = f"{road.address}/files/{row.id}", f"{road.address}/files/{row.id}/withdraw"
    mine = person(8, Role.SIGNATORY, authorities=frozenset({id_of(road.line, AARHUS)}))
    theirs = person(9, Role.SIGNATORY, authorities=frozenset({id_of(road.line, AALBORG)}))
    other = person(7, Role.COORDINATION, products=frozenset({"OS2mo"}))

    for who in (mine, GROUP, AUDITOR, APPROVER):
        assert road.desk.sit(who).get(at).status_code == 200
    for who in (theirs, other):
        assert road.desk.sit(who).get(at).status_code == 404
    assert road.desk.sit(theirs).post(away).status_code == 404
    assert lay(road, PDF).status_code == 404
    assert road.desk.sit(GROUP).post(away).status_code == 403
    elsewhere = road.desk.sit(FINANCE).post("/road/new", cvr=AALBORG, product="OS2valghalla").location
    assert road.desk.get(f"{elsewhere}/files/{row.id}").status_code == 404
    assert road.desk.get(f"{road.address}/files/{2**63}").status_code == 404
    assert rows(road)[0].content is not None


def test_an_ended_journey_takes_no_file_but_lets_one_be_withdrawn(road: Road) -> None:
    lay(road)
    road.desk.post(f"{road.address}/end", outcome="given_up", reason="For dyrt")

    assert lay(road, office.docx(), "b.docx").status_code == 409
    assert road.desk.post(f"{road.address}/files/{rows(road)[0].id}/withdraw").status_code == 303


def test_the_list_of_journeys_reads_no_bytes(road: Road) -> None:
    lay(road)
    with road.line.session() as session:
        (found,) = journeys.read(session, session.execute(journeys.listing()).all())

    assert "content" not in found.files[0]._mapping
