"""Upgrade, rollback and uninstall do what docs/deploy says, and nothing where they cannot do all of it."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local.deployment import functions_of_tree, health
from local.entra_simulator.keys import write_certificate
from shared.connector_state import open_state
from shared.connector_state.versions import versions
from shared.queue.receiver import QUEUES
from tests.contract.records import connector, enrollment, organization
from tests.host.app_under_test import BINDINGS
from tests.infra.azure import APP, GROUP, SUBSCRIPTION, Azure, Told
from tests.infra.bicep import ROOT
from tests.infra.test_roles import GIVEN, SECRETS_OFFICER, SECRETS_USER

RELEASED = ROOT / "tests" / "connector_state" / "released"

COMMAND = f"""#!/bin/sh
PYTHONPATH={ROOT} exec {sys.executable} -m cli.main "$@"
"""
FUNCTIONS = "@app.timer_trigger('t')\ndef discover(timer): ...\n\n\ndef helper(): ...\n"


class Deployment:
    """A clone of a project with two released versions, deployed by stand-ins; its state is a real one."""

    def __init__(self, folder: Path, said: pytest.CaptureFixture[str]) -> None:
        self.azure = Azure(folder / "programs", said)
        self.tree, self.state = folder / "tree", folder / "state.db"
        self.url = f"sqlite:///{self.state}"
        (self.tree / "scripts").mkdir(parents=True)
        (self.tree / ".venv" / "bin").mkdir(parents=True)
        for name, text in ((".venv/bin/ado-connector", COMMAND), ("scripts/install", "#!/bin/sh\n")):
            (self.tree / name).write_text(text, encoding="utf-8")
            (self.tree / name).chmod(0o755)
        (self.tree / ".gitignore").write_text(".venv\nbackups\n", encoding="utf-8")
        self.git("init", "--quiet", "--initial-branch", "main")
        self.release("0.4.0", FUNCTIONS)
        self.release("0.5.0", FUNCTIONS + "\n\n@app.route('x')\ndef read_health(request): ...\n")
        self.git("checkout", "--quiet", "v0.4.0")
        self.azure.change(
            values={**self.azure.kept["values"], "STATE_URL": self.url},
            functions=["discover"],
            functions_of_new_version=["discover", "read_health"],
        )

    def keep_state(self) -> None:
        """There is one only where it matters: each look at it takes a second."""
        open_state(self.url).close()

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        done = subprocess.run(  # noqa: S603
            ["git", *who, *words],  # noqa: S607
            cwd=self.tree,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def release(self, version: str, functions: str) -> None:
        (self.tree / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n', encoding="utf-8")
        (self.tree / "function_app.py").write_text(functions, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", version)
        self.git("tag", f"v{version}")

    def run(self, *options: str, typed: str = "") -> Told:
        # What is not so at once does not become so here: one look is enough.
        wait = ("--wait", "0") if options[0] in {"upgrade", "rollback", "check"} else ()
        return self.azure.run("local.deployment", *options, *wait, folder=self.tree, typed=typed)

    @property
    def version(self) -> str:
        return self.git("describe", "--tags")

    @property
    def deployed(self) -> list[str]:
        return [one[1] for one in self.azure.calls("azd") if one[1] != "env"]

    @property
    def backups(self) -> list[Path]:
        return sorted((self.tree / "backups").glob("*"))


class App:
    """The deployed app, as far as whether it is healthy."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.status, self.body = 200, b'{"status": "healthy"}'
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(app.status if self.path == "/api/health" else 404)
                self.send_header("Content-Length", str(len(app.body)))
                self.end_headers()
                self.wfile.write(app.body)

            def log_message(self, *_: object) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.host = f"localhost:{self.server.server_port}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def app(certificate: tuple[Path, Path]) -> Iterator[App]:
    app = App(*certificate)
    thread = threading.Thread(target=app.server.serve_forever, args=(0.01,))
    thread.start()
    yield app
    app.server.shutdown()
    thread.join()
    app.server.server_close()


@pytest.fixture
def deployment(
    tmp_path: Path, app: App, certificate: tuple[Path, Path], capfd: pytest.CaptureFixture[str]
) -> Deployment:
    made = Deployment(tmp_path, capfd)
    made.azure.environment |= {"SSL_CERT_FILE": str(certificate[0]), "no_proxy": "localhost"}
    made.azure.change(host=app.host)
    return made


