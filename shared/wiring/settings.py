"""Every setting of the app: name, meaning, default, bounds. `docs/settings.md` is kept in step by a test."""

from __future__ import annotations

import os
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.ado.entra import PUBLIC_AUTHORITY, SOVEREIGN, is_sovereign
from shared.model.thresholds import DEFAULTS, Thresholds
from shared.wiring.connections import storage

if TYPE_CHECKING:
    from dotenv.parser import Binding

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])", re.IGNORECASE)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class SettingsError(ValueError):
    """A setting is wrong.

    The message names it, says what is wrong and gives an example; it never holds the value, which could be a
    secret.
    """


def parse_duration(value: object) -> object:
    """Read `90s`, `15m`, `8h`, `1d`, a combination such as `1h30m`, or a plain number of seconds."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return timedelta(seconds=float(text))
    parts = _DURATION.findall(text)
    if not parts or _DURATION.sub("", text).strip():
        raise ValueError("is not a duration; write for example 30s, 15m, 8h or 1d")
    return timedelta(seconds=sum(float(number) * _UNITS[unit.lower()] for number, unit in parts))


def format_duration(value: timedelta) -> str:
    """The shortest form that `parse_duration` reads back, such as `8h`."""
    seconds = value.total_seconds()
    for unit in ("d", "h", "m"):
        if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0:
            return f"{int(seconds // _UNITS[unit])}{unit}"
    return f"{seconds:g}s"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]


def _check_schedule(value: str) -> str:
    """Six fields, as NCRONTAB has them; the finer syntax is the Functions host's to judge."""
    if len(value.split()) != 6:  # noqa: PLR2004 - NCRONTAB's six fields
        raise ValueError("needs six fields: second minute hour day month weekday, in UTC")
    return value


Schedule = Annotated[str, BeforeValidator(lambda value: _check_schedule(str(value)))]


def default_state_directory() -> Path:
    """Where this user's programs keep state on this operating system."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "ado-connector"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "ado-connector"
    return Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "ado-connector"


def default_configuration_directory() -> Path:
    """Where this user's programs keep configuration on this operating system."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", home / "AppData" / "Roaming")) / "ado-connector"
    if sys.platform == "darwin":
        return home / "Library" / "Preferences" / "ado-connector"
    return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "ado-connector"


def _default_state_url() -> str:
    url, _ = storage(os.environ)
    return url or f"sqlite:///{default_state_directory() / 'state.db'}"


