"""Characters that normalisation deletes, in every script, as tables for ``str.translate``."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable


class Deleted(dict[int, int | None]):
    """Says of each character, once it is met, whether it goes."""

    def __init__(self, goes: Callable[[str], bool]) -> None:
        super().__init__()
        self._goes = goes

    def __missing__(self, code: int) -> int | None:
        self[code] = None if self._goes(chr(code)) else code
        return self[code]


# Unicode's categories P*, and the symbols of ASCII that SQuAD counts in: $ + < = > ^ ` | ~
PUNCTUATION = Deleted(lambda char: unicodedata.category(char).startswith("P") or char in string.punctuation)

# joiners, marks of direction, soft and zero-width breaks, selectors of glyph variants
INVISIBLE = Deleted(
    lambda char: unicodedata.category(char) == "Cf" or "VARIATION SELECTOR" in unicodedata.name(char, "")
)
