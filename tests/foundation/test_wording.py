"""Which words come in: what paper and XML show unharmed, and nothing that makes a name look like another."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import letterhead, wording


@pytest.mark.parametrize(
    "words",
    ["", "Ærø Kommune", "Århus – c/o «Økonomi»", "O’Hara & Søn (A/S) 100 %", "Łódź", "“citat”…", "1\u00a0000 €"],
)
def test_names_as_they_are_written_are_taken(words: str) -> None:
    assert wording.fault(words) is None


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("a\nb", "U+000A"), ("a\tb", "U+0009"), ("a\0b", "U+0000"), ("a\x7fb", "U+007F"), ("a\u0085b", "U+0085"),
        ("a\u00adb", "U+00AD"), ("a\u200bb", "U+200B"), ("a\u202eb", "U+202E"), ("a\u2028b", "U+2028"),
        ("a\u0180", "U+0180"), ("a\u1e02", "U+1E02"), ("og\u2011mere", "U+2011"), ("a\u01c0", "U+01C0"),
        ("Кommune", "U+041A"), ("東京", "U+6771"), ("a😀", "U+1F600"), ("\ufeffa", "U+FEFF"),
    ],
)  # fmt: skip
def test_a_character_that_paper_cannot_show_is_named(words: str, code: str) -> None:
    fault = wording.fault(words)

    assert fault is not None
    assert code in fault.da
    assert code in fault.en
    assert fault.da != fault.en


def test_the_longest_is_still_taken_and_one_more_is_not() -> None:
    assert wording.fault("å" * wording.LONGEST_NAME, wording.LONGEST_NAME) is None
    too_long = wording.fault("å" * (wording.LONGEST_NAME + 1), wording.LONGEST_NAME)
    assert too_long is not None
    assert str(wording.LONGEST_NAME) in too_long.da


def test_a_letter_and_its_accent_become_one_character() -> None:
    assert wording.composed("A\u030arhus") == "Århus"
    assert wording.fault(wording.composed("A\u030arhus")) is None
    assert wording.fault("A\u030arhus") is not None


@given(st.text(max_size=50))
def test_what_is_taken_holds_no_control_or_direction_marks(words: str) -> None:
    if wording.fault(words) is None:
        assert not {unicodedata.category(letter) for letter in words} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def test_every_letter_that_is_taken_is_in_every_face_of_the_typeface() -> None:
    """Paper prints the nearest letter for one it lacks; XML the letter itself: a name would have two forms."""
    faces = [letterhead._typeface(name).face.charToGlyph for name in letterhead._FILES]
    taken = [code for code in range(0x30000) if wording.fault(chr(code)) is None]

    assert [f"U+{code:04X}" for code in taken if not all(code in face for face in faces)] == []
    assert len(taken) > 400


def test_spaces_in_a_row_become_one_as_paper_would_make_them() -> None:
    assert wording.composed("Aarhus   Kommune  1") == "Aarhus Kommune 1"


@pytest.mark.parametrize("other", ["os2kitos", "OS2 kitos", "OS2\u00a0KITOS", "ＯＳ２kitos"])
def test_names_that_a_reader_would_take_for_one_look_the_same(other: str) -> None:
    assert wording.looks(other) == wording.looks("OS2kitos")


def test_names_that_differ_in_a_letter_do_not_look_the_same() -> None:
    assert len({wording.looks(name) for name in ("OS2kitos", "OS2kitos+", "OS2kitös", "OS2kito5")}) == 4


def test_a_foreign_text_stands_in_a_message_on_one_line_and_short() -> None:
    shown = wording.quoted("\x1b[2J\n\u202e" + "x" * 10_000)

    assert shown.startswith("'\\x1b[2J\\n\\u202exxx") and len(shown) < 70


@given(st.text(max_size=300))
def test_a_legible_name_is_one_that_could_be_stored(name: str) -> None:
    assert wording.fault(wording.legible(name), wording.LONGEST_NAME) is None
