"""Does the demo show what it promises, and does the worker save a workload that really breaks?"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.workload.faults import Fault
from tests.e2e.stage import free_port

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("remediation")
A_MINUTE = 60


def told(fault: Fault, *more: str) -> str:
    """What a scripted run prints; it must end well, within a minute."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("REMEDIATION_")}
    began = time.monotonic()
    ended = subprocess.run(
        [COMMAND, "demo", "--script", fault, *more],
        env=environment,
        capture_output=True,
        text=True,
        timeout=2 * A_MINUTE,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert time.monotonic() - began < A_MINUTE
    assert f"all of it was seen: {fault}" in ended.stdout
    return ended.stdout


def ask(port: int, *words: str) -> tuple[int, str]:
    """What the command answers when it is told to break or to mend something in the running demo."""
    command = [str(COMMAND), "demo", *words, "--port", str(port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=A_MINUTE, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def workers(folder: Path) -> list[str]:
    """The processes that were started with a data folder below this one."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"REMEDIATION_DATA_DIR={folder}" in environment.read_text():
                found.append(environment.parent.name)
        except OSError:
            continue  # not ours, or gone
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes as Linux shows them")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_it_is_broken_and_mended_by_commands_and_leaves_no_worker(
    tmp_path: Path, end: signal.Signals
) -> None:
    """`break` and `mend` reach the running demo; however that ends, its worker ends too."""
    folder, port = tmp_path / "kept", free_port()
    command = [str(COMMAND), "demo", "--no-story", "--folder", str(folder), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        first = next(line for line in demo.stdout if "control port" in line)
        assert str(port) in first
        assert ask(port, "break", "neu", "root-red")[0] == 0
        assert any("BROKEN neu" in line for line in demo.stdout)
        assert ask(port, "break", "nowhere", "root-red")[0] == 1
        assert ask(port, "mend")[1].strip() == "MENDED all"
        assert workers(folder)
        demo.send_signal(end)
        assert demo.wait(timeout=20) == (-end if end is signal.SIGKILL else 0)
    deadline = time.monotonic() + 20
    while workers(folder):
        assert time.monotonic() < deadline, "a worker is left"
        time.sleep(0.1)


def test_a_stamp_that_cannot_read_is_drained_by_the_lag_probe_alone_and_brought_back(tmp_path: Path) -> None:
    """No alert exists, and the processor really stops: drained, paged, mended, worked off, rejoined."""
    recording = tmp_path / "demo.svg"
    text = told(Fault.CANNOT_READ, "--no-alerts", "--record", str(recording))
    for words in (
        "BackgroundProcessor is red by consumer-lag",
        "stalled: no checkpoint moved for",
        "drain of weu held: settling",
        "drain of weu verified",
        "the front door finds weu unhealthy",
        "no request goes to weu any more, and every user is served",
        "what waited in its hub when it was drained is worked off",
        "weu: recovery is proven",
        "consumer-lag took it back",
        "rejoin of weu verified",
        "resolved: shop/weu/background-processor-cannot-read",
    ):
        assert words in text, words
    assert "OutgoingMessages" not in text
    assert recording.stat().st_size < 300_000
    assert "font-face" not in recording.read_text()


def test_a_red_root_that_the_health_service_does_not_see_is_drained() -> None:
    """HealthService stays 200 while users get 500: the worker drains, and every user is served."""
    text = told(Fault.ROOT_RED)
    assert text.index("drain of weu planned: Stamp is red") < text.index("every user is served")
    assert "weu stays out" in text


def test_a_stamp_that_is_out_by_itself_is_paged_and_not_drained() -> None:
    """Where HealthService turns 503 by itself the front door moves the traffic; no file is touched."""
    text = told(Fault.SEND_FAILS)
    assert "it is out by itself" in text
    assert "no state file was touched" in text


def test_when_all_are_red_nothing_is_touched_and_the_front_door_fails_open() -> None:
    """P3: a shared database fails: the page says global, no state file is touched, users are served."""
    text = told(Fault.ALL_RED)
    assert "[global]" in text
    assert "it fails open, and sends to all" in text
    assert "no state file was touched" in text


def test_a_broken_front_door_drains_nothing_and_is_told_as_the_edge() -> None:
    """P3: every stamp is well when asked directly, and users fail: the page says edge, none is drained."""
    text = told(Fault.EDGE)
    assert "shop/global [edge]" in text
    assert "direct answers from neu, sdc, weu" in text
    assert "no state file was touched" in text


def test_lost_telemetry_is_no_reason_to_drain() -> None:
    """P3: no event and no alert comes, every HealthService turns 503: told, nothing is touched."""
    text = told(Fault.TELEMETRY_LOST)
    assert "a page says that it is no single stamp's fault" in text
    assert "AzMonitorHealthScore is not healthy" in text
    assert "no state file was touched" in text


def test_where_the_state_file_cannot_be_deleted_the_origin_is_disabled() -> None:
    """The storage refuses: the second lever drains by Front Door, and alone is moved back."""
    text = told(Fault.LEVER_BROKEN)
    for words in (
        "drain of weu: refused: the state file cannot be used",
        "drain of weu: applied: the origin was disabled",
        "no request goes to weu any more, and every user is served",
        "rejoin of weu: applied: the origin was enabled",
    ):
        assert words in text, words
    assert "the state file of weu is gone" not in text


def test_a_hub_made_anew_is_unknown_at_first_and_red_when_it_lasts() -> None:
    """Stale checkpoints prove nothing; only when nobody has read for long is the stamp drained."""
    text = told(Fault.HUB_RECREATED, "--no-alerts")
    unknown = text.index("the worker sees checkpoints of an older hub, and calls it unknown")
    assert unknown < text.index("hub recreated: checkpoints are of an older hub of that name")
    assert unknown < text.index("drain of weu planned: BackgroundProcessor is red by consumer-lag")
    assert "rejoin of weu verified" in text


def test_where_nobody_sends_nothing_is_drained_though_the_alert_fires() -> None:
    """No message leaves a hub into which none comes: told, and not drained."""
    text = told(Fault.SENDERS_DOWN)
    assert "background-processor-may-not-read holds for weu" in text
    assert "the worker sees that the hub is idle, and all is read" in text
    assert "no state file was touched" in text


def test_a_flapping_stamp_is_drained_once_at_most() -> None:
    """A fault that comes and goes within the settle time causes no series of drains and rejoins."""
    told(Fault.FLAP)
