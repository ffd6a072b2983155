"""A report made up from nothing: of any size, or with markup in every string that a stranger may choose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.languages import languages
from harness.report.values import (
    Board,
    Cost,
    Entry,
    Kind,
    Mistake,
    Over,
    Pairs,
    Report,
    Score,
    Standing,
    TaskBoard,
)
from harness.spec import Provenance

HOSTILE = "\"'><script>window.hacked=1</script><img src=x onerror=window.hacked=1></script>&amp;"
KINDS = ("ner", "pos", "nli", "qa")
PROVENANCES = (Provenance.SILVER, Provenance.NATIVE, Provenance.HUMAN_TRANSLATED, Provenance.MACHINE_TRANSLATED)
ALONE = ("eng", "deu", "fra", "spa", "arb", "zho-Hans", "hin", "swh", "rus", "tur", "jpn", "tam", "fin", "ind", "yor")


@dataclass(frozen=True, slots=True)
class Sample:
    """A report, what is read on demand beside it, and the true standard errors by board, task and language."""

    report: Report
    pairs: Callable[[str, str], Iterator[Pairs]]
    mistakes: Callable[[str, str], tuple[Mistake, ...]]


def sample(
    *, models: int = 5, tasks: int = 2, many: int = 12, sources: Sequence[str] = ("eng", "deu", "swh"), odd: str = "",
    store: str = "results",
) -> Sample:  # fmt: skip
    """A real board of ``models`` models, floors and a published row, and a synthetic one of two models x sources.

    Args:
        many: languages of each task.
        odd: goes into every string that does not come from the harness's own tables.
        store: where the records are said to lie.
    """
    codes = [*ALONE, *(code for code in languages() if code not in ALONE)][:many]
    made = _Made(np.random.default_rng(0), codes, odd, store, {})
    boards = [made.board("demo-zero-shot", tasks, models, ("eng",))]
    if sources:
        boards.append(replace(made, codes=codes[:8], synthetic=True).board("mini", 1, 2, tuple(sources)))
    report = Report(
        title=f"A sample{odd}",
        made="2025-01-31T12:00:00+00:00",
        revision="0123456789ab",
        entries=made.entries,
        boards=tuple(boards),
        languages={code: _language(code, odd) for code in codes},
        methods={
            f"metrics{odd}": {f"accuracy|v:1{odd}": f"the share of right answers{odd}"},
            "task_0": {"revision": f"0a1b2c{odd}", "licence": "CC BY 4.0", "provenance": "silver"},
        },
        versions={"python": "3.11", f"torch{odd}": "2.9"},
    )
    runs = {board.id: [one.entry for one in board.standings if one.entry[:5] == "model"] for board in boards}

    def pairs(board: str, task: str) -> Iterator[Pairs]:
        found = next(one for one in boards if one.id == board).tasks[task]
        for place, code in enumerate(found.languages):
            yield Pairs(task, code, tuple(runs[board]), _errors(len(runs[board]), place))

    def mistakes(entry: str, task: str) -> tuple[Mistake, ...]:
        if made.entries[entry].kind is not Kind.RUN:
            return ()
        return tuple(
            Mistake(
                f"deu/{i}{odd}", f"The {i}th sentence of {task}{odd}, as people read it.", f"B{odd}", f"A{odd}", "deu"
            )
            for i in range(20)
        )

    return Sample(report, pairs, mistakes)


def _errors(n: int, place: int) -> np.ndarray:
    error = 0.004 + 0.001 * ((np.arange(n)[:, None] + np.arange(n)[None] + place) % 9)
    np.fill_diagonal(error, 0.0)
    return error


def _language(code: str, odd: str) -> Mapping[str, str]:
    found = languages()[code]
    return {
        "name": found.name + odd,
        "family": (found.family or "") + odd,
        "script": found.script,
        "area": "",
    }


@dataclass(frozen=True, slots=True)
class _Made:
    """What everything on a board is drawn from; ``entries`` gathers those of all boards."""

    draw: np.random.Generator
    codes: Sequence[str]
    odd: str
    store: str
    entries: dict[str, Entry]
    synthetic: bool = False

    def board(self, id: str, tasks: int, models: int, sources: Sequence[str]) -> Board:
        mine = [
            self.entry(f"model-{m:02d}.{source}.{id}", f"Model-{m:02d}{self.odd}", Kind.RUN, source, m)
            for m in range(models)
            for source in sources
        ]
        mine.append(self.entry(f"majority.{id}", "majority", Kind.FLOOR, sources[0]))
        if not self.synthetic:
            mine.append(self.entry(f"xlmr.published.{id}", f"XLM-R{self.odd}", Kind.PUBLISHED, sources[0]))
        self.entries.update({one.id: one for one in mine})
        boards = {f"task_{t}{self.odd}": self.task(t, mine) for t in range(tasks)}
        standings = [self.standing(one, boards, place, len(mine)) for place, one in enumerate(mine)]
        standings.sort(key=lambda one: -(one.score or 0))
        return Board(
            id=id,
            title=f"{id.partition('-')[0]}, zero-shot{self.odd}",
            suite="demo",
            synthetic=self.synthetic,
            ranked_by="the suite's own average",
            groups=(f"structured{self.odd}", "retrieval"),
            tasks=boards,
            standings=tuple(
                replace(one, rank=place + 1 if one.score is not None else None) for place, one in enumerate(standings)
            ),
            left_out={f"of a limited run{self.odd}": 12},
        )

    def entry(self, id: str, model: str, kind: Kind, source: str, number: int = 0) -> Entry:
        run, published = kind is Kind.RUN, kind is Kind.PUBLISHED
        cost = Cost({"train": 125.5, "predict": 20.25}, {"real": 120_000, "computed": 131_000}, 278_000_000)
        return Entry(
            id=id,
            model=model,
            kind=kind,
            strategy="zero_shot",
            sources=(source,),
            shots=0,
            size=None,
            options=f"layer=8{self.odd}" if number % 4 == 3 else "",
            seeds=((1, 2, 3) if number % 2 else (1,)) if run else (),
            protocol=f"translate-train{self.odd}" if published else "",
            origin=f"Conneau et al. 2020, table 4{self.odd}" if published else "",
            seen=frozenset(self.codes[::2]) if run else frozenset(),
            cost=cost if run else None,
        )

    def task(self, t: int, mine: Sequence[Entry]) -> TaskBoard:
        """Scores of which one of the second run is missing, and the last quarter of the published ones."""
        hard = self.draw.uniform(-0.25, 0.1, len(self.codes))
        scores: dict[str, dict[str, Score]] = {}
        for place, one in enumerate(mine):
            level = {Kind.RUN: 0.6 + 0.3 * place / len(mine), Kind.FLOOR: 0.3, Kind.PUBLISHED: 0.75}[one.kind]
            scores[one.id] = {
                code: self.score(one, f"task_{t}", k, level + (0 if one.kind is Kind.FLOOR else hard[k]))
                for k, code in enumerate(self.codes)
                if not (k == 3 and place == 1 and one.kind is Kind.RUN)
                and not (one.kind is Kind.PUBLISHED and k > 3 * len(self.codes) // 4)
            }
        runs = [one.id for one in mine if one.kind is Kind.RUN]
        best = {code: max(scores[id][code].value for id in runs if code in scores[id]) for code in self.codes}
        return TaskBoard(
            task=f"task_{t}{self.odd}",
            type=KINDS[t % len(KINDS)],
            metric=f"accuracy|v:1{self.odd}",
            provenance=Provenance.SYNTHETIC if self.synthetic else PROVENANCES[t % len(PROVENANCES)],
            languages=tuple(self.codes),
            data={code: f"{k:064x}" for k, code in enumerate(self.codes)},
            floor={code: score.value for code, score in scores[mine[len(runs)].id].items()},
            scores=scores,
            level={
                code: frozenset(id for id in runs if code in scores[id] and scores[id][code].value > best[code] - 0.01)
                for code in self.codes
            },
            over={one.id: _over(one, scores[one.id], self.codes) for one in mine},
        )

    def score(self, one: Entry, task: str, k: int, level: float) -> Score:
        value = float(np.clip(level + self.draw.normal(0, 0.02), 0.01, 0.99))
        published, several = one.kind is Kind.PUBLISHED, len(one.seeds) > 1
        files = [f"{self.store}/runs/{task}/{seed:012x}/{self.codes[k]}.json" for seed in one.seeds or (0,)]
        return Score(
            value=value,
            low=None if several or published else max(0.0, value - 0.012),
            high=None if several or published else min(1.0, value + 0.012),
            spread=0.006 if several else None,
            n=None if published else 2000,
            records=() if published else tuple(files),
            flag=f"copied from another row of the same table{self.odd}" if published and k == 2 else "",
        )

    def standing(self, one: Entry, boards: Mapping[str, TaskBoard], place: int, n: int) -> Standing:
        overs = [board.over[one.id] for board in boards.values()]
        means = [over.mean for over in overs if over.mean is not None]
        mean = float(np.mean(means)) if len(means) == len(overs) else None
        return Standing(
            entry=one.id,
            rank=None,
            score=mean,
            low=mean - 0.004 if mean is not None else None,
            high=mean + 0.004 if mean is not None else None,
            overall=mean,
            groups={f"structured{self.odd}": mean, "retrieval": None},
            family_macro=mean - 0.02 if mean is not None else None,
            worst=overs[0].worst,
            worst_where=f"{next(iter(boards))}, {overs[0].worst_language}" if overs[0].worst_language else "",
            gap=overs[0].gap,
            win_rate=place / max(1, n - 1),
            borda=float(place),
            borda_rank=n - place,
            borda_low=max(1, n - place - 1),
            borda_high=min(n, n - place + 1),
            have=sum(over.have for over in overs),
            want=sum(over.want for over in overs),
            notes=(f"task_0 has two runs that cannot be told apart{self.odd}",) if place == 1 else (),
        )


def _over(one: Entry, scores: Mapping[str, Score], codes: Sequence[str]) -> Over:
    def mean(wanted: Sequence[str]) -> float | None:
        return float(np.mean([scores[code].value for code in wanted])) if whole and wanted else None

    missing = tuple(code for code in codes if code not in scores)
    whole = not missing
    worst = min(scores, key=lambda code: scores[code].value)
    all_of, transfer = mean(codes), mean([code for code in codes if code not in one.sources])
    return Over(
        mean=all_of,
        low=all_of - 0.006 if all_of is not None else None,
        high=all_of + 0.006 if all_of is not None else None,
        transfer=transfer,
        gap=scores[one.sources[0]].value - transfer if transfer is not None and one.sources[0] in scores else None,
        family_macro=all_of - 0.03 if all_of is not None else None,
        worst=scores[worst].value if whole else None,
        worst_language=worst if whole else None,
        worst_decile=scores[worst].value + 0.01 if whole else None,
        seen=mean([code for code in codes if code in one.seen]),
        unseen=mean([code for code in codes if code not in one.seen]) if one.seen else None,
        have=len(scores),
        want=len(codes),
        missing=missing,
    )
