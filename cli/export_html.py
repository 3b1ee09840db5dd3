"""Recommendations as one HTML file that loads nothing, and runs nothing but its own filter.

Everything from outside is escaped. Should that ever fail, the content security policy in the file lets no
other script run and no request out: its own style and script are named by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from cli.output import Row, printable, to_json
from cli.recommendation_rows import Told, recommendation_row
from cli.version import program_version
from shared.model.assessment import AssessmentStatus

if TYPE_CHECKING:
    from shared.posture.rule import Rule
    from shared.posture.score import Tally

_PIECE = 65_536
_HERE = Path(__file__).parent
_EXEMPTED = "exempted"
_WORDS = {
    AssessmentStatus.UNHEALTHY.value: "unhealthy",
    _EXEMPTED: "exempted",
    AssessmentStatus.UNKNOWN.value: "unknown",
    AssessmentStatus.STALE.value: "stale",
    AssessmentStatus.NEVER_ASSESSED.value: "never assessed",
    AssessmentStatus.HEALTHY.value: "healthy",
    AssessmentStatus.NOT_APPLICABLE.value: "not applicable",
}
_RISKS = ("critical", "high", "medium", "low")


def html_text(
    told: Iterable[Told], rules: Sequence[Rule], at: str, statuses: Collection[str] = ()
) -> Iterator[str]:
    """The file in pieces. `at` is when it was made.

    With `statuses` only what has one of them is listed; counts and scores are of everything all the same.
    Its head says how many rows there are, so the rows wait in a temporary file until all were counted: a
    report of any size needs little memory.
    """
    from shared.posture.score import Tally  # noqa: PLC0415 - loads every rule

    total = Tally()
    places: dict[tuple[str, str], Tally] = {}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="backslashreplace", newline="") as waiting:
        for one in told:
            total.add(one.recommendation)
            # What is of the organization itself counts for it alone.
            for place in dict.fromkeys(
                ((one.organization.name, ""), (one.organization.name, one.project_name))
            ):
                places.setdefault(place, Tally()).add(one.recommendation)
            if not statuses or one.recommendation.status.value in statuses:
                waiting.write(_row(recommendation_row(one)))
        yield from _head(total, places, at)
        waiting.seek(0)
        yield from _pieces(waiting)
    yield "</tbody></table></div>\n"
    yield from _rules(rules)
    yield f"</main>\n<script>{_script()}</script>\n</body>\n</html>\n"


def _pieces(stream: TextIO) -> Iterator[str]:
    while piece := stream.read(_PIECE):
        yield piece


def _style() -> str:
    return (_HERE / "report.css").read_text(encoding="utf-8")


def _script() -> str:
    return (_HERE / "report.js").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(value: object) -> str:
    return escape(printable(str(value)))


def _head(total: Tally, places: dict[tuple[str, str], Tally], at: str) -> Iterator[str]:
    style = _style()
    policy = (
        f"default-src 'none'; style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(_script())}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    counts = total.counts
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>Azure DevOps posture, {_text(at[:10])}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        "<header><h1>Azure DevOps posture</h1>\n"
        f'<p class="soft">As of {_text(at)}, by ado-connector {_text(program_version())}.</p></header>\n'
        "<main>\n"
    )
    yield '<h2>In short</h2>\n<ul class="counts">\n'
    yield f"<li><b>{_percent(total.score().value)}</b>score</li>\n"
    for status, word in _WORDS.items():
        yield f'<li><b class="{status}">{counts[status]}</b>{word}</li>\n'
    yield (
        "</ul>\n<p>An exempted finding is unhealthy, and somebody answers for it. What is unknown, stale or "
        "never assessed counts against the score, since nobody knows that it is well.</p>\n"
    )
    yield "<h2>Score</h2>\n"
    yield from _scores(places)
    yield "<h2>Recommendations</h2>\n"
    yield _filter()
    yield (
        '<div class="wide"><table id="findings"><caption>By organization, project and rule</caption>'
        '<thead><tr><th scope="col">Status</th><th scope="col">Risk</th><th scope="col">Rule</th>'
        '<th scope="col">Where</th><th scope="col">Why</th></tr></thead>\n<tbody>\n'
    )


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{value:g}"


def _scores(places: dict[tuple[str, str], Tally]) -> Iterator[str]:
    yield (
        '<div class="wide"><table><caption>0 to 100; a project is a part of its organization</caption><thead>'
        '<tr><th scope="col">Organization</th><th scope="col">Project</th>'
        '<th scope="col" class="number">Score</th><th scope="col" class="number">Without exemptions</th>'
        '<th scope="col" class="number">Known %</th>'
    )
    yield "".join(f'<th scope="col" class="number">{word.capitalize()}</th>' for word in _WORDS.values())
    yield "</tr></thead>\n<tbody>\n"
    for (organization, project), tally in places.items():
        score, counts = tally.score(), tally.counts
        numbers = (_percent(score.value), _percent(score.without_exemptions), _percent(score.known))
        cells = (*numbers, *(str(counts[status]) for status in _WORDS))
        yield f"<tr><td>{_text(organization)}</td><td>{_text(project) if project else 'all'}</td>"
        yield "".join(f'<td class="number">{one}</td>' for one in cells) + "</tr>\n"
    yield "</tbody></table></div>\n"


def _filter() -> str:
    statuses = "".join(f'<option value="{status}">{word}</option>' for status, word in _WORDS.items())
    risks = "".join(f'<option value="{one}">{one}</option>' for one in _RISKS)
    return (
        '<div class="filter" id="filter" hidden>'
        '<label>Search<input type="search" id="search" autocomplete="off"></label>'
        f'<label>Status<select id="status"><option value="">any</option>{statuses}</select></label>'
        f'<label>Risk<select id="risk"><option value="">any</option>{risks}</select></label>'
        '<output id="shown" class="soft"></output></div>\n'
    )


def _row(row: Row) -> str:
    exemption = row["exemption"]
    status = str(row["status"])
    if isinstance(exemption, dict) and status == AssessmentStatus.UNHEALTHY.value:
        status = _EXEMPTED
    factors = row["riskFactors"]
    because = ", ".join(str(one) for one in factors) if isinstance(factors, list) else ""
    told = [_text(row["reason"])]
    if row["permission"]:
        told.append(f"Permission that would tell: {_text(row['permission'])}.")
    if isinstance(exemption, dict):
        told.append(
            f"Exempted ({_text(exemption['kind'])}) until {_text(exemption['expiresAt'])} by "
            f"{_text(exemption['by'])}: {_text(exemption['reason'])}"
        )
    told.append(f'<span class="soft">Owner: {_text(row["owner"])}.</span>')
    where = " / ".join(_text(row[key]) for key in ("organization", "project") if row[key])
    since = f"Status since {_text(row['changedAt'])}, assessed at {_text(row['assessedAt'])}."
    return (
        f'<tr data-status="{status}" data-risk="{_text(row["risk"])}">'
        f'<td class="status {status}">{_WORDS[status]}</td>'
        f'<td class="risk">{_text(row["risk"])}'
        + (f'<br><span class="soft">{_text(because)}</span>' if because else "")
        + f'</td><td><a href="#{_text(row["rule"])}">{_text(row["rule"])}</a><br>{_text(row["title"])}</td>'
        f"<td>{where}<br>{_text(row['resourceKind'])} {_text(row['resourceName'])}</td>"
        f"<td>{'<br>'.join(told)}<details><summary>Evidence</summary>"
        f"<pre>{_text(to_json(row['evidence']))}</pre>"
        + (f'<p class="soft">{since}</p>' if row["assessedAt"] else "")
        + "</details></td></tr>\n"
    )


def _rules(rules: Sequence[Rule]) -> Iterator[str]:
    yield "<h2>Rules</h2>\n"
    for rule in rules:
        steps = "".join(f"<li>{_text(one)}</li>" for one in rule.fix)
        links = "".join(
            f'<li><a href="{_text(one)}" rel="noreferrer noopener">{_text(one)}</a></li>'
            for one in rule.references
            if one.startswith("https://")
        )
        yield (
            f'<section class="rule" id="{_text(rule.id)}"><h3>{_text(rule.id)} {_text(rule.title)}</h3>'
            f"<p>{_text(rule.why)}</p><p>{_text(rule.judged)}</p><p>How to mend it:</p><ol>{steps}</ol>"
        )
        yield (f"<ul>{links}</ul>" if links else "") + "</section>\n"
