"""Writes `docs/rules/`, a page per rule and a catalogue, from the rules: `python -m local.rule_docs`."""

from __future__ import annotations

from pathlib import Path

from shared.model.assessment import ResourceKind
from shared.model.facts import FactKind
from shared.posture.catalogue import RULES
from shared.posture.permissions import PERMISSIONS
from shared.posture.rule import Rule
from shared.posture.views import STALE_AFTER_INTERVALS

FOLDER = Path(__file__).parent.parent / "docs" / "rules"
CATALOGUE = "README.md"

_KINDS = {
    ResourceKind.ORGANIZATION: "organization",
    ResourceKind.PROJECT: "project",
    ResourceKind.REPOSITORY: "repository",
    ResourceKind.SERVICE_CONNECTION: "service connection",
}

_FACTS = {
    FactKind.ORGANIZATION_PIPELINE_SETTINGS: "pipeline settings of the organization",
    FactKind.PIPELINE_SETTINGS: "pipeline settings of the project",
    FactKind.BRANCH_POLICIES: "branch policies",
    FactKind.SERVICE_CONNECTIONS: "service connections",
    FactKind.SERVICE_CONNECTION_PERMISSIONS: "pipeline permission of a service connection",
}

_WRITTEN = "This page is written by `python -m local.rule_docs`; a test keeps it in step."

_INTRODUCTION = f"""# Rules

Each rule says one thing that should be, and judges every resource of its kind. {_WRITTEN}
A rule is one file: [how to add one](../how-to/add-a-rule.md).

"""

_OUTCOMES = f"""
## The six outcomes

| outcome | meaning |
| --- | --- |
| healthy | It is as it should be. |
| unhealthy | It is not, and the rule's page says how to mend it. |
| notApplicable | The question makes no sense here; the reason says why. |
| unknown | What decides could not be read or understood; with the reason and, if a right is missing, which. |
| neverAssessed | It is in the inventory and has not been judged yet. |
| stale | The last verdict is older than {STALE_AFTER_INTERVALS} times `POSTURE_INTERVAL`. |

*Unknown* never counts as healthy. Where a project's resources cannot even be listed, the project itself is
shown as unknown, and those that were judged before turn unknown rather than disappear. A project or
repository that is missing from the inventory or deleted has no recommendations: nobody could act on them. A
missing one keeps its last verdicts in case it comes back; a deleted one does not.

## What the journal tells

Each change of status, with the rule, what it was, what it became and why. Of first verdicts only *unhealthy*
and *unknown* are told. New evidence for the same status is stored without an entry, and does not move the
time since when the status holds. What a rule stops judging becomes `notAssessed`.

## What it costs

Requests of one assessment of an organization:

- 1 for the pipeline settings of the organization;
- for each project that is ready for use
  - 1 for its pipeline settings, unless those of the organization settle the matter,
  - 1 per page of branch policies, unless none of its repositories has a default branch to protect,
  - 1 for its service connections, and 1 more per service connection,
  - 1 when all of these failed, to learn whether it is the project's fault or the organization's.

A service connection that projects share is asked about and judged in each of them: each project decides for
itself which of its pipelines may use it. Its id as a resource is therefore `PROJECT/CONNECTION`.

## What it needs

| to read | the identity needs |
| --- | --- |
"""


def pages() -> dict[str, str]:
    """Every page by its file name."""
    return {CATALOGUE: _catalogue(), **{file_name(rule): _page(rule) for rule in RULES}}


def file_name(rule: Rule) -> str:
    """Name of the rule's page."""
    return f"{rule.id.lower()}.md"


def _catalogue() -> str:
    head = "| rule | what should be | judges | severity |\n| --- | --- | --- | --- |\n"
    rows = [
        f"| [{rule.id}]({file_name(rule)}) | {rule.title} | {_KINDS[rule.resource]} | {rule.severity} |\n"
        for rule in RULES
    ]
    needs = [f"| {_FACTS[kind]} | {permission} |\n" for kind, permission in PERMISSIONS.items()]
    return _INTRODUCTION + head + "".join(rows) + _OUTCOMES + "".join(needs)


def _page(rule: Rule) -> str:
    parts = [
        f"# {rule.id}: {rule.title}",
        _table(rule),
        "## Why it matters",
        rule.why,
        "## How it is judged",
        rule.judged,
        "## How to fix it",
        "\n".join(f"{number}. {step}" for number, step in enumerate(rule.fix, 1)),
        "## What it does not tell",
        rule.limits,
        "## What the identity needs",
        "\n".join(f"- {permission}" for permission in rule.permissions),
        "## References",
        "\n".join(f"- <{link}>" for link in rule.references),
        _WRITTEN,
    ]
    return "\n\n".join(parts) + "\n"


def _table(rule: Rule) -> str:
    rows = {
        "judges": f"each {_KINDS[rule.resource]}",
        "severity": rule.severity.value,
        "lifecycle": rule.lifecycle.value,
        "topic": f"`{rule.topic}`",
        "Defender for Cloud": f"`{rule.assessment_key}`" if rule.assessment_key else "no counterpart",
        "the same elsewhere": ", ".join(f"`{alias}`" for alias in rule.aliases) or "none known",
    }
    return "| | |\n| --- | --- |\n" + "\n".join(f"| {name} | {value} |" for name, value in rows.items())


def write() -> None:
    """Write every page, and remove pages of rules that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for page in FOLDER.glob("*.md"):
        if page.name not in wanted:
            page.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write()
