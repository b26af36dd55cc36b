"""Brings what the pages use of others, the design system, its typeface and htmx, to where the browser asks for it.

None of it is ours, and all of it is locked by package-lock.json, so it is copied at set-up and not committed.

usage: python setup/vendor.py
"""

import re
import shutil
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
PACKAGES = HOUSE / "node_modules"
TARGET = HOUSE / "app/static/vendor"
DESIGN_SYSTEM = PACKAGES / "dkfds/dist"
SCRIPTS = (PACKAGES / "htmx.org/dist/htmx.min.js", DESIGN_SYSTEM / "js/dkfds.min.js")
STYLE = DESIGN_SYSTEM / "css/dkfds.min.css"


def main() -> None:
    shutil.rmtree(TARGET, ignore_errors=True)
    for file in (*SCRIPTS, STYLE, *named_in(STYLE)):
        bring(file, TARGET / (f"js/{file.name}" if file in SCRIPTS else str(file.relative_to(DESIGN_SYSTEM))))
    (TARGET / ".installed").touch()


def named_in(style: Path) -> list[Path]:
    """Give the files a style sheet names: typefaces and icons."""
    names = re.findall(r"url\((?!data:)[\"']?([^)\"'#?]+)", style.read_text(encoding="utf-8"))
    return [file for name in sorted(set(names)) if (file := (style.parent / name).resolve()).is_file()]


def bring(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)


if __name__ == "__main__":
    main()
