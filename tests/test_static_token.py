"""Is a token for a stand-in of Azure ever shown to anybody but that stand-in, and are folders found?"""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from remediation.configuration import SystemClock, tokens_of, workloads_of
from remediation.settings import Settings
from remediation.tokens import StaticTokens, Tokens
from rules.topology import FolderContainer

TOKEN = SecretStr("token")
WORKLOAD = """
workload: shop
stamps:
  - name: neu
    region: northeurope
    health_service: http://127.0.0.1:2/health
    state_file: {folder: neu}
  - name: weu
    region: westeurope
    health_service: http://127.0.0.1:1/health
    state_file: {folder: weu}
    event_hub: {connection: env:HUB, checkpoints: {folder: FOLDER}}
"""


@pytest.mark.parametrize(
    "url", ["https://management.azure.com", "http://127.0.0.1.example:1", "http://10.0.0.1"]
)
def test_it_is_refused_unless_the_control_plane_is_on_loopback(url: str) -> None:
    """Nobody sets it by mistake where it would go out."""
    with pytest.raises(ValidationError, match="not on loopback"):
        Settings(static_token=TOKEN, arm_url=url)


async def test_on_loopback_it_is_the_token_and_else_entra_gives_them() -> None:
    """With it nothing is asked of Entra ID; without it nothing else is."""
    stand_in = Settings(static_token=TOKEN, arm_url="http://127.0.0.1:1")
    tokens = tokens_of(stand_in, SystemClock())
    assert isinstance(tokens, StaticTokens)
    assert await tokens.bearer("any") == "token"
    await tokens.close()
    assert isinstance(tokens_of(Settings(), SystemClock()), Tokens)
    assert SystemClock().now() <= datetime.now(UTC)


@pytest.mark.parametrize("folder", ["kept/weu", "/somewhere/weu"])
def test_a_relative_folder_of_checkpoints_lies_in_the_data_folder(tmp_path: Path, folder: str) -> None:
    """As folders of state files do; an absolute one stays where it is."""
    file = tmp_path / "workload.yaml"
    file.write_text(WORKLOAD.replace("FOLDER", folder))
    workloads = workloads_of(Settings(workloads=file, data_dir=tmp_path / "data"))
    stamp = workloads["shop"].stamp("weu")
    assert stamp.event_hub is not None
    assert stamp.event_hub.checkpoints == FolderContainer(tmp_path / "data" / folder)
