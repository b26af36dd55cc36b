"""The work of sealing: found by state, kept once, visible when it fails, and judged afterwards for whoever asks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import document_pdf, evidence, sealed, steps
from agreements.offered import Offer
from agreements.steps import NotPermitted, Step
from app import config, create_app, database, seals, verifying
from app.adapters import sealing
from app.annual_work import InNameOf
from app.seals import NotInUse, NotMadeUpHere, Source
from foundation.audit import ENTRIES, Trail, canonical, sha256
from foundation.errors import NotNow
from tests import pdf_structure, pdf_tampering, sealed_files
from tests.agreements.signed import Way
from tests.command_line import CommandLine
from tests.conftest import SEED

#: What stands in for the agreement's own PDF: another text for every offer.
SOURCE = Source(lambda offer: sealed_files.document(offer.id), evidence.record)
ACTOR = "baggrunden"


@dataclass
class Place:
    """A database with agreements, and the work on it."""

    way: Way
    line: CommandLine
    work: InNameOf

    def changed(self, **signing: Any) -> InNameOf:
        """The same work with other settings of the seal."""
        settings = self.work.config
        return replace(self.work, config=replace(settings, signing=replace(settings.signing, **signing)))

    def countersigned(self) -> Offer:
        """Take an offer as far as the association's signature."""
        self.way.chair_may_countersign()
        return self.way.countersign(self.way.signed()).done[0]

    def sealed_file(self) -> bytes:
        """Take an offer to its sealed file."""
        offer = self.countersigned()
        assert seals.seal_waiting(self.work, SOURCE).failed == {}
        return self.of(offer).content

    def of(self, offer: Offer) -> sealed.Kept:
        """The sealed file of an offer."""
        return self.way.asked(lambda session: sealed.of_offer(session, offer.id))

    def status(self) -> seals.Status:
        """How sealing stands."""
        return self.way.asked(lambda session: seals.status(session, self.work.config, self.way.at))

    def verdict(self, content: bytes) -> verifying.Verdict:
        """What a file is."""
        return self.way.asked(lambda session: verifying.verify(session, content))


@pytest.fixture
def place(starter: CommandLine) -> Iterator[Place]:
    """The real registers, with the made-up key taken into use."""
    line = starter.at("2026-11-24T10:00:00Z").with_environ(
        OS2TILSLUT_SIGNING_KEY=sealed_files.settings().key,
        OS2TILSLUT_DATA_DIR=str(sealed_files.folder()),
        OS2TILSLUT_SIGNING_TIMESTAMPS="none",  # quicker, and nothing here is about them
    )
    settings = config.read(line.environment)
    app = create_app(settings)
    with app.app_context():
        work = InNameOf(settings, ACTOR)
        seals.rotate(work)
        yield Place(Way(line), line, work)
        database.db.engine.dispose()


# --- sealing


def test_what_is_countersigned_is_sealed_once_and_stands_in_its_chain_of_steps(place: Place) -> None:
    offer = place.countersigned()
    shown = sealed_files.document(offer.id)
    stamped = place.changed(timestamps="local")
    seals.rotate(stamped)

    first, again = seals.seal_waiting(stamped, SOURCE), seals.seal_waiting(stamped, SOURCE)

    kept = place.of(offer)
    taken = place.way.now(offer).steps[-1]
    assert (first.sealed, again.sealed) == ([offer.id], [])
    assert kept.content.startswith(shown) and kept.unsealed_sha256 == sha256(shown)
    assert (taken.step, taken.data["sha256"], taken.data["level"]) == (Step.SEALED, kept.sha256, "PAdES B-LTA")
    assert place.way.asked(lambda session: list(steps.faults(session))) == []
    place.line.done("verify")


def test_what_is_signed_by_one_side_only_is_not_sealed(place: Place) -> None:
    offer = place.way.signed()

    assert seals.seal_waiting(place.work, SOURCE).sealed == []
    with pytest.raises(NotPermitted):
        place.way.by(ACTOR, lambda s, t: sealed.store(s, sealed_files.as_kept(offer.id), t))


def test_of_two_that_seal_at_once_the_first_keeps_its_file(place: Place) -> None:
    offer = place.countersigned()

    first = place.way.by(ACTOR, lambda s, t: sealed.store(s, sealed_files.as_kept(offer.id), t))
    kept = place.of(offer).sha256
    second = place.way.by(ACTOR, lambda s, t: sealed.store(s, sealed_files.as_kept(offer.id), t))

    assert (first, second) == (True, False)
    assert place.of(offer).sha256 == kept
    place.line.done("verify")


