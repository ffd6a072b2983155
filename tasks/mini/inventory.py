"""What the embedded benchmark can talk about: the closed sets of meanings, and which names are kept for testing."""

from __future__ import annotations

from dataclasses import dataclass

WOMEN = frozenset({"maria", "anna", "elena", "laura", "sara", "olga", "julia", "nina", "eva", "rosa", "clara", "irina"})

OBJECTS = ("book", "bicycle", "newspaper", "letter", "lamp", "key", "chair", "bag")
BUILDINGS = ("school", "factory", "shop")
VERBS = ("buy", "sell", "find", "lose", "steal", "send")
# other verbs than people have, so that a name never seen before can be told by what it does
COMPANY_VERBS = ("build", "close", "open")
# six and above: one form of the noun after all of them in every language, and no agreement of the numeral
NUMBERS = ("six", "seven", "nine", "ten", "twenty", "thirty")
TIMES = ("may", "june", "october", "summer", "winter", "monday", "friday", "sunday", "yesterday", "last_year")
JOBS = ("teacher", "doctor", "farmer", "singer", "writer", "lawyer")
OPENERS = ("unfortunately", "luckily", "of_course")


@dataclass(frozen=True, slots=True)
class Names:
    """The names that one split may use; the key of a row in every language's tables."""

    persons: tuple[str, ...]
    cities: tuple[str, ...]
    orgs: tuple[str, ...]


TRAIN_NAMES = Names(
    persons=(
        *("maria", "anna", "laura", "peter", "daniel", "viktor", "elena", "sara", "martin", "paul"),
        *("eva", "rosa", "clara", "irina", "simon", "david", "oscar", "leo", "karl", "hugo"),
    ),
    cities=("berlin", "rome", "london", "moscow", "athens", "paris", "madrid", "vienna", "istanbul", "cairo"),
    orgs=("toyota", "siemens", "red_cross", "world_bank", "unesco"),
)
UNSEEN_NAMES = Names(
    persons=("olga", "julia", "nina", "thomas", "robert", "adam"),
    cities=("tokyo", "nairobi", "new_york", "delhi", "helsinki"),
    orgs=("samsung", "nokia", "european_union", "greenpeace"),
)
# as many names that training has seen as names that it has not
TEST_NAMES = Names(
    persons=TRAIN_NAMES.persons[: len(UNSEEN_NAMES.persons)] + UNSEEN_NAMES.persons,
    cities=TRAIN_NAMES.cities[: len(UNSEEN_NAMES.cities)] + UNSEEN_NAMES.cities,
    orgs=TRAIN_NAMES.orgs[: len(UNSEEN_NAMES.orgs)] + UNSEEN_NAMES.orgs,
)


def names(split: str) -> Names:
    """The names of a split: those of the training sets, or the test's half-unseen ones."""
    return TEST_NAMES if split == "test" else TRAIN_NAMES
