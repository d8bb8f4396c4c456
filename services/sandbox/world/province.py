"""One block of the province, put together in the order in which one thing causes the next."""

from dataclasses import dataclass

from services.sandbox.world.bills import Bills, draw_bills
from services.sandbox.world.block import BLOCK_LINES, Block, blocks_of
from services.sandbox.world.calendar import Calendar
from services.sandbox.world.calling import Calling, draw_calling
from services.sandbox.world.calls import Calls, Circle, draw_calls, draw_circle
from services.sandbox.world.care import Cases, Contacts, Surveys, draw_cases, draw_contacts, draw_surveys
from services.sandbox.world.catalogue import Subject
from services.sandbox.world.contents import Contents, draw_contents
from services.sandbox.world.draws import Ints
from services.sandbox.world.enterprises import Enterprises, draw_enterprises
from services.sandbox.world.inclinations import draw_inclinations
from services.sandbox.world.life import Life, draw_life
from services.sandbox.world.numbers import draw_numbers
from services.sandbox.world.people import People, draw_people
from services.sandbox.world.products import Subscriptions, draw_subscriptions
from services.sandbox.world.tastes import Tastes, derive_tastes
from services.sandbox.world.traffic import Traffic, draw_traffic
from shared.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Province:
    """A block's columns over the same lines throughout; only `tastes` is hidden from the operator."""

    block: Block
    people: People
    enterprises: Enterprises
    calling: Calling
    life: Life
    numbers: Ints
    subscriptions: dict[Subject, Subscriptions]
    contents: dict[Subject, Contents]
    traffic: Traffic
    calls: Calls
    circle: Circle
    bills: Bills
    cases: Cases
    contacts: Contacts
    surveys: Surveys
    tastes: Tastes

    @property
    def calendar(self) -> Calendar:
        return self.block.calendar


def build_province(*, customers: int, seed: int, cycle: str) -> Province:
    """Build a province of one block, the same one for the same arguments. Raises InvalidInput."""
    block, *more = blocks_of(customers, seed=seed, cycle=cycle)
    if more:
        raise InvalidInput.of("customers", f"{customers} do not fit one block of {BLOCK_LINES}")
    return build_block(block)


def build_block(block: Block) -> Province:
    """Build one block of a province."""
    people = draw_people(block)
    enterprises = draw_enterprises(people)
    calling = draw_calling(people, enterprises)
    inclinations = draw_inclinations(people, enterprises)
    life = draw_life(people, inclinations)
    subscriptions = draw_subscriptions(people, life, inclinations)
    traffic = draw_traffic(people, life, calling)
    return Province(
        block=block,
        people=people,
        enterprises=enterprises,
        calling=calling,
        life=life,
        numbers=draw_numbers(people, life),
        subscriptions=subscriptions,
        contents={product: draw_contents(held, people) for product, held in subscriptions.items()},
        traffic=traffic,
        calls=draw_calls(people, traffic),
        circle=draw_circle(people, life, calling, enterprises, traffic),
        bills=draw_bills(people, life, calling, traffic, subscriptions),
        cases=draw_cases(people, life, subscriptions),
        contacts=draw_contacts(people, life, subscriptions),
        surveys=draw_surveys(people, life, subscriptions),
        tastes=derive_tastes(
            people,
            enterprises=enterprises,
            calling=calling,
            life=life,
            inclinations=inclinations,
            subscriptions=subscriptions,
        ),
    )
