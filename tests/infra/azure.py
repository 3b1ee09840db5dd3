"""Stand-ins for the programs that our scripts speak through: az and azd, with what they know in one file.

They answer as the real ones are documented to; git is the real one.
"""

from __future__ import annotations

import importlib
import io
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.infra.bicep import ROOT

PROGRAM = (
    "#!{python} -S\nimport sys; sys.path.insert(0, {root!r})\nfrom tests.infra.azure_programs import {name}\n"
)
PROGRAM += "{name}({place!r})\n"

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
GROUP = "rg-ado-connector-contoso"
APP = "func-ado-connector-x"

DEPLOYED = {
    "AZURE_ENV_NAME": "contoso",
    "AZURE_LOCATION": "westeurope",
    "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    "AZURE_TENANT_ID": "00000000-0000-0000-0000-00000000000b",
    "AZURE_RESOURCE_GROUP": GROUP,
    "FUNCTION_APP_NAME": APP,
    "APP_OBJECT_ID": "app-object",
    "OPERATOR_ID": "operator-object",
    "TOKEN_KEY": "keyvault://kv-adoc-x/ado-connector-token-key-x",
    "QUEUE_URL": "servicebus://sb-ado-connector-x.servicebus.windows.net",
}
"""What azd knows of an environment that was deployed."""


@dataclass(frozen=True)
class Told:
    """How a program ended."""

    returncode: int
    stdout: str
    stderr: str


class Azure:
    """A subscription and a directory, behind the stand-ins."""

    def __init__(
        self, folder: Path, said: pytest.CaptureFixture[str], *, programs: tuple[str, ...] = ("az", "azd")
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.environment = {"PATH": str(folder)}
        self._said = said
        self.folder, self._place = folder, folder / "azure.json"
        self.write(
            {
                "values": dict(DEPLOYED),
                "applications": [],
                "principals": [],
                "credentials": [],
                "definitions": [],
                "assignments": [],
                "queues": {},
                "secrets": {},
                "deleted_vaults": [],
                "groups": {GROUP: [["Microsoft.Web/sites", APP], ["Microsoft.KeyVault/vaults", "kv-adoc-x"]]},
                "functions": [],
                "state": "Running",
                "host": "",
                "broken": {},
                "calls": [],
            }
        )
        for name in programs:
            program = folder / name
            told = PROGRAM.format(python=sys.executable, root=str(ROOT), name=name, place=str(self._place))
            program.write_text(told, encoding="utf-8")
            program.chmod(0o755)
        for name in ("git", "sh"):
            (folder / name).symlink_to(str(shutil.which(name)))

    def write(self, kept: dict[str, Any]) -> None:
        self._place.write_text(json.dumps(kept), encoding="utf-8")

    def change(self, **parts: object) -> None:
        self.write({**self.kept, **parts})

    @property
    def kept(self) -> dict[str, Any]:
        kept: dict[str, Any] = json.loads(self._place.read_text(encoding="utf-8"))
        return kept

    def calls(self, *begins: str) -> list[list[str]]:
        """What was asked, of those that begin so."""
        return [one for one in self.kept["calls"] if one[: len(begins)] == list(begins)]

    @property
    def changes(self) -> list[str]:
        """What was asked to be otherwise, so far."""
        reads = {"list", "show", "get-values", "get", "exists", "list-deleted"}
        return [" ".join(one[:5]) for one in self.kept["calls"] if not reads & set(one[:6])]

    def run(self, module: str, *options: str, folder: Path = ROOT, typed: str = "") -> Told:
        """What our own program says to these options, with the stand-ins on its path."""
        main = importlib.import_module(module).main
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.chdir(folder)
            patch.setattr(sys, "stdin", io.StringIO(typed))
            self._said.readouterr()
            try:
                code = main(list(options))
            except SystemExit as ended:
                code = ended.code
        return Told(code, *self._said.readouterr())
