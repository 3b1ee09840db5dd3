"""Every key of the JSON that commands write, with its meaning. `docs/cli.md` is written from it."""

from __future__ import annotations

from collections.abc import Mapping

Keys = Mapping[str, str]

CONNECTOR: Keys = {
    "id": "GUID of the connector",
    "name": "its name, unique in its resource group",
    "tenant": "Microsoft Entra tenant of its organizations",
    "mode": "`existing`, `existing-and-future` or `selected`",
    "organizations": "names it was given: the selected ones, or those its identity cannot list",
    "excluded": "names and patterns it never takes",
    "auth": "how it signs in: `user`, `pat`, `managed-identity`, `service-principal` or `azure-cli`",
    "account": "sign-in name of the person it signs in as, or null",
    "clientId": "application or managed identity it signs in as, or null",
    "discoverAs": "how it signs in to list organizations, where that differs, or null",
    "subscription": "Azure subscription, or null",
    "resourceGroup": "resource group, or null",
    "region": "Azure region, or null",
    "plan": "`foundational` or `defender-cspm`",
    "installExtension": "whether it installs the Container Mapping extension",
    "requiredPrerequisites": "prerequisites that onboarding depends on",
    "postureRefreshInterval": "how often its posture is refreshed, or null: as the app says",
    "postureFullRefreshInterval": "how often it is refreshed in full, or null: as the app says",
    "readBuildLogs": "whether it reads the logs of finished runs to trace images",
    "pushSteps": "names and patterns of further steps that push images",
    "registries": "container registries that it may read",
    "tracedSubscriptions": "Azure subscriptions that it looks at for running images",
    "createdAt": "when it was created",
    "baselineAt": "when its first complete discovery took stock of what exists, or null",
    "authorization": "`ok`, `ending`, `ended`, `notAuthorized` or `unknown`: can its identity sign in",
    "authorizationCode": "stable word for why not, such as `AccountDisabled` or `SignInEnded`, or null",
    "authorizationMessage": "why not and what to do, or null",
    "authorizationSince": "since when it is so, or null",
    "authorizationExpiresAt": "when the authorisation itself will end, where that is known, or null",
    "authorizedBy": "who last signed in or checked it by hand, or null",
    "authorizedAt": "when that was, or null",
    "provisioningState": "`Pending`, `Succeeded` or `Failed`: how the last discovery went",
    "provisioningMessage": "`OK`, or what is wrong and what to do",
    "provisioningAt": "when that was found, or null",
}

CONNECTOR_DOCUMENT: Keys = {
    "apiVersion": "`ado-connector/v1`",
    "kind": "`Connector`",
    "name": "name of the connector",
    "cloud": "`AzureCloud`",
    "tenant": "Microsoft Entra tenant of its organizations",
    "subscription": "Azure subscription; left out where there is none, as everything that is empty",
    "resourceGroup": "resource group",
    "region": "Azure region",
    "plan": "`foundational` or `defender-cspm`",
    "mode": "`existing`, `existing-and-future` or `selected`",
    "organizations": "names it was given",
    "exclude": "names and patterns it never takes",
    "identity": "object: as whom it reads Azure DevOps, its `kind` and what that needs",
    "discoverAs": "object: as whom it lists the organizations, where that differs",
    "installExtension": "whether it installs the Container Mapping extension",
    "requiredPrerequisites": "prerequisites that onboarding depends on",
    "postureRefreshInterval": "how often its posture is refreshed; left out: as the app says",
    "postureFullRefreshInterval": "how often it is refreshed in full; left out: as the app says",
    "extension": "object: `publisher` and `name` of that extension",
    "readBuildLogs": "whether it reads the logs of finished runs to trace images",
    "pushSteps": "names and patterns of further steps that push images",
    "registries": "container registries that it may read",
    "tracedSubscriptions": "Azure subscriptions that it looks at for running images",
}

VALIDATION: Keys = {
    "source": "the file, or `stdin`",
    "valid": "whether it describes a connector",
    "name": "name of that connector, or null",
    "problems": "array of what is wrong, see below",
}

PROBLEM: Keys = {
    "field": "path of the field, such as `organizations[2]`, or `document`",
    "line": "line of the file, or null",
    "problem": "what is wrong",
    "fix": "how to mend it",
}

