"""What do all stamps share? The catalogue and its comments: in Azure a Cosmos DB, here memory."""

from collections import defaultdict

ITEMS = ("espresso machine", "moka pot", "filter papers", "grinder")


class DatabaseUnavailableError(Exception):
    """The database takes no writes now."""


class Database:
    """Items that can be read, and comments that can be added."""

    def __init__(self) -> None:
        self.writable = True
        self.comments: dict[int, list[str]] = defaultdict(list)

    async def items(self) -> list[dict[str, object]]:
        """The catalogue. Reads go on while writes fail, as in a failover of regions."""
        return [
            {"id": place, "name": name, "comments": len(self.comments[place])}
            for place, name in enumerate(ITEMS)
        ]

    async def add_comment(self, item: int, text: str) -> None:
        """Keep a comment, the last few of each item.

        Raises:
            DatabaseUnavailableError: it cannot be written now.
        """
        self._writable_or_raise()
        self.comments[item] = [*self.comments[item], text][-100:]

    async def write_rating(self) -> None:
        """Write what vanishes again: how a HealthService finds out whether writes work.

        Raises:
            DatabaseUnavailableError: they do not.
        """
        self._writable_or_raise()

    def _writable_or_raise(self) -> None:
        if not self.writable:
            raise DatabaseUnavailableError("the database takes no writes")
