"""Words with their tags, and the text that they make, with the offset of every word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

CLOSING = frozenset(".,;?!।。、，？")


class Token(NamedTuple):
    """One word.

    Attributes:
        tag: part of speech (UPOS); empty in questions, which no tagging task uses.
        entity: IOB2 tag.
        table: the table of the language that the word comes from (``cities``); empty for words of a template.
    """

    word: str
    tag: str
    entity: str = "O"
    table: str = ""


def capitalised(tokens: Sequence[Token]) -> list[Token]:
    """The same tokens with a capital letter at the start."""
    first = tokens[0]
    return [first._replace(word=first.word[:1].upper() + first.word[1:]), *tokens[1:]]


def joined(tokens: Sequence[Token], spaced: bool) -> tuple[str, list[int]]:
    """The text of the tokens, and where each of them starts in it.

    Nothing separates the words of a script without spaces; elsewhere a space does, except before closing punctuation
    and after an opening question mark or an elided article (``l'``).
    """
    text, starts = "", []
    for token in tokens:
        if spaced and text and token.word not in CLOSING and text[-1] not in "¿'":
            text += " "
        starts.append(len(text))
        text += token.word
    return text, starts