_EXTENSION_STATUSES = (
    "`installed`, `notShared`, `notInstalled` (shared, and not installed), `installRequested`, `removed`, "
    "`disabled`, `needsReauthorization`, `error`, `outOfDate`, `unknown` or `notChecked`"
)

ORGANIZATION: Keys = {
    "id": "our id of the organization, which stays when it is renamed",
    "name": "its name",
    "url": "its address",
    "tenant": "Microsoft Entra tenant",
    "connector": "name of the connector that sees it; null when a deleted connector left it behind",
    "connectorId": "id of that connector, or null",
    "onboardingState": "`Onboarded`, `NotOnboarded`, `OnboardedByOtherConnector` or `NotApplicable`",
    "reason": "why it is not onboarded, or what is wrong, with what to do; null when there is nothing to say",
    "fix": "what would change the onboarding state, or null",
    "projects": "projects in the inventory that are neither missing nor retired",
    "repositories": "repositories in the inventory that are neither missing nor retired",
    "lastSync": "when projects and repositories were last listed completely, or null",
    "extension": f"Container Mapping extension: {_EXTENSION_STATUSES}",
    "extensionReason": "what that state rests on, or null",
    "extensionFix": "what to do about it, or null",
    "prerequisites": "object with one entry for each prerequisite, see below",
    "owner": "owner of the organization, or null",
    "organizationInstanceId": "collection id that Azure DevOps tells, or null",
    "accountId": "account id that Azure DevOps tells, or null",
    "formerNames": "names it had before",
    "firstSeen": "when it was first found",
    "missingSince": "since when it is not to be found, or null",
    "discoveredAt": "when this connector first found it, or null",
    "changedAt": "when the onboarding state last changed, or null",
    "forcedBy": "who asked to onboard it whatever the mode, or null",
    "removedBy": "who took it out of the connector, or null",
}

EXTENSION: Keys = {
    "organization": "name of the organization",
    "organizationId": "our id of it",
    "connector": "name of the connector that has it",
    "status": _EXTENSION_STATUSES,
    "reason": "what the status rests on, or null",
    "fix": "what to do about it, or null",
    "publisher": "publisher of the extension that is looked for",
    "name": "name of that extension",
    "version": "version that is or was installed, or null",
    "mayInstall": "whether the connector may install it",
    "since": "since when it has this status, or null",
    "checkedAt": "when it was last looked at, or null",
    "seenAt": "when the organization was last seen to have it, or null",
    "removedAt": "when it was last found removed, or null",
    "removals": "how often it was removed since a person last installed it or asked for it",
    "attempt": "object: the last installation that the connector decided on, or null",
}

EXTENSION_ATTEMPT: Keys = {
    "at": "when",
    "requestedBy": "who asked for it",
    "outcome": "`installed`, `refused`, `notShared`, or `pending` where its answer is not known yet",
    "message": "why it was not done, or null",
}

EXTENSION_CHECK: Keys = {
    "organization": "name of the organization",
    "outcome": "`queued`, `checked`, `installed`, `unchanged`; with --dry-run `wouldInstall` or `wouldLeave`",
    "why": "with --dry-run, why it would be installed or left, else null",
    "status": _EXTENSION_STATUSES,
    "reason": "what the status rests on, or null",
    "fix": "what to do about it, or null",
}

EXTENSION_PROOF: Keys = {
    "organization": "name of the organization",
    "status": _EXTENSION_STATUSES,
    "works": "`works`, `doubtful` or `unknown`, by what pipelines were seen to do",
    "reason": "what that rests on",
    "fix": "what to do about it, or null",
    "pipelines": "array: each pipeline that pushes, reports, or had the extension in a run",
}

EXTENSION_PIPELINE: Keys = {
    "pipeline": "name of the pipeline, or null",
    "pipelineId": "id of its definition",
    "status": "`reports`, `failing` (it left an error in the last run), `silent` (it pushes, and nothing was "
    "ever reported), `reportsHere` (its own task reports to this app) or `idle` (nothing to report)",
    "lastPush": "when it was last seen to push an image, or null",
    "lastDecorated": "when the extension was last seen in a run of it, or null",
    "lastReport": "when the extension's report last stood in a log, or null",
    "lastReportHere": "when its own task last reported to this app, or null",
    "problem": "the error that the extension left in its last run, or null",
}

