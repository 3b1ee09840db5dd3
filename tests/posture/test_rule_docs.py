"""The committed pages say what the rules say, and the how-to's example works as it stands."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from local.rule_docs import FOLDER, pages
from shared.model.thresholds import DEFAULTS
from shared.posture.catalogue import RULES
from shared.posture.judging import verdicts_of
from shared.posture.rule import Rule

HOW_TO = Path(__file__).parent.parent.parent / "docs" / "how-to" / "add-a-rule.md"


def test_the_committed_pages_are_those_that_would_be_written() -> None:
    committed = {page.name: page.read_text(encoding="utf-8") for page in FOLDER.iterdir()}
    assert committed == pages(), "run python -m local.rule_docs"


def test_every_rule_has_a_page_that_says_all_of_it() -> None:
    for rule in RULES:
        page = pages()[f"{rule.id.lower()}.md"]
        for one in fields(rule):
            value = getattr(rule, one.name)
            if one.name not in {"needs", "evaluate", "resource", "beyond_log"}:
                for text in value if isinstance(value, tuple) else (value,):
                    told = text.upper() if one.name == "thresholds" else text
                    assert told in page, one.name


def test_the_example_of_the_how_to_is_a_rule_that_passes_its_cases() -> None:
    blocks = re.findall(
        r"^   ```python\n(.*?)^   ```$", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    rule_file, cases_file = (re.sub(r"^   ", "", block, flags=re.MULTILINE) for block in blocks)
    names: dict[str, object] = {}
    exec(compile(rule_file, "rule", "exec", dont_inherit=True), names)  # noqa: S102 - our own page
    exec(compile(cases_file, "cases", "exec", dont_inherit=True), names)  # noqa: S102
    rule, rows = names["RULE"], names["ROWS"]
    assert isinstance(rule, Rule)
    assert isinstance(rows, tuple)
    for row in rows:
        [(_, verdict)] = verdicts_of(rule, row.facts, DEFAULTS)
        assert verdict.status is row.status, row.says
        assert row.because in verdict.reason
