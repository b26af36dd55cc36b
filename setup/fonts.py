"""Brings the typeface of our documents, IBM Plex Sans, from the front-end packages to where letterheads look.

The files are large, not ours and already locked by package-lock.json, so they are copied at set-up and not
committed. A typeface that lacks a letter would print boxes on invoices, so each is tried before it is taken.

usage: python setup/fonts.py IBMPlexSans-Regular ...
"""

import shutil
import sys
from pathlib import Path

from reportlab.pdfbase.ttfonts import TTFError, TTFont

HOUSE = Path(__file__).resolve().parent.parent
SOURCE = HOUSE / "node_modules/dkfds/dist/fonts/IBMPlexSans/complete/ttf"
TARGET = HOUSE / "foundation/fonts"
LETTERS = "æøåÆØÅéüöäß§€%&/–—-“”„’»«·×½…\u00a0"


def main(names: list[str]) -> int:
    for name in names:
        if problem := trouble_with(SOURCE / f"{name}.ttf"):
            print(problem, file=sys.stderr)
            return 1
        shutil.copyfile(SOURCE / f"{name}.ttf", TARGET / f"{name}.ttf")
    return 0


def trouble_with(file: Path) -> str | None:
    try:
        glyphs = TTFont(file.stem, str(file)).face.charToGlyph
    except TTFError as error:
        return f"{file.name} cannot be embedded in documents: {error}"
    missing = [letter for letter in LETTERS if ord(letter) not in glyphs]
    return f"{file.name} lacks the letters {' '.join(missing)}" if missing else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
