"""Writes `docs/permissions.md` from the table of calls: `python -m local.permissions_reference`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from shared.ado.calls import CALLS, Call
from shared.model.prerequisite import DEFENDER_PREREQUISITES, PrerequisiteName
from shared.model.right import CAPABILITY_TITLES, Capability, Right, Scope
from shared.reconcile.prerequisites import TITLES

PAGE = Path(__file__).parent.parent / "docs" / "permissions.md"

LEAST = (Capability.DISCOVERY, Capability.INVENTORY)
"""What an identity is for that may read projects and code, and nothing else."""

_INTRODUCTION = """# Permissions

What the connector asks of Azure DevOps, what each request takes, what uses it, and what is lost where it is
refused. Nothing else stops: what cannot be read is shown as *unknown*, with the permission that would make it
known. `ado-connector doctor` tells for every organization which of these the identity has.

All of it only reads, but for the installation of the Container Mapping extension, which is off unless a
connector is told to do it. [Keep the extension installed](how-to/container-mapping-extension.md) tells when
it is made, and that it is never made against an administrator.

This page is written by `python -m local.permissions_reference` from the table in `shared/ado/calls.py`; a
test keeps it in step.

## Every call

*Token scope* is the scope of a personal access token and, under the same name, the delegated permission of an
application that a user signs in through. Service principals and managed identities have no scopes: for them
the permission alone decides. Where the scope is *full access*, Azure DevOps documents none for the route:
a token with narrower scopes may be refused there (delegated: `user_impersonation`).

| to | it takes the permission | token scope | for | without it |
| --- | --- | --- | --- | --- |
"""

_CAPABILITIES = """
## By capability

| for | permissions | token scopes |
| --- | --- | --- |
"""

_AZURE = """
## In Azure, to trace images

Nothing of this is asked for unless a connector names registries or subscriptions
([trace an image](how-to/trace-an-image.md)). All of it only reads.

| to | it takes the role | without it |
| --- | --- | --- |
"""

_ROLES = (
    (
        "reading images of a registry",
        "`AcrPull`; with repository permissions: Container Registry Repository Reader",
        "labels and provenance are not read, tags are not resolved",
    ),
    (
        "listing the repositories of a registry",
        "with repository permissions: Container Registry Repository Catalog Lister",
        "only repositories that another source named are read",
    ),
    ("finding running images", "Reader on the subscription", "what runs there is unknown"),
)
"""Roles in Azure: for what, which, what is lost without."""

_IDENTITIES = """
## What to grant, by kind of identity

Two ways for each: *everything*, with the prerequisites that Microsoft Defender for Cloud asks for, and *least
privilege*, without any administrator right. For the second, tell the connector that no prerequisite is
required: otherwise an identity that is no administrator is not let in, as with Defender.

```sh
ado-connector connector create --name contoso --require none
```

With least privilege the inventory is complete for every project and repository that the identity may read.
Azure DevOps leaves out of its listings, without a word, what the identity may not see: give the rights on
every project, or know that the others are not there. {least_lost}

Required by default: {required}. Checked and shown, and required only where a connector says so: {optional}.
"""

_USER = """
### User

A person, or an account made for the purpose, which signs in through Microsoft Entra.

Everything:

1. A user of every organization: Organization settings > Users > Add users, access level Basic or
   Basic + Test Plans (Visual Studio subscribers have it; Stakeholder is not enough).
2. A member of Project Collection Administrators: Organization settings > Permissions > Project Collection
   Administrators > Members > Add. Through a group of the organization or of Microsoft Entra is as good.
3. The application that it signs in through needs the delegated permission `user_impersonation` of Azure
   DevOps (resource `499b84ac-1321-427f-aa17-267ca6975798`).

Least privilege:

1. A user of every organization with access level Basic.
2. A member of the group Readers of every project: Project settings > Permissions > Readers > Members > Add.
   It holds what the inventory takes: {least_permissions}.
3. Delegated permissions are enough where the application has no wider ones: {least_scopes}.
"""

_MANAGED_IDENTITY = """
### Managed identity

The identity of the app in Azure; no secret anywhere. Recommended. It must belong to the Microsoft Entra
tenant that the organizations are connected to.

