"""Ranking: the documents of a query in the order of their relevance, scored by discounted gain."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import cast

from harness.data.examples import Example, Options, Row, Shape
from harness.errors import DataError
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES, TaskType
from tasks.labels import number, pair, text


def by_query(rows: Sequence[Row], task: TaskSpec) -> list[Row]:
    """One row a query, of rows with a query ``first``, a document ``second`` and its relevance ``value`` each.

    The documents of a query follow each other, as in XGLUE; a query that comes again later is another one.

    Raises:
        DataError: a text is empty, or a relevance no number or negative.
    """
    return [_query([*run], task) for _, run in groupby(rows, lambda row: row.fields.get("first"))]


def _query(run: Sequence[Row], task: TaskSpec) -> Row:
    documents = []
    for row in run:
        _, document = pair(row, task)
        if document is None:
            raise DataError(f"{row.where}: the query has no document `second` (task {task.name})")
        documents.append((document, _relevance(row, task)))
    options, gains = zip(*documents, strict=True)
    return Row({**run[0].fields, "options": options, "gains": gains}, run[0].where)


def _relevance(row: Row, task: TaskSpec) -> float:
    found = number(row, "value", task)
    if found < 0:
        raise DataError(f"{row.where}: a relevance is 0 or more, not {found:g} (task {task.name})")
    return found


def example(row: Row, task: TaskSpec, id: str, group: str) -> Options:
    """A query with its documents and their relevance, from a row of ``by_query``.

    Raises:
        DataError: the query is empty.
    """
    options = cast("tuple[str, ...]", row.fields["options"])
    return Options(id, group, text(row, "first", task), options, cast("tuple[float, ...]", row.fields["gains"]))


def tags(task: TaskSpec) -> tuple[str, ...]:  # noqa: ARG001
    """Nothing: every query has documents of its own."""
    return ()


def gold(item: Example) -> tuple[float, ...]:
    """The relevance of each document."""
    assert isinstance(item, Options)
    return item.gains


TASK_TYPES.add("ranking")(TaskType(Shape.OPTIONS, example, tags, gold, ("ndcg",), gather=by_query))
