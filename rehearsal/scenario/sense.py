"""Does a scenario speak of what there is: stamps, workers, rules and systems, and times of its own run?

What does not exist never does anything: `never: drained weeu` would hold for ever. Asked of the whole
scenario together with its workload and rules, whether they stand in it or in files of their own.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from rehearsal.expect.words import COUNTED, JUDGED, Ask, Expectation
from rehearsal.scenario.happens import ALL
from rehearsal.scenario.model import EntryModel, ScenarioFile
from rehearsal.scenario.moments import clock_words
from rules.evaluate import RuleSet
from rules.problems import Complaint, Path, did_you_mean
from rules.rule import AskedOf, Playbook
from rules.topology import Workload

_OF_ALL_TOO = (*COUNTED, *JUDGED)
"""What may be said of `global`; all else only of a stamp."""


def senseless(scenario: ScenarioFile, workload: Workload, rules: RuleSet) -> Iterator[Complaint]:
    """Everything of which it speaks and which there is not."""
    stamps = workload.stamp_names
    if not stamps:
        found = "those that `stamps_from` finds are not rehearsed; write them under `stamps`"
        yield Complaint("the workload file names no stamp", found, ("workload", "file"))
        return
    for number, entry in enumerate(scenario.timeline):
        yield from below(_of_entry(entry, scenario, stamps), "timeline", number)
    for number, window in enumerate(scenario.workload.maintenance):
        if window.stamp is not None:
            yield from below(wrong_stamp(window.stamp, stamps, "stamp"), "workload", "maintenance", number)
    yield from _lost_workers(scenario)
    systems = {each.name for each in workload.webhooks}
    systems |= {each.target or "" for each in rules.rules if each.playbook is Playbook.WEBHOOK}
    for number, expectation in enumerate(scenario.expect):
        of_it = (
            *_of_place(expectation, stamps),
            *_of_name(expectation, rules, systems),
            *_of_time(expectation, scenario),
            *_of_number(expectation),
        )
        yield from below(of_it, "expect", number)


def below(complaints: Iterable[Complaint], *path: str | int) -> Iterator[Complaint]:
    """The complaints about a part, at their places in the whole."""
    for each in complaints:
        yield each._replace(at=(*path, *each.at))


def wrong_stamp(name: str, stamps: Sequence[str], *at: str | int) -> Iterator[Complaint]:
    """A complaint, where no stamp has the name."""
    if name not in stamps:
        hint = did_you_mean(name, stamps, f"the stamps are {', '.join(stamps)}")
        yield Complaint(f"there is no stamp {name}", hint, at)


def wrong_rule(name: str, where: str | None, rules: RuleSet) -> Iterator[Complaint]:
    """A complaint, where no rule has the name, or it is never asked there. `where` None: anywhere."""
    rule = rules.by_name.get(name)
    if rule is None:
        hint = did_you_mean(name, list(rules.by_name), "look at the rule files")
        yield Complaint(f"there is no rule {name}", hint)
    elif rule.asked_of is AskedOf.WORKLOAD and where not in (None, ALL):
        said = f"the rule {name} is asked of the workload as a whole, never of {where}"
        yield Complaint(said, f"write `at {ALL}`")
    elif rule.asked_of is AskedOf.STAMP and where == ALL:
        said = f"the rule {name} is asked of each stamp, never of the workload as a whole"
        yield Complaint(said, "write `at` and a stamp")


def _of_entry(entry: EntryModel, scenario: ScenarioFile, stamps: Sequence[str]) -> Iterator[Complaint]:
    if entry.at > scenario.run:
        yield Complaint("it happens after the end of the run", "", ("at",))
    kind, said = entry.what
    named: Iterator[tuple[Path, str]] = said.stamps()
    for key, name in named:
        yield from wrong_stamp(name, stamps, kind, *key)


def _lost_workers(scenario: ScenarioFile) -> Iterator[Complaint]:
    """Names of workers that there never are."""
    faults = [(place, entry.fault) for place, entry in enumerate(scenario.timeline) if entry.fault]
    names = [f"worker-{number}" for number in range(1, scenario.workers + 1)]
    names += [fault.add for _, fault in faults if fault.add]
    for place, fault in faults:
        name = fault.worker
        if name is not None and name not in names:
            hint = did_you_mean(name, names, f"there are {', '.join(names)}")
            yield Complaint(f"there is no {name}", hint, ("timeline", place, "fault"))


def _of_place(said: Expectation, stamps: Sequence[str]) -> Iterator[Complaint]:
    if said.stamp == ALL and said.ask not in _OF_ALL_TOO:
        hint = f"the stamps are {', '.join(stamps)}"
        yield Complaint(f"`{said.ask}` is said of a stamp, found {ALL}", hint)
    elif said.stamp not in (None, ALL):
        yield from wrong_stamp(str(said.stamp), stamps)


def _of_name(said: Expectation, rules: RuleSet, systems: Collection[str]) -> Iterator[Complaint]:
    if said.ask is Ask.FINDING:
        yield from wrong_rule(said.name, said.stamp, rules)
    elif said.ask is Ask.ASKED and said.name and said.name not in systems:
        known = sorted(systems)
        named = f"the webhooks are {', '.join(known)}" if known else "neither workload nor rules name one"
        yield Complaint(f"there is no webhook {said.name}", did_you_mean(said.name, known, named))


def _of_time(said: Expectation, scenario: ScenarioFile) -> Iterator[Complaint]:
    """Of what comes after the run nothing is known: there, every `never` would hold."""
    after, by, end = said.span.after, said.span.by, scenario.run
    hint = f"the run ends at {clock_words(end.total_seconds())}; make `run` longer, or leave the time out"
    if after is not None and after >= end:
        yield Complaint(f"it asks for what comes after {clock_words(after.total_seconds())}", hint)
    elif by is not None and by > end:
        yield Complaint(f"it asks for what comes until {clock_words(by.total_seconds())}", hint)


def _of_number(said: Expectation) -> Iterator[Complaint]:
    if said.ask is Ask.SERVED and said.least > 100:
        yield Complaint(f"expected at most 100 %, found {said.least:g} %")
    elif said.ask in (Ask.SERVED, *COUNTED) and said.least == 0 and said.most is None:
        yield Complaint("it holds whatever happens", "ask for more than 0")
