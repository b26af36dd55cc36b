"""Payments by program: placed by hand and undone; what two people decide is only prepared."""

from __future__ import annotations

import pytest

from app.access import Role
from tests.app.api.programs import Program
from tests.bank_files import paid, statement

WEEK = statement("uge-9", 0, [paid(0, 12_345, "A")], 0, 6).replace(b"DK18", b"DK19")


def test_a_payment_is_placed_and_undone_and_a_refund_of_it_is_only_prepared(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)
    demonstration.post("/bank-statements/imports", token, WEEK, kind="application/xml", key="a")
    id_ = next(each["id"] for each in demonstration.all("/payments", token) if each["amount_ore"] == 12_345)
    place = {"transaction": id_, "cvr": "64942212", "amount_ore": 12_345, "why": "Aftalt"}

    placed = demonstration.post("/payments/placements", token, place, key="b")
    again = demonstration.post("/payments/placements", token, place, key="b")
    spent = demonstration.post("/payments/placements", token, place, key="c")
    back = {"cvr": "64942212", "amount_ore": 345, "reason": "Betalt for meget"}
    refund = demonstration.post("/payments/refunds", token, back, key="d")
    undone = demonstration.post("/payments/undoings", token, {"match": placed.json["id"], "reason": "En fejl"}, key="e")

    assert (placed.status_code, again.json) == (201, placed.json)
    assert (spent.status_code, spent.json["code"]) == (409, "already_placed")
    assert (refund.status_code, refund.json["kind"]) == (201, "refund")
    gift = {"transaction": id_, "product": "OS2kitos", "giver": "64942212", "amount_ore": 345, "why": "Tilsagn"}
    given = demonstration.post("/payments/placements", token, gift, key="f")
    assert (undone.status_code, given.status_code) == (201, 201)
    listed = demonstration.get(f"/payments/{id_}/matches", token).json["items"]
    assert [(each["amount_ore"], each["undone_by"]) for each in listed] == [
        (12_345, undone.json["id"]), (-12_345, None), (345, None),
    ]  # fmt: skip
    assert [each["product"] for each in listed] == [None, None, "OS2kitos"]


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("placements", {"transaction": 1, "amount_ore": 1, "why": "x"}, 422),
        ("placements", {"transaction": 1, "number": "x", "cvr": "64942212", "amount_ore": 1, "why": "x"}, 422),
        ("placements", {"transaction": 1, "number": "' OR 1=1 --", "amount_ore": 1, "why": "x"}, 422),
        ("placements", {"transaction": 1, "number": "2027-0001", "charges": True, "amount_ore": 1, "why": "x"}, 422),
        ("placements", {"transaction": 1, "cvr": "64942212", "amount_ore": 1.5, "why": "x"}, 422),
        ("placements", {"transaction": 1, "cvr": "64942212", "amount_ore": 10**30, "why": "x"}, 422),
        ("placements", {"transaction": 1, "refund": 7, "amount_ore": -1, "why": "x"}, 422),
        ("placements", {"transaction": 1, "product": "OS2findes-ikke", "amount_ore": 1, "why": "x"}, 422),
        ("placements", {"transaction": 1, "product": "OS2kitos", "amount_ore": -1, "why": "x"}, 409),
        ("placements", {"transaction": 1, "cvr": "64942212", "giver": "64942212", "amount_ore": 1, "why": "x"}, 422),
        ("placements", {"transaction": 1, "product": "OS2kitos", "giver": "1", "amount_ore": 1, "why": "x"}, 422),
        ("undoings", {"match": 1, "reason": "\u202eomvendt"}, 422),
        ("refunds", {"cvr": "64942212", "amount_ore": 0, "reason": "x"}, 422),
        ("refunds", {"cvr": "64942212", "amount_ore": 100_000_000_000, "reason": "x"}, 409),
        ("write-offs", {"number": "2027-9999", "amount_ore": 1, "reason": "x"}, 404),
        ("write-offs", {"number": "2027-0001", "amount_ore": 1, "reason": "x", "with_vat": "ja"}, 422),
        ("waivers", {"number": "2027-9999", "amount_ore": 1, "reason": "x"}, 404),
        ("waivers", {"number": "2027-0001", "amount_ore": 1, "reason": "x", "more": 1}, 422),
    ],
)
def test_what_does_not_fit_is_refused(path: str, sent: dict[str, object], status: int, demonstration: Program) -> None:
    refused = demonstration.post(f"/payments/{path}", demonstration.token(Role.FINANCE), sent)

    assert refused.status_code == status, refused.json
