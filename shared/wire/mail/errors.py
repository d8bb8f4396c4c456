"""What can be wrong with a letter before it is sent."""


class FieldError(ValueError):
    """A field that no letter can carry; `field` names it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
