"""An evaluation as one HTML file that needs nothing else: no script, no network."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from citewise.evaluate import plots
from citewise.evaluate.intervals import LESS_IS_BETTER, name_of, paired_interval
from citewise.evaluate.plots import Bar

_LISTED = 200  # failures of a run
_DIFFERENCES = "Differences with 95 % paired bootstrap intervals; grey: may be chance"
_COUNTS = ("answerable", "unanswerable", "abstained_on_unanswerable", "citations", "errors")

_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1f2523, #e9e6de); --soft: light-dark(#59625e, #aab3af);
  --line: light-dark(#ddd8cc, #36403e); --back: light-dark(#fbfaf6, #141918); --accent: light-dark(#17635c, #74cabe);
  --good: light-dark(#1f7a4d, #5cc08c); --bad: light-dark(#b3362b, #ee8277); }
body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem; background: var(--back); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1, h2 { font-family: Georgia, serif; line-height: 1.25; } h2 { margin-top: 2.2rem; }
p, dd, small, figcaption { color: var(--soft); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .92rem; }
th, td { padding: .4rem .7rem; border-top: 1px solid var(--line); text-align: start; vertical-align: top; }
thead th { border: 0; color: var(--soft); font-weight: 500; }
td.n { text-align: end; font-variant-numeric: tabular-nums; }
.best { font-weight: 700; } .sure { color: var(--accent); font-weight: 600; }
figure { margin: 1.2rem 0; } figcaption { margin-bottom: .3rem; } svg { width: 100%; max-width: 44rem; height: auto; }
svg text { fill: var(--ink); font-family: system-ui, sans-serif; } .bar { fill: var(--accent); opacity: .55; }
.whisker { stroke: var(--ink); stroke-width: 2; fill: none; } .zero { stroke: var(--line); stroke-width: 2; }
.dot { fill: var(--soft); } .dot.good { fill: var(--good); } .dot.bad { fill: var(--bad); }
.whisker.good { stroke: var(--good); } .whisker.bad { stroke: var(--bad); }
.step0 { fill: var(--accent); } .step1 { fill: var(--accent); opacity: .72; }
.step2 { fill: var(--accent); opacity: .5; }
.step3 { fill: var(--accent); opacity: .32; } .step4 { fill: var(--accent); opacity: .2; }
.step5 { fill: var(--bad); opacity: .75; }
summary { cursor: pointer; }
"""


