"""Simulated provinces for tests, built once per size and seed."""

from functools import cache

from services.sandbox.world.oracle import Oracle
from services.sandbox.world.province import Province, build_province
from services.sandbox.world.secret import Secret, secret_of

CYCLE = "2026-11"


@cache
def province(customers: int = 2000, seed: int = 7) -> Province:
    return build_province(customers=customers, seed=seed, cycle=CYCLE)


@cache
def secret(customers: int = 2000, seed: int = 7) -> Secret:
    return secret_of(province(customers, seed))


@cache
def oracle(customers: int = 2000, seed: int = 7) -> Oracle:
    return Oracle(secret(customers, seed))
