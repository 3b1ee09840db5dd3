"""Names for generated worlds, in several scripts and with everything that breaks careless quoting."""

from __future__ import annotations

ORGANIZATIONS: tuple[str, ...] = (
    "contoso",
    "Fabrikam-Fiber",
    "adventure-works",
    "northwind",
    "Tailspin",
    "litware-inc",
    "proseware",
    "wingtip-toys",
)

PROJECTS: tuple[str, ...] = (
    "Shop",
    "Платёжный сервис",
    "Data   Platform  2",
    "結算系統",
    "Straße & Söhne",
    'The "Core" Team',
    "تقارير",
    "100% Coverage",
    "Rocket 🚀 Lab",
    "C# Services",
    "R+D",
    "O'Hara",
    "モバイル アプリ",
    "Ops (legacy)",
    "עברית",
    "a",
    "Ελληνικά",
    "ประเทศไทย",
)

REPOSITORIES: tuple[str, ...] = (
    "web",
    "api",
    "infra.bicep",
    "mobile app",
    "c++ engine",
    "docs & guides",
    "50% off",
    "данные",
    "共通ライブラリ",
    "emoji-🦊",
    "x#y",
    "two  spaces",
    "it's",
    "UPPER.lower_mixed-Case",
    "תשתית",
    "build-tools",
    "naïve-façade",
    "payments",
    "gateway",
    "notebooks",
)

PEOPLE: tuple[str, ...] = (
    "Ada Example",
    "Björn Beispiel",
    "Chloé Exemple",
    "Дарья Пример",
    "江 例子",
    "Femi Àpẹẹrẹ",
    "غادة مثال",
)

ENDPOINT_TYPES: tuple[tuple[str | None, str, str], ...] = (
    ("azurerm", "WorkloadIdentityFederation", "https://management.azure.com/"),
    ("azurerm", "ServicePrincipal", "https://management.azure.com/"),
    ("azurerm", "ManagedServiceIdentity", "https://management.azure.com/"),
    ("dockerregistry", "UsernamePassword", "https://registry.example.com/"),
    ("github", "Token", "https://github.com"),
    ("Generic", "UsernamePassword", "https://server.example.com/"),
    ("kubernetes", "Token", "https://cluster.example.com/"),
    (None, "None", "https://nowhere.example.com/"),
)
