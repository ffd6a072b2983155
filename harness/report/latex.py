"""Tables as LaTeX with booktabs: the best in bold, what is not significantly worse underlined."""

from __future__ import annotations

import re

from harness.report.marked import Cell, Stress, Table

ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}",
}  # fmt: skip
SPECIAL = re.compile("|".join(map(re.escape, ESCAPES)))


def latex(table: Table) -> str:
    """A table environment; it needs the package booktabs."""
    columns = "".join("l" if name in table.words else "r" for name in table.columns)
    rows = [" & ".join(_cell(cell) for cell in row) + r" \\" for row in table.rows]
    return "\n".join([
        r"\begin{table}", r"\centering", rf"\begin{{tabular}}{{{columns}}}", r"\toprule",
        " & ".join(escaped(name) for name in table.columns) + r" \\", r"\midrule", *rows, r"\bottomrule",
        r"\end{tabular}", rf"\caption{{{escaped(' '.join((table.title + '.', *table.notes)))}}}",
        rf"\label{{tab:{table.name.replace('_', '-')}}}", r"\end{table}", "",
    ])  # fmt: skip


def escaped(text: str) -> str:
    """A text in which nothing is a command, on one line."""
    return SPECIAL.sub(lambda found: ESCAPES[found[0]], " ".join(text.split()))


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    # a bracket behind the end of a row would be read as the length of a skip
    text = f"{{{text}}}" if text.startswith("[") else text
    return {Stress.BEST: rf"\textbf{{{text}}}", Stress.LEVEL: rf"\underline{{{text}}}", Stress.PLAIN: text}[cell.stress]