PREREQUISITE: Keys = {
    "status": "`met`, `notMet`, `unknown` or `notChecked`",
    "required": "whether the connector makes onboarding depend on it",
    "evidence": "what the status rests on, or null",
    "fix": "what would change it, or null",
    "warning": "what is unusual although it is met, or null",
    "checkedAt": "when it was last checked, or null",
    "since": "since when it has this status, or null",
}

INVENTORY: Keys = {
    "kind": "`project` or `repository`",
    "id": "GUID that Azure DevOps gave it",
    "name": "its name",
    "organization": "name of its organization",
    "organizationId": "our id of its organization",
    "project": "name of its project; a project's own name; null when the project is not known",
    "projectId": "GUID of its project; a project's own",
    "url": "its address",
    "state": "of a project, the state that Azure DevOps tells, such as `wellFormed`, or `deleted` when it is "
    "retired; null for a repository",
    "visibility": "visibility of the project (a repository has its project's), or null",
    "defaultBranch": "of a repository; null when it is empty, and for a project",
    "isDisabled": "whether the repository is disabled; null for a project",
    "isFork": "whether the repository is a fork; null for a project",
    "firstSeen": "when it was first listed",
    "lastSeen": "when it was last listed",
    "missingSince": "since when listings lack it without proof of its deletion, or null",
    "missingReason": "what is known of why it is missing, or null",
    "retiredAt": "when its deletion was proven, or null",
}

RECOMMENDATION: Keys = {
    "rule": "id of the rule",
    "key": "Defender's key of the same recommendation, or null",
    "title": "what should be",
    "severity": "`high`, `medium` or `low`",
    "status": "`healthy`, `unhealthy`, `notApplicable`, `unknown`, `neverAssessed` or `stale`",
    "lastStatus": "what was last assessed: for a stale one, what it used to be; null when it never was",
    "organization": "name of the organization",
    "organizationId": "our id of the organization",
    "project": "name of the project, or null for what is of the organization itself",
    "projectId": "GUID of the project, or null for what is of the organization itself",
    "resourceKind": "`organization`, `project`, `repository`, `pipeline`, `serviceConnection`, "
    "`variableGroup`, `secureFile`, `environment` or `agentPool`",
    "resourceId": "id of what was judged",
    "resourceName": "name of what was judged",
    "reason": "why it has this status",
    "evidence": "object: the facts that decided it",
    "permission": "permission that would make an unknown one known, or null",
    "fix": "steps to mend it",
    "readFrom": "addresses of Azure DevOps that the evidence is read from",
    "aliases": "ids of the same rule in other tools",
    "assessedAt": "when the facts were gathered, or null",
    "firstSeen": "when it was first assessed, or null",
    "changedAt": "when its status last changed, or null",
    "exemption": "object: the exemption that covers it, see below, or null; an unhealthy one stays unhealthy "
    "and is counted apart",
    "risk": "`critical`, `high`, `medium` or `low`: its severity, raised or lowered by what surrounds it",
    "riskFactors": "array of what moved it: `publicProject`, `production`, `broadReach`, `sandbox`",
    "owner": "who can mend it: who last changed it, where that is known, else who administers it",
}

GATE: Keys = {
    "verdict": "`passed`, `failed` or `unknown`",
    "failOn": "least severity that counted",
    "counts": "object: how many that counted have each status; unhealthy ones that are exempted are under "
    "`exempted` instead",
    "couldNotTell": "array of sentences: organizations of which nothing, or not everything, is known",
    "findings": "array of what is unhealthy or could not be told, as `recommendations list` has it; at most "
    "1000, all are counted",
}

SCORE: Keys = {
    "organization": "name of the organization",
    "organizationId": "our id of the organization",
    "project": "name of the project, or null for the whole organization",
    "projectId": "GUID of the project, or null for the whole organization",
    "score": "0 to 100, exempted findings left out; null where nothing is known",
    "scoreWithoutExemptions": "the same with exempted findings taken as unhealthy, or null",
    "known": "how much could be told, as a percentage, or null where there is nothing to tell",
    "counts": "object: how many recommendations have each status; unhealthy ones that are exempted are under "
    "`exempted` instead",
}

