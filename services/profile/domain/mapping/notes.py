"""Walking through a document and noting all that is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from services.profile.domain.mapping.suggestions import did_you_mean
from shared.errors import Violation

Entries = Mapping[str, object]


class Notes:
    """Collects violations, each at its path, and reads entries of the expected type."""

    def __init__(self) -> None:
        self._violations: list[Violation] = []

    def add(self, path: str, text: str) -> None:
        self._violations.append(Violation(path, text))

    def ordered(self) -> list[Violation]:
        return sorted(self._violations, key=lambda violation: violation.field)

    def table(self, path: str, entry: object) -> Entries:
        if isinstance(entry, dict):
            return cast("Entries", entry)
        if entry is not None:
            self.add(path, f"expected a table, found {entry!r}")
        return {}

    def refuse_unknown(self, path: str, found: Iterable[str], known: Sequence[str], what: str) -> None:
        for name in found:
            if name not in known:
                hint = did_you_mean(name, known) or f"; known are {', '.join(known)}"
                self.add(f"{path}.{name}".removeprefix("."), f"there is no such {what}{hint}")

    def text(self, path: str, options: Entries, name: str, default: str | None = None) -> str | None:
        """Return a text that is not empty; None, noted, where there is none."""
        value = options.get(name, default)
        if isinstance(value, str) and value:
            return value
        self.add(f"{path}.{name}", "is missing" if value is None else f"expected a text, found {value!r}")
        return None

    def texts(self, path: str, options: Entries, name: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return one or several texts; none, noted, where there is nothing of that kind."""
        value = options.get(name, default)
        listed = [value] if isinstance(value, str) else value
        if isinstance(listed, list | tuple) and all(isinstance(each, str) and each for each in listed):
            if listed or default is not None:
                return tuple(cast("Sequence[str]", listed))
            value = listed
        self.add(
            f"{path}.{name}", "is missing" if value is None else f"expected a text or a list of texts, found {value!r}"
        )
        return ()

    def share(self, path: str, options: Entries, name: str, default: float) -> float:
        value = options.get(name, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        self.add(f"{path}.{name}", f"expected a share from 0 to 1, found {value!r}")
        return default
