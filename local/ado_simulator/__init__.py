"""An Azure DevOps to run against: a world of organizations, served over HTTP with the service's quirks."""

from local.ado_simulator.bearer import Bearer, BearerTokens
from local.ado_simulator.faults import Fault, FaultKind
from local.ado_simulator.generate import generate_world
from local.ado_simulator.identity import LICENCES, Identity, IdentityKind, Licence, Member, PcaKind
from local.ado_simulator.organization import Organization
from local.ado_simulator.project import Project
from local.ado_simulator.recorder import RecordedRequest
from local.ado_simulator.registry import SimulatedRegistry
from local.ado_simulator.repository import Repository
from local.ado_simulator.resource_graph import SimulatedAzure
from local.ado_simulator.resources import RunStep
from local.ado_simulator.server import Simulator
from local.ado_simulator.throttle import RateLimit
from local.ado_simulator.world import CONTAINER_MAPPING, SCANNER, World

__all__ = [
    "CONTAINER_MAPPING",
    "LICENCES",
    "SCANNER",
    "Bearer",
    "BearerTokens",
    "Fault",
    "FaultKind",
    "Identity",
    "IdentityKind",
    "Licence",
    "Member",
    "Organization",
    "PcaKind",
    "Project",
    "RateLimit",
    "RecordedRequest",
    "Repository",
    "RunStep",
    "SimulatedAzure",
    "SimulatedRegistry",
    "Simulator",
    "World",
    "generate_world",
]
