"""What a distance is, and the one function that computes them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.languages import canonical
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.data.examples import Corpus, Example

Floats = NDArray[np.float64]
COLUMNS = ["a", "b", "value", "shared", "coverage"]


class Kind(StrEnum):
    """What a distance is computed from."""

    TYPOLOGICAL = "typological"  # what linguists and tables say of the languages
    LEXICAL = "lexical"  # texts
    TOKENIZER = "tokenizer"  # texts and a tokenizer
    REPRESENTATION = "representation"  # a model's embeddings of parallel sentences
    DATA = "data"  # amounts of data
    FILE = "file"  # a file of the user's own


class Need(StrEnum):
    """What a distance is computed from, beside the two languages."""

    URIEL = "urielplus"
    TEXTS = "texts"
    TOKENIZER = "tokenizer"
    PARALLEL = "parallel texts"
    EMBEDDINGS = "embeddings"
    SIZES = "training data"
    PRETRAINING = "pretraining amounts"


class Tokenizer(Protocol):
    """What the tokenizers of the harness's models have in common.

    Attributes:
        unknown: the token of what the vocabulary does not hold.
    """

    unknown: int

    def __hash__(self) -> int:
        """By identity, as of any object: tokens are remembered by tokenizer."""

    def encode(self, texts: Sequence[str]) -> Sequence[Any]:
        """Tokens of each text: something with ``ids``, special tokens left out."""

    def encode_words(self, sentences: Sequence[Sequence[str]]) -> list[list[list[int]]]:
        """Tokens of each word of each sentence."""


@dataclass(frozen=True, slots=True)
class Context:
    """What distances may be computed from, beside the languages; empty or None where there is none.

    Attributes:
        corpora: texts by language, of one task and one split, so that they are comparable.
        parallel: sentences by language; translations carry the same id.
        tokenizer: of the model that is analysed.
        embeddings: by language (sentences, width), row by row translations of one another, of the model's own layer.
        layers: embeddings of other layers, by their number.
        sizes: training examples by language.
        pretraining: by language, the amount of the model's pretraining data, in any unit; what is not listed is 0.
        cache: a folder for what is slow to read; None computes it anew.
    """

    corpora: Mapping[str, Corpus[Example]] = field(default_factory=dict)
    parallel: Mapping[str, Corpus[Example]] = field(default_factory=dict)
    tokenizer: Tokenizer | None = None
    embeddings: Mapping[str, NDArray[np.floating[Any]]] = field(default_factory=dict)
    layers: Mapping[int, Mapping[str, NDArray[np.floating[Any]]]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    pretraining: Mapping[str, float] = field(default_factory=dict)
    cache: Path | None = None


@dataclass(frozen=True, slots=True)
class Distance:
    """A way to tell how far two languages are apart.

    Attributes:
        version: of the data and the formula, raised when equal texts give other values; stored tables go by it.
        symmetric: whether a to b is as far as b to a.
        compute: ``(canonical codes, context) -> frame``, one row an ordered pair of different languages: ``value``,
            NaN where unknown; ``shared``, how many features (tokens, sentences) the two have in common and the value
            rests on; ``coverage``, the share of all features which that is; NaN where these mean nothing.
            Raises NotApplicableError where the context lacks what it needs.
        min_shared: values that rest on fewer shared features are not believed (``distances`` makes them NaN).
        needs: what of the context, or which package, it is computed from.
        layer: of embeddings, the number of the layer, or ``all``; empty for that of the model's specification.
    """

    name: str
    kind: Kind
    version: str
    symmetric: bool
    compute: Callable[[Sequence[str], Context], pd.DataFrame]
    min_shared: int = 0
    needs: frozenset[Need] = frozenset()
    layer: str = ""


ALL_LAYERS = "all"
DISTANCES: Registry[Distance] = Registry("distance", "harness.distances")


def register(*known: Distance) -> None:
    """Adds distances to the registry under their own names."""
    for distance in known:
        DISTANCES.add(distance.name)(distance)


def at_layer(distance: Distance, layer: str) -> Distance:
    """The distance of one hidden layer, or of ``all``, called ``linear_cka@6``; -1 is the last, 0 the embeddings.

    Raises:
        HarnessError: it is no distance of embeddings, or this is no layer.
    """
    if Need.EMBEDDINGS not in distance.needs:
        raise HarnessError(f"{distance.name}@{layer}: this distance is computed without embeddings, and has no layers")
    if layer != ALL_LAYERS and not layer.removeprefix("-").isdecimal():
        raise HarnessError(f"{distance.name}@{layer}: name a layer by its number, as in @6, or all of them as @all")
    return replace(distance, name=f"{distance.name}@{layer}", layer=layer)


def distances(wanted: Sequence[str | Distance], languages: Sequence[str], context: Context) -> pd.DataFrame:
    """Distances between all ordered pairs: columns ``distance``, a, b, value, shared, coverage.

    Args:
        wanted: names of registered distances, or distances (``read_distance`` makes one of a file).
        languages: in any spelling; the table has canonical codes.

    Raises:
        HarnessError: an unknown distance or language, a language that is listed twice, or fewer than two.
        NotApplicableError: a distance lacks what it needs.
    """
    codes = _codes(languages)
    return _stacked([_computed(item, codes, context) for item in wanted])


def frame(
    languages: Sequence[str], values: Floats, shared: Floats | None = None, coverage: Floats | None = None
) -> pd.DataFrame:
    """The long table of square matrices, rows a and columns b, without the diagonal."""
    n = len(languages)
    off = ~np.eye(n, dtype=bool)
    names = np.asarray(languages, dtype=object)
    unknown = np.full((n, n), np.nan)
    a, b = np.nonzero(off)
    return pd.DataFrame(
        {
            "a": names[a],
            "b": names[b],
            "value": values[off],
            "shared": (unknown if shared is None else shared)[off],
            "coverage": (unknown if coverage is None else coverage)[off],
        }
    )


def by_pair(languages: Sequence[str], known: Mapping[str, Any], value: Callable[[Any, Any], float]) -> Floats:
    """The matrix of ``value(of a, of b)``; NaN where one of the two is not known."""
    found = np.full((len(languages), len(languages)), np.nan)
    for (i, a), (j, b) in itertools.permutations(enumerate(languages), 2):
        if a in known and b in known:
            found[i, j] = value(known[a], known[b])
    return found


def _codes(languages: Sequence[str]) -> list[str]:
    spelled: dict[str, str] = {}
    for language in languages:
        code = canonical(language)
        if code in spelled:
            raise HarnessError(f"distances: {spelled[code]!r} and {language!r} are one language, {code}: keep one")
        spelled[code] = language
    if len(spelled) < 2:
        raise HarnessError(f"distances need two languages or more, got {', '.join(languages) or 'none'}")
    return list(spelled)


def _computed(item: str | Distance, codes: Sequence[str], context: Context) -> pd.DataFrame:
    distance = DISTANCES[item] if isinstance(item, str) else item
    if distance.layer:
        context = replace(context, embeddings=context.layers[int(distance.layer)])
    table = distance.compute(codes, context)[COLUMNS]
    table.loc[table["shared"] < distance.min_shared, "value"] = np.nan
    table.insert(0, "distance", distance.name)
    return table


def _stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame(columns=["distance", *COLUMNS])
    return pd.concat(tables, ignore_index=True)