def test_pv_121_a_failed_seal_is_visible_and_tried_again_until_it_succeeds_once(place: Place) -> None:
    offer = place.countersigned()
    broken = replace(SOURCE, render=lambda _: b"ikke en PDF")

    tries = [seals.seal_waiting(place.work, broken).failed for _ in range(3)]
    status = place.status()
    mended = seals.seal_waiting(place.work, SOURCE)

    assert [list(failed) for failed in tries] == [[offer.id]] * 3
    assert status.waiting == 1
    assert [failure.offer_id for failure in status.failures] == [offer.id], "told once, however often it was tried"
    assert mended.sealed == [offer.id]
    assert (place.status().waiting, place.status().failures) == (0, ())


def test_one_that_cannot_be_sealed_does_not_hold_the_others_up(place: Place) -> None:
    first = place.countersigned()
    place.way.product = "OS2kitos"
    second = place.way.countersign(place.way.signed()).done[0]
    source = replace(SOURCE, render=lambda offer: b"" if offer.id == first.id else sealed_files.document(offer.id))

    done = seals.seal_waiting(place.work, source)

    assert (list(done.failed), done.sealed) == ([first.id], [second.id])


def test_pv_121_without_its_key_everything_waits_and_says_why(place: Place, tmp_path: Path) -> None:
    offer = place.countersigned()
    gone = place.changed(key=str(tmp_path / "x.pem"), is_local=False)

    with pytest.raises(NotNow):
        seals.seal_waiting(gone, SOURCE)

    (failure,) = place.status().failures
    assert failure.offer_id == offer.id and "x.pem" in failure.reason.en
    assert seals.seal_waiting(place.work, SOURCE).sealed == [offer.id]


def test_the_command_seals_the_agreements_own_pdf_and_a_stranger_verifies_both(place: Place, tmp_path: Path) -> None:
    offer = place.countersigned()

    told = place.line.done("signing", "seal").out

    kept = place.of(offer)
    pdf = pdf_structure.opened(kept.content)
    record = json.loads(pdf.attachments["A-2026-00001-v1-bevis.json"].get_file().read_bytes())
    assert told == "1 forseglet\n"
    assert kept.content.startswith(document_pdf.render(offer.document))
    assert (record["document_sha256"], record["shown_pdf"]["sha256"]) == (offer.digest, kept.unsealed_sha256)
    assert list(evidence.faults(canonical(record))) == []
    assert place.line.done("signing", "seal").out == "0 forseglet\n"
    stranger = _stranger(kept.content, tmp_path)
    assert "6 steps follow from each other" in stranger and stranger.rstrip().endswith("taken away since.")


def _stranger(content: bytes, folder: Path) -> str:
    """What docs/verify_agreement.py says of a file."""
    (folder / "aftale.pdf").write_bytes(content)
    script, published = Path("docs/verify_agreement.py").absolute(), sealed_files.key().sha256
    words = [sys.executable, "-I", "-S", str(script), "aftale.pdf", "--certificate", published]
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    return ran.stdout


# --- the key


def test_a_key_seals_only_after_it_was_taken_into_use(place: Place) -> None:
    place.countersigned()
    sealed_files.other_key()
    changed = place.changed(key=str(sealed_files.folder() / "other.pem"))

    with pytest.raises(NotInUse, match="was not taken into use"):
        seals.seal_waiting(changed, SOURCE)
    _, is_new = seals.rotate(changed)

    assert is_new
    assert len(seals.seal_waiting(changed, SOURCE).sealed) == 1


def test_what_was_sealed_before_the_key_changed_is_still_ours_and_whole(place: Place) -> None:
    content = place.sealed_file()
    sealed_files.other_key()

    seals.rotate(place.changed(key=str(sealed_files.folder() / "other.pem")))

    assert place.verdict(content).judgement == "whole"


def test_taking_the_same_key_into_use_twice_changes_nothing(place: Place) -> None:
    entries = select(ENTRIES.c.action).where(ENTRIES.c.action == "signing.rotated")

    _, is_new = seals.rotate(place.work)

    assert not is_new
    assert len(place.way.column(entries)) == 1


def test_a_key_is_made_up_only_where_no_real_one_is_set(place: Place) -> None:
    with pytest.raises(NotMadeUpHere):
        seals.rotate(place.changed(is_local=False), made_up=True)


def test_pv_123_who_looks_is_warned_of_a_key_that_ends_and_of_what_waits(place: Place) -> None:
    place.countersigned()
    end = sealed_files.key().certificate.not_valid_after

    def warned(before: int) -> list[str]:
        at = end - timedelta(days=before)
        return [told.en for told in place.way.asked(lambda s: seals.warnings(s, place.work.config, at))]

    assert warned(100) == ["1 agreement(s) signed, not sealed"]
    assert warned(20)[0] == "the certificate expires in 20 days"
    assert warned(-1)[0] == "the certificate has expired; nothing can be sealed"


# --- judging


