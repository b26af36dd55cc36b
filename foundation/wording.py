"""Which words may come in: those that paper and XML show unharmed. Whatever else is refused at the door."""

from __future__ import annotations

import re
import unicodedata

from foundation.language import Text

#: The longest name that is taken, in characters; receivers must take 200.
LONGEST_NAME = 200
#: The longest free text, such as a reason.
LONGEST_TEXT = 500

# Latin with its extensions and common punctuation: what the embedded typeface draws. No control marks, no marks of
# direction, no soft hyphen: they would make a name look like another.
_SHOWABLE = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u024f\u1e00-\u1eff\u2010-\u2015\u2018-\u201e\u2022\u2026\u2032\u2033\u20ac\u2122]*"
)


def composed(words: str) -> str:
    """Give the words with each letter and its accent as one character, as everything stored here is."""
    return unicodedata.normalize("NFC", words)


def fault(words: str, longest: int = LONGEST_TEXT) -> Text | None:
    """Say what is wrong with composed words: too long, or a character that cannot stand on an invoice."""
    if len(words) > longest:
        return Text(f"har over {longest} tegn", f"has more than {longest} characters")
    shown = _SHOWABLE.match(words)
    end = shown.end() if shown else 0
    if end < len(words):
        code = f"U+{ord(words[end]):04X}"
        return Text(f"tegnet {code} kan ikke stå på en faktura", f"the character {code} cannot stand on an invoice")
    return None
