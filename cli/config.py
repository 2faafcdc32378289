"""Which settings and workloads does a command work with?"""

from pydantic import ValidationError

from cli.out import fail
from local.workload import shop
from remediation.configuration import workloads_of
from remediation.settings import Settings
from rules.problems import FileError
from rules.topology import Workload


def settings() -> Settings:
    """The settings of the environment, with the example workload where none is set.

    Ends the command with the reason if they cannot be read.
    """
    found = given_settings()
    return found if found.workloads else found.model_copy(update={"workloads": shop.FILE})


def given_settings() -> Settings:
    """The settings of the environment, as they are; ends the command if they cannot be read."""
    try:
        return Settings()
    except ValidationError as error:
        fail(f"REMEDIATION_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())


def workloads(found: Settings) -> dict[str, Workload]:
    """The workloads of these settings; ends the command with every problem if they cannot be read."""
    try:
        return workloads_of(found)
    except FileError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
