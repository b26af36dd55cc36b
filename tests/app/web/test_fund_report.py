"""The report of now in the browser: its files in both languages, and the periods that it can be of."""

from __future__ import annotations

from typing import Any

from foundation.audit import sha256
from tests.app.web.desks import AUDITOR, FINANCE, GROUP, Desk
from tests.app.web.test_publications import FUND, STRANGERS, V1, publish


def names(desk: Desk, *paths: str) -> list[str]:
    """Give the names that files are saved under."""
    return [desk.get(path).headers["Content-Disposition"].partition("filename=")[2].strip('"') for path in paths]


def test_a_draft_is_a_file_in_either_language_that_says_it_is_a_draft(desk: Desk) -> None:
    desk.sit(GROUP)
    made = [f"{FUND}/report.{form}?language={language}" for form in ("pdf", "xlsx") for language in ("da", "en")]

    first, again = [[desk.get(path).data for path in made] for _ in range(2)]

    assert first == again
    assert [data[:4] for data in first] == [b"%PDF", b"%PDF", b"PK\x03\x04", b"PK\x03\x04"]
    assert len({sha256(data) for data in first}) == 4
    assert names(desk, *made) == [
        f"OS2valghalla-2026-Q4-{draft}-{language}.{form}"
        for form in ("pdf", "xlsx") for language, draft in (("da", "kladde"), ("en", "draft"))
    ]  # fmt: skip
    document: Any = desk.get(f"{FUND}/report.json").json
    assert document["period"] == {"start": "2026-10-01", "end": "2027-01-01"}
    assert "OS2valghalla-2026-Q4-kladde-da.pdf" in desk.sit(AUDITOR).html("/audit")


def test_a_published_version_is_a_file_in_either_language(desk: Desk) -> None:
    publish(desk)

    assert names(desk.sit(GROUP), f"{V1}/report.pdf?language=en", f"{V1}/report.pdf") == [
        "OS2valghalla-2026-Q4-v1-en.pdf", "OS2valghalla-2026-Q4-v1-da.pdf",
    ]  # fmt: skip


def test_a_file_of_no_form_or_for_another_group_is_not_there(desk: Desk) -> None:
    desk.sit(FINANCE)
    wrong = ("report.csv", "report.", "report.PDF", "report.pdf%00", "report.json/..%2f..")

    assert {desk.get(f"{FUND}/{path}").status_code for path in wrong} <= {400, 404}
    assert desk.sit(STRANGERS).get(f"{FUND}/report.pdf").status_code == 404
    assert names(desk.sit(GROUP), f"{FUND}/report.xlsx?language=../../x") == ["OS2valghalla-2026-Q4-kladde-da.xlsx"]


#: A period with the one before it and the one after.
BESIDE = (
    ("2026-Q4", "2026-Q3", "2027-Q1"), ("2026-H2", "2026-H1", "2027-H1"), ("2026", "2025", "2027"),
    ("2026-12", "2026-11", "2027-01"),
    ("2026-01-01..2026-01-10", "2025-12-22..2025-12-31", "2026-01-11..2026-01-20"),
)  # fmt: skip


def test_a_period_leads_to_those_of_its_kind_and_to_all_parts_of_its_year(desk: Desk) -> None:
    desk.sit(FINANCE)

    for shown, before, after in BESIDE:
        page = desk.html(f"/funds/OS2valghalla/{shown}")
        assert f'href="/funds/OS2valghalla/{before}" rel="prev"' in page
        assert f'href="/funds/OS2valghalla/{after}" rel="next"' in page
        for part in ("2026", "2026-H1", "2026-H2", "2026-Q1", "2026-Q4", "2026-02"):
            assert f'href="/funds/OS2valghalla/{part}"' in page
        assert page.count(f'href="/funds/OS2valghalla/{shown}" aria-current="page"') == (".." not in shown)


def test_beyond_the_years_there_are_is_no_period(desk: Desk) -> None:
    desk.sit(FINANCE)

    for edge, lacks in (("1900-Q1", "prev"), ("2999-Q4", "next")):
        assert f'rel="{lacks}"' not in desk.html(f"/funds/OS2valghalla/{edge}")


def test_any_two_days_are_a_period_with_an_address_of_its_own(desk: Desk) -> None:
    answer = desk.sit(GROUP).get("/funds/OS2valghalla?from=2026-02-01&to=2027-01-10")
    quarter = desk.get("/funds/OS2valghalla?from=2026-10-01&to=2026-12-31")

    assert (answer.status_code, answer.location) == (303, "/funds/OS2valghalla/2026-02-01..2027-01-10")
    assert quarter.location == FUND
    assert desk.get(answer.location).status_code == 200
    assert 'href="/funds/OS2valghalla/2027-H1"' in desk.html("/funds/OS2valghalla")


#: What is no period, and the field it is told at.
NONE = {
    "from=i+dag&to=2027-01-10": "from", "from=2027-01-01": "to", "from=2027-02-30&to=2027-03-01": "from",
    "from=2027-03-01&to=2027-02-01": "to", "from=0001-01-01&to=2027-02-01": "from",
    "from=2027-01-01..2027-01-02&to=x": "from", "from=<script>&to=2027-01-01": "from",
}  # fmt: skip


def test_what_is_no_period_is_told_at_its_field(desk: Desk) -> None:
    desk.sit(FINANCE)

    for query, field in NONE.items():
        answer = desk.get(f"/funds/OS2valghalla?{query}")
        assert answer.status_code == 422, query
        assert f'href="#field-{field}"' in answer.text and f'id="error-{field}"' in answer.text
        assert "<script>&" not in answer.text
