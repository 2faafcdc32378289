"""How long does a fresh process take until the functions can be called, and what takes it?

A scale-out, a crash or a deployment starts a process, and the first signal of an
incident may be what it waits for. Each figure is the median of fresh processes
with warm file caches: importing `function_app`, then building the worker with
the example workload and the ledger that Azure takes, as the first invocation does.

Usage: python -m bench.cold_import [RUNS]
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
RUNS = 11
MOST = 12
NO_ACCOUNT = "AccountName=none;AccountKey=bm9uZQ==;BlobEndpoint=http://127.0.0.1:1/none"
_PROGRAM = """
import resource, time
began = time.perf_counter()
import function_app
imported = time.perf_counter()
from remediation.wiring import worker
name = type(worker()).__name__
built = time.perf_counter()
used = resource.getrusage(resource.RUSAGE_SELF)
print(imported - began, built - imported, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, name)
"""
_IMPORT_TIME = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|(\s+)(\S+)")


@dataclass(frozen=True)
class ColdStart:
    """Medians of fresh processes.

    Attributes:
        imported_s: seconds until `function_app` is imported.
        built_s: seconds from there until the worker is built.
        cpu_s: CPU seconds of the whole process; other processes disturb it least.
        memory_mb: peak resident memory.
    """

    imported_s: float
    built_s: float
    cpu_s: float
    memory_mb: float


def cold_start(runs: int = RUNS) -> ColdStart:
    """Measure.

    Raises:
        RuntimeError: the worker could not be built.
    """
    found = [_run() for _ in range(runs)]
    return ColdStart(*(median(values) for values in zip(*found, strict=True)))


def contributors() -> dict[str, float]:
    """Seconds that each distribution's modules take by themselves in one import, the most first."""
    totals: dict[str, float] = {}
    for module, seconds in _own_times(_python("-X", "importtime", "-c", "import function_app").stderr):
        package = _package(module)
        totals[package] = totals.get(package, 0.0) + seconds
    return dict(sorted(totals.items(), key=lambda each: -each[1]))


def _run() -> tuple[float, ...]:
    *figures, name = _python("-c", _PROGRAM).stdout.split()
    if name != "Worker":
        raise RuntimeError(f"the worker could not be built: {name}")
    return tuple(map(float, figures))


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=_environment(), check=True, capture_output=True, text=True)


def _environment() -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("REMEDIATION_")}
    workload = str(ROOT / "local/workload/shop/workload.yaml")
    settings = {"LEDGER": "blob", "LEDGER_CONNECTION": NO_ACCOUNT, "WORKLOADS": workload}
    return {**others, **{f"REMEDIATION_{name}": value for name, value in settings.items()}}


def _own_times(text: str) -> Iterator[tuple[str, float]]:
    for own, _, _, module in _IMPORT_TIME.findall(text):
        yield module, int(own) / 1e6


def _package(module: str) -> str:
    """The top-level package; of `azure`, which many distributions share, one level more."""
    parts = module.split(".")
    if parts[0].removeprefix("_") in sys.stdlib_module_names or parts[0] in sys.stdlib_module_names:
        return "standard library"
    return ".".join(parts[:2]) if parts[0] == "azure" else parts[0]


def main(runs: int) -> None:
    """Print the figures."""
    found = cold_start(runs)
    print(f"Cold start, median of {runs} processes, Python {sys.version.split()[0]}, {os.cpu_count()} CPUs")
    print(f"  import function_app   {found.imported_s * 1000:6.0f} ms")
    print(f"  build the worker      {found.built_s * 1000:6.0f} ms")
    print(f"  CPU of the process    {found.cpu_s * 1000:6.0f} ms")
    print(f"  peak memory           {found.memory_mb:6.0f} MB")
    print("What the import goes to (with the profiler's own cost):")
    for package, seconds in list(contributors().items())[:MOST]:
        print(f"  {package:21} {seconds * 1000:6.0f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
