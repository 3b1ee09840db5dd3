"""Documents that describe no connector: each with the field, the problem and the fix that are to be told.

`unsaid` is why the JSON Schema, which sees values and not how they are written, takes such a document all the
same. Everywhere else it must refuse what we refuse.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

GUID = "11111111-2222-3333-4444-555555555555"
PAT = "b7k2" * 13
"""What a personal access token looks like: 52 letters and digits."""

LONG_PAT = "4Kd9" * 18 + "JQQJ99BKAZDO"
"""And what one of 84 characters looks like."""
CLIENT_SECRET = "Zx18Q~" + "aB-c_d." * 4 + "9f3Kd2"
"""What a client secret of Microsoft Entra looks like."""

HEAD = "apiVersion: ado-connector/v1\nkind: Connector\n"
PLAIN = HEAD + "name: contoso\nmode: existing-and-future\n"
GOOD = PLAIN + "identity:\n  kind: pat\n"
APP = f"identity:\n  kind: service-principal\n  clientId: {GUID}\n"

HOW_WRITTEN = "a schema sees the values of a document, not how they are written"
TWO_FIELDS = "JSON Schema compares no field with another, and matches no pattern that stands in the document"
CASE = "JSON Schema finds equal entries, and knows no equality that ignores case"


@dataclass(frozen=True)
class Malformed:
    """A document and what is to be said of it."""

    name: str
    text: str | bytes
    field: str
    problem: str
    fix: str
    unsaid: str = ""
    never: tuple[str, ...] = ()

    @property
    def raw(self) -> bytes:
        return self.text if isinstance(self.text, bytes) else self.text.encode("utf-8", "surrogatepass")


def named(name: str) -> str:
    return GOOD.replace("contoso", name)


def identified(identity: str) -> str:
    return PLAIN + "tenant: contoso.com\n" + identity


M = Malformed

ONLY_COMMERCIAL = "Azure DevOps Services exists in the commercial cloud alone."
QUOTES = "Put it in quotes"

NOT_ONE_DOCUMENT = (
    M("empty", "", "document", "it is empty", "Write a connector"),
    M("only-a-comment", "# nothing\n", "document", "it is empty", "Write a connector"),
    M("only-a-start", "---\n", "document", "nothing is no connector", "apiVersion"),
    M("list-at-top", "- apiVersion: ado-connector/v1\n", "document", "a list is no connector", "apiVersion"),
    M("text-at-top", "contoso\n", "document", '"contoso" is no connector', "apiVersion"),
    M("number-at-top", "5\n", "document", "is no connector", "apiVersion"),
    M("empty-object", "{}\n", "name", "it is missing", "Add a name"),
    M("two-documents", f"{GOOD}---\n{GOOD}", "document", "a second document", "Keep one"),
    M("not-yaml", "name: [a, b\n", "document", "cannot be read as YAML", "brackets"),
    M("colon-in-value", GOOD + "region: a: b\n", "document", "cannot be read as YAML", "colons"),
    M("tab", "identity:\n\tkind: pat\n", "document", "a tab", "Indent with spaces"),
    M("not-utf-8", GOOD.encode() + b"# \xff\xfe\n", "document", "not UTF-8", "Save it as UTF-8"),
    M("utf-16", GOOD.encode("utf-16"), "document", "not UTF-8", "Save it as UTF-8", HOW_WRITTEN),
    M("overlong-utf-8", b"name: \xc0\xaf\n", "document", "not UTF-8", "Save it as UTF-8"),
    M("lone-surrogate", GOOD.replace("contoso", "\ud800"), "document", "not UTF-8", "Save it as UTF-8"),
    M("nul", GOOD.replace("contoso", "con\x00toso"), "document", "U+0000", "Take it out"),
    M(
        "escape",
        GOOD.replace("contoso", "\x1b[2Jcontoso"),
        "document",
        "U+001B",
        "Take it out",
        never=("\x1b",),
    ),
    M("line-separator", GOOD.replace("contoso", "a\u2028b"), "document", "U+2028", "Take it out"),
    M("right-to-left", GOOD + "# \u202e safe\n", "document", "U+202E", "Take it out", HOW_WRITTEN),
    M("megabyte-name", named("a" * 1_000_000), "document", "65536", "one connector", never=("a" * 81,)),
    M("megabyte-comment", GOOD + "#" * 1_000_000, "document", "65536", "one connector", HOW_WRITTEN),
    M("deep", GOOD + "region: " + "[" * 60 + "]" * 60 + "\n", "document", "nested deeper", "two"),
    M("very-deep", "[" * 60_000, "document", "nested deeper", "two"),
    M("very-wide", GOOD + "region: [" + "a," * 20_000 + "]\n", "document", "more than 5000 values", "fewer"),
    M("directive", "%YAML 1.1\n---\n" + GOOD, "document", "% directive", "Take the line out", HOW_WRITTEN),
)

BOMB = "".join(f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'lol'}]\n" for n in range(9))

NOT_PLAIN = (
    M(
        "tag-python",
        GOOD + "region: !!python/object/apply:os.system [id]\n",
        "region",
        "it has a tag",
        "Take it out",
    ),
    M("tag-text", named("!!str contoso"), "name", "it has a tag", "Take it out", HOW_WRITTEN),
    M("tag-own", named("!secret contoso"), "name", "it has a tag", "Take it out"),
    M("tag-binary", GOOD + "region: !!binary d2VzdGV1cm9wZQ==\n", "region", "it has a tag", "Take it out"),
    M("tag-on-top", "!!map\n" + GOOD, "document", "it has a tag", "Take it out", HOW_WRITTEN),
    M(
        "tag-on-key",
        GOOD + "!!str region: westeurope\n",
        "document",
        "not plain text",
        "as words",
        HOW_WRITTEN,
    ),
    M("anchor", named("&a contoso"), "name", "it has an anchor", "Take it out", HOW_WRITTEN),
    M(
        "alias",
        GOOD + "organizations: &o [alpha]\nexclude: *o\n",
        "exclude",
        "refers to another place",
        "Write the value out",
        TWO_FIELDS,
    ),
    M("bomb", GOOD + BOMB, "x8[0]", "refers to another place", "Write the value out"),
    M(
        "merge-key",
        "<<: {name: contoso}\n" + HEAD + "mode: existing\nidentity: {kind: pat}\n",
        "<<",
        "no such field",
        "There are",
    ),
    M("key-twice", GOOD + "name: other\n", "name", "written twice", "Keep one", HOW_WRITTEN),
    M(
        "key-twice-inside",
        PLAIN + "identity: {kind: pat, kind: pat}\n",
        "identity.kind",
        "twice",
        "Keep one",
        HOW_WRITTEN,
    ),
    M("key-is-a-list", GOOD + "? [a, b]\n: c\n", "document", "not plain text", "as words"),
    M("key-is-a-number", GOOD + "5: c\n", "5", "no such field", "There are"),
    M("key-is-empty", GOOD + '"": c\n', "document", "no such field", "There are"),
    M("key-with-escapes", GOOD + '"a\\e[2J": c\n', "?", "no such field", "There are", never=("\x1b",)),
)

NOT_TEXT = (
    M("no-is-false", named("no"), "name", '"no" without quotes', QUOTES),
    M("yes-is-true", GOOD + "region: yes\n", "region", "without quotes", QUOTES),
    M(
        "interval",
        GOOD + "postureRefreshInterval: 8 hours\n",
        "postureRefreshInterval",
        '"8 hours" is not an interval',
        "such as 30m",
    ),
    M(
        "interval-too-long",
        GOOD + "postureFullRefreshInterval: 31d\n",
        "postureFullRefreshInterval",
        '"31d" is not an interval',
        "30 days at most",
    ),
    M(
        "off",
        GOOD + "installExtension: off\n",
        "installExtension",
        "neither true nor false",
        "Write true or false",
    ),
    M("exponent", named("1e3"), "name", "without quotes", QUOTES),
    M("octal", named("0o17"), "name", "without quotes", QUOTES),
    M("octal-of-old", named("017"), "name", "without quotes", QUOTES),
    M("hexadecimal", named("0xff"), "name", "without quotes", QUOTES),
    M("sixties", named("12:30:45"), "name", "without quotes", QUOTES),
    M("date", named("2026-01-31"), "name", "without quotes", QUOTES),
    M("number", named("42"), "name", "without quotes", QUOTES),
    M("not-a-number", named(".nan"), "name", "without quotes", QUOTES),
    M("truth", named("true"), "name", "true without quotes", QUOTES),
    M("null", named("~"), "name", "it is empty", "Give it a value"),
    M("no-value", GOOD + "subscription:\n", "subscription", "it is empty", "Give it a value"),
    M("name-is-a-list", named("[a, b]"), "name", "a list is no text", "Give one text"),
    M("name-is-an-object", named("{a: b}"), "name", "an object with fields is no text", "Give one text"),
    M(
        "truth-as-text",
        GOOD + 'installExtension: "true"\n',
        "installExtension",
        "neither true",
        "without quotes",
    ),
    M(
        "truth-as-number",
        GOOD + "installExtension: 1\n",
        "installExtension",
        "neither true",
        "without quotes",
    ),
    M("list-is-text", GOOD + "organizations: contoso\n", "organizations", "is no list", "after a hyphen"),
    M("list-is-object", GOOD + "exclude: {a: b}\n", "exclude", "is no list", "after a hyphen"),
    M("list-is-null", GOOD + "organizations:\n", "organizations", "it is empty", "take the line out"),
    M(
        "entry-is-null",
        GOOD + "organizations: [a, ~]\n",
        "organizations[1]",
        "it is empty",
        "Give it a value",
    ),
    M("entry-is-a-list", GOOD + "organizations: [a, b, [c]]\n", "organizations[2]", "no text", "Give one"),
    M("entry-is-a-number", GOOD + "exclude: [a, 7]\n", "exclude[1]", "without quotes", QUOTES),
    M("identity-is-text", PLAIN + "identity: pat\n", "identity", "has no fields", "indented"),
    M("identity-is-a-list", PLAIN + "identity: [pat]\n", "identity", "has no fields", "indented"),
    M("identity-is-null", PLAIN + "identity:\n", "identity", "it is empty", "Give it a value"),
    M("discover-as-null", GOOD + "discoverAs:\n", "discoverAs", "it is empty", "take the line out"),
    M(
        "kind-of-identity-is-a-list",
        PLAIN + "identity: {kind: [pat]}\n",
        "identity.kind",
        "cannot stand",
        "Write user",
    ),
    M("extension-is-text", GOOD + "extension: mapping\n", "extension", "has no fields", "indented"),
)

WRONG_FIELDS = (
    M(
        "no-api-version",
        GOOD.replace("apiVersion: ado-connector/v1\n", ""),
        "apiVersion",
        "it is missing",
        "Add the line",
    ),
    M(
        "other-api-version",
        GOOD.replace("/v1", "/v9"),
        "apiVersion",
        '"ado-connector/v9"',
        "ado-connector/v1",
    ),
    M(
        "other-kind",
        GOOD.replace("kind: Connector", "kind: Pod"),
        "kind",
        '"Pod" cannot stand here',
        "Connector",
    ),
    M(
        "no-mode",
        GOOD.replace("mode: existing-and-future\n", ""),
        "mode",
        "it is missing",
        "existing-and-future",
    ),
    M(
        "other-mode",
        GOOD.replace("existing-and-future", "all"),
        "mode",
        '"all" cannot stand here',
        "selected",
    ),
    M(
        "mode-in-capitals",
        GOOD.replace("existing-and-future", "Existing"),
        "mode",
        "cannot stand",
        "existing",
    ),
    M("other-plan", GOOD + "plan: gold\n", "plan", '"gold" cannot stand here', "defender-cspm"),
    M("unknown-key", GOOD + "colour: red\n", "colour", "no such field", "There are"),
    M("misspelt-key", GOOD + "organisations: [a]\n", "organisations", "no such field", "Write organizations"),
    M(
        "snake-case-key",
        GOOD + "resource_group: a\n",
        "resource_group",
        "no such field",
        "Write resourceGroup",
    ),
    M("secret-key", GOOD + f"secret: {PAT}\n", "secret", "may be a secret", "secretSetting", never=(PAT,)),
    M("secret-as-key", GOOD + f"{PAT}: yes\n", "?", "may be a secret", "Take it out", never=(PAT,)),
    M(
        "secret-in-name",
        named(f"token {PAT}"),
        "name",
        "looks like a secret",
        "1 to 64",
        never=(PAT,),
    ),
    M(
        "secret-as-name",
        named(PAT),
        "name",
        "looks like a personal access token",
        "renew the secret",
        never=(PAT,),
    ),
    M(
        "long-secret-as-group",
        GOOD + f"resourceGroup: {LONG_PAT}\n",
        "resourceGroup",
        "looks like a personal access token",
        "renew the secret",
        never=(LONG_PAT,),
    ),
    M(
        "secret-as-organization",
        GOOD + f"organizations: [a, {PAT}]\n",
        "organizations[1]",
        "looks like a personal access token",
        "renew the secret",
        never=(PAT,),
    ),
    M(
        "client-secret-as-region",
        GOOD + f"region: {CLIENT_SECRET}\n",
        "region",
        "looks like a secret",
        "westeurope",
        never=(CLIENT_SECRET,),
    ),
    M("name-empty", named('""'), "name", '"" is not a name', "1 to 64"),
    M("name-with-space", named("con toso"), "name", '"con toso" is not a name', "1 to 64"),
    M("name-with-line-end", named('"contoso\\n"'), "name", "cannot be shown", "1 to 64"),
    M("name-with-nul", named('"con\\0toso"'), "name", "cannot be shown", "1 to 64"),
    M("name-with-lone-surrogate", named('"\\ud800"'), "name", "cannot be shown", "1 to 64"),
    M("name-not-ascii", named("nåme"), "name", '"nåme" is not a name', "1 to 64"),
    M("name-too-long", named("a" * 65), "name", "is not a name", "1 to 64"),
    M(
        "name-much-too-long",
        named("ab " * 9000),
        "name",
        "a text of 26999 characters",
        "1 to 64",
        never=("ab " * 27,),
    ),
    M("block-text", named("|\n  contoso\n"), "name", "cannot be shown", "1 to 64"),
    M("tenant-no-guid", GOOD + f"tenant: {GUID}1\n", "tenant", "is no tenant", "a GUID"),
    M("tenant-with-space", GOOD + "tenant: not a tenant\n", "tenant", "is no tenant", "a GUID"),
    M("tenant-address", GOOD + "tenant: https://contoso.com\n", "tenant", "is no tenant", "a GUID"),
    M(
        "subscription-no-guid",
        GOOD + "subscription: production\n",
        "subscription",
        "no subscription id",
        "the GUID",
    ),
    M(
        "subscription-short",
        GOOD + f"subscription: {GUID[:-1]}\n",
        "subscription",
        "no subscription id",
        "the GUID",
    ),
    M(
        "group-with-dot",
        GOOD + "resourceGroup: rg.\n",
        "resourceGroup",
        "no name of a resource group",
        "no dot",
    ),
    M("group-too-long", GOOD + f"resourceGroup: {'r' * 91}\n", "resourceGroup", "91 characters", "1 to 90"),
    M("group-with-slash", GOOD + "resourceGroup: a/b\n", "resourceGroup", "no name", "1 to 90"),
    M("region-as-shown", GOOD + "region: West Europe\n", "region", "no name of a region", "westeurope"),
    M("region-of-government", GOOD + "region: usgovvirginia\n", "region", ONLY_COMMERCIAL, "commercial"),
    M(
        "region-of-government-as-shown",
        GOOD + "region: US Gov Virginia\n",
        "region",
        ONLY_COMMERCIAL,
        "commercial",
    ),
    M("region-of-defense", GOOD + "region: usdodeast\n", "region", ONLY_COMMERCIAL, "commercial"),
    M("region-of-china", GOOD + "region: chinanorth3\n", "region", ONLY_COMMERCIAL, "commercial"),
    M("cloud-of-government", GOOD + "cloud: AzureUSGovernment\n", "cloud", ONLY_COMMERCIAL, "AzureCloud"),
    M("cloud-of-china", GOOD + "cloud: AzureChinaCloud\n", "cloud", ONLY_COMMERCIAL, "AzureCloud"),
    M("cloud-unknown", GOOD + "cloud: azurecloud\n", "cloud", ONLY_COMMERCIAL, "AzureCloud"),
    M("cloud-is-a-list", GOOD + "cloud: [AzureCloud]\n", "cloud", ONLY_COMMERCIAL, "AzureCloud"),
    M(
        "tenant-of-government",
        GOOD + "tenant: contoso.onmicrosoft.us\n",
        "tenant",
        ONLY_COMMERCIAL,
        "commercial",
    ),
    M(
        "organization-empty",
        GOOD + 'organizations: [""]\n',
        "organizations[0]",
        "no organization",
        "name alone",
    ),
    M(
        "organization-address",
        GOOD + "organizations: [a, 'https://dev.azure.com/b']\n",
        "organizations[1]",
        "no organization",
        "name alone",
    ),
    M(
        "organization-pattern",
        GOOD + 'organizations: ["a*"]\n',
        "organizations[0]",
        "no organization",
        "name alone",
    ),
    M(
        "organization-too-long",
        GOOD + f"organizations: [{'o' * 65}]\n",
        "organizations[0]",
        "no organization",
        "name alone",
    ),
    M(
        "organization-bidi",
        GOOD + 'organizations: ["a\\u202Eb"]\n',
        "organizations[0]",
        "cannot be shown",
        "name alone",
    ),
    M("exclusion-empty", GOOD + "exclude: ['']\n", "exclude[0]", "no pattern", "a pattern"),
    M("exclusion-address", GOOD + "exclude: [a, b/c]\n", "exclude[1]", "no pattern", "a pattern"),
    M("exclusion-open-bracket", GOOD + "exclude: ['a[bc']\n", "exclude[0]", "no pattern", "a pattern"),
    M(
        "too-many",
        GOOD + f"organizations: [{', '.join(f'o{n}' for n in range(501))}]\n",
        "organizations",
        "501 entries",
        "patterns",
    ),
    M(
        "prerequisite-unknown",
        GOOD + "requiredPrerequisites: [luck]\n",
        "requiredPrerequisites[0]",
        '"luck"',
        "accessLevel",
    ),
    M("extension-in-part", GOOD + "extension: {publisher: a}\n", "extension.name", "it is missing", "both"),
    M(
        "extension-with-more",
        GOOD + "extension: {publisher: a, name: b, version: '1'}\n",
        "extension.version",
        "no such field",
        "publisher, name",
    ),
    M(
        "extension-with-slash",
        GOOD + "extension: {publisher: a/b, name: b}\n",
        "extension.publisher",
        "Marketplace",
        "itemName",
    ),
)

WRONG_IDENTITIES = (
    M("no-identity", PLAIN, "identity", "it is missing", "with its kind"),
    M("no-kind", PLAIN + "identity: {}\n", "identity.kind", "it is missing", "managed-identity"),
    M(
        "other-kind-of-identity",
        PLAIN + "identity: {kind: password}\n",
        "identity.kind",
        '"password" cannot stand',
        "azure-cli",
    ),
    M(
        "client-of-a-pat",
        PLAIN + f"identity: {{kind: pat, clientId: {GUID}}}\n",
        "identity.clientId",
        "means nothing with `identity.kind` pat",
        "Leave it out",
    ),
    M(
        "account-of-an-app",
        identified(APP + "  account: ann@contoso.com\n") + "discoverAs: {kind: pat}\n",
        "identity.account",
        "means nothing",
        "Leave it out",
    ),
    M(
        "app-without-client",
        identified("identity: {kind: service-principal}\ndiscoverAs: {kind: pat}\n"),
        "identity.clientId",
        "needs it",
        "Give the application",
    ),
    M(
        "client-no-guid",
        identified("identity: {kind: managed-identity, clientId: abc}\ndiscoverAs: {kind: pat}\n"),
        "identity.clientId",
        "not a client id",
        "Give the GUID",
    ),
    M(
        "account-no-name",
        identified("identity: {kind: user, account: ann}\n"),
        "identity.account",
        '"ann" is no sign-in name',
        "ann@contoso.com",
    ),
    M(
        "secret-as-setting",
        PLAIN + f"identity: {{kind: pat, secretSetting: {PAT}}}\n",
        "identity.secretSetting",
        "looks like a personal access token",
        "renew the secret",
        never=(PAT,),
    ),
    M(
        "short-secret-as-setting",
        PLAIN + "identity: {kind: pat, secretSetting: hunter2}\n",
        "identity.secretSetting",
        "not the name",
        "ADO_PAT",
        never=("hunter2",),
    ),
    M(
        "token-in-identity",
        PLAIN + f"identity: {{kind: pat, token: {PAT}}}\n",
        "identity.token",
        "may be a secret",
        "secretSetting",
        never=(PAT,),
    ),
    M(
        "secret-as-kind",
        PLAIN + f"identity: {{kind: {PAT}}}\n",
        "identity.kind",
        "looks like a secret",
        "Write user",
        never=(PAT,),
    ),
    M(
        "discover-as-app",
        GOOD + f"discoverAs: {{kind: service-principal, clientId: {GUID}}}\n",
        "discoverAs.kind",
        "lists no organizations for a service-principal",
        "Use user, pat or azure-cli",
    ),
    M(
        "discover-as-managed",
        GOOD + "discoverAs: {kind: managed-identity}\n",
        "discoverAs.kind",
        "lists no organizations",
        "Use user",
    ),
    M("discover-as-nobody", GOOD + "discoverAs: {}\n", "discoverAs.kind", "it is missing", "Say which"),
)

BROKEN_RULES = (
    M(
        "selected-none",
        GOOD.replace("existing-and-future", "selected"),
        "organizations",
        "at least one",
        "Name each",
    ),
    M(
        "selected-empty",
        GOOD.replace("existing-and-future", "selected") + "organizations: []\n",
        "organizations",
        "at least one",
        "Name each",
    ),
    M(
        "app-cannot-find-future",
        identified(APP),
        "mode",
        "future ones could never be found",
        "Add `discoverAs`",
    ),
    M(
        "managed-cannot-find-future",
        PLAIN + "identity: {kind: managed-identity}\n",
        "mode",
        "for a managed-identity",
        "Add `discoverAs`",
    ),
    M(
        "managed-cannot-find-existing",
        HEAD + "name: a\nmode: existing\nidentity: {kind: managed-identity}\n",
        "organizations",
        "must be named",
        "Name each",
    ),
    M(
        "app-without-tenant",
        PLAIN + APP + "discoverAs: {kind: pat}\n",
        "tenant",
        "signs in to a tenant",
        "Set `tenant`",
    ),
    M(
        "app-of-default-tenant",
        PLAIN + APP + "tenant: default\ndiscoverAs: {kind: pat}\n",
        "tenant",
        "signs in to a tenant",
        "Set `tenant`",
    ),
    M("user-without-tenant", PLAIN + "identity: {kind: user}\n", "tenant", "a user signs in", "Set `tenant`"),
    M(
        "discovering-user-without-tenant",
        GOOD + "discoverAs: {kind: user}\n",
        "tenant",
        "a user signs in",
        "Set `tenant`",
    ),
    M(
        "organization-twice",
        GOOD + "organizations: [a, b, a]\n",
        "organizations[2]",
        '"a" repeats `organizations[0]`',
        "Take one",
    ),
    M(
        "organization-twice-in-case",
        GOOD + "organizations: [alpha, Alpha]\n",
        "organizations[1]",
        "repeats",
        "Take one",
        CASE,
    ),
    M("exclusion-twice", GOOD + "exclude: [a, a]\n", "exclude[1]", "repeats `exclude[0]`", "Take one"),
    M("exclusion-twice-in-case", GOOD + "exclude: [a*, A*]\n", "exclude[1]", "repeats", "Take one", CASE),
    M(
        "prerequisite-twice",
        GOOD + "requiredPrerequisites: [accessLevel, accessLevel]\n",
        "requiredPrerequisites[1]",
        "twice",
        "Take one",
    ),
    M(
        "overlap",
        GOOD + "organizations: [alpha]\nexclude: [alpha]\n",
        "organizations[0]",
        '"alpha" is excluded by "alpha"',
        "one of the two",
        TWO_FIELDS,
    ),
    M(
        "overlap-in-case",
        GOOD + "organizations: [Alpha]\nexclude: [ALPHA]\n",
        "organizations[0]",
        "is excluded by",
        "one of the two",
        TWO_FIELDS,
    ),
    M(
        "overlap-by-pattern",
        GOOD + 'organizations: [b, alpha]\nexclude: ["al*"]\n',
        "organizations[1]",
        "is excluded by",
        "one of the two",
        TWO_FIELDS,
    ),
    M(
        "overlap-by-everything",
        GOOD + 'organizations: [b]\nexclude: ["*"]\n',
        "organizations[0]",
        "is excluded by",
        "one of the two",
        TWO_FIELDS,
    ),
    M(
        "json",
        json.dumps({"apiVersion": "ado-connector/v1", "kind": "Connector", "name": 5}),
        "name",
        "without quotes",
        QUOTES,
    ),
)

MALFORMED = (*NOT_ONE_DOCUMENT, *NOT_PLAIN, *NOT_TEXT, *WRONG_FIELDS, *WRONG_IDENTITIES, *BROKEN_RULES)
