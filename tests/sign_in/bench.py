"""Both simulators side by side, and the app's command line in processes of its own between them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from local.ado_simulator import Simulator, World, generate_world
from local.entra_simulator import Directory, EntraSimulator, Tenant, User
from shared.connector_state import open_state
from shared.ports import State
from tests.sign_in.bearer_tokens import PublishedKeys

ROOT = Path(__file__).parent.parent.parent
ANA = "ana@contoso.example"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Bench:
    """A world whose demo user is Ana, a person of its tenant."""

    folder: Path
    world: World = field(default_factory=lambda: generate_world(5, 3, 2, 2))
    directory: Directory = field(default_factory=Directory)
    more: dict[str, str] = field(default_factory=dict)
    """Further settings of the commands."""
    told: list[str] = field(default_factory=list)
    """Everything that commands wrote."""
    _forks: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        self.tenant: Tenant = self.directory.add_tenant("contoso.example", id=self.world.tenant)
        self.ana: User = self.directory.add_user(ANA, self.tenant, object_id=self.world.identity.origin_id)

    def __enter__(self) -> Self:
        self.entra = EntraSimulator(self.directory).__enter__()
        tokens = PublishedKeys(self.entra.keys_url, self.entra.authority_file)
        self.ado = Simulator(self.world, bearer_tokens=tokens).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._forks is not None:
            self._forks.communicate()
        self.ado.stop()
        self.entra.__exit__(None, None, None)

    @property
    def environment(self) -> dict[str, str]:
        """Settings of the commands."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADO_", "AZURE_"))}
        return {
            **kept,
            "STATE_URL": f"sqlite:///{self.folder / 'state.db'}",
            "XDG_CONFIG_HOME": str(self.folder / "configuration"),
            "ADO_GATEWAY_URL": self.ado.url,
            "AZURE_AUTHORITY_HOST": self.entra.url,
            "REQUESTS_CA_BUNDLE": str(self.entra.authority_file),
            "LOG_LEVEL": "debug",
            **self.more,
        }

    def state(self) -> State:
        """The state that the commands share."""
        return open_state(self.environment["STATE_URL"])

    def ado_connector(
        self, *arguments: str, code: int | None = 0, watch: Callable[[str], None] | None = None, **env: str
    ) -> Ended:
        """Run a command to its end, as a person starts it; `watch` sees each line of stderr as it comes."""
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=ROOT,
            env={**self.environment, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        errors: list[str] = []

        def read() -> None:
            for line in process.stderr or ():
                errors.append(line)
                if watch is not None:
                    watch(line)

        reader = threading.Thread(target=read)
        reader.start()
        out = process.stdout.read() if process.stdout is not None else ""
        process.wait(timeout=100)
        reader.join()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        ended = Ended(process.returncode, out, "".join(errors))
        self.told.append(ended.out + ended.err)
        assert "Traceback" not in ended.err, ended.err
        if code is not None:
            assert ended.code == code, ended
        return ended

    def run(self, *arguments: str, code: int | None = 0, **env: str) -> Ended:
        """Run a command to its end in a process of its own, in `folder`, which has loaded everything before.

        One at a time.
        """
        if self._forks is None:
            self._forks = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-c", _FORKS],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._forks.stdin is not None
        assert self._forks.stdout is not None
        asked = {
            "arguments": arguments,
            "environment": {**self.environment, **env},
            "folder": str(self.folder),
        }
        self._forks.stdin.write(json.dumps(asked) + "\n")
        self._forks.stdin.flush()
        ended = Ended(**json.loads(self._forks.stdout.readline()))
        self.told.append(ended.out + ended.err)
        assert "something unexpected" not in ended.err, ended.err
        if code is not None:
            assert ended.code == code, (arguments, ended)
        return ended

    def approving(self, user: User | None = None) -> Callable[[str], None]:
        """Enters the code that a command shows."""

        def watch(line: str) -> None:
            shown = re.search(r"enter the code (\S+)\.", line)
            if shown is not None:
                self.directory.approve(shown[1], user or self.ana)

        return watch

    def browser(self) -> str:
        """A browser that does what pages say, for the BROWSER setting."""
        program = self.folder / "browser.py"
        program.write_text(_BROWSER)
        return f"{sys.executable} {program} %s"

    def create(self, *arguments: str) -> Ended:
        """A connector of Ana, who signs in with a device code."""
        return self.ado_connector(
            *("connector", "create", "--name", "contoso", "--auth", "user", "--device-code"),
            *("--tenant", self.tenant.id, *arguments),
            watch=self.approving(),
        )

    def connector(self) -> dict[str, Any]:
        """The connector as `connector show` tells it."""
        shown: dict[str, Any] = self.run("connector", "show", "contoso", "--output", "json").json
        return shown

    def everything_kept(self) -> bytes:
        """Every file there is, but the key and our browser, and everything that was written."""
        files = [
            path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.name not in {"token.key", "browser.py"}
        ]
        return b"\n".join([*files, *(text.encode() for text in self.told)])


_FORKS = """import json, os, sys, tempfile
sys.path[0] = os.getcwd()
from cli.program import execute
import azure.data.tables, azure.identity, azure.keyvault.secrets, azure.servicebus, msal
import function_app, shared.queue.servicebus, shared.wiring.runtime
for line in sys.stdin:
    asked = json.loads(line)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            sys.stdin = open(0)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.environ.clear()
            os.environ.update(asked["environment"])
            os.chdir(asked["folder"])
            code = execute(asked["arguments"])
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        told = {"code": code, "out": out.read().decode(), "err": err.read().decode()}
    print(json.dumps(told), flush=True)
"""
"""Each command in a process of its own, forked off one that has loaded everything: that takes a second."""

_BROWSER = """import re, ssl, sys, os, urllib.parse, urllib.request
context = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
page = urllib.request.urlopen(sys.argv[1], context=context).read().decode()
form = re.search(r'action="([^"]+)"', page)
if form:
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page))
    urllib.request.urlopen(form[1], urllib.parse.urlencode(fields).encode()).read()
"""
