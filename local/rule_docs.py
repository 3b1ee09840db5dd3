"""Writes `docs/rules/`, a page per rule and a catalogue, from the rules: `python -m local.rule_docs`."""

from __future__ import annotations

from pathlib import Path

from shared.model.assessment import ResourceKind
from shared.posture.catalogue import RULES
from shared.posture.fact_sets import FACT_SETS
from shared.posture.rule import Rule
from shared.posture.views import STALE_AFTER_INTERVALS

FOLDER = Path(__file__).parent.parent / "docs" / "rules"
CATALOGUE = "README.md"

_KINDS = {
    ResourceKind.ORGANIZATION: "organization",
    ResourceKind.PROJECT: "project",
    ResourceKind.REPOSITORY: "repository",
    ResourceKind.SERVICE_CONNECTION: "service connection",
    ResourceKind.PIPELINE: "pipeline",
    ResourceKind.VARIABLE_GROUP: "variable group",
    ResourceKind.SECURE_FILE: "secure file",
    ResourceKind.ENVIRONMENT: "environment",
    ResourceKind.AGENT_POOL: "agent pool",
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
| stale | It was not seen to hold for {STALE_AFTER_INTERVALS} times its interval: see *How fresh it is*. |

*Unknown* never counts as healthy. Where a project's resources cannot even be listed, the project itself is
shown as unknown, and those that were judged before turn unknown rather than disappear. A project or
repository that is missing from the inventory or deleted has no recommendations: nobody could act on them. A
missing one keeps its last verdicts in case it comes back; a deleted one does not.

## What the journal tells

Each change of status, with the rule, what it was, what it became and why. Of first verdicts only *unhealthy*
and *unknown* are told. New evidence for the same status is stored without an entry, and does not move the
time since when the status holds. What a rule stops judging becomes `notAssessed`.

## What it costs

Facts are read once and judged by every rule. Sets of the level *organization* are read once, those of a
*project* once for each project that is ready for use, those of an *object* once for each protected object
that a rule cannot judge without. With P projects and O protected objects (repositories, service
connections, variable groups, secure files, environments), where listings fit on one page, a full refresh
costs at most `6 * P + 2 * O + 20` requests, and one more for each further page: six of a project are for
its settings, pipelines, service connections, variable groups, secure files and environments; branch
policies are read only where there is a repository, approvals and checks only where there is something to
guard. Nothing is read that cannot change a verdict.
`ado-connector recommendations cost` tells the numbers of an organization before anything is asked, with the
pages that its listings had last.

A service connection that projects share is asked about and judged in each of them: each project decides for
itself which of its pipelines may use it. Its id as a resource is therefore `PROJECT/CONNECTION`.

## How fresh it is

Everything is read once every `POSTURE_FULL_INTERVAL` (a day). In between, every `POSTURE_INTERVAL` (eight
hours), the audit log is read since the last look, with an hour of overlap for entries that come late, and
only what it tells of is read again: a fact set of the organization, or of one project. That takes 3 requests,
and those of the fact sets that changed; what could not be read before is asked for again, too. Everything is
read at the short interval where auditing is off or the log may not be read, and at once where the log does
not tell enough: it failed, it is longer than 30,000 entries, auditing was switched meanwhile, or an entry
cannot be placed. Set `HOURLY_REQUEST_CAP` for how much an organization with a silent log may cost an hour.

A verdict that rests only on fact sets that are *logged* below counts as assessed when the log was last seen
to tell of no change, and turns stale {STALE_AFTER_INTERVALS} short intervals after that. Any other counts as
assessed when its facts were read, and turns stale {STALE_AFTER_INTERVALS} full intervals later, or short ones
where there is no log to go by. Azure DevOps logs no changes of secure files, environments, service hooks,
retention, agents and alerts, when somebody was last there, when a pipeline last ran or whether a connection
works, and nothing of what happens in Microsoft Entra groups.

## What it needs

| to read | level | requests | logged | from | the identity needs |
| --- | --- | --- | --- | --- | --- |
"""


LEFT_OUT = {
    "who may create organizations (`policy.org-creation`)": (
        "It is a policy of the Microsoft Entra tenant: no organization and no documented interface of Azure"
        " DevOps tells it."
    ),
    "token policies of the tenant (global tokens, full scope, lifespan, revocation of leaked ones)": (
        "They are policies of the tenant as well. That an organization restricts tokens is judged."
    ),
    "personal access tokens of users": (
        "Reading other people's tokens takes the right to revoke them, which a reader should not have."
    ),
    "contents of YAML files (steps, pinned versions, containers, scripts)": (
        "They are code, and scanning code is the part of Advanced Security, whose findings are judged."
        " What stands in the pipeline's own definition is."
    ),
    "classic releases": (
        "They would cost further requests for every project. That nobody makes new ones is judged, and how"
        " environments are guarded, which take their place."
    ),
    "agent queues, and the machines of self-hosted agents": (
        "Which pipelines may use a queue is told one queue at a time, and the machines by nobody. Pools are"
        " judged for the whole organization."
    ),
    "pipeline permissions of repositories": (
        "They are told one repository at a time: an organization of 100,000 would take as many requests. That"
        " jobs reach only the repositories they name is judged."
    ),
    "feeds": (
        "They stand on a host of their own whose access lists are told one feed at a time. How feeds treat"
        " public packages is judged for the organization."
    ),
    "findings of templates, of API tests and of compromised packages": (
        "No interface of Azure DevOps tells them; Defender's recommendations are answered as never scanned."
    ),
    "conditional access in Microsoft Entra": (
        "It is told by Entra alone. That Azure DevOps enforces it is judged."
    ),
    "limits of use (projects, tags, storage), Gravatar, feedback": "They harm nobody's security.",
}
"""What other tools check and no rule here does, and why."""

_LEFT_OUT = """
## What is left out

| what | why |
| --- | --- |
"""


def pages() -> dict[str, str]:
    """Every page by its file name."""
    return {CATALOGUE: _catalogue(), **{file_name(rule): _page(rule) for rule in RULES}}


def file_name(rule: Rule) -> str:
    """Name of the rule's page."""
    return f"{rule.id.lower()}.md"


def _catalogue() -> str:
    head = "| rule | what should be | judges | severity | topic |\n| --- | --- | --- | --- | --- |\n"
    rows = [
        f"| [{rule.id}]({file_name(rule)}) | {rule.title} | {_KINDS[rule.resource]} | {rule.severity} "
        f"| `{rule.topic}` |\n"
        for rule in RULES
    ]
    needs = [
        f"| {one.title} | {one.level} | {one.requests} | {'yes' if one.is_logged else 'no'} | `{one.source}` "
        f"| {one.permission} |\n"
        for one in FACT_SETS
    ]
    left_out = [f"| {topic} | {reason} |\n" for topic, reason in LEFT_OUT.items()]
    return _INTRODUCTION + head + "".join(rows) + _OUTCOMES + "".join(needs) + _LEFT_OUT + "".join(left_out)


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
        "\n".join(f"- {permission}" for permission in rule.permissions) or "Nothing beyond the inventory.",
        "## Where the evidence is read",
        "\n".join(f"- `{source}`" for source in rule.sources) or "In the inventory.",
        "## References",
        "\n".join([f"- <{link}>" for link in rule.references] + [f"- {one}" for one in rule.standards]),
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
        "measured by": ", ".join(f"`POSTURE_{name.upper()}`" for name in rule.thresholds) or "no setting",
        "seen to hold": "whenever the audit log tells of no change"
        if rule.is_logged
        else "when it is read, at full refreshes",
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
