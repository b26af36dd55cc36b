"""Promises 19 to 21: documents leave by the receiver's way, at least once, and duplicates are the same bytes."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from agreements.document import Billing
from app import clock, config, delivering, next_round
from app.adapters import lanes
from billing import deliveries
from foundation.audit import Trail
from tests import access_point, queries, reminding
from tests.access_point import AccessPoint
from tests.agreements.signed import Way
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import acting, database, files, programs

COUNT = 3


@pytest.fixture
def issued(prepared: Prepared, small_rules: Path) -> CommandLine:
    """Three invoices with numbers, documents and verdicts, the last to a receiver who takes Peppol."""
    return prepared(with_starter, _issued, OS2TILSLUT_RULES_DIR=str(small_rules))


def _issued(line: CommandLine) -> None:
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    formats = ("oioubl",) * (COUNT - 1) + ("peppol",)
    files.take_agreements(
        line,
        *(
            files.agreement(authority.cvr, "OS2kitos", format=format_)
            for authority, format_ in zip(files.starter()[:COUNT], formats, strict=True)
        ),
    )
    line.issue(2027)


@pytest.fixture
def point() -> Iterator[AccessPoint]:
    """An access point that takes everything so far."""
    with AccessPoint() as opened:
        yield opened


def by_web(line: CommandLine, point: AccessPoint, **more: str) -> CommandLine:
    """Let NemHandel go to an access point, and Peppol into the folder."""
    return line.with_environ(OS2TILSLUT_CARRIER_NEMHANDEL=point.url, **more)


def folder(line: CommandLine, channel: str = "nemhandel") -> Path:
    """Give the folder in which a channel's documents are laid down."""
    return line.folder / "carriers" / channel


def out(line: CommandLine, channel: str = "nemhandel") -> dict[str, bytes]:
    """Give what lies in the folder to be picked up."""
    place = folder(line, channel) / "out"
    return {file.name: file.read_bytes() for file in place.iterdir()} if place.exists() else {}


def states(line: CommandLine) -> dict[str, str]:
    """Give how every document stands."""
    return {row["number"]: row["state"] for row in line.json("deliver", "list")["deliveries"]}


def row_of(line: CommandLine, number: str = "2027-0001") -> dict[str, Any]:
    """Give what is told of one document."""
    return next(row for row in line.json("deliver", "list")["deliveries"] if row["number"] == number)


def acknowledge(line: CommandLine, name: str, content: str, channel: str = "nemhandel") -> Path:
    """Lay a file where receipts are read."""
    ack = folder(line, channel) / "ack"
    ack.mkdir(parents=True, exist_ok=True)
    file = ack / name
    file.write_text(content, encoding="utf-8")
    return file


# --- the way out


def test_each_document_goes_once_by_its_receivers_way_as_the_bytes_that_are_kept(issued: CommandLine) -> None:
    told = issued.done("deliver")
    again = issued.done("deliver")

    assert "3 afleveret" in told.out and "0 afleveret" in again.out
    with issued.session() as session:
        kept = (
            "SELECT i.number, r.content, d.file_name, d.channel FROM delivery d JOIN invoice i ON i.id = d.invoice_id "
        )
        rows = session.execute(text(kept + "JOIN rendering r ON r.id = d.rendering_id ORDER BY i.id")).all()
    sent = {**out(issued), **out(issued, "peppol")}
    assert [row.channel for row in rows] == ["nemhandel", "nemhandel", "peppol"]
    assert sent == {row.file_name: bytes(row.content) for row in rows}
    assert all(row.file_name.startswith(f"{row.number}-") for row in rows)
    assert set(states(issued).values()) == {"handed_over"}
    issued.done("verify")


def test_nothing_is_handed_over_before_an_installed_pack_accepts_it(issued: CommandLine) -> None:
    without = issued.with_environ(OS2TILSLUT_RULES_DIR=str(issued.folder / "ingen"))

    without.done("deliver")

    assert out(issued) == {} and database.count(issued, "delivery") == 0


def test_what_was_not_judged_waits_and_says_so_until_the_rules_are_there(
    starter: CommandLine, small_rules: Path
) -> None:
    starter.done("settings", "import", starter.write("seller.toml", files.SELLER))
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr, "OS2kitos"))
    starter.issue(2027)

    starter.done("deliver")
    waits = row_of(starter)
    starter.with_environ(OS2TILSLUT_RULES_DIR=str(small_rules)).done("deliver")

    assert (waits["state"], "regelpakken mangler" in waits["reason"]["da"]) == ("waits", True)
    assert states(starter) == {"2027-0001": "handed_over"}


def test_a_rehearsal_is_never_handed_over(issued: CommandLine) -> None:
    files.take_agreements(issued, files.agreement(files.starter()[5].cvr, "OS2kitos"))
    issued.done("billing", "issue", 2027, "--rehearsal")

    issued.done("deliver")
    refused = issued.run("deliver", "by-hand", "R-2027-0001")

    assert len(out(issued)) == COUNT - 1 and all(not name.startswith("R-") for name in out(issued))
    assert refused.code == 1 and "prøvekørsel" in refused.err


def test_what_says_that_it_is_made_up_is_not_handed_over(starter: CommandLine, small_rules: Path) -> None:
    line = starter.with_environ(OS2TILSLUT_RULES_DIR=str(small_rules))
    files.take_agreements(line, files.agreement(files.starter()[0].cvr, "OS2kitos"))
    line.issue(2027)  # with the made-up settings that stand in outside production

    line.done("deliver")

    assert "opdigtet" in row_of(line)["reason"]["da"]
    assert database.count(line, "delivery") == 0 and out(line) == {}