def older(deployment: Deployment) -> None:
    """The state as an earlier version left it."""
    deployment.state.unlink(missing_ok=True)
    dump = gzip.decompress((RELEASED / "0.3.0.sqlite.gz").read_bytes()).decode()
    with closing(sqlite3.connect(deployment.state)) as connection:
        connection.executescript(dump)


def newer(deployment: Deployment) -> None:
    """The state as a later version leaves it."""
    with closing(sqlite3.connect(deployment.state)) as connection:
        connection.execute("INSERT INTO schema_version (version) VALUES (999)")
        connection.commit()


# --- upgrade ----------------------------------------------------------------------------------------------


def test_an_upgrade_backs_up_deploys_and_looks_whether_it_runs(deployment: Deployment) -> None:
    deployment.keep_state()
    told = deployment.run("upgrade", "0.5.0")
    assert told.returncode == 0, told.stderr
    (backup,) = deployment.backups
    assert backup.name.startswith("contoso-0.4.0-")
    with_nothing = json.loads(backup.read_text(encoding="utf-8").splitlines()[-1])
    assert "sha256" in with_nothing
    assert deployment.deployed == ["provision", "deploy"]
    assert deployment.version == "v0.5.0"
    assert f"{APP} has all 2 functions and is healthy." in told.stderr
    assert f"Deployed 0.5.0. The backup is backups/{backup.name}." in told.stderr
    assert told.stderr.endswith("To go back: scripts/deployment rollback 0.4.0\n")


def test_an_app_that_is_not_well_afterwards_is_told_of(deployment: Deployment, app: App) -> None:
    app.status, app.body = 503, b'{"status": "degraded"}'
    told = deployment.run("upgrade", "0.5.0")
    assert told.returncode == 1
    assert "its health is: degraded" in told.stderr
    assert "to look again: scripts/deployment check." in told.stderr
    # It is what runs now, so from there one goes back.
    assert deployment.version == "v0.5.0"
    assert "To go back: scripts/deployment rollback 0.4.0" in told.stderr


def test_a_dry_run_of_an_upgrade_changes_nothing_and_says_what_would(deployment: Deployment) -> None:
    deployment.keep_state()
    told = deployment.run("upgrade", "0.5.0", "--dry-run")
    assert told.returncode == 0, told.stderr
    assert "Would run: git checkout v0.5.0" in told.stderr
    assert "Would run: azd deploy --environment contoso --no-prompt" in told.stderr
    assert "Would back up the state to backups/contoso-0.4.0-" in told.stderr
    assert (deployment.deployed, deployment.backups, deployment.version) == ([], [], "v0.4.0")
    assert deployment.azure.changes == []


def test_what_fails_leaves_the_tree_where_it_was_and_may_be_run_again(deployment: Deployment) -> None:
    deployment.azure.change(broken={"deploy": "ERROR: deployment failed"})
    told = deployment.run("upgrade", "v0.5.0")
    assert told.returncode == 1
    assert "azd deploy" in told.stderr
    assert "ERROR: deployment failed" in told.stderr
    assert deployment.version == "v0.4.0"
    deployment.azure.change(broken={})
    deployment.run("upgrade", "v0.5.0")
    assert deployment.deployed == ["provision", "deploy", "provision", "deploy"]


