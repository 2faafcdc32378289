"""How is a stamp really? Its truth, which nobody can ask for: everybody else only looks at it."""

from dataclasses import dataclass, field

from rehearsal.world.what import What


@dataclass(slots=True)
class StateFile:
    """The blob whose presence keeps a stamp in rotation (AZURE-FACTS §1.3).

    Attributes:
        content: None where it is absent.
        version: every write gives a new ETag, and none ever comes back.
        by: who wrote or deleted it last.
    """

    content: str | None = ""
    version: int = 1
    by: str = "terraform"

    @property
    def tag(self) -> str:
        """The ETag."""
        return f"0x{self.version:04X}"

    def write(self, content: str, by: str) -> None:
        """Create or replace it."""
        self.content, self.by = content, by
        self.version += 1

    def delete(self, by: str) -> None:
        """Remove it."""
        self.content, self.by = None, by


@dataclass(slots=True)
class Truth:
    """One stamp.

    Attributes:
        name: of the stamp.
        broken: what of it is broken now, of its own.
        file: its state file.
    """

    name: str
    broken: set[What] = field(default_factory=set)
    file: StateFile = field(default_factory=StateFile)