def test_a_demonstration_never_leaves_the_machine(starter: CommandLine, small_rules: Path) -> None:
    demo = starter.with_environ(OS2TILSLUT_ENV="demo", OS2TILSLUT_RULES_DIR=str(small_rules))
    files.take_agreements(demo, files.agreement(files.starter()[0].cvr, "OS2kitos"))
    demo.issue(2027)

    refused = [
        demo.with_environ(**{name: value}).run("deliver")
        for name, value in (
            ("OS2TILSLUT_CARRIER_NEMHANDEL", "https://ap.example.dk/messages"),
            ("OS2TILSLUT_CARRIER_PEPPOL", "http://127.0.0.1:9/messages"),
            ("OS2TILSLUT_CARRIER_NEMHANDEL", "/et/andet/sted"),
            ("OS2TILSLUT_CARRIER_NEMHANDEL_RECEIPTS", "https://ap.example.dk/receipts"),
        )
    ]
    demo.done("deliver")

    assert [(result.code, "en demonstration afleverer kun til" in result.err) for result in refused] == [(1, True)] * 4
    assert len(out(demo)) == 1


def test_without_a_carrier_everything_waits_and_the_setting_is_named(issued: CommandLine) -> None:
    off = issued.with_environ(OS2TILSLUT_CARRIER_NEMHANDEL="none")

    result = off.run("deliver")

    assert result.code == 3 and "OS2TILSLUT_CARRIER_NEMHANDEL=none" in result.err
    assert states(issued) == {"2027-0001": "to_send", "2027-0002": "to_send", "2027-0003": "handed_over"}


def test_a_dry_run_tells_what_would_be_sent_and_writes_nothing(issued: CommandLine) -> None:
    before = database.dump(issued)

    told = issued.done("deliver", "--dry-run")

    assert "3 dokumenter er klar" in told.out
    assert database.dump(issued) == before and out(issued) == {}


def foreseen(line: CommandLine, *options: str) -> dict[str, Any]:
    """Give what a round would do with each document, by number."""
    told = line.json("deliver", "--dry-run", "--json", *options)
    return {item["number"]: item for item in told["items"]}


def test_a_dry_run_names_each_document_its_receiver_and_the_way(issued: CommandLine) -> None:
    told = foreseen(issued)
    shown = issued.done("deliver", "--dry-run").out
    issued.done("deliver")

    sent = {row["number"]: row for row in issued.json("deliver", "list")["deliveries"]}
    assert {number: (each["goes"], each["channel"], each["address"]) for number, each in told.items()} == {
        number: ("goes", row["channel"], row["address"]) for number, row in sent.items()
    }
    assert [issued.run("deliver", *wrong).code for wrong in (["--json"], ["--json", "list"])] == [2, 2]
    assert "2027-0003  Sendes" in shown and "Peppol GLN" in shown
    assert foreseen(issued) == {}


def test_a_dry_run_says_what_waits_for_whom_and_until_when(issued: CommandLine, point: AccessPoint) -> None:
    point.always = access_point.refuse(503)
    web = by_web(issued, point, OS2TILSLUT_CARRIER_PEPPOL="none")
    web.run("deliver", "--year", 2027)  # both to NemHandel are put off, and nobody takes the third
    told = foreseen(web)
    later = foreseen(web.at("2027-01-15T23:00:00Z"))

    first, third = told["2027-0001"], told["2027-0003"]
    row = row_of(issued)
    assert (first["goes"], first["reason"], first["next_at"]) == ("waits", row["reason"], row["next_at"])
    assert third["goes"] == "waits" and "OS2TILSLUT_CARRIER_PEPPOL=none" in third["reason"]["da"]
    assert [later[number]["goes"] for number in sorted(later)] == ["goes", "goes", "waits"]
    assert foreseen(web, "--year", "2026") == {}


def test_a_dry_run_says_what_is_judged_first_and_what_the_rules_that_lack_hold_back(
    starter: CommandLine, small_rules: Path
) -> None:
    starter.done("settings", "import", starter.write("seller.toml", files.SELLER))
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr, "OS2kitos"))
    starter.issue(2027)
    (without,) = foreseen(starter).values()
    ruled = starter.with_environ(OS2TILSLUT_RULES_DIR=str(small_rules))
    (judged_first,) = foreseen(ruled).values()
    ruled.done("deliver")

    assert without["goes"] == "waits" and "mangler" in without["reason"]["da"]
    assert judged_first["goes"] == "if_accepted"
    assert states(ruled) == {"2027-0001": "handed_over"}


def test_a_dry_run_says_that_what_is_made_up_never_leaves(starter: CommandLine, small_rules: Path) -> None:
    line = starter.with_environ(OS2TILSLUT_RULES_DIR=str(small_rules))
    files.take_agreements(line, files.agreement(files.starter()[0].cvr, "OS2kitos"))
    line.issue(2027)  # with the made-up settings that stand in outside production

    (told,) = foreseen(line).values()

    assert told["goes"] == "waits" and "opdigtet" in told["reason"]["da"]


def test_a_dry_run_names_what_another_round_is_sending(issued: CommandLine) -> None:
    with_none = issued.with_environ(OS2TILSLUT_CARRIER_NEMHANDEL="none", OS2TILSLUT_CARRIER_PEPPOL="none")
    with_none.run("deliver")
    acting.by(issued, "afleveringen", _take_all)

    told = foreseen(issued)

    assert {each["reason"]["en"] for each in told.values()} == {"is being sent by another round"}


def _take_all(session: Session, trail: Trail) -> None:
    now = clock.machine()
    deliveries.claim(session, at=trail.at, now=now, until=now + timedelta(minutes=5), at_most=9,
                     channels=deliveries.CHANNELS)  # fmt: skip


def test_a_dry_run_asks_as_many_questions_however_many_documents_there_are(issued: CommandLine) -> None:
    stands, counts = next_round.ground(config.read(issued.environment)), []
    with issued.session() as session:
        rows = session.execute(next_round.pending()).all()
        for some in (rows[:1], rows):
            with queries.heard() as heard:
                next_round.of(session, some, stands)
            counts.append(len(heard))

    assert counts == [2, 2]


def test_only_the_year_that_is_asked_for_is_sent(issued: CommandLine) -> None:
    issued.done("deliver", "--year", 2026)

    assert database.count(issued, "delivery") == 0


# --- an access point


