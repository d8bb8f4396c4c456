"""Values that generated SQL binds: what comes from a mapping file never becomes part of a statement's text."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Bound:
    """The parameters of one statement being generated; `prefix` keeps those of its parts apart."""

    values: dict[str, object] = field(default_factory=dict)
    prefix: str = "p"

    def bind(self, value: object) -> str:
        """Return what stands for the value in the statement."""
        name = f"{self.prefix}{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def bind_all(self, values: Iterable[object]) -> str:
        """Return a list of what stands for the values, in parentheses."""
        return f"({', '.join(self.bind(value) for value in values)})"


@dataclass(frozen=True, slots=True)
class Relation:
    """A query, and the parameters that it names; to be asked as often as wanted."""

    sql: str
    parameters: Mapping[str, object] = field(default_factory=dict)


def used_by(sql: str, parameters: Mapping[str, object]) -> dict[str, object]:
    """Return those parameters that a statement names; the engine refuses superfluous ones."""
    return {name: parameters[name] for name in set(re.findall(r"\$(\w+)", sql))}