EXEMPTION_OF_RECOMMENDATION: Keys = {
    "id": "id of the exemption",
    "kind": "`waiver` (the risk is accepted) or `mitigated` (it is dealt with in another way)",
    "reason": "why",
    "by": "who answers for it",
    "expiresAt": "when it ends",
}

EXEMPTION: Keys = {
    "id": "id of the exemption, which follows from its source and what it is about",
    "rule": "id of the rule, or a pattern of ids",
    "organization": "organization as it was written, or null for every one",
    "project": "project as it was written, or null for every one",
    "resource": "resource as it was written, or null for every one",
    "organizationId": "our id of the organization that was meant, or null for a pattern",
    "projectId": "GUID of the project that was meant, or null for a pattern",
    "resourceKind": "kind of the resource that was meant, or null for a pattern",
    "resourceId": "id of the resource that was meant, or null for a pattern",
    "kind": "`waiver` (the risk is accepted) or `mitigated` (it is dealt with in another way)",
    "reason": "why",
    "by": "who answers for it",
    "source": "name of the file's set of exemptions, or null for one that was added by hand",
    "createdAt": "when it was first kept",
    "expiresAt": "when it ends",
    "state": "`inUse`, `unused` (nothing that it covers is unhealthy), `unknown` (that cannot be told) or "
    "`expired`",
    "unhealthy": "how many unhealthy findings it covers; of an expired one, how many are open again",
    "covered": "object: how many recommendations of each status it covers",
}

EXEMPTION_STEP: Keys = {
    "action": "`add`, `change`, `remove` or `keep`",
    "id": "id of the exemption",
    "scope": "what it is about, in one line",
    "before": "its terms so far, or null",
    "after": "its terms from now on, or null",
    "warning": "what is unusual about it, or null",
}

EXEMPTIONS_APPLIED: Keys = {
    "source": "name of the set of exemptions, or null for those added by hand",
    "applied": "whether it was done, rather than only shown",
    "steps": "array of what happens to each exemption, see below",
}

COST: Keys = {
    "organization": "name of the organization",
    "organizationId": "our id of the organization",
    "factSet": "fact set, or `total`",
    "level": "`organization`, `project` or `object`; null for the total",
    "title": "what is read",
    "requests": "how many requests the next refresh makes for it",
    "exact": "false where more may be needed: further pages, or projects that were never assessed",
    "readFrom": "address of Azure DevOps, or null for the total",
}

JOURNAL: Keys = {
    "id": "number of the entry; later ones are larger",
    "at": "when it happened",
    "event": "what happened, such as `repository.discovered`",
    "organization": "name of the organization, or null",
    "organizationId": "our id of it, or null",
    "connector": "name of the connector, or null",
    "connectorId": "id of it, or null",
    "subject": "id of what it happened to, or null",
    "subjectName": "its name at that time, or null",
    "before": "what was, or null",
    "after": "what is, or null",
    "reason": "why, or null",
    "requestedBy": "who asked for it, or null",
}

DEAD_LETTER: Keys = {
    "id": "id of the message, for replay and discard, such as `onboarding/12`",
    "queue": "queue it was taken from",
    "sequenceNumber": "its number in the queue",
    "messageId": "id that its sender gave it",
    "enqueuedAt": "when it was sent",
    "deadLetteredAt": "when it was given up, or null where the broker does not tell",
    "deliveries": "how often it was tried",
    "reason": "why it was given up, in a word",
    "description": "what went wrong, or null",
    "body": "the message as text; bytes that are none are written `\\xNN`",
}

QUEUE: Keys = {
    "queue": "name of the queue",
    "active": "messages that may be taken now",
    "scheduled": "messages that wait for their time",
    "locked": "messages that are being worked on",
    "deadLetters": "messages that were given up",
}

SENT: Keys = {
    "queue": "queue the message was sent to",
    "sequenceNumber": "its number in the queue",
}

REPLAYED: Keys = {"replayed": "how many went back to their queue"}

DISCARDED: Keys = {"discarded": "how many were thrown away"}

ONBOARD: Keys = {
    "organization": "the name that was asked for",
    "connector": "connector that is to take it",
    "requestedBy": "who asked",
    "status": "`queued`; with --wait `onboarded` or `refused`",
    "reason": "the answer in words, or null",
}

