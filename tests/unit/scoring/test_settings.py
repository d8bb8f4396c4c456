"""The province's file: what is shipped works, what is wrong is named by its key."""

from decimal import Decimal
from pathlib import Path

import pytest

from services.scoring.settings import SHIPPED_RULES, ScoringSettings, read_rules
from shared.errors import InvalidInput


def changed(folder: Path, old: str, new: str) -> Path:
    text = SHIPPED_RULES.read_text(encoding="utf-8")
    assert old in text
    path = folder / "mine.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def refusal(path: Path) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        read_rules(path)
    return [f"{violation.field} {violation.description}" for violation in refused.value.violations]


def test_shipped_rules_hold_the_thresholds_as_exact_decimals() -> None:
    rules = read_rules(ScoringSettings().settings_file)
    assert rules.thresholds_in("合肥").need_ordinary == Decimal("0.04")
    assert rules.thresholds_in("合肥").stickiness_high == Decimal(90)


def test_a_city_differs_in_what_it_says_and_follows_the_province_in_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        SHIPPED_RULES.read_text(encoding="utf-8") + '\n[cities."芜湖"]\nchurn_warned = 16.5\nchurn_stays_warned = 12\n',
        encoding="utf-8",
    )
    rules = read_rules(path)
    assert rules.thresholds_in("芜湖").churn_warned == Decimal("16.5")
    assert rules.thresholds_in("芜湖").stickiness_mid == Decimal(70)
    assert rules.thresholds_in("合肥").churn_warned == Decimal(32)


def test_another_text_has_another_fingerprint(tmp_path: Path) -> None:
    assert read_rules(SHIPPED_RULES).fingerprint != read_rules(changed(tmp_path, "= 32", "= 31")).fingerprint


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("churn_warned = 32", "churn_warned = 132", "mine.toml: thresholds.churn_warned"),
        ("churn_warned = 32", "churn_warnd = 32", "mine.toml: thresholds.churn_warnd"),
        ("churn_warned = 32", "churn_warned = 32.005", "mine.toml: thresholds.churn_warned"),
        ("stickiness_mid = 70", "stickiness_mid = 95", "stickiness_high is below stickiness_mid"),
        ("need_sensitive = 0.1", "need_sensitive = 0.01", "do not descend"),
        ("all_at = 120", "all_at = 0", "nothing_at and all_at are both 0"),
        ("churn_stays_warned = 24", "churn_stays_warned = 33", "churn_warned is below churn_stays_warned"),
        (
            'segment = "silent"',
            'segment = "silent"\nall = [{ field = "minutes", op = "=", value = 0 }]',
            "for everybody else",
        ),
        ('op = ">=", value = 15', 'op = "~", value = 15', "mine.toml: voice_segments.0.all.0.op"),
        ("[thresholds]", "[thresholds", "mine.toml"),
        ("[thresholds]", "[limits]", "mine.toml: thresholds"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert any(expected in fault for fault in refusal(changed(tmp_path, old, new)))


def test_all_wrong_keys_are_named_at_once(tmp_path: Path) -> None:
    path = changed(tmp_path, "churn_warned = 32", "churn_warned = -1\nunknown = 1")
    assert len(refusal(path)) == 2


def test_a_missing_file_is_named_with_the_variable_that_names_it(tmp_path: Path) -> None:
    assert "VISAVIS_SCORING_SETTINGS_FILE" in refusal(tmp_path / "absent.toml")[0]
