"""Is what would be deployed all that is needed, and nothing else?"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployment.package import ROOT, copy_package, ignored_names, packaged

PARTS = {"function_app.py", "host.json", "requirements.txt", "remediation", "rules"}
LOAD = """
import json, sys
import function_app
from remediation.wiring import worker
from remediation.worker import Worker
assert isinstance(worker(), Worker), worker()
print(len(function_app.app.get_functions()))
"""


def test_only_the_app_is_in_the_package() -> None:
    """What is new at the root must be named in `.funcignore`, or here if it is to be deployed."""
    assert {file.parts[0] for file in packaged()} == PARTS


def test_all_of_the_app_is_in_the_package() -> None:
    """No name in `.funcignore` catches a module or a rule file by chance."""
    there = {
        file.relative_to(ROOT)
        for part in ("remediation", "rules")
        for kind in ("*.py", "*.yaml")
        for file in (ROOT / part).rglob(kind)
    }
    assert there <= set(packaged())


def test_a_pattern_that_tools_read_in_different_ways_is_refused() -> None:
    """`.funcignore` holds names and `*` only."""
    assert ignored_names("# a comment\n\n*.md\n tests \n") == ["*.md", "tests"]
    for line in ("/tests", "!remediation", "docs/**", "tests/", "[a]"):
        with pytest.raises(ValueError, match="more than a name"):
            ignored_names(line)


@pytest.mark.slow
def test_the_package_alone_loads_and_builds_the_worker(tmp_path: Path) -> None:
    """With the package in the place of the tree, all functions are found and the settings of Azure fit."""
    app = copy_package(tmp_path / "wwwroot")
    (app / "workload.yaml").write_bytes((ROOT / "docs/examples/workload.yaml").read_bytes())
    settings = {
        "WEBSITE_SITE_NAME": "remediation",
        "REMEDIATION_WORKLOADS": "workload.yaml",
        "REMEDIATION_LEDGER": "blob",
        "REMEDIATION_LEDGER_ACCOUNT_URL": "https://ledger.blob.core.windows.net",
        "REMEDIATION_HUB__fullyQualifiedNamespace": "shop.servicebus.windows.net",
    }
    # -S and the paths: the libraries of this environment, but not the tree that is installed in it.
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    program = f"import sys; sys.path[:0] = [{str(app)!r}, {libraries!r}]\n{LOAD}"
    command = [sys.executable, "-S", "-c", program]
    done = subprocess.run(command, cwd=app, env=settings, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "7", done.stderr