class Settings(BaseSettings):
    """Settings by environment variable, or by a file of `NAME=value` lines; the environment wins."""

    model_config = SettingsConfigDict(
        extra="ignore", case_sensitive=False, env_ignore_empty=True, hide_input_in_errors=True, frozen=True
    )

    state_url: str = Field(
        default_factory=_default_state_url,
        description="Where the connector state is kept: sqlite:///PATH (four slashes for an absolute path),"
        " tables://ACCOUNT for Azure Table Storage, or a storage account's connection string.",
        examples=["sqlite:////var/lib/ado-connector/state.db", "tables://contosoconnector"],
    )
    queue_url: str = Field(
        default="",
        description=(
            "Where messages are kept: sqlite:///PATH, "
            "servicebus://NAMESPACE.servicebus.windows.net (signs in as the app; ?client_id=ID for a "
            "user-assigned identity) or a Service Bus connection string."
        ),
        examples=[
            "sqlite:////var/lib/ado-connector/queue.db",
            "servicebus://contoso.servicebus.windows.net",
        ],
    )
    ado_pat: SecretStr | None = Field(
        default=None,
        description="Personal access token, for connectors that authenticate with one.",
        examples=["(the token, with access to all accessible organizations)"],
    )
    azure_client_secret: SecretStr | None = Field(
        default=None,
        description="Client secret, for connectors that authenticate as a service principal.",
        examples=["(the secret's value)"],
    )
    azure_client_certificate_path: str = Field(
        default="",
        description="File with certificate and private key (PEM or PFX), for connectors that authenticate as"
        " a service principal with one.",
        examples=["/var/lib/ado-connector/application.pem"],
    )
    azure_federated_token_file: str = Field(
        default="",
        description="File with a federated token, for connectors that authenticate as a service principal by"
        " workload identity federation.",
        examples=["/var/run/secrets/azure/tokens/azure-identity-token"],
    )
    azure_authority_host: str = Field(
        default=PUBLIC_AUTHORITY,
        description="Microsoft Entra's address. Azure DevOps Services exists in the commercial cloud alone, "
        "so only a gateway or a simulator is another.",
        examples=["https://login.microsoftonline.com"],
    )
    token_key: str = Field(
        default="",
        description="Where the key is that seals people's sign-ins: file:///PATH (mode 0600), or"
        " keyvault://VAULT/SECRET in Azure. By default, where the state is a file, token.key in this user's"
        " folder for configuration; a state elsewhere needs it set.",
        examples=["keyvault://contoso-vault/ado-connector-token-key"],
    )
    ado_gateway_url: str = Field(
        default="",
        description="Send requests for https://HOST/PATH to this URL followed by /HOST/PATH."
        " Must be https unless it is loopback.",
        examples=["https://gateway.example.com/ado"],
    )
    discover_organizations_schedule: Schedule = Field(
        default="0 */15 * * * *",
        description="When to look for new organizations (NCRONTAB, six fields, UTC).",
        examples=["0 */15 * * * *"],
    )
    refresh_prerequisites_schedule: Schedule = Field(
        default="20 */5 * * * *",
        description="When to queue due prerequisite checks (NCRONTAB, six fields, UTC).",
        examples=["20 */5 * * * *"],
    )
    refresh_inventory_schedule: Schedule = Field(
        default="30 */5 * * * *",
        description="When to queue due inventory syncs (NCRONTAB, six fields, UTC).",
        examples=["30 */5 * * * *"],
    )
    refresh_extensions_schedule: Schedule = Field(
        default="40 */5 * * * *",
        description="When to queue due extension checks (NCRONTAB, six fields, UTC).",
        examples=["40 */5 * * * *"],
    )
    refresh_posture_schedule: Schedule = Field(
        default="50 */5 * * * *",
        description="When to queue due posture assessments (NCRONTAB, six fields, UTC).",
        examples=["50 */5 * * * *"],
    )
    refresh_notifications_schedule: Schedule = Field(
        default="10 */5 * * * *",
        description="When to queue due notifications (NCRONTAB, six fields, UTC).",
        examples=["10 */5 * * * *"],
    )
    refresh_images_schedule: Schedule = Field(
        default="55 */5 * * * *",
        description="When to queue due tracing of images (NCRONTAB, six fields, UTC).",
        examples=["55 */5 * * * *"],
    )
    report_status_schedule: Schedule = Field(
        default="5 */15 * * * *",
        description="When to tell metrics, and what needs somebody (NCRONTAB, six fields, UTC).",
        examples=["5 */15 * * * *"],
    )
    discovery_late_after: Duration = Field(
        default=timedelta(hours=1),
        ge=timedelta(minutes=5),
        le=timedelta(days=8),
        description="Without a discovery for so long, a connector's discovery is late: several times what "
        "DISCOVER_ORGANIZATIONS_SCHEDULE says.",
        examples=["1h"],
    )
    prerequisites_interval: Duration = Field(
        default=timedelta(hours=8),
        ge=timedelta(seconds=1),
        le=timedelta(days=30),
        description="How often the prerequisites of an onboarded organization are checked again.",
        examples=["8h"],
    )
    not_onboarded_interval: Duration = Field(
        default=timedelta(hours=1),
        ge=timedelta(seconds=1),
        le=timedelta(days=30),
        description="How often an organization that fails a prerequisite is checked again.",
        examples=["1h"],
    )
    inventory_interval: Duration = Field(
        default=timedelta(hours=1),
        ge=timedelta(seconds=1),
        le=timedelta(days=30),
        description="How often projects and repositories of an organization are listed.",
        examples=["1h"],
    )
    extension_interval: Duration = Field(
        default=timedelta(hours=8),
        ge=timedelta(seconds=1),
        le=timedelta(days=30),
        description="How often the Container Mapping extension is checked.",
        examples=["8h"],
    )
    posture_interval: Duration = Field(
        default=timedelta(hours=8),
        ge=timedelta(seconds=1),
        le=timedelta(days=30),
        description="How often posture is refreshed: what the audit log says has changed or, where it cannot"
        " be read, everything. What was not seen to hold for twice this is shown as stale.",
        examples=["8h"],
    )
    posture_full_interval: Duration = Field(
        default=timedelta(hours=24),
        ge=timedelta(0),
        le=timedelta(days=30),
        description="How often everything that posture rests on is read, whatever the audit log says. No more"
        " than POSTURE_INTERVAL: each time.",
        examples=["24h"],
    )
    history_retention: Duration = Field(
        default=timedelta(days=400),
        ge=timedelta(days=1),
        le=timedelta(days=3660),
        description="How long changes of a recommendation's status are kept.",
        examples=["400d"],
    )
    journal_retention: Duration = Field(
        default=timedelta(days=400),
        ge=timedelta(days=1),
        le=timedelta(days=3660),
        description="How long entries of the journal are kept.",
        examples=["400d"],
    )
    mapping_intake: Literal["on", "off"] = Field(
        default="on",
        description="Whether reports of pipelines about their images are taken, over HTTP.",
        examples=["off"],
    )
    mapping_reports_per_minute: int = Field(
        default=15_000,
        ge=1,
        le=1_000_000,
        description="Reports of pipelines about their images that each organization may send, per minute and"
        " process.",
        examples=["600"],
    )
    http_port: int = Field(
        default=7071,
        ge=0,
        le=65_535,
        description="Port of this machine on which `ado-connector run` takes HTTP requests, on the loopback"
        " interface alone; 0 takes none. Azure has its own.",
        examples=["8080"],
    )
    images_interval: Duration = Field(
        default=timedelta(hours=4),
        ge=timedelta(seconds=1),
        le=timedelta(days=30),
        description="How often finished runs, registries and Azure are read to trace images.",
        examples=["4h"],
    )
    longest_exemption: Duration = Field(
        default=timedelta(days=366),
        ge=timedelta(days=1),
        le=timedelta(days=1830),
        description="How far away the end of an exemption may be, at most.",
        examples=["90d"],
    )
    posture_reviewers_least: int = Field(
        default=DEFAULTS.reviewers_least,
        ge=1,
        le=10,
        description="Approvals that a change to a default branch should need.",
        examples=["2"],
    )
    posture_administrators_most: int = Field(
        default=DEFAULTS.administrators_most,
        ge=1,
        le=1000,
        description="Project Collection Administrators that an organization should have at most.",
        examples=["6"],
    )
    posture_administrators_least: int = Field(
        default=DEFAULTS.administrators_least,
        ge=1,
        le=100,
        description="Project Collection Administrators that an organization should have at least.",
        examples=["2"],
    )
    posture_project_administrators_most: int = Field(
        default=DEFAULTS.project_administrators_most,
        ge=1,
        le=1000,
        description="Administrators that a project should have at most.",
        examples=["6"],
    )
    posture_project_administrators_least: int = Field(
        default=DEFAULTS.project_administrators_least,
        ge=1,
        le=100,
        description="Administrators that a project should have at least.",
        examples=["2"],
    )
    posture_inactive_days: int = Field(
        default=DEFAULTS.inactive_days,
        ge=1,
        le=3650,
        description="Days without a visit after which a person counts as inactive.",
        examples=["90"],
    )
    posture_pipeline_inactive_days: int = Field(
        default=DEFAULTS.pipeline_inactive_days,
        ge=1,
        le=3650,
        description="Days without a run after which a pipeline counts as unused.",
        examples=["180"],
    )
    posture_retention_days_least: int = Field(
        default=DEFAULTS.retention_days_least,
        ge=1,
        le=3650,
        description="Days that builds should be kept at least.",
        examples=["30"],
    )
    posture_production_names: str = Field(
        default=",".join(DEFAULTS.production_names),
        min_length=1,
        max_length=1000,
        description="Beginnings of words in a name, separated by commas, by which an environment, service"
        " connection or other resource is one of production.",
        examples=["prod,prd,live"],
    )
    notification_url: str = Field(
        default="",
        description="Webhook that is told of new unhealthy findings and of recoveries."
        " Must be https unless it is loopback.",
        examples=["https://hooks.example.com/posture"],
    )
    notification_secret: SecretStr | None = Field(
        default=None,
        description="Secret that messages to the webhook are signed with (HMAC-SHA256); any text, or base64"
        " behind whsec_.",
        examples=["(at least 24 random characters)"],
    )
    notification_severity: Literal["high", "medium", "low"] = Field(
        default="high", description="Least severity that the webhook is told of.", examples=["medium"]
    )
    time_slice: Duration = Field(
        default=timedelta(minutes=4),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=25),
        description="How long one handler run may work before it saves a checkpoint and queues the rest.",
        examples=["4m"],
    )
    requeue_after: Duration = Field(
        default=timedelta(minutes=15),
        ge=timedelta(seconds=1),
        le=timedelta(days=1),
        description="When due work whose message was sent but never taken is queued again.",
        examples=["15m"],
    )
    request_timeout: Duration = Field(
        default=timedelta(seconds=100),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=10),
        description="How long to wait for Azure DevOps to answer one request.",
        examples=["100s"],
    )
    requests_at_once: int = Field(
        default=4,
        ge=1,
        le=16,
        description="How many requests to one organization may be under way at once, per process.",
        examples=["4"],
    )
    rate_limit_free_share: float = Field(
        default=0.2,
        ge=0.0,
        le=0.9,
        description="Share of the identity's rate limit that is left to others (0 to 0.9).",
        examples=["0.2"],
    )
    hourly_request_cap: int = Field(
        default=0,
        ge=0,
        description="Most requests per hour to one organization by one identity; 0 is no cap.",
        examples=["5000"],
    )
    longest_sleep: Duration = Field(
        default=timedelta(seconds=15),
        ge=timedelta(0),
        le=timedelta(minutes=4),
        description="Rate-limit waits up to this are slept through; longer ones go back to the queue.",
        examples=["15s"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="Least severe log events that are written.", examples=["info"]
    )

    @property
    def thresholds(self) -> Thresholds:
        """The numbers that posture rules measure by."""
        names = (one.strip().casefold() for one in self.posture_production_names.split(","))
        return Thresholds(
            reviewers_least=self.posture_reviewers_least,
            administrators_most=self.posture_administrators_most,
            administrators_least=self.posture_administrators_least,
            project_administrators_most=self.posture_project_administrators_most,
            project_administrators_least=self.posture_project_administrators_least,
            inactive_days=self.posture_inactive_days,
            pipeline_inactive_days=self.posture_pipeline_inactive_days,
            retention_days_least=self.posture_retention_days_least,
            production_names=tuple(one for one in names if one),
        )

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("ado_gateway_url")
    @classmethod
    def _gateway(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("is not an http(s) URL")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("must be https, since the token goes there (http is allowed for loopback)")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must not carry credentials, a query or a fragment")
        return value.rstrip("/")

    @field_validator("azure_authority_host")
    @classmethod
    def _authority(cls, value: str) -> str:
        host = value if "://" in value else f"https://{value}"
        parts = urlsplit(host)
        if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
            raise ValueError("is not an https URL")
        if is_sovereign(host):
            raise ValueError(SOVEREIGN)
        return host.rstrip("/")

    @field_validator("notification_url")
    @classmethod
    def _webhook(cls, value: str) -> str:
        if not value:
            return value
        if not (value.isascii() and value.isprintable()) or " " in value:
            raise ValueError("holds a space or a character that no URL has; write it percent-encoded")
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            raise ValueError("is not an http(s) URL") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
            raise ValueError("is not an http(s) URL")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("must be https (http is allowed for loopback)")
        if "@" in parts.netloc or parts.fragment:
            raise ValueError("must not carry credentials or a fragment")
        return value

    @field_validator("ado_pat", "azure_client_secret", "notification_secret")
    @classmethod
    def _secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value().strip():
            return None
        secret = value.get_secret_value().strip()
        if not secret.isascii() or not secret.isprintable():
            raise ValueError("holds characters that no token has; paste the token alone")
        return SecretStr(secret)


def load_settings(file: Path | None = None) -> Settings:
    """Read and check all settings. Raises `SettingsError` naming each wrong setting with an example."""
    if file is not None:
        check_file(file)
    try:
        return Settings(_env_file=file, _env_file_encoding="utf-8")
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(one) for one in error.errors(include_input=False))) from None


