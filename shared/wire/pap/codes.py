"""PAP's status codes, and what the side that reads one may do next."""

from enum import IntEnum, StrEnum

_RETRYABLE = frozenset({3000, 4000, 4001})


class Code(IntEnum):
    """Codes by name. Gateways send others, too; those stay plain numbers, and their thousand says what they mean."""

    OK = 1000
    ACCEPTED = 1001
    BAD_REQUEST = 2000
    FORBIDDEN = 2001
    ADDRESS_ERROR = 2002
    ADDRESS_NOT_FOUND = 2003
    PUSH_ID_NOT_FOUND = 2004
    CAPABILITIES_MISMATCH = 2005
    REQUIRED_CAPABILITIES_NOT_SUPPORTED = 2006
    DUPLICATE_PUSH_ID = 2007
    CANCELLATION_NOT_POSSIBLE = 2008
    INTERNAL_ERROR = 3000
    NOT_IMPLEMENTED = 3001
    VERSION_NOT_SUPPORTED = 3002
    NOT_POSSIBLE = 3003
    CAPABILITY_MATCHING_NOT_SUPPORTED = 3004
    MULTIPLE_ADDRESSES_NOT_SUPPORTED = 3005
    TRANSFORMATION_FAILURE = 3006
    DELIVERY_METHOD_NOT_POSSIBLE = 3007
    CAPABILITIES_NOT_AVAILABLE = 3008
    NETWORK_NOT_AVAILABLE = 3009
    BEARER_NOT_AVAILABLE = 3010
    REPLACEMENT_NOT_SUPPORTED = 3011
    SERVICE_FAILURE = 4000
    SERVICE_UNAVAILABLE = 4001
    CLIENT_ABORTED = 5000
    CLIENT_USER_PENDING = 5028


class NextStep(StrEnum):
    """What a push initiator does about a code. AGAIN means the same push-id: a new one could be a second message."""

    NONE = "taken"
    AGAIN = "again"
    NEVER = "never"


def next_step(code: int) -> NextStep:
    """Return what to do about the code of a push-response: 3000, 4000 and 4001 pass, all other failures stay."""
    if 1000 <= code < 2000:
        return NextStep.NONE
    return NextStep.AGAIN if code in _RETRYABLE else NextStep.NEVER


def is_address_fault(code: int) -> bool:
    """Whether the recipient's address is at fault, and no other message of the same account."""
    return code in {Code.ADDRESS_ERROR, Code.ADDRESS_NOT_FOUND}
