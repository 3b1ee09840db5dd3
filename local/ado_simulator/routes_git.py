"""Git repositories: of the organization or of one project, single ones, and the recycle bin."""

from __future__ import annotations

from collections.abc import Iterable

from local.ado_simulator.answers import HTML, Refusal, encoded_listing, listing, ok, repository_not_found
from local.ado_simulator.clock import wire_time
from local.ado_simulator.repository import Repository
from local.ado_simulator.router import DEV, Call, bad_request, route
from local.ado_simulator.wire import Answer

_SCOPE = "vso.code"
_READ = "Read"


@route(
    "GET",
    DEV,
    "/{organization}/_apis/git/repositories",
    "/{organization}/{project}/_apis/git/repositories",
    scope=_SCOPE,
    capability="repositories",
)
def repositories(call: Call) -> Answer:
    """Every repository that the caller may see, in one answer."""
    if "project" in call.parameters:
        projects = [call.project()]
    else:
        hidden = call.member.denied_projects
        projects = [
            project
            for project in call.organization.projects.values()
            if project.id not in hidden and project.state in {"wellFormed", "unchanged"}
        ]
    return encoded_listing(
        [
            repository.encoded()
            for project in projects
            for repository in _visible(call, project.repositories.values())
        ],
        value_first=True,
    )


def _visible(call: Call, candidates: Iterable[Repository]) -> Iterable[Repository]:
    member = call.member
    if not member.licence.reads_code():
        return ()
    if not member.denied_repositories:
        return candidates
    hidden = member.denied_repositories
    return (repository for repository in candidates if repository.id not in hidden)


@route(
    "GET",
    DEV,
    "/{organization}/_apis/git/repositories/{repository}",
    "/{organization}/{project}/_apis/git/repositories/{repository}",
    scope=_SCOPE,
    capability="repositories",
)
def repository(call: Call) -> Answer:
    """One repository, by id anywhere or by name inside a project. Disabled ones cannot be read."""
    found = _find(call)
    document = found.document()
    document["_links"] = {"self": {"href": document["url"]}, "web": {"href": document["webUrl"]}}
    return ok(document)


def _find(call: Call) -> Repository:
    key = call.parameters["repository"]
    try:
        if "project" in call.parameters:
            found = call.project().repository(key)
        else:
            found = call.organization.repository(key)
    except KeyError:
        raise Refusal(repository_not_found(key)) from None
    if found.is_disabled or found.project.state not in {"wellFormed", "unchanged"}:
        raise Refusal(repository_not_found(key))
    if not call.can_see(found.project) or not call.can_read(found):
        raise Refusal(call.hidden(repository_not_found(key), _READ))
    return found


@route(
    "GET",
    DEV,
    "/{organization}/{project}/_apis/git/repositories/{repository}/refs",
    "/{organization}/_apis/git/repositories/{repository}/refs",
    scope=_SCOPE,
    capability="repositories",
)
def refs(call: Call) -> Answer:
    """The branches of a repository: its default branch, or none when it is empty."""
    found = _find(call)
    wanted = "refs/" + call.query.get("filter", "")
    branches = [found.default_branch] if found.default_branch else []
    names = [name for name in branches if name.startswith(wanted)]
    document = [{"name": name, "objectId": found.id.replace("-", "") + "00000000"} for name in names]
    return listing(document, value_first=True)


@route(
    "GET",
    DEV,
    "/{organization}/{project}/_apis/git/recycleBin/repositories",
    "/{organization}/{project}/_apis/git/deletedrepositories",
    scope=_SCOPE,
    capability="repositories",
)
def recycle_bin(call: Call) -> Answer:
    """Deleted repositories of a project that can be brought back."""
    project = call.project()
    items = []
    for each in _visible(call, project.recycle_bin.values()):
        identity = call.world.identity
        items.append(
            {
                "id": each.id,
                "name": each.name,
                "project": project.reference(),
                "deletedBy": {
                    "id": identity.id,
                    "displayName": identity.display_name,
                    "uniqueName": identity.account_name,
                    "descriptor": identity.descriptor,
                },
                "createdDate": wire_time(each.created or call.world.now(), each.id),
                "deletedDate": wire_time(each.deleted or call.world.now(), each.id),
            }
        )
    return listing(items, value_first=True)


@route("GET", DEV, "/{organization}/{project}/_git/{repository}", scope=_SCOPE, versioned=False)
def web_page(call: Call) -> Answer:
    """The repository's page in the portal."""
    if not call.parameters["repository"]:
        return bad_request("A repository must be given.")
    return Answer(200, b"<!DOCTYPE html><html><body>Repository</body></html>", HTML)


@route(
    "POST",
    DEV,
    "/{organization}/{project}/_apis/git/repositories/{repository}/commitsbatch",
    scope=_SCOPE,
    capability="repositories",
)
def commits_batch(call: Call) -> Answer:
    """Commits of the repository by their ids; those that it lacks are left out."""
    found = _find(call)
    asked = call.document()
    if not isinstance(asked, dict) or not isinstance(asked.get("ids"), list):
        return bad_request("A list of ids is expected.")
    documents = []
    for commit in asked["ids"]:
        if commit not in found.authors:
            continue
        name, email = found.authors[commit]
        person = {"name": name, "email": email, "date": "2024-11-19T11:21:11Z"}
        documents.append({"commitId": commit, "author": person, "committer": person, "comment": "Change"})
    return listing(documents)


@route(
    "POST",
    DEV,
    "/{organization}/{project}/_apis/git/repositories/{repository}/pullrequestquery",
    scope=_SCOPE,
    capability="repositories",
)
def pull_request_query(call: Call) -> Answer:
    """The pull requests whose merges made commits, as one object by commit for each query."""
    found = _find(call)
    asked = call.document()
    if not isinstance(asked, dict) or not isinstance(asked.get("queries"), list):
        return bad_request("A list of queries is expected.")
    results: list[dict[str, object]] = []
    for query in asked["queries"]:
        made: dict[str, object] = {}
        for commit in query["items"] if query.get("type") == "lastMergeCommit" else []:
            if commit in found.merges:
                number, votes = found.merges[commit]
                reviewers = [
                    {"displayName": person, "uniqueName": person, "vote": vote, "isContainer": False}
                    for person, vote in votes.items()
                ]
                made[commit] = [{"pullRequestId": number, "status": "completed", "reviewers": reviewers}]
        results.append(made)
    return ok({"queries": asked["queries"], "results": results})
