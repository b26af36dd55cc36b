"""Deny by default: every route stands here with who may use it; a route that is not listed fails."""

from __future__ import annotations

from pathlib import Path

from app import config, create_app

#: (rule, method) and who may use it. Everything else must be added here on purpose.
WHO_MAY = {
    ("/healthz", "GET"): "anyone",
    ("/readyz", "GET"): "anyone",
}


def test_every_route_is_listed_with_who_may_use_it(tmp_path: Path) -> None:
    made = create_app(config.read({"OS2TILSLUT_DATA_DIR": str(tmp_path)}))

    routes = {
        (rule.rule, method)
        for rule in made.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert routes == set(WHO_MAY)


def test_a_route_answers_no_other_method(tmp_path: Path) -> None:
    client = create_app(config.read({"OS2TILSLUT_DATA_DIR": str(tmp_path)})).test_client()

    codes = {
        client.open(rule, method=method).status_code for rule, _ in WHO_MAY for method in ("POST", "PUT", "DELETE")
    }

    assert codes == {405}
