"""What can break? One word for each thing, for scenario files and for the world."""

from collections.abc import Collection, Mapping
from enum import StrEnum


class What(StrEnum):
    """What can break. Where no stamp is named, it breaks for all stamps at once."""

    # Of a stamp.
    PROCESSOR = "processor"
    PARTITION = "partition"
    SENDERS = "senders"
    DATABASE = "database"
    SEND = "send"
    REQUESTS = "requests"
    HEALTHSERVICE = "healthservice"
    REPORT = "report"
    HEALTH_QUERY = "health_query"
    STATE_FILE_CHECK = "state_file_check"
    LEVER = "lever"
    STORAGE = "storage"
    CERTIFICATE = "certificate"
    NETWORK_PATH = "network_path"
    LAG_PROBE = "lag_probe"
    REGION = "region"
    # Of all of them together.
    FRONT_DOOR = "front_door"
    ROUTES = "routes"
    EDGE_CERTIFICATE = "edge_certificate"
    CONTROL_PLANE = "control_plane"
    ROLLOUT = "rollout"
    TELEMETRY = "telemetry"
    DNS = "dns"
    ENTRA = "entra"
    LEDGER = "ledger"
    INBOX = "inbox"
    PAGER = "pager"
    TEAMS = "teams"


MEANS: Mapping[What, str] = {
    What.PROCESSOR: "the BackgroundProcessor reads nothing; all checks stay green (F21)",
    What.PARTITION: "the BackgroundProcessor does not read one partition",
    What.SENDERS: "nobody sends to the stamp's hub",
    What.DATABASE: "the `Database` check fails, and the processor waits",
    What.SEND: "the `MessageProducer` check fails (F20)",
    What.REQUESTS: "users' requests fail although every check is green",
    What.HEALTHSERVICE: "the HealthService does not answer",
    What.REPORT: "the HealthService answers with an old report",
    What.HEALTH_QUERY: "the HealthService's query throws, so `AzMonitorHealthScore` fails",
    What.STATE_FILE_CHECK: "the HealthService does not look for the state file",
    What.LEVER: "the state file can be seen and not deleted: 403",
    What.STORAGE: "the stamp's storage account cannot be reached: state file, checkpoints, `BlobStorage`",
    What.CERTIFICATE: "TLS to the stamp itself fails, for the worker as for Front Door",
    What.NETWORK_PATH: "Front Door does not reach the stamp, which is well (a network rule)",
    What.LAG_PROBE: "the worker cannot look at the stamp's hub",
    What.REGION: "nothing of the stamp can be reached, its storage and its hub neither",
    What.FRONT_DOOR: "Front Door does not answer; the stamps are well",
    What.ROUTES: "Front Door answers 404 by itself, for no route leads on; the stamps are well",
    What.EDGE_CERTIFICATE: "TLS to Front Door fails; the stamps are well",
    What.CONTROL_PLANE: "Azure Resource Manager does not answer: no origin can be seen or changed",
    What.ROLLOUT: "changes of an origin are accepted and never rolled out",
    What.TELEMETRY: "the health model says nothing any more",
    What.DNS: "no name resolves: not for users, not for the worker",
    What.ENTRA: "the worker gets no tokens: no lever, no hub, no ledger",
    What.LEDGER: "the ledger cannot be reached",
    What.INBOX: "the hub of the signals cannot be reached",
    What.PAGER: "pages are not taken",
    What.TEAMS: "notifications are not taken",
}

OF_ALL: Collection[What] = tuple(What)[tuple(What).index(What.FRONT_DOOR) :]
"""What is never one stamp's own."""