def test_the_sealed_file_is_ours_and_whole_and_one_flipped_bit_is_not(place: Place) -> None:
    content = place.sealed_file()
    flipped = bytes([*content[:3000], content[3000] ^ 1, *content[3001:]])

    whole, changed = place.verdict(content), place.verdict(flipped)

    assert (whole.judgement, whole.reasons) == ("whole", ())
    assert changed.judgement == "changed" and changed.original == whole.original
    assert changed.reasons[0].en.startswith("byte 3,000: ")


def _stored(session: Session, trail: Trail, *, made: sealed.Fresh) -> bool:
    return sealed.store(session, made, trail)


@pytest.mark.parametrize("level", [sealing.B_B, sealing.B_LTA])
def test_no_changed_copy_is_called_whole_by_the_whole_examination(place: Place, level: str) -> None:
    seals.rotate(place.changed(timestamps="local"))  # vouches for the time stamps of the shared files
    other = replace(place.way, product="OS2kitos", rights={})
    first, second = place.countersigned(), place.way.countersign(other.signed()).done[0]
    files = {one.id: sealed_files.sealed(level, number) for number, one in enumerate((first, second), start=1)}
    for number, (offer_id, file) in enumerate(files.items(), start=1):
        made = sealed_files.as_kept(offer_id, number, file)
        replace(place.way, at=sealed_files.NOW).by(ACTOR, partial(_stored, made=made))
    copies = pdf_tampering.changed(level, pdf_tampering.COUNT, SEED)

    passed = place.way.asked(
        lambda session: [each.kind for each in copies if verifying.verify(session, each.content).judgement == "whole"]
    )
    swapped = place.verdict(files[second.id].content)

    assert passed == []
    assert swapped.judgement == "whole" and swapped.original is not None, swapped.reasons
    assert swapped.original.offer_id == second.id, "a swapped file is genuine, and told as the other agreement's"


def test_the_copy_that_was_shown_before_is_ours_without_its_seal(place: Place) -> None:
    place.sealed_file()

    verdict = place.verdict(sealed_files.document(1))

    assert verdict.judgement == "changed"
    assert [told.en for told in verdict.reasons] == [
        "the seal was taken off: the file is as it was shown, without seal and evidence"
    ]


def test_a_seal_of_ours_that_is_not_kept_is_told_from_what_is_not_ours(place: Place) -> None:
    ours, foreign = sealed_files.fresh(sealing.B_B, 3).content, sealed_files.document(4)

    assert [told.en[:44] for told in place.verdict(ours).reasons] == ["it carries a valid seal of ours, but we have"]
    assert place.verdict(ours).judgement == "unknown"
    assert (place.verdict(foreign).judgement, place.verdict(foreign).reasons) == ("unknown", ())


def test_a_sealed_file_changed_in_the_database_is_refused_even_with_its_digest_put_right(place: Place) -> None:
    content = place.sealed_file()
    flipped = bytes([*content[:3000], content[3000] ^ 1, *content[3001:]])
    kept = replace(place.way.asked(lambda session: sealed.of_offer(session, 1)), content=flipped)

    verdict = place.way.asked(lambda session: verifying.faults_of(session, kept))

    assert [told.en for told in verdict] == ["what was sealed was changed"]


def test_the_command_answers_by_its_exit_code(place: Place, tmp_path: Path) -> None:
    content = place.sealed_file()
    cases: dict[str, tuple[bytes, int]] = {
        "hel.pdf": (content, 0), "ændret.pdf": (content + b"\n", 1), "fremmed.pdf": (b"%PDF-1.7 fremmed", 1),
    }  # fmt: skip
    for name, (given, _) in cases.items():
        (tmp_path / name).write_bytes(given)

    told: dict[str, Any] = {name: place.line.run("agreement", "verify", tmp_path / name, "--json") for name in cases}

    assert {name: result.code for name, result in told.items()} == {name: code for name, (_, code) in cases.items()}
    assert [result.json()["judgement"] for result in told.values()] == ["whole", "changed", "unknown"]
    spoken = place.line.run("agreement", "verify", tmp_path / "ændret.pdf").out
    assert "vores, men ændret" in spoken and "1 byte er tilføjet efter det forseglede" in spoken


def test_the_commands_make_a_key_up_tell_how_it_stands_and_take_it_into_use(empty: CommandLine) -> None:
    before = empty.run("signing", "status")

    made = empty.done("signing", "rotate", "--made-up")
    after = empty.json("signing", "status")

    assert before.code == 1 and "signing rotate --made-up" in before.out
    assert "Opdigtet" in made.out and "taget i brug" in made.out
    assert (after["level"], after["timestamps"], after["fault"], after["waiting"]) == ("PAdES B-LTA", "local", None, 0)
    assert "var allerede i brug" in empty.done("signing", "rotate").out