def test_ctrl_c_leaves_the_tree_where_it_was(deployment: Deployment) -> None:
    deployment.azure.change(ctrl_c=True)
    # In a process of its own: the key reaches the program that waits, not the tests.
    told = subprocess.run(
        [sys.executable, "-m", "local.deployment", "upgrade", "0.5.0"],
        cwd=deployment.tree,
        env={**os.environ, **deployment.azure.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 130
    assert told.stderr.endswith("This tree is v0.4.0 again.\nBroken off. The same command again goes on.\n")
    assert deployment.version == "v0.4.0"
    assert deployment.run("upgrade", "0.5.0").returncode == 0


def test_nothing_begins_where_its_end_could_not_be_seen(deployment: Deployment) -> None:
    deployment.azure.change(broken={"functionapp show": "ERROR: Please run 'az login' to setup account."})
    for words in (("upgrade", "0.5.0"), ("rollback", "0.4.0")):
        told = deployment.run(*words)
        assert told.returncode == 1
        assert "Please run 'az login'" in told.stderr
    assert (deployment.deployed, deployment.backups, deployment.version) == ([], [], "v0.4.0")


def test_a_state_of_an_earlier_version_is_not_brought_up_to_date_by_its_backup(
    deployment: Deployment,
) -> None:
    older(deployment)
    before = versions(deployment.url)
    assert before.stored is not None
    assert before.stored < before.own
    told = deployment.run("upgrade", "0.5.0")
    assert told.returncode == 1
    assert "written by an earlier version than this tree's" in told.stderr
    assert "git checkout vVERSION" in told.stderr
    assert versions(deployment.url) == before
    assert deployment.deployed == []
    deployment.run("upgrade", "0.5.0", "--no-backup")
    assert deployment.deployed == ["provision", "deploy"]
    assert versions(deployment.url) == before


def test_only_what_was_released_and_committed_is_deployed(deployment: Deployment) -> None:
    assert deployment.run("released").stdout == "0.4.0\n"
    (deployment.tree / "left.py").write_text("", encoding="utf-8")
    told = deployment.run("upgrade", "0.5.0")
    assert told.returncode == 1
    assert "This tree is not as it was committed: left.py. Commit it" in told.stderr
    deployment.git("add", "--all")
    deployment.git("commit", "--quiet", "--message", "own")
    for words in (("released",), ("upgrade",)):
        told = deployment.run(*words)
        assert told.returncode == 1
        assert "no tag v0.4.0 is on its commit" in told.stderr
    told = deployment.run("upgrade", "9.9.9")
    assert told.returncode == 1
    assert "there is no tag v9.9.9" in told.stderr
    assert (deployment.deployed, deployment.backups) == ([], [])
    told = deployment.run("upgrade", "--unreleased")
    assert deployment.deployed == ["provision", "deploy"]
    assert "There is no state yet, so nothing to back up." in told.stderr


def test_an_environment_that_was_never_deployed_is_said_to_be(deployment: Deployment) -> None:
    deployment.azure.change(values={"AZURE_ENV_NAME": "contoso"})
    for words in (("upgrade",), ("rollback", "0.4.0"), ("uninstall",), ("check",)):
        told = deployment.run(*words)
        assert told.returncode == 1
        assert "azd up" in told.stderr
    other = deployment.run("check", "--environment", "other")
    assert other.returncode == 1
    assert "environment 'other' does not exist. See what there is with: azd env list." in other.stderr
    for wait in ("-5", "nan", "soon"):
        assert deployment.azure.run("local.deployment", "check", "--wait", wait).returncode == 2
    assert deployment.azure.changes == []


# --- is it running ----------------------------------------------------------------------------------------


def test_functions_that_are_missing_or_of_another_version_are_told(deployment: Deployment) -> None:
    there: list[str]
    for there, problem in (
        ([], "has 0 of 1 functions; discover is missing"),
        (["discover", "old"], "still has the function old of another version"),
    ):
        deployment.azure.change(functions=there)
        told = deployment.run("check")
        assert told.returncode == 1
        assert problem in told.stderr
    deployment.azure.change(state="Stopped")
    assert f"{APP} is Stopped." in deployment.run("check").stderr


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b'{"status": "healthy"}', "healthy"),
        (403, b"", "closed"),
        (401, b"", "closed"),
        (503, b'{"status": "degraded"}', "degraded"),
        (502, b"", "HTTP 502"),
        (200, b"<html>", "no answer (JSONDecodeError)"),
        (200, b"[]", "no answer (AttributeError)"),
    ],
)
def test_its_health_is_what_it_says(
    app: App,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: bytes,
    said: str,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setenv("no_proxy", "localhost")
    app.status, app.body = status, body
    assert health(f"https://{app.host}/api/health") == said


def test_the_health_of_a_closed_app_is_not_asked_and_that_is_said(deployment: Deployment, app: App) -> None:
    app.status, app.body = 403, b""
    told = deployment.run("check")
    assert told.returncode == 0
    assert "has all 1 functions. It is closed, so its health was not asked." in told.stderr


def test_no_answer_is_not_health(deployment: Deployment) -> None:
    deployment.azure.change(host="localhost:1")
    told = deployment.run("check")
    assert told.returncode == 1
    assert "its health is: no answer" in told.stderr


def test_the_functions_that_are_looked_for_are_those_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert functions_of_tree() == set(BINDINGS)


# --- rollback ---------------------------------------------------------------------------------------------


def test_a_rollback_deploys_the_earlier_version(deployment: Deployment) -> None:
    deployment.keep_state()
    deployment.git("checkout", "--quiet", "v0.5.0")
    deployment.azure.change(functions_of_new_version=["discover"])
    told = deployment.run("rollback", "0.4.0")
    assert told.returncode == 0, told.stderr
    assert deployment.deployed == ["provision", "deploy"]
    assert deployment.version == "v0.4.0"
    (backup,) = deployment.backups
    assert f"Deployed 0.4.0. The backup is backups/{backup.name}." in told.stderr
    assert told.stderr.endswith("To go back: scripts/deployment upgrade 0.5.0\n")


def test_a_state_that_was_migrated_beyond_a_version_is_not_given_to_it(deployment: Deployment) -> None:
    deployment.keep_state()
    deployment.git("checkout", "--quiet", "v0.5.0")
    newer(deployment)
    told = deployment.run("rollback", "0.4.0", "--no-backup")
    assert told.returncode == 1
    assert "was written by a newer version of this program" in told.stderr
    assert "import a backup that v0.4.0 made into an empty table" in told.stderr
    assert "Traceback" not in told.stderr
    assert (deployment.deployed, deployment.version) == ([], "v0.5.0")


def test_a_rollback_names_its_version(deployment: Deployment) -> None:
    assert deployment.run("rollback").returncode == 2
    assert deployment.run("rollback", "0.1.9").returncode == 1
    assert deployment.deployed == []


# --- uninstall --------------------------------------------------------------------------------------------


def test_the_organizations_that_know_the_app_are_named(deployment: Deployment) -> None:
    with open_state(deployment.url) as state:
        state.put_connector(connector())
        state.put_organization(organization(name="fabrikam"))
        state.put_enrollment(enrollment())
    told = deployment.run("uninstall", "--dry-run")
    assert "https://dev.azure.com/fabrikam: the app's user (Organization settings > Users)" in told.stderr
    older(deployment)
    told = deployment.run("uninstall", "--dry-run", "--no-backup")
    assert "the state does not tell which" in told.stderr


def shared(deployment: Deployment) -> None:
    """It uses a vault and a namespace that were there before, with what others have in them."""
    vault = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shared/providers/Microsoft.KeyVault/vaults/kv"
    bus = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shared/providers/Microsoft.ServiceBus/namespaces/sb"
    )
    given = [
        ("app-object", SECRETS_USER.id, vault),
        ("operator-object", SECRETS_OFFICER.id, vault),
        ("operator-object", "own-role", vault),
        ("others", SECRETS_USER.id, vault),
        *(("app-object", role.id, f"{bus}/queues/posture") for (_, on, _, role) in GIVEN if on == "queue"),
    ]
    deployment.azure.change(
        values={
            **deployment.azure.kept["values"],
            "EXISTING_KEY_VAULT_ID": vault,
            "EXISTING_SERVICE_BUS_ID": bus,
            "TOKEN_KEY": "keyvault://kv/ado-connector-token-key-x",
            "API_CLIENT_ID": "api",
        },
        groups={GROUP: [["Microsoft.Web/sites", APP]], "rg-shared": [["Microsoft.KeyVault/vaults", "kv"]]},
        queues={"sb": [*QUEUES, "others"]},
        secrets={"kv": ["ado-connector-token-key-x", "ado-connector-token-key-y"]},
        applications=[
            {
                "id": "o",
                "appId": "api",
                "displayName": "ado-connector",
                "web": {"redirectUris": [f"https://{APP}.azurewebsites.net/.auth/login/aad/callback"]},
            }
        ],
        assignments=[
            {
                "id": f"a{number}",
                "role": role,
                "roleDefinitionId": f"/x/{role}",
                "roleDefinitionName": role,
                "scope": scope,
                "condition": None,
                "principalId": who,
                "principalName": who,
            }
            for number, (who, role, scope) in enumerate(given)
        ],
    )