AVAILABLE: Keys = {
    "organization": "its name",
    "connector": "connector whose identity sees it, or that names it",
    "onboardingState": "`Onboarded`, `NotOnboarded`, `OnboardedByOtherConnector` or `NotApplicable`",
    "reason": "why it is not onboarded, with what to do, or null",
    "known": "whether an earlier discovery found it",
}

MOVE: Keys = {
    "organization": "its name",
    "from": "connector that held it",
    "to": "connector that holds it now",
    "status": "`moved`, or `wouldMove` after a dry run",
}

REMOVE: Keys = {
    "organization": "the name that was asked for",
    "status": "`removed`, or `wouldRemove` after a dry run",
}

STATUS: Keys = {
    "verdict": "`fine`, `needsPerson` or `unknown`",
    "connectors": "array of connectors, as `connector list` has them",
    "organizations": "object: how many organizations are in each onboarding state",
    "extensions": "array of the Container Mapping extension of each onboarded organization, as "
    "`extension list` has them",
    "work": "array of work that failed, is throttled or overdue, see below",
    "queues": "array with a count for each queue, see below",
    "deadLetters": "how many messages were given up",
    "stuck": "array of what does not go on or has to wait, the longest first, see below",
    "findings": "array of what is wrong, see below",
}

STUCK: Keys = {
    "subject": "name of the organization, or what else it is about",
    "what": "`failing` (twice in a row, or for a lasting reason), `abandoned` (begun and not ended), "
    "`notTaken` (queued and not taken), `overdue` (by more than its interval), `throttled`, `deadLetter` or "
    "`discoveryFails`",
    "kind": "kind of work, queue, or `discovery`; empty where it is all work of the organization",
    "since": "since when; of a failing discovery, when it was last tried",
    "why": "why it is stuck",
    "next": "what happens by itself, or what to do",
}

WORK: Keys = {
    "organization": "name of the organization",
    "organizationId": "our id of it",
    "kind": "`prerequisites`, `inventory`, `extension` or `posture`",
    "state": "`failed`, `throttled` or `overdue`",
    "since": "since when",
    "dueAt": "when it was due",
    "notBefore": "when it is tried again, or null",
    "failuresInARow": "how often it has failed since it last succeeded",
    "lastSuccess": "when it last succeeded, or null",
    "code": "stable word for the failure, or null",
    "reason": "what happened and what to do",
}

FINDING: Keys = {
    "subject": "what it is about",
    "reason": "what is wrong and what to do",
    "untold": "whether something could not be told",
    "needsPerson": "whether it does not pass by itself",
}

SUMMARY: Keys = {
    "startedAt": "when the run started",
    "finishedAt": "when it ended",
    "seconds": "how long it took",
    "connectors": "array of connectors, as `connector list` has them",
    "organizations": "array of organizations, as `organizations list` has them, each with `recommendations`: "
    "how many have each status, the exempted ones apart, or null where it is not onboarded",
    "totals": "object: `organizations`, `onboarded`, `projects`, `repositories`",
    "recommendations": "object: how many recommendations have each status; unhealthy ones that are exempted "
    "are under `exempted` instead",
    "deadLetters": "how many messages were given up",
    "couldNotTell": "array of what could not be told, as the findings of `status`",
    "needsPerson": "array of what was told and needs a person, as the findings of `status`",
}

DEMO: Keys = {
    **SUMMARY,
    "world": "object: `equalsInventory` (whether the inventory is the simulated world), `differences` "
    "(sentences), `organizations` (`name`, `projects`, `repositories` of the world)",
}

VERSION: Keys = {
    "version": "version of the program",
    "python": "version of Python",
    "stateSchema": "number of the state's schema",
}

SCHEMA: Keys = {
    "$schema": "the draft of JSON Schema it is written in",
    "$id": "its name",
    "properties": "object: the fields of a document",
    "$defs": "object: what fields are made of",
    "allOf": "what fields demand of each other",
}

DOCTOR: Keys = {
    "verdict": "`met`, `notMet` or `unknown`: the worst of the checks that anything depends on",
    "checkedAt": "when it was begun",
    "counts": "object: how many checks are `met`, `notMet` and `unknown`",
    "organizationsLeftOut": "how many organizations were not looked at, for --limit",
    "checks": "array of checks, see below",
    "plan": "array of what to do, in order, see below",
}

