"""Rules that ask for one switch: a policy or a pipeline setting that should be on, or off."""

from __future__ import annotations

from collections.abc import Mapping

from shared.model.assessment import Verdict
from shared.model.facts import Fact, FactKind, OrganizationFacts, PipelineSettings, ProjectFacts
from shared.model.thresholds import Thresholds
from shared.posture.rule import OfOrganization, OfProject
from shared.posture.subjects import the_organization, the_project
from shared.posture.verdicts import healthy, unhealthy, unknown, unread


def organization_policy(name: str, *, should_be: bool, good: str, bad: str) -> OfOrganization:
    """An organization policy whose raw value should be this.

    For `Disallow...` the value and the switch of the portal are opposites, for all others they are the same;
    where both are told and do not fit, nothing is assumed.
    """
    full = f"Policy.{name}"

    def judge(facts: OrganizationFacts, _: Thresholds) -> Verdict:
        fact = facts.organization_policies
        if fact.failure is not None:
            return unread(FactKind.ORGANIZATION_POLICIES, fact.failure)
        policy = fact.value.policies.get(full) if fact.value is not None else None
        if policy is None or policy.value is None:
            return unknown(f"The organization does not tell {full}.", {"policy": full, "value": None})
        evidence = {"policy": full, "value": policy.value, "effectiveValue": policy.effective}
        if policy.effective is not None and (policy.effective is policy.value) is name.startswith("Disallow"):
            return unknown(f"The two values that are told of {full} contradict each other.", evidence)
        return healthy(good, evidence) if policy.value is should_be else unhealthy(bad, evidence)

    return the_organization(judge)


def _settings(fact: Fact[PipelineSettings]) -> Mapping[str, bool]:
    return fact.value.settings if fact.value is not None else {}


def organization_setting(
    key: str, *, should_be: bool, good: str, bad: str, older: str = ""
) -> OfOrganization:
    """A pipeline setting of the organization that should be this; `older` speaks for an absent one."""

    def judge(facts: OrganizationFacts, _: Thresholds) -> Verdict:
        fact = facts.organization_pipeline_settings
        if fact.failure is not None:
            return unread(FactKind.ORGANIZATION_PIPELINE_SETTINGS, fact.failure)
        told = key if key in _settings(fact) or older not in _settings(fact) else older
        value = _settings(fact).get(told)
        if value is None:
            return unknown(f"The organization does not tell {key}.", {key: None})
        return healthy(good, {told: value}) if value is should_be else unhealthy(bad, {told: value})

    return the_organization(judge)


def project_restriction(key: str, *, good: str, bad: str) -> OfProject:
    """A restriction that the project should switch on, or the organization for all its projects."""

    def judge(facts: ProjectFacts, _: Thresholds) -> Verdict:
        above, here = facts.organization.organization_pipeline_settings, facts.pipeline_settings
        from_above, value = _settings(above).get(key), _settings(here).get(key)
        if from_above:
            return healthy(f"The organization enforces it: {good}", {"organization": {key: True}})
        evidence = {"organization": {key: from_above}, "project": {key: value}}
        if value:
            return healthy(good, evidence)
        if from_above is False and value is False:
            return unhealthy(bad, evidence)
        if here.failure is not None:
            return unread(FactKind.PIPELINE_SETTINGS, here.failure)
        if above.failure is not None:
            return unread(FactKind.ORGANIZATION_PIPELINE_SETTINGS, above.failure)
        return unknown(f"Neither the project nor the organization tells enough of {key}.", evidence)

    return the_project(judge)


def project_setting(key: str, *, should_be: bool, good: str, bad: str) -> OfProject:
    """A pipeline setting of the project itself that should be this."""

    def judge(facts: ProjectFacts, _: Thresholds) -> Verdict:
        fact = facts.pipeline_settings
        if fact.failure is not None:
            return unread(FactKind.PIPELINE_SETTINGS, fact.failure)
        value = _settings(fact).get(key)
        if value is None:
            return unknown(f"The project does not tell {key}.", {key: None})
        return healthy(good, {key: value}) if value is should_be else unhealthy(bad, {key: value})

    return the_project(judge)
