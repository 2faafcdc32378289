"""How many bodies of each family a second are read, from bytes to signals?

The bodies are those of the test corpus. Rates are per CPU-second of one process; `json.loads` of
the same bytes, in the same run and in turns with the reader, is the yardstick: it is what the
standard library takes to decode them, without any limit checked and without any meaning.
"""

import gc
import json
import os
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from remediation.intake.read import FAMILIES, read
from remediation.intake.rejection import Rejection
from remediation.wiring import calm_the_collector
from tests.intake.bodies import BODIES, KNOWN

ROUNDS = 7
BODIES_PER_ROUND = 1_000


def by_family() -> dict[str, list[bytes]]:
    """The bodies of the corpus that hold a signal, by their family."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for path in BODIES:
        body = path.read_bytes()
        try:
            reading = read(body, KNOWN)
        except Rejection:
            found["rejected"].append(body)
            continue
        if reading.signals and not reading.rejected:
            found[reading.family].append(body)
    return found


def seconds(run: Callable[[], None]) -> float:
    """CPU-seconds of one run."""
    gc.collect()
    begun = time.process_time()
    run()
    return time.process_time() - begun


def rates(bodies: Sequence[bytes]) -> tuple[float, float]:
    """Bodies a CPU-second, read and only decoded: the medians of some rounds, which take turns."""
    again = -(-BODIES_PER_ROUND // len(bodies))

    def reading() -> None:
        for _ in range(again):
            for body in bodies:
                try:
                    read(body, KNOWN)
                except Rejection:
                    continue

    def decoding() -> None:
        for _ in range(again):
            for body in bodies:
                try:
                    json.loads(body)
                except ValueError:
                    continue

    took = [(seconds(reading), seconds(decoding)) for _ in range(ROUNDS)]
    count = again * len(bodies)
    read_in, decoded_in = (statistics.median(times) for times in zip(*took, strict=True))
    return count / read_in, count / decoded_in


def main() -> None:
    """Print the figures."""
    calm_the_collector()
    print(
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
    )
    print("from bytes to signals, bodies per CPU-second; and of json.loads of the same bytes")
    found = by_family()
    assert set(found) >= {family.name for family in FAMILIES}, "a family without a body in the corpus"
    for name in [*(family.name for family in FAMILIES), "rejected"]:
        bodies = found[name]
        size = statistics.mean(map(len, bodies))
        reads, decodes = rates(bodies)
        shown = f"{len(bodies):>3} bodies of {size:>6,.0f} bytes   {reads:>8,.0f}   {reads / decodes:.2f}"
        print(f"  {name:<20} {shown}")


if __name__ == "__main__":
    main()