CHANGE: Keys = {
    "at": "when the status changed; with --at, since when it had been so",
    "organization": "name of the organization",
    "organizationId": "our id of the organization",
    "project": "name of the project, or null where it is not known or there is none",
    "projectId": "GUID of the project at that time, or null",
    "resourceKind": "kind of the resource",
    "resourceId": "id of the resource",
    "resourceName": "its name at that time",
    "rule": "id of the rule",
    "title": "what should be, or null for a rule that is no more",
    "severity": "`high`, `medium` or `low`, or null for a rule that is no more",
    "before": "what the status was; null for a first verdict, and with --at",
    "after": "what it became; null when the rule no longer judged it, or it was gone",
    "reason": "why, cut to 200 characters, or null",
    "changedBy": "who changed what decided, where the object or the audit tells, or null",
}

TREND: Keys = {
    "at": "the time that is counted",
    "organization": "name of the organization",
    "organizationId": "our id of the organization",
    "rule": "id of the rule, or null for all of them",
    "score": "0 to 100, without exemptions; null where nothing was known",
    "known": "how much could be told, as a percentage, or null where there was nothing to tell",
    "counts": "object: how many were `healthy`, `unhealthy`, `notApplicable` and `unknown`",
}

CHECK: Keys = {
    "id": "stable word for what was checked, such as `signIn`, `prerequisite.accessLevel` or "
    "`permission.readCode`",
    "group": "`settings`, `state`, `queue`, `secrets`, `clock`, `connector`, `prerequisites` or "
    "`permissions`",
    "connector": "name of the connector, or null",
    "organization": "name of the organization, or null",
    "title": "what was checked, in words",
    "outcome": "`met`, `notMet` or `unknown`",
    "weight": "`blocking`, `degrading` or `informational`: the last counts for no verdict",
    "evidence": "what the outcome rests on",
    "warning": "what is unusual although it is met, or null",
    "breaks": "what does not work without it, or null",
    "fix": "what would change it, or null",
    "code": "stable word for the failure, such as `NotAMember` or `WrongTenant`, or null",
    "permission": "permission and token scope that it takes, or null",
    "capabilities": "what of ours needs the permission",
}

STEP: Keys = {
    "step": "its place, from 1",
    "fix": "what to do",
    "weight": "the heaviest of what it is for",
    "checks": "ids of the checks that it is for",
    "connectors": "names of the connectors",
    "organizations": "names of the organizations",
}

MAPPING: Keys = {
    "kind": "`image`; else what is unread: `pipeline`, `project`, `repository`, `registry`, `cloudResource`",
    "name": "what it is called: of an image where it is stored, with its digest",
    "key": "what it is known by: of an image its digest",
    "mapped": "whether a source tells where the image came from; always false for the other kinds",
    "organization": "organization of the run, or null",
    "project": "project of the pipeline, or null",
    "pipeline": "pipeline that built it, or null",
    "run": "number of the run (the build's id), or null",
    "runNumber": "name of the run, such as `20260301.4`, or null",
    "repository": "repository that it was built from, or null",
    "repositoryId": "GUID of the repository, or the address of one outside Azure Repos, or null",
    "commit": "commit that it was built from, or null",
    "confidence": "`attested`, `matched` or `claimed`: the surest of its sources, or null",
    "sources": "who told: `report`, `decoratorLog`, `pushLog`, `label`, `attestation`",
    "reason": "why it is not mapped or could not be read, and what to do; or null",
}

MAPPING_FACT: Keys = {
    "from": "kind and key of the thing that the fact is of",
    "relation": "how they hang together, such as `builtBy`, `storedIn`, `names`, `runs`, `partOf`",
    "to": "kind and key of the other thing",
    "detail": "such as the commit, the repository in a registry, or the reference that a resource runs",
    "source": "who told it",
    "confidence": "`attested`, `matched` or `claimed`",
    "firstSeen": "when it was told first",
    "seenAt": "when it was told last, right to an hour",
    "evidence": "object: what it rests on, by name",
    "endedAt": "since when it is known not to hold any more, or null",
}

