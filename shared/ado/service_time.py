"""What time it is at Azure DevOps."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from shared.ado.authorization import NOBODY
from shared.ado.calls import READ_PROFILE
from shared.ado.errors import BrokenAnswer, told
from shared.ado.transport import Outgoing, Transport


def read_service_time(transport: Transport) -> datetime:
    """The Date header of an answer, to the second. Requests: 1, without a token: whatever it answers will do.

    Raises `AzureDevOpsError` when no answer comes, or none with a time.
    """
    where = READ_PROFILE.where("")
    outgoing = Outgoing("GET", READ_PROFILE.url({}), READ_PROFILE.accept, where, NOBODY)
    with transport.send(outgoing) as answer:
        try:
            moment = parsedate_to_datetime(answer.header("Date"))
        except ValueError:
            raise told(BrokenAnswer, where, "the answer does not tell the time", head=answer.head) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
