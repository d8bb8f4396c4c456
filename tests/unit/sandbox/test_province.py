"""The province is believable: its people, their history, and what a model can and cannot learn from it."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from xgboost import XGBClassifier

from services.sandbox.world.calendar import Calendar
from services.sandbox.world.catalogue import PRODUCTS, Subject
from services.sandbox.world.draws import Flags, Floats
from services.sandbox.world.people import EASYOWN, GOTONE, M_ZONE
from services.sandbox.world.province import Province, build_province
from services.sandbox.world.tastes import contract_is_open
from services.sandbox.world.traffic import Traffic
from shared.errors import InvalidInput
from tests.factories.sandbox import province

BASE = 12_000


@pytest.fixture(scope="module")
def base() -> Province:
    return province(BASE)


def visible(base: Province, *, months: int) -> Floats:
    """Return what a view built on the first `months` months could show, one row per customer."""
    people, bills, minutes = base.people, base.bills, base.traffic.minutes

    def change(of: Floats) -> Floats:
        before = of[:, months - 4 : months - 1].mean(axis=1)
        return np.where(before > 0, of[:, months - 1] / np.where(before > 0, before, 1) - 1, 0)

    ends = base.calendar.index_of(people.contract_ends) - months
    columns = [
        *((people.brand == brand) for brand in (GOTONE, M_ZONE)),
        *(people.is_man, people.age, people.credit_level, people.handset_mms, people.handset_gprs),
        months - base.life.joined,
        np.where(people.in_contract_class & (ends >= 0), ends, -1),
        *(bills.total[:, months - 1], bills.data[:, months - 1], minutes[:, months - 1]),
        *(change(minutes.astype(float)), change(bills.total.astype(float))),
        *(held_after(base, product, months) for product in PRODUCTS),
    ]
    return np.column_stack([np.asarray(column, dtype=float) for column in columns])


def held_after(base: Province, product: Subject, months: int) -> Flags:
    subscriptions = base.subscriptions[product]
    held = np.zeros(base.people.count, dtype=np.bool_)
    held[subscriptions.line[base.calendar.index_of(subscriptions.ordered_on) < months]] = True
    return held


def model() -> XGBClassifier:
    return XGBClassifier(n_estimators=80, learning_rate=0.08, max_depth=3, n_jobs=1, random_state=1)


def test_the_same_seed_makes_the_same_province_and_another_seed_another() -> None:
    one, same, other = (build_province(customers=300, seed=seed, cycle="2026-11") for seed in (5, 5, 6))
    assert np.array_equal(one.bills.total, same.bills.total)
    assert np.array_equal(one.tastes.leaving, same.tastes.leaving)
    assert not np.array_equal(one.bills.total, other.bills.total)


@pytest.mark.parametrize(
    ("customers", "cycle"), [(99, "2026-11"), (6_000_000, "2026-11"), (200, "2026-13"), (200, "11")]
)
def test_an_impossible_province_is_refused(customers: int, cycle: str) -> None:
    with pytest.raises(InvalidInput):
        build_province(customers=customers, seed=1, cycle=cycle)


def test_a_cycle_reads_the_nine_months_before_it() -> None:
    months = Calendar.of("2026-11").months.astype(str)
    assert (len(months), months[0], months[-1]) == (9, "2026-02", "2026-10")


def test_one_owner_in_twenty_holds_several_lines(base: Province) -> None:
    lines = np.bincount(base.people.owner)
    assert set(lines) == {1, 2, 3}
    assert (lines > 1).mean() == pytest.approx(0.05, abs=0.01)


def test_consent_red_list_and_brands_have_their_shares(base: Province) -> None:
    people = base.people
    assert [(people.consent == asked).mean() for asked in (1, 0, -1)] == pytest.approx([0.85, 0.05, 0.10], abs=0.01)
    assert people.owners.red_list.mean() == pytest.approx(0.005, abs=0.003)
    assert (people.brand == EASYOWN).mean() > (people.brand == M_ZONE).mean()
    spend = base.bills.total[base.bills.total > 0]
    assert spend.mean() > 1.2 * np.median(spend), "spending should be skewed"


def test_a_bill_is_the_sum_of_its_parts_and_nobody_is_billed_before_joining_or_after_leaving(base: Province) -> None:
    bills = base.bills
    assert np.array_equal(bills.total, bills.fixed + bills.voice + bills.data + bills.sms)
    assert not bills.total[~base.life.present].any()
    given_away = bills.discounts + bills.gifts + bills.handset_subsidy + bills.settlement + bills.commission
    assert (given_away <= bills.total).all()
    assert (bills.balance >= 0).all()


def test_what_is_paid_is_what_was_billed_less_what_is_still_owed(base: Province) -> None:
    bills = base.bills
    assert (bills.payments >= 0).all()
    assert np.array_equal(bills.payments.sum(axis=1), bills.total.sum(axis=1) - bills.arrears[:, -1])


def test_minutes_add_up_by_direction_and_by_distance_and_no_part_is_negative(base: Province) -> None:
    traffic = base.traffic
    assert np.array_equal(traffic.local + traffic.long_distance + traffic.roaming, traffic.minutes)
    assert all((getattr(traffic, part) >= 0).all() for part in Traffic.__slots__)
    assert (traffic.vpmn <= traffic.local + traffic.in_province).all()
    assert (traffic.vpmn_roaming <= traffic.roaming).all()
    assert (traffic.overage <= traffic.outbound).all()


def test_four_to_six_percent_leave_within_the_last_quarter(base: Province) -> None:
    at_risk = (base.life.left >= 6) & (base.life.joined < 6)
    leaving = at_risk & (base.life.left < 9)
    assert 0.04 <= leaving.sum() / at_risk.sum() <= 0.06


def test_leaving_can_be_foreseen_well_but_not_perfectly(base: Province) -> None:
    at_risk = (base.life.left >= 6) & (base.life.joined < 4)
    leaves = (base.life.left < 9)[at_risk]
    folds = StratifiedKFold(3, shuffle=True, random_state=1)
    foreseen = cross_val_predict(model(), visible(base, months=6)[at_risk], leaves, cv=folds, method="predict_proba")
    assert 0.74 <= roc_auc_score(leaves, foreseen[:, 1]) <= 0.88


def test_use_falls_before_most_departures_and_some_who_stay_fall_too(base: Province) -> None:
    gone_next = base.life.left == 9
    stays = base.life.left > 11
    assert base.life.recent_fall[gone_next].mean() > 2 * base.life.recent_fall[stays].mean()
    assert (base.life.recent_fall[stays] > 0.3).mean() > 0.02


def test_some_are_silent_though_they_have_not_left(base: Province) -> None:
    silent = ~base.life.has_left & (base.life.activity[:, -1] == 0) & (base.life.joined < 9)
    assert 0.005 < silent.mean() < 0.03


def test_takers_of_the_newspaper_are_whom_the_domain_says(base: Province) -> None:
    people = base.people
    taken = held_after(base, Subject.MOBILE_NEWSPAPER, 9)
    online = held_after(base, Subject.MOBILE_INTERNET, 9)

    def rate(among: Flags) -> float:
        return float(taken[among & people.handset_mms].mean())

    assert rate(people.age < 40) > 1.3 * rate(people.age >= 40)
    assert rate(people.is_man) > 1.1 * rate(~people.is_man)
    assert rate(people.brand == GOTONE) > rate(people.brand == M_ZONE) > rate(people.brand == EASYOWN)
    assert rate(online) > 1.3 * rate(~online)


def test_nothing_is_used_before_it_is_ordered_after_it_is_cancelled_or_without_being_provisioned(
    base: Province,
) -> None:
    for subscriptions in base.subscriptions.values():
        ordered = base.calendar.index_of(subscriptions.ordered_on)
        cancelled = np.where(
            np.isnat(subscriptions.cancelled_on), 99, base.calendar.index_of(subscriptions.cancelled_on)
        )
        month = np.arange(9)
        outside = (month < ordered[:, None]) | (month > cancelled[:, None]) | ~subscriptions.provisioned[:, None]
        assert not subscriptions.active_days[outside].any()
        assert (np.isnat(subscriptions.cancelled_on) | (subscriptions.cancelled_on > subscriptions.ordered_on)).all()
        assert (subscriptions.ordered_on >= base.people.activated[subscriptions.line]).all()
        assert (~subscriptions.provisioned).any()


def test_yes_to_the_newspaper_is_rare_on_average_and_common_at_the_top(base: Province) -> None:
    yes = base.tastes.yes_by_sms[Subject.MOBILE_NEWSPAPER]
    wanting = np.sort(yes[yes > 0])
    assert 0.08 <= wanting.mean() <= 0.13
    assert 0.25 <= wanting[-len(wanting) // 10 :].mean() <= 0.40
    unasked = base.tastes.orders_unasked[Subject.MOBILE_NEWSPAPER]
    assert 0.02 <= unasked[unasked > 0].mean() <= 0.03


def test_who_ranks_by_a_model_of_past_orders_gets_more_than_twice_the_yes_of_a_lot(base: Province) -> None:
    product = Subject.MOBILE_NEWSPAPER
    free = ~held_after(base, product, 6) & (base.life.left > 6) & (base.life.joined < 4)
    learnt = model().fit(visible(base, months=6)[free], held_after(base, product, 9)[free])
    candidates = ~held_after(base, product, 9) & ~base.life.has_left & base.people.handset_mms
    wanted = learnt.predict_proba(visible(base, months=9)[candidates])[:, 1]
    yes = base.tastes.yes_by_sms[product][candidates]
    top = np.argsort(-wanted)[: len(wanted) // 10]
    assert yes[top].mean() > 2 * yes.mean()
    assert yes[top].mean() > 0.2


def test_a_better_deal_is_taken_by_those_at_risk_whose_contract_is_open(base: Province) -> None:
    here = ~base.life.has_left
    yes = base.tastes.yes_by_call[Subject.RETENTION]
    at_risk = (base.tastes.leaving > np.quantile(base.tastes.leaving[here], 0.8)) & here
    open_ = contract_is_open(base.people) & here
    assert 0.30 <= yes[at_risk & open_].mean() <= 0.50
    assert yes[here & ~at_risk & ~open_].mean() < 0.12
    assert (base.tastes.yes_by_call[Subject.RETENTION] >= base.tastes.yes_by_sms[Subject.RETENTION]).all()


def test_nobody_wants_what_they_have_or_cannot_run_and_who_left_wants_nothing(base: Province) -> None:
    for product in PRODUCTS:
        yes = base.tastes.yes_by_sms[product]
        assert not yes[base.subscriptions[product].holders(base.people.count)].any()
        assert not yes[base.life.has_left].any()
    assert not base.tastes.yes_by_sms[Subject.MOBILE_NEWSPAPER][~base.people.handset_mms].any()
    assert not base.tastes.yes_by_sms[Subject.MOBILE_INTERNET][~base.people.handset_gprs].any()


def test_a_voice_pack_is_wanted_by_who_calls_far_and_a_vpmn_by_who_is_in_none_and_has_colleagues(
    base: Province,
) -> None:
    here = ~base.life.has_left
    far = base.traffic.long_distance.mean(axis=1)
    pack, vpmn = (base.tastes.yes_by_call[subject] for subject in (Subject.VOICE_PACK, Subject.VPMN))
    caller, other = here & (far > np.quantile(far[here], 0.8)), here & (far < np.quantile(far[here], 0.5))
    assert pack[caller].mean() > 3 * pack[other].mean()
    assert not vpmn[base.calling.in_vpmn].any()
    free, member = here & ~base.calling.in_vpmn, base.enterprises.is_member
    assert vpmn[free & member].mean() > 2 * vpmn[free & ~member].mean()
    wide = base.calling.breadth > np.median(base.calling.breadth)
    assert vpmn[free & wide].mean() > 1.3 * vpmn[free & ~wide].mean()
