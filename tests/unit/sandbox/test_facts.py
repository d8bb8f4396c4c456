"""What an analyst would look for in the extracts, and find (DOMAIN.md §1, §2): who takes what, who leaves, who belongs where."""

import numpy as np
import pytest

from services.sandbox.world.care import ACCEPTED, COMPLAINT
from services.sandbox.world.catalogue import PRODUCTS, Subject
from services.sandbox.world.contents import CATEGORIES
from services.sandbox.world.draws import Flags, Ints
from services.sandbox.world.owners import STUDENT
from services.sandbox.world.people import EASYOWN, GOTONE, M_ZONE
from services.sandbox.world.places import SCHOOL_REGION
from services.sandbox.world.products import SELF, VOICE_PLAN
from services.sandbox.world.province import Province
from tests.factories.sandbox import oracle, province, secret

BASE = 20_000
PAPER, MAIL, INTERNET = Subject.MOBILE_NEWSPAPER, Subject.MAIL_139, Subject.MOBILE_INTERNET


@pytest.fixture(scope="module")
def base() -> Province:
    return province(BASE)


def takers(base: Province, product: Subject) -> Flags:
    taken = np.zeros(base.people.count, dtype=np.bool_)
    taken[base.subscriptions[product].line] = True
    return taken


def test_newspaper_takers_are_enterprise_members_and_internet_users_more_than_others(base: Province) -> None:
    taken, able, member = takers(base, PAPER), base.people.handset_mms, base.enterprises.is_member
    assert taken[able & member].mean() > 1.25 * taken[able & ~member].mean()
    online = takers(base, INTERNET)
    assert taken[able & online].mean() > 1.3 * taken[able & ~online].mean()


def test_the_newspaper_is_read_for_news_before_lifestyle_before_entertainment_and_by_the_young_for_more_fun(
    base: Province,
) -> None:
    category, line = base.contents[PAPER].category, base.subscriptions[PAPER].line
    assert CATEGORIES[PAPER] == ("新闻", "生活", "娱乐")
    news, lifestyle, fun = np.bincount(category, minlength=3)
    assert news > 1.2 * lifestyle
    assert lifestyle > 1.2 * fun
    young = base.people.age[line] < 30
    assert (category[young] == 2).mean() > 1.5 * (category[~young] == 2).mean()


def test_mail_is_taken_at_desks_and_by_enough_for_a_model_even_of_two_thousand_customers(base: Province) -> None:
    taken, member = takers(base, MAIL), base.enterprises.is_member
    assert taken[member].mean() > 1.5 * taken[~member].mean()
    for product in PRODUCTS:
        held = base.subscriptions[product]
        chosen = (base.calendar.index_of(held.ordered_on) >= 6) & (held.how_ordered != VOICE_PLAN)
        assert chosen.sum() / BASE * 2000 > 40, f"{product} in the three months that models learn from"


def test_what_comes_with_a_voice_plan_is_often_never_used_and_what_is_not_provisioned_never(base: Province) -> None:
    for held in base.subscriptions.values():
        never = (held.active_days == 0).all(axis=1)
        working = held.provisioned & (base.calendar.index_of(held.ordered_on) < 6)
        bundled, chosen = working & (held.how_ordered == VOICE_PLAN), working & (held.how_ordered == SELF)
        assert never[bundled].mean() > 1.4 * never[chosen].mean()
        assert never[~held.provisioned].all()
        assert 0.02 < (~held.provisioned).mean() < 0.06


def test_spending_is_skewed_and_highest_with_gotone(base: Province) -> None:
    spent = base.bills.total.mean(axis=1)
    assert np.quantile(spent, 0.99) > 4 * np.median(spent)
    medians = [float(np.median(spent[base.people.brand == brand])) for brand in (GOTONE, M_ZONE, EASYOWN)]
    assert medians == sorted(medians, reverse=True)


def test_students_are_young_live_at_schools_and_like_m_zone(base: Province) -> None:
    student = base.people.owners.occupation[base.people.owner] == STUDENT
    assert base.people.age[student].max() < 28
    assert (base.people.owners.region[base.people.owner][student] == SCHOOL_REGION).all()
    assert (base.people.brand[student] == M_ZONE).mean() > 2 * (base.people.brand[~student] == M_ZONE).mean()


def test_a_handset_can_do_what_cheaper_ones_can_and_dear_ones_are_in_the_hands_of_high_bills(base: Province) -> None:
    handsets = base.people.handsets
    skills = [handsets.can(skill) for skill in range(6)]
    assert all((skills[step + 1] <= skills[step]).all() for step in range(5))
    assert 0.02 < skills[5].mean() < skills[4].mean() < 0.3
    rich = base.people.habit_yuan > 80
    assert handsets.price_yuan[rich].mean() > 1.3 * handsets.price_yuan[~rich].mean()


def test_minutes_shrink_the_circle_narrows_and_rivals_gain_before_most_departures(base: Province) -> None:
    gone = base.life.left == 9
    stays = (base.life.left > 11) & (base.life.joined < 0)
    narrowed = base.circle.breadth[:, 8] / np.maximum(base.circle.breadth[:, 4:7].mean(axis=1), 1)
    assert narrowed[gone].mean() < 0.85 * narrowed[stays].mean()
    rivals = base.circle.rival_peers[:, 8] / np.maximum(base.circle.breadth[:, 8], 1)
    assert rivals[gone].mean() > 1.1 * rivals[stays].mean()