def test_an_access_point_gets_the_bytes_with_who_they_are_for(issued: CommandLine, point: AccessPoint) -> None:
    by_web(issued, point, OS2TILSLUT_CARRIER_NEMHANDEL_TOKEN="hemmelig").done("deliver")

    gln = row_of(issued)["address"]
    (first,) = (one for one in point.headers if one["X-Receiver"] == gln)
    assert gln == f"0088:{files.gln(files.starter()[0].cvr)}"
    assert (first["Authorization"], first["X-Channel"]) == ("Bearer hemmelig", "nemhandel")
    assert first["Idempotency-Key"] == first["X-Message-Id"] == row_of(issued)["message_id"]
    assert {content[:5] for _, _, content in point.taken} == {b"<?xml"}


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (200, "handed_over"), (202, "handed_over"), (409, "handed_over"), (400, "given_up"), (404, "given_up"),
        (422, "given_up"), (302, "to_send"), (401, "to_send"), (403, "to_send"), (408, "to_send"), (429, "to_send"),
        (500, "to_send"), (503, "to_send"),
    ],
)  # fmt: skip
def test_what_an_answer_means(code: int, state: str, issued: CommandLine, point: AccessPoint) -> None:
    point.always = access_point.refuse(code, "derfor", Location=point.url)

    result = by_web(issued, point).run("deliver")

    told = row_of(issued)
    assert (told["state"], len(point.taken)) == (state, COUNT - 1)
    assert state == "handed_over" or told["reason"]["da"] == f"HTTP {code}: derfor"
    assert result.code == (1 if state == "given_up" else 0)
    assert row_of(issued, "2027-0003")["state"] == "handed_over"  # another channel is not concerned


