"""The page about the API: for everybody, in both languages, with every operation the OpenAPI document has."""

from __future__ import annotations

from html import unescape
from typing import Any

from app.web import api_words
from tests.app.web.desks import FINANCE, Desk


def test_every_operation_stands_on_the_page(bare: Desk) -> None:
    document: Any = bare.get("/api/v1/openapi.json").json

    danish = unescape(bare.html("/api/v1/docs"))
    bare.post("/language", language="en", next="/api/v1/docs")
    page = unescape(bare.html("/api/v1/docs"))

    for path, methods in document["paths"].items():
        for method in methods.keys() & {"get", "post"}:
            assert f"{method.upper()} {path}</code>" in page, path
            assert methods[method]["summary"] in page
            assert api_words.OPERATIONS[f"{method.upper()} {path}"] in danish
    assert {f"{method.upper()} {path}" for path, methods in document["paths"].items()
            for method in methods.keys() & {"get", "post"}} == set(api_words.OPERATIONS)  # fmt: skip
    for words, told in {**api_words.MEMBERS, **api_words.ANSWERS}.items():
        assert (words in page, told in danish) == (True, True), words
    assert "Idempotency-Key" in page


def test_it_is_a_page_like_any_other(bare: Desk) -> None:
    of_nobody = bare.get("/api/v1/docs")
    bare.post("/language", language="en", next="/api/v1/docs")
    in_english = bare.html("/api/v1/docs")
    bare.post("/language", language="da", next="/api/v1/docs")

    of_finance = bare.sit(FINANCE).get("/api/v1/docs")

    assert of_nobody.mimetype == "text/html"
    assert "unsafe" not in of_nobody.headers["Content-Security-Policy"]
    assert ("lav en nøgle" in of_finance.text, "lav en nøgle" in of_nobody.text) == (True, False)
    assert "<h1>The API</h1>" in in_english
