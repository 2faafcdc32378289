"""Can Azure install what we need without a compiler, on every Python that we support?"""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
PLATFORM = "x86_64-manylinux_2_28"
"""What the Linux plans of Azure Functions run on."""


def supported() -> list[str]:
    """The Pythons that pyproject.toml names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [each.rpartition(" :: ")[2] for each in project["classifiers"] if "Python :: 3." in each]
    assert named, "no Python is named"
    return named


@pytest.mark.slow
@pytest.mark.parametrize("python", supported())
def test_every_dependency_has_a_wheel_for_linux(python: str, tmp_path: Path) -> None:
    """`requirements.txt` resolves with its hashes and from wheels only. Asks the package index."""
    where = ["--target", str(tmp_path), "--python-version", python, "--python-platform", PLATFORM]
    how = ["--dry-run", "--quiet", "--only-binary", ":all:", "--require-hashes"]
    command = [str(UV), "pip", "install", *how, *where, "--requirement", str(ROOT / "requirements.txt")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_the_lock_names_no_index_and_no_file() -> None:
    """Whoever installs decides where from: no lock carries an address."""
    for lock in ROOT.glob("requirements*.txt"):
        text = lock.read_text()
        assert "://" not in text, lock.name
        assert "--index" not in text, lock.name
        assert "--find-links" not in text, lock.name