def test_it_takes_its_own_and_leaves_what_was_there_before(deployment: Deployment) -> None:
    deployment.keep_state()
    shared(deployment)
    told = deployment.run("uninstall", typed="contoso\n")
    assert told.returncode == 0, told.stderr
    kept = deployment.azure.kept
    assert list(kept["groups"]) == ["rg-shared"]
    assert kept["queues"] == {"sb": ["others"]}
    assert kept["secrets"] == {"kv": ["ado-connector-token-key-y"]}
    assert [(one["principalId"], one["role"]) for one in kept["assignments"]] == [
        ("operator-object", "own-role"),
        ("others", SECRETS_USER.id),
    ]
    assert kept["applications"] == []
    assert deployment.azure.calls("az", "keyvault", "purge") == []
    # The environment's own `azd down` may take a group that was there before, in versions until 1.24.
    assert deployment.deployed == []
    assert len(deployment.backups) == 1
    assert "scripts/setup-deployment --remove" in told.stderr
    assert "namespaces/sb: was there before, and stays" in told.stderr
    again = deployment.run("uninstall")
    assert again.returncode == 0
    assert "There is nothing left to remove in Azure." in again.stderr


def test_its_own_vault_is_purged_so_that_the_name_is_free(deployment: Deployment) -> None:
    assert deployment.run("uninstall", "--yes").returncode == 0
    assert (deployment.azure.kept["groups"], deployment.azure.kept["deleted_vaults"]) == ({}, [])


