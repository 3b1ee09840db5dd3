"""What is deployed is enough: exactly those files, with only `requirements.txt` installed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.app_under_test import BINDINGS, ROOT, index

WORKER = ("azure-functions-runtime==1.3.0", "azurefunctions-extensions-base==1.2.0")
"""For Python 3.13 only, and not among what is deployed: Azure brings its own."""

DEPLOYED = ("function_app.py", "host.json", "requirements.txt", "handlers", "shared")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with what is deployed and nothing else."""
    folder = tmp_path / "wwwroot"
    folder.mkdir()
    for name in DEPLOYED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    return folder


@pytest.fixture
def cache(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where environments are kept from run to run, unless pytest was told to keep nothing."""
    kept: pytest.Cache | None = getattr(pytestconfig, "cache", None)
    return kept.mkdir("deployed") if kept else tmp_path_factory.getbasetemp()


def install(python: str, cache: Path, *more: str) -> Path:
    """The interpreter of an environment with what `requirements.txt` says, and more when asked.

    It is kept while all that stays the same.
    """
    version = run(python, "-c", "import sys; print(sys.version)").strip()
    requirements = ROOT / "requirements.txt"
    content = f"{python}\n{version}\n{more}\n".encode() + requirements.read_bytes()
    folder = cache / f"deployed-{hashlib.sha256(content).hexdigest()[:16]}"
    inside = Path("Scripts/python.exe") if os.name == "nt" else Path("bin/python")
    if not folder.exists():
        # Made aside and moved there whole: tests run in several processes, and may be interrupted.
        aside = cache / f"making-{os.getpid()}"
        shutil.rmtree(aside, ignore_errors=True)
        run(python, "-m", "venv", "--without-pip", str(aside))
        run(
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(aside / inside)),
            *("install", "--quiet", "--no-input", "--no-deps", "--requirement", str(requirements), *more),
        )
        try:
            aside.rename(folder)
        except OSError:
            shutil.rmtree(aside)
    return folder / inside


def run(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr
    return done.stdout


def find_python_313() -> str:
    """A Python 3.13 of this machine: on the path, or among those of pyenv. It is run, not only found.

    Where there is none, the test is skipped loudly; under CI it fails.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [shutil.which("python3.13"), *map(str, sorted(pyenv.glob("3.13*/bin/python3")))]
    for candidate in candidates:
        if candidate is None:
            continue
        asked = subprocess.run(  # noqa: S603 - found above
            [candidate, "-c", "import ensurepip, sys, venv; print(sys.version_info[:2])"],
            check=False,
            capture_output=True,
            text=True,
        )
        if asked.stdout.strip() == "(3, 13)":
            return candidate
    missing = "NOT CHECKED ON PYTHON 3.13, WHICH THE DEPLOYED APP RUNS ON: none on the path nor in pyenv"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def check(package: Path, python: Path, version: list[int]) -> None:
    app = index(package, python, "--everything")
    assert app["functions"] == BINDINGS
    assert app["outside"] == []
    assert app["python"] == version


@pytest.mark.timeout(600)
def test_the_package_is_enough_on_this_python(package: Path, cache: Path) -> None:
    python = install(sys.executable, cache)
    check(package, python, list(sys.version_info[:2]))


@pytest.fixture
def python_313() -> str:
    return find_python_313()


@pytest.mark.python_313
@pytest.mark.timeout(600)
def test_the_package_is_enough_on_python_313(package: Path, cache: Path, python_313: str) -> None:
    check(package, install(python_313, cache), [3, 13])
