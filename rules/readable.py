"""Who is to be told of a workload file that is bad?

A slip in one line must not hide the one thing that is needed then: whose
workload it is, and where its people are told.
"""

from pydantic import ValidationError

from rules.fields import Strict, WorkloadName
from rules.problems import FileError
from rules.topology import Channels, Workload
from rules.workload_file import ChannelsModel
from rules.yaml_tree import read


class _Name(Strict):
    """What must be readable."""

    workload: WorkloadName


class _Told(Strict):
    """What is of use if it is readable."""

    channels: ChannelsModel


def people_of(text: str | bytes, file: str) -> Workload | None:
    """The name and the channels of a workload, whatever else is wrong with its file.

    Without stamps it is good for telling and for nothing else. Channels that are
    bad themselves are none, which is: the log. None where not even the name can be read.
    """
    try:
        tree = read(text, file).value
    except FileError:
        return None
    given = tree if isinstance(tree, dict) else {}
    try:
        name = _Name.model_validate({"workload": given.get("workload")}).workload
    except ValidationError:
        return None
    try:
        channels = _Told.model_validate({"channels": given.get("channels", {})}).channels.channels()
    except ValidationError:
        channels = Channels()
    return Workload(name, (), channels=channels)