MAPPING_TRACE: Keys = {
    "image": "what was asked for",
    "digest": "digest of the image",
    "tagSeenAt": "when the tag that was asked for was last seen to lead there, or null",
    "earlier": "where the tag led before: objects with `digest`, `seenAt`, `source`",
    "platform": "such as `linux/amd64`, or null",
    "related": "its index, or its platforms: objects with `digest`, `relation`, `platform`",
    "running": "where it runs",
    "stored": "registries that hold it",
    "origins": "runs and commits that it came from, the earliest run first; later ones pushed the same again",
    "contradictions": "what sources disagree on",
    "unknown": "what is not known, and why",
}

MAPPING_RUNNING: Keys = {
    "resource": "id of the Azure resource",
    "name": "its name",
    "kind": "`containerApp`, `containerAppJob`, `webApp`, `functionApp` or `containerInstance`",
    "subscription": "Azure subscription",
    "reference": "reference in the definition of the resource",
    "digest": "digest that it runs, or null where what its tag leads to is unknown",
    "by": "`digest`, or `tag`: resolved at the time seen",
    "seenAt": "when it was last seen",
    "restsOn": "what it rests on",
}

MAPPING_STORED: Keys = {
    "registry": "host of the registry",
    "repository": "repository in it",
    "tags": "tags that were seen to name the image, newest first",
    "restsOn": "what it rests on",
}

MAPPING_ORIGIN: Keys = {
    "digest": "digest that it was told of: the image, its index, or its platform",
    "confidence": "the surest of what it rests on",
    "rank": "0 for `attested`, 1 for `matched`, 2 for `claimed`",
    "organization": "organization, or null",
    "project": "project of the pipeline, or null",
    "pipeline": "pipeline, or null",
    "pipelineId": "id of its definition, or null",
    "run": "number of the run (the build's id), or null",
    "runNumber": "name of the run, or null",
    "finishedAt": "when the run ended, or null",
    "repository": "repository, or null",
    "repositoryId": "GUID of the repository, or the address of one outside Azure Repos, or null",
    "commit": "commit, or null",
    "branch": "branch, or null",
    "author": "who wrote the commit, or null where that was not read",
    "requestedBy": "whom the run was for: who pushed the commit, or started it; or null",
    "pullRequest": "number of the pull request that the run was of, or null",
    "pullRequestAsked": "whether Azure DevOps was asked for it: if so, null means that there is none",
    "approvers": "who approved the pull request, or null where that was not read",
    "restsOn": "what it rests on",
    "runRestsOn": "what run and pipeline rest on",
    "authorRestsOn": "what the author rests on",
}

MAPPING_RESTS_ON: Keys = {
    "source": "`report`, `decoratorLog`, `pushLog`, `label`, `attestation`, `registry`, `azureDevOps` or "
    "`resourceGraph`",
    "confidence": "`claimed`: who could write anything wrote it; `matched`: it agrees with what another "
    "source says; `attested`: said by who must know",
    "firstSeen": "when it was told first",
    "seenAt": "when it was told last",
    "evidence": "object: what it rests on, by name",
}

STATE_RECORD: Keys = {
    "kind": "in each line of the file: what it is, such as `repository`; the last line is the `end`",
    "key": "ids that tell it from others of its kind",
    "value": "all that is kept of it, or its bytes in base64",
}

STATE_IMPORTED: Keys = {
    "records": "how many records of each kind the file holds",
    "sha256": "digest of the file's lines, as its last line says it",
    "imported": "false where the file was only checked",
}

STATE_VERIFIED: Keys = {
    "repaired": "whether it was asked to mend what it finds",
    "counts": "how many findings of each outcome",
    "findings": "what contradicts itself, one object each",
}

STATE_FINDING: Keys = {
    "code": "stable name of what is wrong",
    "organizationId": "of which organization, where it belongs to one",
    "what": "what was found, with ids",
    "why": "what comes of it",
    "outcome": "`found`; with --repair: `mended`, `due` (the work that finds out what is right is due now), "
    "`byHand`, `busy` (it is being worked on) or `changed` (it is no longer as it was found)",
    "fix": "what a person can do, where only a person can",
}

STATE_COMPACTED: Keys = {
    "bytesBefore": "size of the file before; null in Azure Table Storage",
    "bytesAfter": "size of the file after",
}
