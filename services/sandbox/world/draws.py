"""Seeded chance for whole columns at a time: streams by name, lots per customer, and rates that hit a wanted mean."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_STEPS, _FARTHEST, _CLOSE_ENOUGH = 60, 60.0, 1e-9


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one named part of the world, so that a draw added to one part moves no other."""
    return np.random.Generator(np.random.PCG64(_key(seed, name)))


def lots(seed: int, key: str, numbers: Ints) -> Floats:
    """Return one number in [0, 1) per customer number, a pure function of (seed, key, number).

    By splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
    """
    x = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(_key(seed, key))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    lot: Floats = (x >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return lot


def logistic(x: Floats) -> Floats:
    """Return 1 / (1 + e^-x)."""
    y: Floats = 1.0 / (1.0 + np.exp(-x))
    return y


def calibrated(leaning: Floats, *, mean: float, among: Flags) -> Floats:
    """Turn leanings (log odds up to a constant) into probabilities whose mean over `among` is `mean`; 0 elsewhere.

    The constant is found by Newton's steps, kept inside a bracket that shrinks with each of them.
    """
    asked = leaning[among]
    if not len(asked):
        return np.zeros_like(leaning)
    low, high = -_FARTHEST, _FARTHEST
    constant = float(np.log(mean / (1.0 - mean)) - asked.mean())
    rates = logistic(asked + constant)
    for _ in range(_STEPS):
        excess = float(rates.mean()) - mean
        if abs(excess) < _CLOSE_ENOUGH * mean:
            break
        low, high = (low, constant) if excess > 0 else (constant, high)
        newton = constant - excess / max(float((rates * (1.0 - rates)).mean()), 1e-12)
        constant = newton if low < newton < high else (low + high) / 2
        rates = logistic(asked + constant)
    chances = np.zeros_like(leaning)
    chances[among] = rates
    return chances


def choice(chance: np.random.Generator, weights: Floats) -> Ints:
    """Draw one column index per row of `weights` (rows x choices, any positive scale)."""
    edges = np.cumsum(weights, axis=1)
    points = chance.random(len(weights)) * edges[:, -1]
    drawn: Ints = np.minimum((points[:, None] >= edges).sum(axis=1), weights.shape[1] - 1).astype(np.int64)
    return drawn


def pick(chance: np.random.Generator, weights: Sequence[float], count: int) -> Ints:
    """Draw `count` indexes by the same weights (any positive scale)."""
    edges = np.cumsum(weights)
    drawn: Ints = np.searchsorted(edges, chance.random(count) * edges[-1], side="right")
    return np.minimum(drawn, len(edges) - 1).astype(np.int64)


def _key(seed: int, name: str) -> int:
    return int.from_bytes(blake2b(f"{seed}\x1f{name}".encode(), digest_size=8).digest(), "big")
