"""The template format: what fits is read, every fault has its line, fields are filled in, versions are told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements import template_text
from agreements.clauses import NoticeTerms
from agreements.template_text import FIELDS, NAMES, Change, Template, TemplateRefused
from foundation.language import Text, same
from tests.agreements.templates_made import CONNECTION, shipped


def faults(text: str) -> list[tuple[int, str]]:
    with pytest.raises(TemplateRefused) as refused:
        template_text.parse(text)
    return [(fault.line, fault.reason.en) for fault in refused.value.faults]


def changed(*pairs: tuple[str, str]) -> str:
    text = CONNECTION
    for was, now in pairs:
        assert was in text
        text = text.replace(was, now, 1)
    return text


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_template_is_read_with_its_sections_and_clauses() -> None:
    template = template_text.parse(CONNECTION)

    assert (template.name, template.notice, template.draft) == ("connection", NoticeTerms(6, "year"), None)
    assert [section.heading.da for section in template.sections] == ["Parter", "Ophør"]
    assert template.sections[0].clauses[1].text == Text("Om {product}, {kind}.", "On {product}, {kind}.")


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_template_is_read_and_says_that_it_is_a_draft(name: str) -> None:
    template = template_text.parse(shipped(name))

    assert template.draft is not None and "foreningens jurist" in template.draft.da
    assert template_text.from_canonical(template.canonical()) == template


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_template_has_a_clause_for_what_an_agreement_must_carry(name: str) -> None:
    template = template_text.parse(shipped(name))
    ids = {clause.id for section in template.sections for clause in section.clauses}

    assert {"parties", "signing", "invoicing", "notice", "digest"} <= ids


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("{product}", "{produkt}"), (20, "da: unknown field '{produkt}'")),
        (("On {product}", "On {product.name}"), (21, "en: unknown field '{product.name}'")),
        (("On {product}", "On {}"), (21, "en: unknown field '{}'")),
        (("Om {product}", "Om {{product}}"), (20, "da: a brace stands alone")),
        (("Om {product}", "Om {product"), (20, "da: a brace stands alone")),
        (('"Parter"', '"Parter {product}"'), (10, "heading_da: unknown field")),
        (('id = "notice"', 'id = "parties"'), (28, "the id parties stands twice")),
        (('id = "notice"', 'id = "Notice!"'), (28, "id is letters, digits and hyphens")),
        (('da = "Opsiges med {notice}."\n', ""), (27, "da must be a text")),
        (('en = "Ended with {notice}."', 'en = "  "'), (30, "en must be a text")),
        (('en = "Ended with {notice}."', 'en = "a\u202eb"'), (30, "en: the character U+202E")),
        (('en = "Ended with {notice}."', "en = 7"), (30, "en must be a text")),
        (('id = "product"', 'id = "product"\nmore = 1'), (20, "unknown key 'more'")),
        (('name = "connection"', 'name = "loan"'), (2, "name must be connection | membership")),
        (("months = 6", "months = 61"), (5, "months must be 0 to 60")),
        (("months = 6", "months = 6.0"), (5, "months must be 0 to 60")),
        (('ends = "year"', 'ends = "week"'), (5, "ends must be year | month | day")),
        (("notice = { months", "notes = { months"), (1, "write the notice as")),
        (("name =", "version = 3\nname ="), (2, "unknown key 'version'")),
        (("name =", 'draft_da = "Udkast"\nname ='), (1, "draft_en must be a text")),
        (("notice = {", "notice = {{"), (5, "not valid TOML")),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(change: tuple[str, str], expected: tuple[int, str]) -> None:
    text = changed(change)

    found = faults(text)

    assert any(line == expected[0] and reason.startswith(expected[1]) for line, reason in found), found


def test_a_template_without_sections_or_with_an_empty_one_is_refused() -> None:
    head, _, rest = CONNECTION.partition("[[section]]")

    assert faults(head) == [(1, "there must be at least one [[section]]")]
    assert faults(head + "[[section]]" + rest.partition("[[section.clause]]")[0]) == [
        (9, "there must be at least one [[clause]]"),
    ]


def test_a_membership_knows_no_product() -> None:
    text = changed(('name = "connection"', 'name = "membership"'))

    assert [line for line, _ in faults(text)] == [20, 20, 21, 21]


def test_a_text_too_long_is_refused_before_it_is_read() -> None:
    assert faults(CONNECTION + "# " + "x" * 40_000) == [(1, "the text is over 40000 characters")]
    assert faults(changed(("Om {product}", "x" * 3_001))) == [(20, "the line is too long")]


def test_a_hundred_faults_are_told_as_fifty() -> None:
    text = CONNECTION + '\n[[section.clause]]\nid = "notice"\nda = "{a}"\nen = "{b}"' * 40

    assert len(faults(text)) == 50


@given(st.text(max_size=300))
def test_whatever_is_given_is_a_template_or_refused(words: str) -> None:
    try:
        template_text.parse(changed(("Om {product}, {kind}.", words)))
    except TemplateRefused as refused:
        assert refused.faults


# --- filling in ------------------------------------------------------------------------------------------------------


@given(st.sampled_from(sorted(FIELDS["connection"])), st.text(alphabet="{}abcproduct_ \\gn<0>", max_size=30))
def test_what_a_value_says_is_never_read_as_a_field(name: str, value: str) -> None:
    values = dict.fromkeys(FIELDS["connection"], same("?")) | {name: same(value)}

    filled = template_text.filled_words(same(f"a {{{name}}} b"), values)

    assert filled == same(f"a {value} b")


def test_every_field_is_filled_in_in_both_languages() -> None:
    template = template_text.parse(CONNECTION)
    values = {name: Text(f"<{name}>", f"[{name}]") for name in FIELDS["connection"]}

    sections = template_text.filled(template, values)

    assert sections[0].clauses[1].text == Text("Om <product>, <kind>.", "On [product], [kind].")
    assert [clause.id for section in sections for clause in section.clauses] == ["parties", "product", "notice"]


# --- two versions ----------------------------------------------------------------------------------------------------


def difference(*pairs: tuple[str, str]) -> list[Change]:
    return template_text.difference(template_text.parse(CONNECTION), template_text.parse(changed(*pairs)))


def told(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.place, change.what) for change in changes]


def test_the_same_template_differs_in_nothing() -> None:
    assert difference() == []


def test_a_changed_clause_is_shown_with_both_texts() -> None:
    (change,) = difference(("Opsiges med", "Kan opsiges med"))

    assert (change.place, change.what, change.heading.en) == ("notice", "changed", "End")
    assert change.was is not None and change.was.da == "Opsiges med {notice}."
    assert change.now is not None and change.now.da == "Kan opsiges med {notice}."


def test_clauses_added_and_removed_are_told() -> None:
    assert told(difference(('id = "notice"', 'id = "end"'))) == [("end", "added"), ("notice", "removed")]


def test_a_clause_in_another_place_is_moved_and_the_others_are_not() -> None:
    start, end = (CONNECTION.index(f'[[section.clause]]\nid = "{id_}"') for id_ in ("parties", "product"))
    other = CONNECTION[:start] + CONNECTION[end:] + "\n" + CONNECTION[start:end]

    found = template_text.difference(template_text.parse(CONNECTION), template_text.parse(other))

    assert told(found) == [("parties", "moved")]


def test_a_clause_under_another_heading_is_moved_though_the_order_is_the_same() -> None:
    heading = '[[section]]\nheading_da = "Ophør"\nheading_en = "End"\n'
    clause = '[[section.clause]]\nid = "product"'
    other = CONNECTION.replace(heading, "").replace(clause, heading + clause)

    found = template_text.difference(template_text.parse(CONNECTION), template_text.parse(other))

    assert [(change.place, change.what, change.heading.en) for change in found] == [("product", "moved", "End")]


def test_the_facts_of_the_whole_are_told_first() -> None:
    found = difference(
        ('title_da = "Aftale"', 'title_da = "Ny aftale"\ndraft_da = "Udkast"\ndraft_en = "Draft"'),
        ("months = 6", "months = 3"),
        ('"Ophør"', '"Opsigelse"'),
        ("Om {authority}", "Hvad vi gemmer om {authority}"),
    )

    assert told(found) == [
        ("title", "changed"), ("draft", "added"), ("notice", "changed"), ("personal_data", "changed"),
        ("headings", "changed"),
    ]  # fmt: skip


def test_the_digest_is_of_what_the_template_says_and_not_of_how_it_is_written() -> None:
    same_words = "# a remark\n" + changed(('da = "Opsiges med {notice}."', 'da = """\nOpsiges  med\n{notice}.\n"""'))

    template: Template = template_text.parse(same_words)

    assert template.digest() == template_text.parse(CONNECTION).digest()
