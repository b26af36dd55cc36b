"""Which words may come in: those that paper and XML show unharmed. Whatever else is refused at the door."""

from __future__ import annotations

import re
import unicodedata

from foundation.language import Text

#: The longest name that is taken, in characters; receivers must take 200.
LONGEST_NAME = 200
#: The longest name of a product, which is also a key.
LONGEST_PRODUCT = 80
#: The longest free text, such as a reason.
LONGEST_TEXT = 500

# Latin and common punctuation, exactly as far as every face of the embedded typeface draws it (a test compares): paper
# would print another letter for the rest. No control marks, no marks of direction, no soft hyphen: they would make a
# name look like another.
_SHOWABLE = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u017f\u018f\u0192\u01a0\u01a1\u01af\u01b0\u01cd-\u01dc\u01fa-\u01ff\u0218-\u021b\u0237"
    "\u1e80-\u1e85\u1e9e\u1ea0-\u1ef9\u2013\u2014\u2018-\u201a\u201c-\u201e\u2022\u2026\u2032\u2033\u20ac\u2122]*"
)

_QUOTED = 40  # characters of a foreign text that a message shows


def composed(words: str) -> str:
    """Give the words as everything is stored here: a letter and its accent as one character, single spaces."""
    return re.sub("  +", " ", unicodedata.normalize("NFC", words))


def folded(words: str) -> str:
    """Give what of the words the eye goes by: letters and digits, whatever their case and what lies between them."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", words).casefold()))


def looks(words: str) -> str:
    """Give what two names have in common that a reader would take for one: without case and spaces."""
    return "".join(unicodedata.normalize("NFKC", words).casefold().split())


def quoted(words: str) -> str:
    """Give a foreign text as a message may show it: in quotes, on one line, its beginning where it is long."""
    return repr(words if len(words) <= _QUOTED else words[:_QUOTED] + "…")


def legible(words: str) -> str:
    """Give a name that nobody could refuse, such as a file's: whatever paper and XML cannot show is a question mark."""
    shown = (letter if _SHOWABLE.fullmatch(letter) else "?" for letter in composed(words))
    return "".join(shown)[:LONGEST_NAME]


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
