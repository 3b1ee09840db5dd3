"""A simulator with a small world, a client for it, and the folder with the contract."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ado_simulator import Identity, Organization, Simulator, World
from tests.simulator.client import Client


@pytest.fixture
def world() -> World:
    world = World(seed=7)
    contoso = world.add_organization("contoso")
    shop = contoso.add_project("Shop", description="Sells things", visibility="organization")
    shop.add_repository("web", size=726)
    shop.add_repository("empty", default_branch=None)
    shop.add_repository("forked", fork=True)
    shop.add_repository("sleeping", disabled=True)
    tools = contoso.add_project("Ops & Tools")
    tools.add_repository("c++ #1", size=5_368_709_120)
    return world


@pytest.fixture
def simulator(world: World) -> Iterator[Simulator]:
    with Simulator(world) as simulator:
        yield simulator


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    client = Client(simulator, simulator.world.token)
    yield client
    client.session.close()


@pytest.fixture
def contoso(world: World) -> Organization:
    return world.organization("contoso")


@pytest.fixture
def application(world: World, contoso: Organization) -> Identity:
    identity = world.add_service_principal("application-token")
    contoso.add_member(identity, pca="direct")
    return identity


def _contract_folder() -> Path | None:
    given = os.environ.get("CONTRACT_DIR")
    if given:
        return Path(given)
    for parent in Path(__file__).resolve().parents:
        folder = parent / "shared" / "contract"
        if (folder / "ado-specs").is_dir():
            return folder
    return None


@pytest.fixture(scope="session")
def contract() -> Path:
    """The folder with specifications and recordings, which is no part of the project."""
    folder = _contract_folder()
    if folder is None or not (folder / "ado-specs").is_dir():
        pytest.skip("no folder with specifications and recordings; name one in CONTRACT_DIR")
    return folder