def test_who_is_about_to_leave_complains_more_and_owes_more_often(base: Province) -> None:
    gone, stays = base.life.left == 9, (base.life.left > 11) & (base.life.joined < 0)
    late = base.calendar.index_of(base.cases.reported_on) >= 6
    lines: Ints = base.cases.line[late & (base.cases.kind == COMPLAINT)]
    complained = np.isin(np.arange(BASE), lines)
    assert complained[gone].mean() > 1.5 * complained[stays].mean()
    owes: Flags = base.bills.arrears[:, 6:].max(axis=1) > 0
    assert owes[gone].mean() > 1.2 * owes[stays].mean()


def test_contracts_that_end_set_free(base: Province) -> None:
    ends = base.calendar.index_of(base.people.contract_ends)
    here = (base.life.left >= 6) & (base.life.joined < 5) & base.people.in_contract_class
    leaves = base.life.left < 9
    ending, running = here & (ends >= 3) & (ends < 9), here & (ends >= 9)
    assert leaves[ending].mean() > 2 * leaves[running].mean()


def test_enterprise_members_call_each_other_in_a_vpmn_and_leave_less(base: Province) -> None:
    member = base.enterprises.is_member
    assert 0.17 < member.mean() < 0.27
    in_vpmn = base.circle.vpmn_breadth.max(axis=1) > 0
    assert in_vpmn[member].mean() > 5 * in_vpmn[~member].mean()
    peers = base.circle.enterprise_peers.mean(axis=1)
    assert peers[member].mean() > 3 * peers[~member].mean()
    left = base.life.has_left
    assert left[member].mean() < 0.8 * left[~member].mean()


def test_enterprises_are_of_one_city_with_their_members_skewed_in_size_and_have_a_voice(base: Province) -> None:
    enterprises, member = base.enterprises, base.enterprises.is_member
    assert (enterprises.city[enterprises.of_line[member]] == base.people.city[member]).all()
    sizes = np.bincount(enterprises.of_line[member], minlength=enterprises.count)
    assert (sizes <= enterprises.employees).all()
    assert sizes.max() > 5 * np.median(sizes)
    key = enterprises.key_person
    assert not key[~member].any()
    assert 0.02 < key[member].mean() < 0.15
    assert base.people.habit_yuan[key].mean() > 1.2 * base.people.habit_yuan[member].mean()


def test_people_from_outside_call_there_and_vpmn_and_local_callers_do_not(base: Province) -> None:
    outside = base.calling.counterpart >= 0
    far = base.traffic.inter_province + base.traffic.international
    assert not far[~outside].any()
    assert 0.15 < outside.mean() < 0.35
    share = far.sum(axis=1) / np.maximum(base.traffic.minutes.sum(axis=1), 1)
    assert 0.1 < share[outside].mean() < 0.4


def test_calls_and_peers_fit_the_minutes(base: Province) -> None:
    calls, circle, minutes = base.calls, base.circle, base.traffic.minutes
    assert ((calls.inbound + calls.outbound > 0) == (minutes > 0)).all()
    assert (calls.peak <= calls.inbound + calls.outbound).all()
    assert ((circle.breadth > 0) == (minutes > 0)).all()
    for part in (circle.vpmn_breadth, circle.enterprise_peers, circle.rival_peers, circle.business_peers):
        assert ((part >= 0) & (part <= circle.breadth)).all()
    assert (np.abs(circle.breadth * circle.depth - 10 * minutes) <= circle.breadth).all()
    assert ((circle.vpmn_breadth > 0) == (base.traffic.vpmn > 0)).all()


def test_an_offer_that_was_accepted_is_an_order_of_that_day(base: Province) -> None:
    contacts = base.contacts
    for number, product in enumerate(PRODUCTS):
        held = base.subscriptions[product]
        of = (contacts.product == number) & (contacts.answer == ACCEPTED)
        ordered = np.full(base.people.count, np.datetime64("NaT", "D"))
        ordered[held.line] = held.ordered_on
        assert of.any()
        assert (ordered[contacts.line[of]] == contacts.contacted_on[of]).all()
        refused = (contacts.product == number) & (contacts.answer != ACCEPTED)
        later = ordered[contacts.line[refused]]
        assert (np.isnat(later) | (later >= contacts.contacted_on[refused].astype("datetime64[M]"))).all()


def test_nothing_is_reported_before_joining_after_leaving_or_after_the_history(base: Province) -> None:
    end = base.calendar.cycle.astype("datetime64[D]")
    for line, day in (
        (base.cases.line, base.cases.reported_on),
        (base.contacts.line, base.contacts.contacted_on),
        (base.surveys.line, base.surveys.answered_on),
    ):
        assert (day < end).all()
        assert (day >= base.people.activated[line]).all()
        assert (np.isnat(base.life.left_on[line]) | (day <= base.life.left_on[line])).all()


def test_some_have_changed_their_number_and_never_before_they_came(base: Province) -> None:
    people = base.people
    changed = people.number_since > people.activated
    assert (people.number_since >= people.activated).all()
    assert 0.02 < changed.mean() < 0.04


def test_some_numbers_have_gone_from_one_who_left_to_one_who_came_later_and_answers_come_from_the_latter(
    base: Province,
) -> None:
    heirs = np.flatnonzero(base.numbers != np.arange(BASE))
    former = base.numbers[heirs]
    assert 3 < len(heirs) < 0.01 * BASE
    assert len(set(former.tolist())) == len(former)
    assert (base.people.number_since[heirs] > base.life.left_on[former] + 30).all()
    asked, hidden = oracle(BASE), secret(BASE)
    assert (hidden.msisdn[heirs] == hidden.msisdn[former]).all()
    here = heirs[~base.life.has_left[heirs]]
    assert [asked.place_of_number(str(hidden.msisdn[heir])) for heir in here] == here.tolist()
