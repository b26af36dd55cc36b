"""The same list without us: Flask, SQLAlchemy's ORM and a Jinja table of 50 of the authorities. Nobody signs in.

usage: DATABASE_URL=… granian --interface wsgi benchmarks.bare_page:app
"""

from __future__ import annotations

import os

from flask import Flask, render_template_string
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

_TEMPLATE = """<!doctype html>
<html lang="da">
<head><meta charset="utf-8"><title>Authorities</title></head>
<body>
<h1>Authorities</h1>
<table>
  <thead><tr><th>Name</th><th>CVR</th><th>Kind</th><th>Town</th></tr></thead>
  <tbody>
  {% for each in authorities %}
    <tr><td>{{ each.name }}</td><td>{{ each.cvr }}</td><td>{{ each.type }}</td><td>{{ each.city }}</td></tr>
  {% endfor %}
  </tbody>
</table>
</body>
</html>
"""


class Base(DeclarativeBase):
    """Models of its own."""


class Authority(Base):
    """What the list shows."""

    __tablename__ = "authority"

    id: Mapped[int] = mapped_column(primary_key=True)
    cvr: Mapped[str]
    name: Mapped[str]
    type: Mapped[str]
    city: Mapped[str | None]


app = Flask(__name__)
engine = create_engine(os.environ["DATABASE_URL"])


@app.get("/authorities")
def page() -> str:
    """List the first fifty by name."""
    with Session(engine) as session:
        found = session.scalars(select(Authority).order_by(Authority.name, Authority.id).limit(50)).all()
        return render_template_string(_TEMPLATE, authorities=found)