def test_nothing_goes_without_the_name(deployment: Deployment) -> None:
    shared(deployment)
    told = deployment.run("uninstall", typed="conto\n")
    assert told.returncode == 1
    assert "This goes, and cannot be brought back:" in told.stderr
    assert "Nothing was removed." in told.stderr
    would = deployment.run("uninstall", "--dry-run")
    assert would.returncode == 0
    assert "the queue posture in the existing namespace sb, with its messages" in would.stderr
    assert f"Microsoft.Web/sites {APP}" in would.stderr
    assert (deployment.azure.changes, deployment.backups) == ([], [])


def test_a_broken_off_one_goes_on(deployment: Deployment) -> None:
    shared(deployment)
    deployment.azure.change(broken={"group delete": "ERROR: a lock is on it"})
    told = deployment.run("uninstall", "--yes", "--no-backup")
    assert told.returncode == 1
    assert "a lock is on it" in told.stderr
    # The operator's role on the vault is gone by now, so it does not tell its secrets any more.
    deployment.azure.change(broken={"keyvault secret list": "ERROR: Forbidden"})
    told = deployment.run("uninstall", "--yes", "--no-backup")
    assert told.returncode == 0, told.stderr
    assert "Should the secret ado-connector-token-key-x be in the existing vault kv" in told.stderr
    assert list(deployment.azure.kept["groups"]) == ["rg-shared"]


def test_without_its_backup_nothing_is_removed(deployment: Deployment) -> None:
    deployment.keep_state()
    newer(deployment)
    told = deployment.run("uninstall", "--yes")
    assert told.returncode == 1
    assert "Nothing was removed, and the app is stopped." in told.stderr
    assert deployment.azure.changes == ["az functionapp stop --name func-ado-connector-x"]
    assert deployment.run("uninstall", "--yes", "--no-backup").returncode == 0
    assert deployment.azure.kept["groups"] == {}


def test_a_registration_that_others_use_stays(deployment: Deployment) -> None:
    shared(deployment)
    applications = deployment.azure.kept["applications"]
    applications[0]["web"]["redirectUris"].append("https://other.example/callback")
    deployment.azure.change(applications=applications)
    told = deployment.run("uninstall", "--yes", "--no-backup")
    assert deployment.azure.kept["applications"] == applications
    assert "has other addresses, too, and stays" in told.stderr


def test_a_group_that_is_not_its_own_is_never_removed(deployment: Deployment) -> None:
    values = {**deployment.azure.kept["values"], "AZURE_RESOURCE_GROUP": "rg-shared"}
    deployment.azure.change(values=values, groups={"rg-shared": []})
    told = deployment.run("uninstall", "--yes")
    assert told.returncode == 1
    assert '"rg-shared" is not rg-ado-connector-contoso' in told.stderr
    assert deployment.azure.changes == []
