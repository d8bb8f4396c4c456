"""The one SQL condition for "has surely not left", shared by who buries a dead worker and who withdraws pushes."""


def surely_unwritten(push: str, claim: str) -> str:
    """Return the condition for a claimed push and its claim under these aliases; never null.

    `written` is the word of workers of an earlier release, which noted the time of writing at each push.
    """
    return f"""CASE {claim}.phase
        WHEN 'claimed' THEN true
        WHEN 'written' THEN {push}.write_time IS NULL
        ELSE {claim}.write_time IS NOT NULL AND coalesce({push}.push_id = ANY({claim}.unwritten), false) END"""