def render(runs: Sequence[Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the report of one or several runs over a set, as one HTML document.

    Args:
        runs: Reports of ``evaluate_dataset``; at least one.
        comparisons: Of ``compare_runs``, as a rule of each further run with the first.
    """
    first = runs[0]
    title = f"Evaluation: {first['dataset']}"
    asked = len(first["per_question"])
    said = f"{asked:,} of {first['questions']:,} questions" if not first["complete"] else f"{asked:,} questions"
    parts = [
        f"<h1>{escape(title)}</h1><p>{said}, looked at up to rank {first['k']}. {time.strftime('%Y-%m-%d %H:%M')}.</p>",
        _figures(runs),
        _plots(runs),
        _comparisons(comparisons),
        _kinds(runs),
        *(_failures(run) for run in runs),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _figures(runs: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for run in runs for name in run["metrics"]))
    head = "".join(f"<th>{escape(name_of(run))}</th>" for run in runs)
    rows = []
    for name in names:
        values = [run["metrics"].get(name) for run in runs]
        known = [value for value in values if value is not None]
        best = (min if name in LESS_IS_BETTER else max)(known) if name not in _COUNTS and len(runs) > 1 else None
        cells = "".join(
            f'<td class="n{" best" if value is not None and value == best else ""}">{_shown(value)}</td>'
            for value in values
        )
        rows.append(f"<tr><th>{escape(name)}</th>{cells}</tr>")
    for name in ("mean", "p95"):
        cells = "".join(f'<td class="n">{_shown(run["timings_ms"][name])}</td>' for run in runs)
        rows.append(f"<tr><th>ms of a search, {name}</th>{cells}</tr>")
    return _table("Figures", f"<th></th>{head}", rows)


def _plots(runs: Sequence[Mapping[str, Any]]) -> str:
    names = [name for name in runs[0]["metrics"] if name not in _COUNTS and any(_scores(run, name) for run in runs)]
    drawn = [
        plots.bars(
            f"{name}, with 95 % intervals",
            [
                Bar(name_of(run), sum(values) / len(values), *paired_interval(values))
                for run in runs
                if (values := _scores(run, name))
            ],
        )
        for name in names
    ]
    ranks = [(name_of(run), [row["rank"] for row in run["per_question"] if row["answerable"]]) for run in runs]
    drawn.append(plots.first_ranks("Where the first right hit stood", ranks))
    return f"<h2>Plots</h2>{''.join(drawn)}"


def _scores(run: Mapping[str, Any], name: str) -> list[float]:
    return [row["scores"][name] for row in run["per_question"] if name in row["scores"]]


def _comparisons(comparisons: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for one in comparisons:
        values = [Bar(name, each["difference"], each["low"], each["high"]) for name, each in one["metrics"].items()]
        rows = [
            f'<tr><th>{escape(name)}</th><td class="n">{each["first"]:.3f}</td><td class="n">{each["second"]:.3f}</td>'
            f'<td class="n{" sure" if each["certain"] else ""}">{each["difference"]:+.3f}</td>'
            f'<td class="n">{each["low"]:+.3f} to {each["high"]:+.3f}</td><td class="n">{each["questions"]:,}</td>'
            f'<td class="n">{each["better"]:,} / {each["worse"]:,}</td></tr>'
            for name, each in one["metrics"].items()
        ]
        named = ("", "first", "second", "difference", "95 % interval", "questions", "better / worse")
        head = "".join(f"<th>{name}</th>" for name in named)
        title = f"{one['second']} beside {one['first']}"
        parts.append(
            f"{_table(title, head, rows)}"
            f"{plots.differences(_DIFFERENCES, values, less_is_better=LESS_IS_BETTER)}"
            f"{_changed(one)}"
        )
    return "".join(parts)


def _changed(comparison: Mapping[str, Any]) -> str:
    rows = [
        f'<tr><td>{escape(str(one["question"]))}</td><td class="n">{one["first"] or "–"}</td>'
        f'<td class="n">{one["second"] or "–"}</td></tr>'
        for one in comparison["changed"]
    ]
    if not rows:
        return ""
    head = "<th>question</th><th>rank in the first</th><th>in the second</th>"
    return f"<details><summary>Questions that changed</summary>{_table('', head, rows)}</details>"


def _kinds(runs: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        f"<tr><td>{escape(name_of(run))}</td><td>{escape(str(kind))}</td>"
        f"<td>{', '.join(f'{escape(name)} {_shown(value)}' for name, value in figures.items())}</td></tr>"
        for run in runs
        for kind, figures in run["by_kind"].items()
    ]
    return _table("By kind", "<th>run</th><th>kind</th><th>figures</th>", rows) if rows else ""


def _failures(run: Mapping[str, Any]) -> str:
    rows = [
        f"<tr><td>{escape(str(one['id']))}</td><td>{escape(str(one['question']))}</td><td>{escape(str(one['why']))}</td></tr>"
        for one in run["failures"][:_LISTED]
    ]
    if not rows:
        return ""
    more = f" (the first {_LISTED})" if len(run["failures"]) > _LISTED else ""
    title = f"{len(run['failures']):,} that went wrong: {name_of(run)}{more}"
    table = _table("", "<th>id</th><th>question</th><th>what went wrong</th>", rows)
    return f"<details><summary>{escape(title)}</summary>{table}</details>"


def _table(title: str, head: str, rows: Sequence[str]) -> str:
    heading = f"<h2>{escape(title)}</h2>" if title else ""
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'{heading}<div class="scroll"><table>{body}</table></div>'


def _shown(value: float | int | None) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