Everything:

1. Added to every organization like a user: Organization settings > Users > Add users, then its name, access
   level Basic. Rules that give access levels to groups do not reach it: give the level directly.
2. A member of Project Collection Administrators, as a user would be. It can never own an organization.

Least privilege:

1. Added to every organization with access level Basic.
2. A member of the group Readers of every project.

Azure DevOps lists no organizations for it. Name them in the connector (`--organization`), or give the
connector a user or personal access token to discover with (`--discover-as`).
"""

_SERVICE_PRINCIPAL = """
### Service principal

An application in Microsoft Entra, with a certificate, a secret or workload identity federation. What a
managed identity needs, it needs, in the same two ways; it must belong to the tenant of the organizations. In
Organization settings > Users it is found by the name of the application. No API permission of the
application is needed: what it may do is granted in Azure DevOps.

Azure DevOps lists no organizations for it either.
"""

_PAT = """
### Personal access token

For trials. It has the rights of the person who made it, cut down to its scopes, and ends on a date. It must
be made for *All accessible organizations* (User settings > Personal access tokens > New Token), or
organizations cannot be found; one made for a single organization works where the connector names it.

Everything: the person as under *User*, and the scope Full access. With these scopes instead, what only full
access opens is unknown: {scopes}.

Least privilege: the person as under *User, least privilege*, and the scopes {least_scopes}.
"""


def page() -> str:
    """The whole page."""
    return _INTRODUCTION + _calls() + _CAPABILITIES + _capabilities() + _azure() + _identities()


def _calls() -> str:
    rows: dict[tuple[str, ...], None] = {}
    for call in CALLS:
        cells = (call.action, _permission(call.right), _scope(call.right.scope), _title(call), call.lost)
        rows.setdefault(cells)
    return "".join(_row(cells) for cells in rows)


def _azure() -> str:
    return _AZURE + "".join(f"| {' | '.join(row)} |\n" for row in _ROLES)


def _capabilities() -> str:
    rows = []
    for capability in Capability:
        rights = _rights([capability])
        permissions = dict.fromkeys(one.permission for one in rights if one.permission)
        scopes = dict.fromkeys(_scope(one.scope) for one in rights if one.scope is not None)
        cells = (CAPABILITY_TITLES[capability], "; ".join(permissions) or "none", "; ".join(scopes) or "any")
        rows.append(_row(cells))
    return "".join(rows)


def _identities() -> str:
    least_scopes = _listed(_scopes(_rights(LEAST)))
    lost = [CAPABILITY_TITLES[one] for one in Capability if one not in LEAST]
    return (
        _IDENTITIES.format(
            required=_listed(TITLES[one] for one in DEFENDER_PREREQUISITES),
            optional=_listed(TITLES[one] for one in PrerequisiteName if one not in DEFENDER_PREREQUISITES),
            least_lost=f"Unknown, wholly or in part, may stay: {_listed(lost)}.",
        )
        + _USER.format(
            least_permissions="; ".join(one.permission for one in _rights([Capability.INVENTORY])),
            least_scopes=least_scopes,
        )
        + _MANAGED_IDENTITY
        + _SERVICE_PRINCIPAL
        + _PAT.format(scopes=_listed(_scopes(_rights(Capability))), least_scopes=least_scopes)
    )


def _rights(capabilities: Iterable[Capability]) -> list[Right]:
    wanted = set(capabilities)
    return list(dict.fromkeys(call.right for call in CALLS if call.capability in wanted))


def _scopes(rights: Iterable[Right]) -> list[str]:
    scopes = (one.scope for one in rights if one.scope is not None and one.scope.name)
    return list(dict.fromkeys(f"{scope.title} (`{scope.name}`)" for scope in scopes))


def _permission(right: Right) -> str:
    return right.permission or "none beyond signing in"


def _scope(scope: Scope | None) -> str:
    if scope is None:
        return "any"
    told = f"{scope.title}: `{scope.name}`" if scope.name else scope.title
    return f"{told}, {scope.beyond}" if scope.beyond else told


def _title(call: Call) -> str:
    return CAPABILITY_TITLES[call.capability]


def _listed(items: Iterable[str]) -> str:
    return ", ".join(items)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
