"""What is new in a message, or came of an order, in one line? What was said before is not said again."""

import json

from rehearsal.history import History
from remediation.ledger.told import Channel, Message, MessageKind

ONE_TELLING_SECONDS = 60
"""A page and a notification of the same words, so near each other, are told once."""


def order_words(words: str) -> str:
    """An order, and what came of it, without the whole of the answer."""
    said, _, answer = words.partition(" {")
    try:
        found = json.loads("{" + answer)
    except ValueError:
        return words
    why = [found.get("refused"), *(held.get("reason") for held in found.get("holds") or [])]
    reasons = "; ".join(str(each) for each in why if each)
    order = said.rpartition(": ")[0]  # the status says no more than the words
    return f"{order}: {'followed' if found.get('follows') else f'not followed: {reasons}'}"


class News:
    """What is new in each message. An incident is told in full once, and by its family from then on.

    What someone is woken for is told to the team as well: that is one line.
    """

    def __init__(self, history: History) -> None:
        """Read who was told what; `of` is then asked for each message, in order of time."""
        self._told = [(each.at, message) for each, message in history.told()]
        self._titles: dict[tuple[Channel, str], str] = {}
        self._worker: dict[tuple[Channel, str], str] = {}

    def of(self, at: float, message: Message) -> str:
        """The words for one message; empty where those for another channel say it all."""
        key, family = (message.channel, message.incident), message.incident.rpartition("/")[2]
        first, before = self._titles.setdefault(key, message.title), self._worker.get(key)
        now = self._worker[key] = dict(message.facts).get("Worker", "")
        if message.kind is MessageKind.RESOLVE:
            del self._titles[key], self._worker[key]  # if it opens again, it is told in full again
            words = f"resolved: {family}"
        elif before is None or not message.title.startswith(first):
            words = message.title
        else:
            news = now if now != before else message.title.removeprefix(first).strip()
            words = f"{family}: {news or 'told again'}"
        if not self._by_the_other_channel(at, message):
            return words
        return f"{words} (the team is told, too)" if message.channel is Channel.PAGE else ""

    def _by_the_other_channel(self, at: float, message: Message) -> bool:
        said = (message.incident, message.kind, message.title)
        return any(
            (each.incident, each.kind, each.title) == said
            and each.channel is not message.channel
            and abs(when - at) <= ONE_TELLING_SECONDS
            for when, each in self._told
        )
