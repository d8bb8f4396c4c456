"""The digests by which SP and gateway prove to each other that they share a secret (specification §8.4.1)."""

import hashlib
import hmac


def source_authenticator(source_addr: str, secret: str, timestamp: int) -> bytes:
    """MD5(Source_Addr + nine NULs + secret + MMDDHHMMSS); the digest takes the timestamp as ten characters."""
    return _md5(source_addr.encode("ascii") + bytes(9) + secret.encode() + f"{timestamp:010d}".encode("ascii"))


def ismg_authenticator(status: int, authenticator_source: bytes, secret: str, *, status_octets: int = 1) -> bytes:
    """MD5(Status + AuthenticatorSource + secret); CMPP 2.0 has one octet of status."""
    return _md5(status.to_bytes(status_octets, "big") + authenticator_source + secret.encode())


def is_ismg_authentic(claimed: bytes, status: int, authenticator_source: bytes, secret: str) -> bool:
    """Whether the gateway knows the secret. Gateways disagree on the width of the status, so both are accepted."""
    accepted = (ismg_authenticator(status, authenticator_source, secret, status_octets=width) for width in (1, 4))
    return any(hmac.compare_digest(claimed, digest) for digest in accepted)


def _md5(octets: bytes) -> bytes:
    return hashlib.md5(octets, usedforsecurity=False).digest()
