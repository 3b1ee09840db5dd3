"""Service principals: signed in by the real azure-identity, refused by name, recovered by themselves."""

from __future__ import annotations

import re

import pytest

from tests.operate.test_alerts import fires
from tests.sign_in.bench import Bench

CLIENT = "22222222-3333-4444-5555-666666666666"
SECRET = "s3cr3t-of-the-application"


@pytest.fixture
def ready(bench: Bench) -> Bench:
    application = bench.world.add_service_principal("application-token")
    for organization in bench.world.organizations[:2]:
        organization.add_member(application, pca="direct")
    bench.directory.add_application(CLIENT, bench.tenant, secret=SECRET, object_id=application.origin_id)
    bench.more = {"AZURE_CLIENT_SECRET": SECRET}
    names = [one.name for one in bench.world.organizations[:2]]
    bench.run(
        *("connector", "create", "--name", "contoso", "--auth", "service-principal", "--client-id", CLIENT),
        *("--tenant", bench.tenant.id, "--mode", "existing"),
        *(part for name in names for part in ("--organization", name)),
    )
    return bench


def test_a_service_principal_connects_the_organizations_that_are_named(ready: Bench) -> None:
    ready.ado_connector("run", "--once")
    rows = ready.ado_connector("organizations", "list", "--output", "json").json
    assert {one["name"]: one["onboardingState"] for one in rows} == {
        one.name: "Onboarded" for one in ready.world.organizations[:2]
    }
    told = ready.ado_connector(
        *("connector", "create", "--name", "other", "--auth", "service-principal", "--client-id", CLIENT),
        *("--tenant", ready.tenant.id, "--mode", "existing", "--organization", "any", "--dry-run"),
    )
    assert "organizations that appear later are not found" in told.err


def test_the_tenant_s_own_listing_finds_others_where_it_answers(ready: Bench) -> None:
    ready.world.enterprise_catalog = True
    ready.ado_connector("run", "--once", code=None)
    rows = ready.ado_connector("organizations", "list", "--output", "json").json
    assert {one["name"] for one in rows} == {one.name for one in ready.world.organizations}


@pytest.mark.parametrize(
    ("how", "told"),
    [("expired", "has expired (AADSTS7000222)"), ("wrong", "is wrong (AADSTS7000215)")],
)
def test_a_refused_secret_is_told_apart_and_the_next_run_after_the_fix_recovers(
    ready: Bench, how: str, told: str
) -> None:
    ready.ado_connector("run", "--once")
    application = ready.directory.applications[CLIENT]
    application.secrets = {SECRET: True} if how == "expired" else {"another": False}
    ready.ado_connector("run", "--once", "--now", code=2)
    shown = ready.connector()
    assert (shown["authorization"], shown["authorizationCode"]) == ("ended", "SecretRefused")
    assert told in shown["authorizationMessage"]
    application.secrets = {SECRET: False}
    ready.ado_connector("run", "--once")
    assert ready.connector()["authorization"] == "ok"
    assert SECRET.encode() not in ready.everything_kept()


def test_a_certificate_that_soon_ends_is_told_before(ready: Bench) -> None:
    # The simulator's own: it ends in a week.
    certificate = ready.folder / "application.pem"
    authority = ready.entra.authority_file
    certificate.write_bytes(authority.read_bytes() + authority.with_name("server.key").read_bytes())
    ready.directory.applications[CLIENT].certificates.append(authority.read_bytes())
    ready.more = {"AZURE_CLIENT_CERTIFICATE_PATH": str(certificate)}
    told = ready.ado_connector("run", "--once")
    shown = ready.connector()
    assert shown["authorization"] == "ending"
    assert shown["authorizationExpiresAt"] is not None
    (line,) = [one for one in told.err.splitlines() if "authorization.ending" in one]
    # As a person reads it; the same fields as in JSON.
    fields = re.search(r"\[(\w+) *\] (\S+) +connector=(\S+) reason='([^']+)'", line)
    assert fields is not None
    level, event, connector, reason = fields.groups()
    assert fires("authorization-ended", {"event": event, "connector": connector, "reason": reason})
    assert (level, connector) == ("error", "contoso")
