"""Is a hub that is deleted and made anew another hub, to all who use it, and the only one that changes?"""

from datetime import timedelta
from pathlib import Path

import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient

from local.eventhubs import Broker


async def sent(broker: Broker, hub: str, count: int) -> None:
    """Send so many events to one partition."""
    async with EventHubProducerClient.from_connection_string(broker.connection_string(hub)) as producer:
        await producer.send_batch([EventData("{}") for _ in range(count)], partition_id="0")


@pytest.mark.slow
async def test_its_numbers_begin_again_and_its_birth_is_later_also_after_a_restart(tmp_path: Path) -> None:
    """The events are gone, the time it was made is another, and the hub beside it keeps all."""
    broker = Broker(tmp_path / "data", {"hub": 1, "other": 1})
    await broker.start()
    await sent(broker, "hub", 5)
    await sent(broker, "other", 5)
    async with EventHubConsumerClient.from_connection_string(
        broker.connection_string("hub"), "$Default"
    ) as eyes:
        before = await eyes.get_eventhub_properties()
        await broker.make_anew("hub")
        await sent(broker, "hub", 2)
        after = await eyes.get_eventhub_properties()
        assert after["created_at"] - before["created_at"] > timedelta(0)
        assert (await eyes.get_partition_properties("0"))["last_enqueued_sequence_number"] == 1
    assert (broker.filled("hub"), broker.filled("other")) == (2, 5)
    await broker.stop()
    async with Broker(tmp_path / "data", {"hub": 1, "other": 1}) as again:
        assert (again.filled("hub"), again.filled("other")) == (2, 5)
    assert sorted(path.name for path in (tmp_path / "data").iterdir() if path.is_dir()) == ["hub", "other"]