def test_what_was_deferred_is_tried_again_later_and_later_with_the_same_bytes_and_id(
    issued: CommandLine, point: AccessPoint
) -> None:
    point.always = access_point.refuse(503)
    line = by_web(issued, point)
    moments = ["10:00:00", "10:00:59", "10:01:00", "10:02:59", "10:03:00", "10:07:00"]

    tried = []
    for moment in moments:
        line.at(f"2027-01-15T{moment}Z").run("deliver")
        tried.append(len(point.taken) // (COUNT - 1))

    assert tried == [1, 1, 2, 2, 3, 4]
    assert len(set(point.taken)) == COUNT - 1
    assert [deliveries.wait(tries).total_seconds() // 60 for tries in (1, 2, 3, 9, 10, 10**6)] == [
        1,
        2,
        4,
        256,
        360,
        360,
    ]


def test_a_dropped_line_after_the_document_was_taken_sends_the_same_again(
    issued: CommandLine, point: AccessPoint
) -> None:
    point.does(*[access_point.drop] * (COUNT - 1))
    line = by_web(issued, point)

    line.run("deliver")
    stood = row_of(issued)["state"]
    line.at("2027-01-15T10:01:00Z").done("deliver")

    assert (stood, row_of(issued)["state"]) == ("to_send", "handed_over")
    assert len(point.taken) == 2 * (COUNT - 1) and len(set(point.taken)) == COUNT - 1


@pytest.mark.parametrize("act", [access_point.wait(30), access_point.drip], ids=["hangs", "drips"])
def test_a_server_that_hangs_delays_no_other_channel(act: Any, issued: CommandLine, point: AccessPoint) -> None:
    point.always = act
    line = by_web(issued, point, OS2TILSLUT_CARRIER_TIMEOUT="2")
    seen: list[float] = []
    watching = threading.Thread(target=lambda: _watch(issued, seen))
    began = time.monotonic()
    watching.start()

    line.run("deliver")

    took = time.monotonic() - began
    watching.join()
    assert states(issued) == {"2027-0001": "to_send", "2027-0002": "to_send", "2027-0003": "handed_over"}
    assert seen[0] - began < took - 0.5  # the other channel's document was there long before the hanging ones ended
    assert took < 15


def _watch(line: CommandLine, seen: list[float], channel: str = "peppol", many: int = 1) -> None:
    while len(out(line, channel)) < many:
        time.sleep(0.02)
    seen.append(time.monotonic())


def test_a_channel_takes_its_next_batch_while_another_is_slow(
    issued: CommandLine, point: AccessPoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "_TAKEN_AT_A_TIME", 1)
    point.always = access_point.wait(30)
    slow = issued.with_environ(OS2TILSLUT_CARRIER_PEPPOL=point.url, OS2TILSLUT_CARRIER_TIMEOUT="3")
    seen: list[float] = []
    watching = threading.Thread(target=lambda: _watch(issued, seen, "nemhandel", 2))
    began = time.monotonic()
    watching.start()

    slow.run("deliver")

    took = time.monotonic() - began
    watching.join()
    assert states(issued) == {"2027-0001": "handed_over", "2027-0002": "handed_over", "2027-0003": "to_send"}
    assert seen[0] - began < took - 1  # both batches of the quick channel were there before the slow one ended


def test_a_writer_is_not_kept_waiting_while_a_server_hangs(issued: CommandLine, point: AccessPoint) -> None:
    point.always = access_point.wait(3)
    process = programs.start(by_web(issued, point), "deliver")
    programs.until(lambda: bool(point.taken))

    began = time.monotonic()
    issued.done("settings", "import", issued.write("seller.toml", files.SELLER.replace("= 30", "= 20")))
    took = time.monotonic() - began

    assert process.poll() is None and took < 2.5
    assert programs.end(process).code == 0


def test_a_channel_in_which_several_in_a_row_came_to_nothing_is_left_for_the_next_time(
    issued: CommandLine, point: AccessPoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "UNLUCKY", 1)
    monkeypatch.setattr(lanes, "AT_ONCE", 1)
    point.always = access_point.refuse(401)

    result = by_web(issued, point).run("deliver")

    assert len(point.taken) == 1
    assert result.code == 3 and "flere i træk lykkedes ikke" in result.err


# --- killed, twice at once, no room


@pytest.mark.parametrize("is_taken", [True, False], ids=["after it was taken", "before it was answered"])
def test_a_worker_killed_between_handing_over_and_noting_loses_nothing(
    is_taken: bool, issued: CommandLine, point: AccessPoint
) -> None:
    """Promise 19: the same process again sends the same name, bytes and message id."""
    line = by_web(issued, point)
    point.always = access_point.wait(2 if is_taken else 60)
    process = programs.start(line, "deliver")
    programs.until(lambda: len(point.taken) == COUNT - 1)
    programs.kill(process)
    noted = database.column(issued, "SELECT count(*) FROM delivery_attempt a JOIN delivery d ON d.id = a.delivery_id "
                                    "WHERE d.channel = 'nemhandel'")  # fmt: skip
    point.always = None

    line.done("deliver")  # what the killed one took is its own for some minutes
    while_claimed = len(point.taken)
    with issued.session() as session:  # they pass
        session.execute(text("UPDATE delivery_claim SET until = '2000-01-01 00:00:00.000000'"))
    line.done("deliver")

    assert noted == [0] and while_claimed == COUNT - 1
    assert len(point.taken) == 2 * (COUNT - 1) and len(set(point.taken)) == COUNT - 1
    assert set(states(issued).values()) == {"handed_over"}
    issued.done("verify")


def test_two_deliverers_at_once_send_each_document_once(issued: CommandLine, point: AccessPoint) -> None:
    point.always = access_point.wait(0.3)
    line = by_web(issued, point)

    processes = [programs.start(line, "deliver") for _ in range(3)]
    results = [programs.end(process) for process in processes]

    assert [result.code for result in results] == [0, 0, 0], results
    assert len(point.taken) == len(set(point.taken)) == COUNT - 1
    assert database.count(issued, "delivery_attempt") == COUNT
    issued.done("verify")


def test_a_restored_older_backup_sends_the_same_id_again(issued: CommandLine, point: AccessPoint) -> None:
    line = by_web(issued, point)
    backup = issued.folder / "backup.gz"
    issued.done("db", "backup", backup)
    line.done("deliver")
    older = CommandLine(f"sqlite:///{issued.folder / 'older.sqlite'}", issued.folder, environ=line.environ)
    older.done("db", "upgrade")
    older.done("db", "restore", backup)

    older.done("deliver")

    assert len(point.taken) == 2 * (COUNT - 1) and len(set(point.taken)) == COUNT - 1


def test_a_folder_without_room_defers_and_leaves_nothing_half(
    issued: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path.write_bytes

    def full(file: Path, content: bytes) -> int:
        whole(file, content[:100])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_bytes", full)
        issued.done("deliver")
    left, told = out(issued), row_of(issued)
    issued.at("2027-01-15T10:01:00Z").done("deliver")

    assert left == {} and (told["state"], "No space left" in told["reason"]["en"]) == ("to_send", True)
    assert len(out(issued)) == COUNT - 1
    issued.done("verify")


# --- receipts


def test_receipts_are_read_back_by_name_or_as_json_each_once(issued: CommandLine) -> None:
    issued.done("deliver")
    first = min(out(issued))
    acknowledge(issued, first.replace(".xml", ".ok"), "")
    message = row_of(issued, "2027-0002")["message_id"]
    told = {"message_id": message, "status": "rejected", "text": "GLN ukendt", "more": 1}
    acknowledge(issued, "svar.json", json.dumps(told))

    issued.done("deliver")
    acknowledge(issued, "svar-igen.json", json.dumps(told))
    again = issued.done("deliver")

    stands = states(issued)
    assert (stands["2027-0001"], stands["2027-0002"]) == ("acknowledged", "rejected")
    assert row_of(issued, "2027-0002")["reason"]["da"] == "GLN ukendt"
    assert database.count(issued, "delivery_receipt") == 2 and again.code == 0
    ack = folder(issued) / "ack"
    assert sorted(file.name for file in (ack / "done").iterdir()) == sorted(
        [first.replace(".xml", ".ok"), "svar.json", "svar-igen.json"]
    )
    issued.done("verify")


HOSTILE = {
    "not json": ("a.json", "{"),
    "a list": ("a.json", "[]"),
    "too deep": ("a.json", "[" * 50_000),
    "another status": ("a.json", '{"message_id": "ID", "status": "lost"}'),
    "no id": ("a.json", '{"status": "acknowledged"}'),
    "an id of another kind": ("a.json", '{"message_id": {"a": 1}, "status": "acknowledged"}'),
    "an unknown id": ("a.json", '{"message_id": "0000", "status": "acknowledged"}'),
    "a text of another kind": ("a.json", '{"message_id": "ID", "status": "rejected", "text": [1]}'),
    "too large": ("a.json", '{"message_id": "ID", "status": "rejected", "text": "' + "x" * 70_000 + '"}'),
    "an unknown name": ("2027-0001-ingen.ok", ""),
    "a short name": ("x.ok", ""),
    "a name that disturbs": ("a\x1b[2J\n.err", "x"),
}


@pytest.mark.parametrize(("name", "content"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_receipt_is_set_aside_and_named(name: str, content: str, issued: CommandLine) -> None:
    issued.done("deliver")
    acknowledge(issued, name, content.replace("ID", row_of(issued)["message_id"]))

    result = issued.run("deliver")
    quiet = issued.run("deliver")

    assert (result.code, quiet.code) == (1, 0) and "lagt til side" in result.err and "\x1b" not in result.err
    assert states(issued)["2027-0001"] == "handed_over" and database.count(issued, "delivery_receipt") == 0
    assert [file.name for file in (folder(issued) / "ack" / "refused").iterdir()] == [name]


def test_a_receipt_that_is_a_link_or_a_pipe_is_not_read(issued: CommandLine) -> None:
    issued.done("deliver")
    told = json.dumps({"message_id": row_of(issued)["message_id"], "status": "acknowledged"})
    outside = issued.write("secret", told)
    ack = acknowledge(issued, "half.json.part", told).parent
    (ack / "link.json").symlink_to(outside)
    os.mkfifo(ack / "pipe.json")
    (ack / "folder.json").mkdir()

    result = issued.run("deliver")

    assert result.code == 1 and states(issued)["2027-0001"] == "handed_over"
    assert sorted(file.name for file in (ack / "refused").iterdir()) == ["folder.json", "link.json", "pipe.json"]
    assert (ack / "half.json.part").exists() and outside.read_text(encoding="utf-8") == told


def test_words_of_a_receipt_are_kept_as_they_came_and_shown_legibly(issued: CommandLine) -> None:
    issued.done("deliver")
    told = json.dumps(
        {"message_id": row_of(issued)["message_id"], "status": "rejected", "text": "<b>\x1b[2J\u202e nej\0"}
    )
    acknowledge(issued, "svar.json", told)

    issued.done("deliver")

    assert "\x1b" not in row_of(issued)["reason"]["da"] and "nej" in row_of(issued)["reason"]["da"]
    assert database.column(issued, "SELECT raw FROM delivery_receipt") == [told]


def test_an_access_point_is_asked_for_receipts(issued: CommandLine, point: AccessPoint) -> None:
    line = by_web(issued, point, OS2TILSLUT_CARRIER_NEMHANDEL_RECEIPTS=point.url)
    line.done("deliver")
    message = row_of(issued)["message_id"]
    point.receipts = {"receipts": [{"message_id": message, "status": "acknowledged"}]}

    line.done("deliver")
    line.done("deliver")

    assert states(issued)["2027-0001"] == "acknowledged"
    assert database.count(issued, "delivery_receipt") == 1


@pytest.mark.parametrize("answer", [b"{", b"[]", b'{"receipts": 1}', b"x" * 2_000_000, b"\xff\xfe"])
def test_an_answer_that_is_no_list_of_receipts_is_told_and_changes_nothing(
    answer: bytes, issued: CommandLine, point: AccessPoint
) -> None:
    point.receipts = answer

    result = by_web(issued, point, OS2TILSLUT_CARRIER_NEMHANDEL_RECEIPTS=point.url).run("deliver")

    assert "kvitteringer kan ikke hentes" in result.err
    assert database.count(issued, "delivery_receipt") == 0


# --- again, elsewhere, by hand


def test_what_was_given_up_is_sent_again_to_another_address_and_the_history_stays(
    issued: CommandLine, point: AccessPoint
) -> None:
    point.does(*[access_point.refuse(422, "ukendt modtager")] * (COUNT - 1))
    line = by_web(issued, point)
    line.run("deliver")
    other = files.gln(files.starter()[7].cvr)

    line.done("deliver", "again", "2027-0001", "--to", other)
    line.done("deliver")

    assert states(issued)["2027-0001"] == "handed_over"
    assert row_of(issued)["address"] == f"0088:{other}"
    ids = [message for message, name, _ in point.taken if name.startswith("2027-0001")]
    contents = {content for _, name, content in point.taken if name.startswith("2027-0001")}
    assert len(ids) == len(set(ids)) == 2 and len(contents) == 1
    rows = database.column(issued, "SELECT again_of FROM delivery WHERE invoice_id = 1 ORDER BY position")
    assert rows[0] is None and rows[1] is not None
    issued.done("verify")


def test_another_channel_sends_that_channels_format(issued: CommandLine) -> None:
    issued.done("deliver")

    issued.done("deliver", "again", "2027-0001", "--channel", "peppol")
    issued.done("deliver")

    (name,) = (name for name in out(issued, "peppol") if name.startswith("2027-0001"))
    assert b"urn:cen.eu:en16931" in out(issued, "peppol")[name]
    issued.done("verify")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("2027-0001", "--to", "1234567890123"), "kontrolciffer"),
        (("2027-0001", "--to", "../../etc"), "tretten cifre"),
        (("2027-0001", "--to", "00000000"), "otte cifre"),
        (("2027-9999",), "ingen faktura"),
        (("'; DROP TABLE delivery;--",), "ingen faktura"),
    ],
)  # fmt: skip
def test_sending_again_is_refused_for_what_is_no_address_or_no_invoice(
    words: tuple[str, ...], told: str, issued: CommandLine
) -> None:
    issued.done("deliver")

    result = issued.run("deliver", "again", *words)

    assert result.code == 1 and told in result.err
    assert database.count(issued, "delivery") == COUNT


def test_what_was_never_sent_is_not_sent_again(issued: CommandLine) -> None:
    result = issued.run("deliver", "again", "2027-0001")

    assert result.code == 1 and "ikke forsøgt afleveret endnu" in result.err


def test_what_people_handed_over_is_noted_and_not_sent(issued: CommandLine) -> None:
    issued.done("deliver", "by-hand", "2027-0002", "--by", "En Bogholder")
    issued.done("deliver", "by-hand", "--year", 2027, "--by", "En Bogholder")
    before = database.count(issued, "delivery")
    issued.done("deliver", "by-hand", "--year", 2027)

    issued.done("deliver")

    assert out(issued) == {} and before == database.count(issued, "delivery") == COUNT
    assert set(states(issued).values()) == {"handed_over"}
    assert "En Bogholder" in row_of(issued)["reason"]["da"]
    issued.done("verify")


# --- verify


TAMPERED = {
    "other bytes": ("delivery", "UPDATE delivery SET sha256 = '00' WHERE id = 1", "ikke de bytes"),
    "another place": ("delivery", "UPDATE delivery SET address = '0088:1' WHERE id = 1", "et andet id"),
    "another name": ("delivery", "UPDATE delivery SET file_name = 'x' WHERE id = 1", "et andet filnavn"),
    "a gap": ("delivery", "UPDATE delivery SET position = 7 WHERE id = 1", "følger ikke"),
    "an unknown outcome": ("delivery_attempt", "UPDATE delivery_attempt SET outcome = 'x' WHERE id = 1", "hører ikke"),
}


@pytest.mark.tampers
@pytest.mark.parametrize(("table", "statement", "told"), TAMPERED.values(), ids=TAMPERED)
def test_verify_finds_what_was_changed_of_a_delivery(
    table: str, statement: str, told: str, issued: CommandLine
) -> None:
    issued.done("deliver")
    database.tamper(issued, table, statement)

    result = issued.run("verify")

    assert result.code == 1 and told in result.out


# --- courtesy copies, and the rounds of work


@pytest.fixture
def agreed(starter: CommandLine, small_rules: Path) -> CommandLine:
    """An invoice on an agreement signed here, which names a contact by mail."""
    line = starter.with_environ(OS2TILSLUT_RULES_DIR=str(small_rules))
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    billing = Billing("gln", "2995513301806", contact_name="En Kontaktperson", contact_mail="kontakt@kommune.example")
    Way(line).countersigned(billing=billing)
    line.issue(2027)
    return line


def test_the_contact_of_an_agreement_gets_one_copy_with_the_bytes_that_were_handed_over(agreed: CommandLine) -> None:
    agreed.done("deliver")
    agreed.done("deliver", "again", "2027-0001")
    agreed.done("deliver")

    (content,) = database.column(agreed, "SELECT content FROM letter WHERE kind = 'document_copy'")
    mail = message_from_bytes(bytes(content), policy=policy.default)
    enclosed = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
    assert mail["To"] == "kontakt@kommune.example" and "2027-0001" in mail["Subject"]
    assert enclosed["2027-0001.xml"] == next(iter(out(agreed).values()))
    assert enclosed["2027-0001.pdf"].startswith(b"%PDF")
    agreed.done("verify")


@pytest.fixture
def kept_contacts(starter: CommandLine, rules_directory: Path) -> CommandLine:
    """Three invoices: of an agreement and of dues, whose billing details have a contact, and of one that has none."""
    line = starter.with_environ(OS2TILSLUT_RULES_DIR=str(rules_directory))
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    first, second, third = (each.cvr for each in files.starter()[:COUNT])
    files.take_agreements(
        line, files.agreement(first, "OS2kitos", contact_mail="faktura@foerste.example"),
        files.agreement(second, "OS2kitos"),
    )  # fmt: skip
    member = {
        "cvr": third,
        "joined_on": "2012-01-01",
        "gln": files.gln(third),
        "contact_mail": "kontingent@tredje.example",
    }
    line.done("members", "import", line.write("members.csv", files.text(files.MEMBERS, [member])))
    line.issue(2027)
    return line


def test_where_no_agreement_names_a_contact_the_billing_details_do(kept_contacts: CommandLine) -> None:
    kept_contacts.done("deliver")

    receivers = database.column(kept_contacts, "SELECT receiver FROM letter WHERE kind = 'document_copy'")
    assert sorted(receivers) == ["faktura@foerste.example", "kontingent@tredje.example"]
    kept_contacts.done("verify")


def test_a_reminder_goes_to_the_contact_of_the_billing_details_too(kept_contacts: CommandLine) -> None:
    kept_contacts.done("deliver")
    late = kept_contacts.at("2027-04-01")
    reminding.bank(late, date(2027, 6, 1))
    reminding.approved(late)

    late.done("deliver")

    receivers = database.column(late, "SELECT receiver FROM letter WHERE kind = 'reminder'")
    assert sorted(receivers) == ["faktura@foerste.example", "kontingent@tredje.example"]


def test_the_contact_that_an_agreement_names_comes_before_that_of_the_billing_details(agreed: CommandLine) -> None:
    with agreed.session() as session:
        session.execute(text("UPDATE agreement SET contact_mail = 'anden@kommune.example'"))

    agreed.done("deliver")

    receivers = database.column(agreed, "SELECT receiver FROM letter WHERE kind = 'document_copy'")
    assert receivers == ["kontakt@kommune.example"]


@pytest.mark.parametrize(
    "mail", ["ikke en mail", "a@b", "x@y.dk\u202e", "a@x.dk,b@y.dk", "=cmd()@x.dk", "x" * 300 + "@x.dk"]
)
def test_a_contact_that_is_no_mail_address_is_refused(mail: str, starter: CommandLine) -> None:
    row = files.agreement(files.starter()[0].cvr, "OS2kitos", contact_mail=mail)

    result = starter.run("agreements", "import", starter.write("agreements.csv", files.text(files.AGREEMENTS, [row])))

    assert result.code == 1 and "contact_mail" in result.err
    assert database.count(starter, "agreement") == 0


def test_nobody_gets_a_copy_of_what_was_not_handed_over(agreed: CommandLine) -> None:
    agreed.with_environ(OS2TILSLUT_CARRIER_NEMHANDEL="none").run("deliver")

    assert database.count(agreed, "letter") == 0


def test_a_round_of_work_hands_documents_over_and_tells(issued: CommandLine, point: AccessPoint) -> None:
    told = issued.run("work")
    point.always = access_point.refuse(503)
    issued.done("deliver", "again", "2027-0001")
    put_off = by_web(issued, point).run("work")

    assert "Afleveringer: 3 afleveret, 0 kvitteringer" in told.out
    assert put_off.code == 3 and "1 udskudt" in put_off.err
    assert set(states(issued).values()) == {"handed_over", "to_send"}


def test_a_round_of_work_says_that_nobody_carries_what_is_due(issued: CommandLine) -> None:
    off = issued.with_environ(OS2TILSLUT_CARRIER_NEMHANDEL="none", OS2TILSLUT_CARRIER_PEPPOL="none")

    result = off.run("work")

    assert result.code == 3 and "OS2TILSLUT_CARRIER_NEMHANDEL=none" in result.err


# --- reminders


@pytest.fixture
def reminded(agreed: CommandLine) -> CommandLine:
    """The same invoice long overdue, and a reminder of it that was issued."""
    agreed.done("deliver")
    late = agreed.at("2027-04-01")
    reminding.bank(late, date(2027, 6, 1))
    reminding.approved(late)
    return late


def reminder_letters(line: CommandLine) -> list[bytes]:
    """Give the letters that carry a reminder."""
    return [bytes(one) for one in database.column(line, "SELECT content FROM letter WHERE kind = 'reminder'")]


def sent_reminders(line: CommandLine) -> dict[str, bytes]:
    """Give the reminders that lie in NemHandel's folder."""
    return {name: content for name, content in out(line).items() if name.startswith("RY-")}


def test_a_reminder_goes_once_to_nemhandel_as_the_bytes_that_are_kept(reminded: CommandLine) -> None:
    waits = reminded.done("deliver", "--dry-run", "--year", 2027)
    told = reminded.done("deliver", "--year", 2027)
    again = reminded.done("deliver")

    (kept,) = database.column(reminded, "SELECT content FROM reminder_rendering WHERE format = 'oioubl'")
    (name,) = database.column(reminded, "SELECT file_name FROM reminder_delivery")
    assert "1 dokument er klar" in waits.out
    assert "1 afleveret" in told.out and "0 afleveret" in again.out
    assert sent_reminders(reminded) == {name: bytes(kept)}
    assert row_of(reminded, "RY-2027-0001")["address"] == "0088:2995513301806"
    reminded.done("verify")


def test_another_year_than_its_invoice_s_leaves_a_reminder_be(reminded: CommandLine) -> None:
    reminded.done("deliver", "--year", 2026)

    assert sent_reminders(reminded) == {} and reminder_letters(reminded) == []


def test_what_the_receiver_s_side_tells_of_a_reminder_is_kept_and_it_is_sent_again_elsewhere(
    reminded: CommandLine,
) -> None:
    reminded.done("deliver")
    first = row_of(reminded, "RY-2027-0001")["message_id"]
    acknowledge(reminded, "svar.json", json.dumps({"message_id": first, "status": "rejected", "text": "GLN ukendt"}))
    reminded.done("deliver")
    rejected = row_of(reminded, "RY-2027-0001")

    reminded.done("deliver", "again", "RY-2027-0001", "--to", "5798009811578")
    reminded.done("deliver")

    stands = row_of(reminded, "RY-2027-0001")
    assert (rejected["state"], rejected["reason"]["da"]) == ("rejected", "GLN ukendt")
    assert (stands["state"], stands["address"]) == ("handed_over", "0088:5798009811578")
    assert len(sent_reminders(reminded)) == 2 and len(set(sent_reminders(reminded).values())) == 1
    assert len(reminder_letters(reminded)) == 1
    reminded.done("verify")


def test_a_reminder_that_an_access_point_refuses_for_now_is_tried_again_with_the_same_message(
    reminded: CommandLine, point: AccessPoint
) -> None:
    point.always = access_point.refuse(503)
    put_off = by_web(reminded, point).done("deliver")
    waits = row_of(reminded, "RY-2027-0001")
    point.always = None
    by_web(reminded, point).at("2027-04-01T23:00:00Z").done("deliver")

    assert "RY-2027-0001: prøves igen" in put_off.err and waits["state"] == "to_send"
    assert row_of(reminded, "RY-2027-0001")["message_id"] == waits["message_id"]
    assert row_of(reminded, "RY-2027-0001")["state"] == "handed_over"


def test_no_copy_of_a_reminder_is_written_before_it_is_handed_over(reminded: CommandLine) -> None:
    reminded.with_environ(OS2TILSLUT_CARRIER_NEMHANDEL="none").run("deliver")

    assert reminder_letters(reminded) == [] and row_of(reminded, "RY-2027-0001")["state"] == "to_send"


def test_peppol_has_no_reminders_so_the_letter_is_all(starter: CommandLine, small_rules: Path) -> None:
    line = starter.with_environ(OS2TILSLUT_RULES_DIR=str(small_rules))
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    billing = Billing("gln", "2995513301806", format="peppol", contact_mail="kontakt@kommune.example")
    Way(line).countersigned(billing=billing)
    line.issue(2027)
    late = line.at("2027-04-01")
    reminding.bank(late, date(2027, 6, 1))
    reminding.approved(late)

    told = foreseen(late)["RY-2027-0001"]
    late.done("deliver")
    again = late.run("deliver", "again", "RY-2027-0001", "--channel", "nemhandel")

    assert (told["channel"], told["address"]) == ("mail", "kontakt@kommune.example")
    assert told["goes"] == "goes" and "RY-2027-0001" not in foreseen(late)
    assert database.count(late, "reminder_delivery") == 0 and len(reminder_letters(late)) == 1
    assert "RY-2027-0001" not in states(late)
    assert again.code == 1 and "sendes som brev" in again.err


@pytest.fixture
def by_letter(starter: CommandLine, rules_directory: Path) -> CommandLine:
    """A reminder to a receiver in Peppol, which has no reminders, that nothing was done with yet."""
    line = starter.with_environ(OS2TILSLUT_RULES_DIR=str(rules_directory))
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    billing = Billing("gln", "2995513301806", format="peppol", contact_mail="kontakt@kommune.example")
    Way(line).countersigned(billing=billing)
    line.issue(2027)
    late = line.at("2027-04-01")
    reminding.bank(late, date(2027, 6, 1))
    reminding.approved(late)
    return late


def test_the_days_to_the_next_run_from_the_letter_that_was_sent(by_letter: CommandLine) -> None:
    by_letter.done("deliver")
    waits = by_letter.at("2027-04-20").json("reminders", "plan")
    by_letter.at("2027-04-05").run("work")

    follows = [by_letter.at(f"2027-04-{day}").json("reminders", "plan")["items"] for day in (14, 15)]

    assert [stop["code"] for stop in waits["stopped"][0]["stops"]] == ["unsent"]
    assert [len(items) for items in follows] == [0, 1]


def test_a_reminder_that_the_receiver_s_side_rejected_has_not_left(reminded: CommandLine) -> None:
    reminded.done("deliver")
    message = row_of(reminded, "RY-2027-0001")["message_id"]
    assert len(reminded.at("2027-04-11").json("reminders", "plan")["items"]) == 1
    acknowledge(reminded, "svar.json", json.dumps({"message_id": message, "status": "rejected", "text": "GLN ukendt"}))
    reminded.done("deliver")

    plan = reminded.at("2027-04-20").json("reminders", "plan")

    assert [stop["code"] for stop in plan["stopped"][0]["stops"]] == ["unsent"]


def test_a_reminder_that_is_a_letter_alone_is_noted_and_no_letter_is_written_after_it(by_letter: CommandLine) -> None:
    by_letter.done("deliver", "by-hand", "RY-2027-0001", "--reason", "Sendt med Digital Post", "--by", "En Bogholder")

    by_letter.done("deliver")

    stands = row_of(by_letter, "RY-2027-0001")
    assert (stands["state"], stands["channel"]) == ("handed_over", "hand")
    assert stands["reason"]["en"] == "handed over by En Bogholder outside the service: Sendt med Digital Post"
    assert reminder_letters(by_letter) == []
    by_letter.done("verify")


@pytest.mark.parametrize("reason", ["\u202eomvendt", "x" * 3_000, "a\x00b"])
def test_a_note_with_hostile_words_leaves_nothing(reason: str, by_letter: CommandLine) -> None:
    result = by_letter.run("deliver", "by-hand", "RY-2027-0001", "--reason", reason, "--by", "En Bogholder")

    assert result.code == 1 and "grunden" in result.err
    assert database.count(by_letter, "reminder_delivery") == 0


@pytest.mark.tampers
def test_what_is_not_made_yet_is_not_noted(by_letter: CommandLine) -> None:
    for table in ("reminder_verdict", "reminder_rendering"):
        database.tamper(by_letter, table, f"DELETE FROM {table}")

    result = by_letter.run("deliver", "by-hand", "RY-2027-0001", "--by", "En Bogholder")

    assert result.code == 1 and "ikke dannet endnu" in result.err


@pytest.mark.tampers
def test_verify_finds_what_was_changed_of_a_note(by_letter: CommandLine) -> None:
    by_letter.done("deliver", "by-hand", "RY-2027-0001", "--by", "En Bogholder")
    database.tamper(
        by_letter, "reminder_delivery_attempt", "UPDATE reminder_delivery_attempt SET reason_da = 'x' WHERE id = 1"
    )

    assert by_letter.run("verify").code == 1


def test_a_reminder_is_not_sent_again_through_peppol(reminded: CommandLine) -> None:
    reminded.done("deliver")

    result = reminded.run("deliver", "again", "RY-2027-0001", "--channel", "peppol")

    assert result.code == 1 and "Peppol har ingen rykkere" in result.err


def test_a_reminder_that_people_handed_over_is_not_sent(reminded: CommandLine) -> None:
    reminded.done("deliver", "by-hand", "RY-2027-0001", "--by", "En Bogholder")

    reminded.done("deliver")

    assert sent_reminders(reminded) == {} and row_of(reminded, "RY-2027-0001")["state"] == "handed_over"
    reminded.done("verify")


@pytest.mark.tampers
def test_verify_finds_what_was_changed_of_a_reminder_s_delivery(reminded: CommandLine) -> None:
    reminded.done("deliver")
    database.tamper(reminded, "reminder_delivery", "UPDATE reminder_delivery SET sha256 = '00' WHERE id = 1")

    result = reminded.run("verify")

    assert result.code == 1 and "ikke de bytes" in result.out


def test_a_reminder_leaves_once_by_mail_with_the_bytes_that_are_kept(reminded: CommandLine) -> None:
    told = reminded.done("deliver")
    again = reminded.done("deliver")

    (content,) = reminder_letters(reminded)
    mail = message_from_bytes(content, policy=policy.default)
    enclosed = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
    kept = database.column(reminded, "SELECT content FROM reminder_rendering ORDER BY id")
    assert "1 rykkere lagt til afsendelse" in told.out and "rykkere" not in again.out
    assert mail["To"] == "kontakt@kommune.example" and "RY-2027-0001" in mail["Subject"]
    assert set(enclosed) == {"RY-2027-0001.pdf", "RY-2027-0001.xml"}
    assert set(enclosed.values()) == {bytes(one) for one in kept}
    reminded.done("verify")


def test_a_round_of_work_writes_the_reminder_and_sends_it(reminded: CommandLine) -> None:
    told = reminded.run("work")  # which says that nothing can be sealed here

    assert "1 rykkere som brev" in told.out
    assert [row["state"] for row in reminded.json("letters", "list", "--about", "RY-2027-0001")["letters"]] == ["sent"]


def test_no_reminder_leaves_without_the_official_rules(reminded: CommandLine) -> None:
    reminded.with_environ(OS2TILSLUT_RULES_DIR=str(reminded.folder / "ingen")).done("deliver")

    assert reminder_letters(reminded) == []


def test_a_reminder_whose_invoice_names_no_contact_waits(issued: CommandLine) -> None:
    late = issued.at("2027-04-01")
    reminding.bank(late, date(2027, 6, 1))
    reminding.approved(late)
    by_letter = foreseen(late)["RY-2027-0003"]  # to the receiver in Peppol, which has no reminders

    late.done("deliver")

    assert reminder_letters(late) == []
    assert (by_letter["channel"], by_letter["goes"]) == ("mail", "waits")
    assert "ingen aftale bag fakturaen har en kontaktmail" in by_letter["reason"]["da"]


def test_the_official_rules_accept_a_reminder_that_asks_for_an_earlier_fee(agreed: CommandLine) -> None:
    reminding.decide(agreed, fee=100)
    reminding.bank(agreed, date(2027, 6, 1))
    for day in ("2027-04-01", "2027-04-20"):
        reminding.approved(agreed.at(day))
        reminding.left(agreed.at(day))

    assert database.column(agreed, "SELECT outcome FROM reminder_verdict") == ["valid", "valid"]
    assert [row["to_pay_ore"] - row["outstanding_ore"] for row in agreed.json("reminders", "list")["reminders"]] in (
        [100_00, 200_00], [200_00, 100_00],
    )  # fmt: skip


@pytest.mark.tampers
def test_verify_finds_a_letter_that_does_not_carry_its_reminder(reminded: CommandLine) -> None:
    reminded.done("deliver")
    database.tamper(reminded, "letter", "UPDATE letter SET subject = 'RY-2027-0009' WHERE kind = 'reminder'")

    result = reminded.run("verify")

    assert result.code == 1 and "bærer ikke rykkerens gemte filer" in result.out
