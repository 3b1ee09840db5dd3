"""What a finished run and its log tell, as facts of the mapping graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.model.ids import OrganizationId
from shared.model.mapping import (
    Confidence,
    Edge,
    EdgeKind,
    GraphFacts,
    Node,
    NodeId,
    Source,
    identity_node,
    pipeline_node,
    run_node,
)
from shared.model.run import CommitAuthor, MergedPullRequest, PipelineRun
from shared.tracing.build_log import LogFindings
from shared.tracing.docker_report import ReportRefused, read_docker_report
from shared.tracing.origins import (
    Origin,
    Saying,
    facts_of_image,
    facts_of_origin,
    facts_of_place,
    repository_key,
)
from shared.tracing.push_steps import LogPlan
from shared.tracing.references import ImageReference

_HOSTS: Mapping[str, str] = {
    "github": "https://github.com/",
    "bitbucket": "https://bitbucket.org/",
}
"""Where repositories of a type are, for those whose id is their path; of others it is no address."""

UNMAPPED = "unmapped"
"""Attribute of a pipeline: why the images that it pushes are not known. Empty once they are."""
PUSHED = "pushed"
"""Attribute of a pipeline: when it was last seen to push an image."""
DECORATED = "decorated"
"""Attribute of a pipeline: when the Container Mapping decorator was last seen in a run."""
DECORATOR_REPORTED = "decoratorReported"
"""Attribute of a pipeline: when the decorator's report was last seen in a log."""
DECORATOR_PROBLEM = "decoratorProblem"
"""Attribute of a pipeline: the error that the decorator left in its last run. Empty where it left none."""
ASKED = "pullRequestAsked"
"""Attribute of a run: which pull request Azure DevOps told of its commit, or that there is none."""
NO_PULL_REQUEST = "none"
UNREAD = "unread"
"""Attribute of what could not be read, or not in full: why, and what to do about it."""


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Where a run belongs, in names."""

    organization: OrganizationId
    organization_name: str
    project_name: str


def origin_of(run: PipelineRun, place: RunPlace) -> Origin:
    """The run as Azure DevOps tells it."""
    base = _HOSTS.get(run.repository_type.casefold(), "")
    return Origin(
        organization=place.organization,
        organization_name=place.organization_name,
        project=run.project,
        project_name=place.project_name,
        pipeline=run.pipeline,
        pipeline_name=run.pipeline_name,
        run=run.id,
        run_number=run.number,
        repository=repository_key(run.repository, f"{base}{run.repository}" if base else run.repository),
        repository_name=run.repository_name,
        commit=run.commit,
        branch=run.branch,
    )


def facts_of_run(
    run: PipelineRun, place: RunPlace, plan: LogPlan, findings: LogFindings, at: datetime
) -> GraphFacts:
    """Everything that the run and its log tell, if it pushed; if not, only of the decorator, where it ran.

    Run, pipeline and repository are Azure DevOps's own word; what the log says is a claim of whoever wrote
    the pipeline.
    """
    origin = origin_of(run, place)
    images, unresolved = _images(origin, findings, plan, at)
    reason = _reason(plan, findings, images, unresolved, run)
    told = _decorator(run, plan, findings)
    facts = GraphFacts()
    if images.edges or reason:
        facts = _facts_of_azure(run, origin, at) + images
        # Only what has no image at all is unmapped: one of two pushes may well be of another registry.
        told |= {UNMAPPED: "" if images.edges else reason, PUSHED: at.isoformat()}
    if run.pipeline and told:
        pipeline = pipeline_node(place.organization, run.pipeline)
        facts += GraphFacts((Node(pipeline, at, run.pipeline_name, told),))
    return facts


def _decorator(run: PipelineRun, plan: LogPlan, findings: LogFindings) -> dict[str, str]:
    """What the run shows of the Container Mapping decorator; nothing where it is not seen."""
    if not plan.decorated and not findings.reports:
        return {}
    told = {DECORATED: run.finished_at.isoformat(), DECORATOR_PROBLEM: plan.decorator_problem}
    if findings.reports:
        told[DECORATOR_REPORTED] = run.finished_at.isoformat()
    return told


def _facts_of_azure(run: PipelineRun, origin: Origin, at: datetime) -> GraphFacts:
    saying = Saying(Source.AZURE_DEVOPS, Confidence.ATTESTED, at)
    evidence = {"run": f"{origin.organization_name}/{origin.project_name}, run {run.id}"}
    facts = facts_of_origin(origin, saying, evidence)
    told = {"finishedAt": run.finished_at.isoformat(), "result": run.result}
    if run.pull_request:
        told["pullRequest"] = str(run.pull_request)
    node = run_node(origin.organization, run.id)
    facts += GraphFacts((Node(node, at, run.number, told),))
    if run.requested_for:
        person = identity_node(run.requested_for)
        edge = saying.edge(node, EdgeKind.REQUESTED_BY, person, evidence=evidence)
        facts += GraphFacts((Node(person, at, run.requested_for),), (edge,))
    return facts


def _images(
    origin: Origin, findings: LogFindings, plan: LogPlan, at: datetime
) -> tuple[GraphFacts, list[str]]:
    """What was pushed with a digest, and the names of what was pushed without one."""
    facts, unresolved = GraphFacts(), []
    steps = ", ".join(plan.steps)
    saying = Saying(Source.PUSH_LOG, Confidence.CLAIMED, at)
    for pushed in findings.pushed:
        if not pushed.image.digest:
            unresolved.append(str(pushed.image))
            continue
        evidence = {
            "tool": pushed.tool.value,
            "pushed": str(pushed.image),
            "log": str(plan.log),
            "line": str(pushed.line),
            "step": steps,
            "text": pushed.evidence,
        }
        facts += _facts(pushed.image, origin, saying, evidence)
    saying = Saying(Source.DECORATOR_LOG, Confidence.CLAIMED, at)
    for report in findings.reports:
        try:
            docker = read_docker_report(report.events, report.images)
        except ReportRefused:
            continue
        for image in docker.pushed:
            evidence = {"pushed": str(image.place), "log": str(plan.log), "line": str(report.line)}
            place = ImageReference(
                image.place.registry, image.place.repository, image.place.tag, image.digest
            )
            facts += _facts(place, origin, saying, evidence)
        unresolved += docker.unresolved
    return facts, unresolved


def _facts(image: ImageReference, origin: Origin, saying: Saying, evidence: Mapping[str, str]) -> GraphFacts:
    built = facts_of_image(image.digest, origin, saying, evidence)
    return built + facts_of_place(image.digest, image, saying, evidence)


def _reason(
    plan: LogPlan, findings: LogFindings, images: GraphFacts, unresolved: Sequence[str], run: PipelineRun
) -> str:
    """Why nothing of the run is mapped; empty where something is, or where it did not push."""
    if images.edges or not plan.log:
        return ""
    where = f"run {run.number or run.id}"
    if unresolved:
        named = ", ".join(unresolved[:3])
        return (
            f"{where} pushed {named}, and its log tells no digest. Name the registry in the connector, or "
            "label the image."
        )
    if findings.reports:
        return f"{where}: docker pushed nothing while the job ran."
    if plan.decorated and not plan.steps:
        return ""
    return (
        f"{where}: the log of {', '.join(plan.steps)} tells no image. Label the image, or attach provenance "
        "to it, and name its registry in the connector."
    )


def facts_of_people(
    run: PipelineRun,
    organization: OrganizationId,
    author: CommitAuthor | None,
    pull_request: MergedPullRequest | None,
    at: datetime,
) -> GraphFacts:
    """Who wrote what the run built, and who approved it. The author is whoever the commit claims."""
    node = run_node(organization, run.id)
    asked = NO_PULL_REQUEST if pull_request is None else str(pull_request.number)
    nodes: list[Node] = [Node(node, at, "", {ASKED: asked})]
    edges: list[Edge] = []
    if author is not None and (author.email or author.name):
        person = identity_node(author.email or author.name)
        shown = f"{author.name} <{author.email}>" if author.name and author.email else author.name
        nodes.append(Node(person, at, shown))
        claimed = Saying(Source.AZURE_DEVOPS, Confidence.CLAIMED, at)
        evidence = {"commit": f"{run.commit} names its author itself"}
        edges.append(claimed.edge(node, EdgeKind.AUTHORED_BY, person, run.commit, evidence))
    if pull_request is not None:
        number = str(pull_request.number)
        nodes.append(Node(node, at, "", {"pullRequest": number}))
        saying = Saying(Source.AZURE_DEVOPS, Confidence.ATTESTED, at)
        for one in pull_request.approvers:
            nodes.append(Node(identity_node(one), at, ""))
            edges.append(saying.edge(node, EdgeKind.APPROVED_BY, identity_node(one), number))
    return GraphFacts(tuple(nodes), tuple(edges))


def could_not_read(node: NodeId, reason: str, at: datetime, name: str = "") -> GraphFacts:
    """That something could not be read, and why; with an empty reason, that it can be again."""
    return GraphFacts((Node(node, at, name, {UNREAD: reason}),))
