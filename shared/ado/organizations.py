"""Who we are, and which organizations there are."""

from __future__ import annotations

import csv
import io
from datetime import datetime

from shared.ado.area import Area
from shared.ado.calls import LIST_ACCOUNTS, LIST_TENANT, READ_PROFILE
from shared.ado.errors import Where, WrongField, told
from shared.ado.pages import one_answer
from shared.ado.parse import BrokenJsonError, Fields, ShapeError, guid, listed, name
from shared.ado.transport import Answer
from shared.model.failure import ServiceError
from shared.model.identity import Account, Profile
from shared.model.ids import TenantId
from shared.model.observation import Observation


class OrganizationsArea(Area):
    """Profile, accounts and the tenant's catalog: requests that belong to no organization."""

    def sign_in(self) -> datetime | None:
        """Get a credential to sign in with; when it ends for good, if known. No request to Azure DevOps."""
        return self._client.sign_in(Where("", "signing in"))

    def profile(self) -> Profile:
        """Who we are. Requests: 1. Raises `ServiceError`."""
        return self._client.document(READ_PROFILE, {}, _profile)

    def accounts(self, member_id: str) -> Observation[Account]:
        """Organizations that the member belongs to; empty for service principals. Requests: 1.

        One that cannot be read does not hide the others: the observation is then partial.
        """
        try:
            found, broken = self._client.document(
                LIST_ACCOUNTS, {}, _accounts, query=[("memberId", member_id)]
            )
        except ServiceError as error:
            return Observation.partial((), error.failure)
        if broken is None:
            return Observation.whole(tuple(found))
        cause = f"field {broken.path} of the answer {broken.problem}"
        return Observation.partial(tuple(found), told(WrongField, LIST_ACCOUNTS.where(""), cause).failure)

    def tenant_organizations(self, tenant: TenantId) -> Observation[Account]:
        """Organizations connected to the tenant: undocumented, a hint, often denied. Requests: 1."""
        return one_answer(
            lambda: self._client.request(LIST_TENANT, {}, _catalog, query=[("tenantId", tenant)])
        )


def _profile(document: object) -> Profile:
    fields = Fields(document)
    # A service principal may have no display name.
    return Profile(id=fields.guid("id"), display_name=fields.text("displayName", ""))


def _accounts(document: object) -> tuple[list[Account], ShapeError | None]:
    """The accounts that can be read, and what is wrong with the first that cannot."""
    found: list[Account] = []
    broken: ShapeError | None = None
    for fields in listed(document, bare=True):
        try:
            found.append(Account(account_id=fields.guid("accountId"), name=fields.name("accountName")))
        except ShapeError as error:
            broken = broken or error
    return found, broken


_ID, _NAME = "Organization Id", "Organization Name"


def _catalog(answer: Answer) -> list[Account]:
    """CSV with a byte order mark, and spaces behind the commas of its header."""
    try:
        text = answer.read().decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise BrokenJsonError("it is no CSV in UTF-8") from None
    if rows and (_ID not in rows[0] or _NAME not in rows[0]):
        raise ShapeError(_ID if _ID not in rows[0] else _NAME, "is missing")
    if not rows and _ID not in text:
        raise ShapeError(_ID, "is missing")
    return [
        Account(guid(row[_ID], f"row {number}, {_ID}"), name(row[_NAME], f"row {number}, {_NAME}"))
        for number, row in enumerate(rows, start=1)
    ]
