"""Remarks on funding reports by program: written, listed, and refused for whom they are not."""

from __future__ import annotations

from app.access import Role
from tests.app.api.programs import Program

WHERE = {"product": "OS2mo", "period": "2027-H1"}
ASKED = "/funding-reports/remarks?product=OS2mo&period=2027-H1"


def test_a_remark_is_written_once_and_taken_back_and_both_are_listed(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)
    sent = WHERE | {"account": "00005", "text": "Dyrere servere"}

    first = demonstration.post("/funding-reports/remarks", token, sent, key="a")
    again = demonstration.post("/funding-reports/remarks", token, sent, key="b")
    whole = demonstration.post("/funding-reports/remarks", token, WHERE | {"text": "Som ventet.\nIntet nyt."}, key="c")
    back = demonstration.post("/funding-reports/remarks", token, sent | {"text": ""}, key="d")

    listed = demonstration.get(ASKED, token).json["items"]
    report = demonstration.get(ASKED.replace("/remarks", ""), token).json["report"]
    assert [each.json["changed"] for each in (first, again, whole, back)] == [True, False, True, True]
    assert first.json["account"].endswith("-00005")
    assert [(each["text"], each["holds"]) for each in listed] == [
        ("Dyrere servere", False), ("Som ventet.\nIntet nyt.", True), ("", False),
    ]  # fmt: skip
    assert report["remark"] == "Som ventet.\nIntet nyt."


def test_what_does_not_fit_is_refused_and_nothing_is_kept(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)
    refused = [
        demonstration.post("/funding-reports/remarks", token, WHERE | sent).status_code
        for sent in (
            {}, {"text": 7}, {"text": "x" * 2_001}, {"text": "x" * 501, "account": "00005"}, {"text": "\u202ex"},
            {"text": "x", "account": "99999"}, {"text": "x", "by": "En anden"}, {"text": "x", "period": "2027-Q9"},
            {"text": "x", "product": "OS2findesikke"},
        )
    ]  # fmt: skip
    reader = demonstration.post("/funding-reports/remarks", demonstration.token(Role.AUDITOR), WHERE | {"text": "x"})

    assert refused == [422] * 7 + [404, 404]
    assert reader.status_code == 403
    assert not demonstration.get(ASKED, token).json["items"]


def test_the_demonstration_holds_a_single_contribution_invoiced_and_paid_at_once(demonstration: Program) -> None:
    told = demonstration.get("/funding-reports?product=OS2kitos&period=2026-Q4", demonstration.token(Role.AUDITOR))

    (given,) = [each for each in told.json["report"]["income"] if each["account"].endswith("-00003")]
    (giver,) = [each for each in told.json["report"]["payers"] if each["cvr"] == "55133018"]
    assert given["invoiced"] == given["paid"] == giver["invoiced"] == 75_000_00
