"""Numbers that posture rules measure by. Each is a setting; the defaults here are those of the settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What is enough, and what is too much."""

    reviewers_least: int = 2
    """Approvals that a change to the default branch should need."""
    administrators_most: int = 6
    """Project Collection Administrators that an organization should have at most."""
    administrators_least: int = 2
    """Project Collection Administrators that an organization should have at least."""
    project_administrators_most: int = 6
    """Administrators that a project should have at most."""
    project_administrators_least: int = 2
    """Administrators that a project should have at least."""
    inactive_days: int = 90
    """Days without a visit after which a person counts as inactive."""
    pipeline_inactive_days: int = 180
    """Days without a run after which a pipeline counts as inactive."""
    retention_days_least: int = 30
    """Days that builds should be kept at least."""
    production_names: tuple[str, ...] = ("prod", "prd", "live")
    """Beginnings of words in a name that make an environment or service connection one of production."""


DEFAULTS = Thresholds()
"""What holds where nobody set anything else."""