def check_file(file: Path) -> None:
    """Raises `SettingsError` for what is no file of settings: another would be passed over, line by line."""
    from dotenv.parser import parse_stream  # noqa: PLC0415 - only where there is a file

    give = "Give a file of NAME=value lines."
    if not file.is_file():
        what = f"{file} is a folder" if file.is_dir() else f"there is no file {file}"
        raise SettingsError(f"--settings: {what}. {give}")
    try:
        with file.open(encoding="utf-8") as lines:
            wrong = next(
                (one.original.line for one in parse_stream(lines) if one.error or _is_bare(one)), None
            )
    except UnicodeDecodeError:
        raise SettingsError(f"--settings: {file} is not a UTF-8 text file. {give}") from None
    except OSError as error:
        raise SettingsError(f"--settings: {file} cannot be read ({error.strerror}). {give}") from None
    if wrong is not None:
        raise SettingsError(f"--settings: line {wrong} of {file} is no NAME=value. {give}")


def _is_bare(binding: Binding) -> bool:
    """Whether it is a word without `=`, which sets nothing."""
    return binding.key is not None and binding.value is None


def load_places() -> Settings:
    """The settings that tell where things are, whatever is wrong with others, which have their defaults."""
    told = {name: os.environ.get(name.upper(), "").strip() for name in ("state_url", "queue_url")}
    return Settings.model_construct(**{name: value for name, value in told.items() if value})  # type: ignore[arg-type]


def _explain(problem: object) -> str:
    details = dict(problem) if isinstance(problem, dict) else {}
    field_name = str(details.get("loc", ("?",))[0])
    message = str(details.get("msg", "is wrong")).removeprefix("Value error, ").removesuffix(".")
    field = Settings.model_fields.get(field_name)
    example = f" Example: {field_name.upper()}={field.examples[0]}" if field and field.examples else ""
    return f"{field_name.upper()}: {message}.{example}"
