"""The whole province for one seed and cycle, put together in the order in which one thing causes the next."""

from dataclasses import dataclass

from services.sandbox.world.accounts import Bills, Traffic, draw_bills, draw_traffic
from services.sandbox.world.calendar import Calendar
from services.sandbox.world.catalogue import Subject
from services.sandbox.world.inclinations import draw_inclinations
from services.sandbox.world.life import Life, draw_life
from services.sandbox.world.people import People, draw_people
from services.sandbox.world.products import Subscriptions, draw_subscriptions
from services.sandbox.world.tastes import Tastes, derive_tastes
from shared.errors import InvalidInput

FEWEST, MOST = 100, 5_000_000


@dataclass(frozen=True, slots=True)
class Province:
    """Columns over the same lines throughout; only `tastes` is hidden from the operator."""

    seed: int
    calendar: Calendar
    people: People
    life: Life
    subscriptions: dict[Subject, Subscriptions]
    traffic: Traffic
    bills: Bills
    tastes: Tastes


def build_province(*, customers: int, seed: int, cycle: str) -> Province:
    """Build the province, the same one for the same arguments. Raises InvalidInput."""
    if not FEWEST <= customers <= MOST:
        raise InvalidInput.of("customers", f"{customers} is outside {FEWEST} to {MOST}")
    calendar = Calendar.of(cycle)
    people = draw_people(customers, seed=seed, calendar=calendar)
    inclinations = draw_inclinations(people, seed=seed)
    life = draw_life(people, inclinations, seed=seed, calendar=calendar)
    subscriptions = draw_subscriptions(people, life, inclinations, seed=seed, calendar=calendar)
    traffic = draw_traffic(people, life, seed=seed)
    return Province(
        seed=seed,
        calendar=calendar,
        people=people,
        life=life,
        subscriptions=subscriptions,
        traffic=traffic,
        bills=draw_bills(people, life, traffic, subscriptions, seed=seed),
        tastes=derive_tastes(people, life, inclinations, subscriptions, seed=seed, calendar=calendar),
    )
