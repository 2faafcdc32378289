"""What does the environment say? Every `REMEDIATION_*` setting, in one place.

In Azure these are app settings, some of them Key Vault references; locally,
environment variables. Nothing else of the worker reads the environment, but for
the secrets that `workload.yaml` names.
"""

from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class LedgerKind(StrEnum):
    """Where the ledger lies."""

    SQLITE = "sqlite"  # one machine; refused in Azure
    BLOB = "blob"  # Blob Storage; what Azure takes
    MEMORY = "memory"  # gone with the process; for trying things out


class Settings(BaseSettings):
    """The settings. Each can be given as the environment variable `REMEDIATION_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="REMEDIATION_", extra="ignore", frozen=True)

    port: int = Field(
        7071, ge=0, le=65535, description="Port of the local Functions host; 0 takes a free one."
    )
    host: str = Field(
        "127.0.0.1", description="Address of the local Functions host. Not loopback: needs a key."
    )
    function_key: SecretStr | None = Field(None, description="Key that callers of the local host must show.")
    broker_port: int = Field(
        5672, ge=0, le=65535, description="Port of the local Event Hubs broker; 0 takes a free one."
    )
    data_dir: Path = Field(Path(".remediation"), description="Folder of the embedded ledger and broker.")
    workloads: Path | None = Field(None, description="A workload file, or a folder of them.")
    rules: Path | None = Field(
        None, description="A rule file, or a folder of them. Not given: the shipped catalogue."
    )
    ledger: LedgerKind = Field(
        LedgerKind.SQLITE, description="Where the ledger lies. Azure takes `blob` and nothing else."
    )
    ledger_account_url: str | None = Field(
        None, description="Blob endpoint of the ledger's storage account; reached by managed identity."
    )
    ledger_connection: SecretStr | None = Field(
        None, description="Connection string of the ledger's storage account, instead of its URL."
    )
    ledger_container: str = Field("remediation", description="Container of the ledger.")
    hub: SecretStr | None = Field(None, description="Connection string of the Event Hubs namespace.")
    hub_namespace: str | None = Field(
        None,
        validation_alias="REMEDIATION_HUB__fullyQualifiedNamespace",
        description="Host name of the Event Hubs namespace, reached by managed identity.",
    )
    client_id: str | None = Field(
        None,
        validation_alias="REMEDIATION_HUB__clientId",
        description="Client id of a user-assigned managed identity.",
    )
    arm_url: str = Field(
        "https://management.azure.com", description="Azure's control plane; another one in sovereign clouds."
    )
    logs_url: str = Field(
        "https://api.loganalytics.azure.com", description="Log Analytics; another one in sovereign clouds."
    )
    static_token: SecretStr | None = Field(
        None, description="Token for a stand-in of Azure's control plane; refused unless that is on loopback."
    )
    log_json: bool | None = Field(
        default=None, description="Log lines as JSON, or for a terminal. Not given: JSON in Azure alone."
    )
    log_level: str = Field("INFO", description="Least level of the log lines that are written.")
    site: str | None = Field(
        None, validation_alias="WEBSITE_SITE_NAME", description="Set by Azure: we run in an App Service."
    )

    @property
    def logs_json(self) -> bool:
        """Whether log lines are JSON."""
        return self.log_json if self.log_json is not None else self.site is not None

    @model_validator(mode="after")
    def _tries_things_out_at_home(self) -> "Settings":
        if self.static_token is not None and urlsplit(self.arm_url).hostname not in _LOOPBACK:
            raise ValueError("REMEDIATION_STATIC_TOKEN is set, and REMEDIATION_ARM_URL is not on loopback")
        return self

    @model_validator(mode="after")
    def _fits_the_place(self) -> "Settings":
        if self.site is not None and self.ledger is not LedgerKind.BLOB:
            raise ValueError(
                f"REMEDIATION_LEDGER is {self.ledger}, which is lost or torn when Azure moves the app; "
                "set it to blob, and REMEDIATION_LEDGER_ACCOUNT_URL"
            )
        if self.site is not None and self.workloads is None:
            raise ValueError("REMEDIATION_WORKLOADS is not set: every signal would be of an unknown workload")
        if self.site is not None and not (self.hub or self.hub_namespace):
            raise ValueError("the hub is not set: set REMEDIATION_HUB__fullyQualifiedNamespace")
        if self.ledger is LedgerKind.BLOB and not (self.ledger_account_url or self.ledger_connection):
            raise ValueError("REMEDIATION_LEDGER is blob: set REMEDIATION_LEDGER_ACCOUNT_URL")
        return self
