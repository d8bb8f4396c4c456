"""The file that a planner begins a matrix with: an example that comes in as it stands, and a sheet of all that may be tested."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.recommendation.domain import Purpose
from services.recommendation.engine.feel import FieldType, Kind
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix.csv_words import OUTPUT_MARK
from services.recommendation.engine.rulebook import OUTPUTS, PURPOSE_TITLES, Fields, offered
from services.recommendation.engine.sheets import Sheet, as_workbook
from services.recommendation.engine.sheets.dress import dress

FIELDS_SHEET = "#fields"
_HEADERS = ("标题", "字段", "类型", "单位", "取值", "空值含义", "写法示例")
_EXAMPLES = {
    Kind.STRING: '"甲","乙"',
    Kind.NUMBER: "[12..24)",
    Kind.BOOLEAN: "true",
    Kind.DATE: '>= date("2026-01-31")',
}


@dataclass(frozen=True, slots=True)
class Example:
    """A rule worked out: tests by field, what it gives, and what the planner says to it; `lines` declare what it uses.

    Where everyone else needs a row, `otherwise` is what that gives.
    """

    policy: str
    tests: Mapping[str, str]
    gives: Mapping[str, str]
    note: str
    lines: Sequence[Sequence[str]] = ()
    otherwise: Mapping[str, str] | None = None


EXAMPLES: Mapping[Purpose, Example] = {
    Purpose.PRIORITY: Example(
        "首个",
        {
            "stickiness_band": '"high"',
            "warned": "false",
            "value_tier": '"high","mid_high"',
            "contract_months_left": "null,<= 3",
        },
        {"first": "retention", "second": "voice_usage", "third": "new_service"},
        "高价值无捆绑：先签约，再话务，后新业务",
        otherwise={"first": "new_service", "second": "voice_usage", "third": "retention"},
    ),
    Purpose.RETENTION: Example(
        "首个",
        {
            "churn_warning": ">= 预警门槛",
            "contract_ends_within_months": "null,<= 3",
            "arpu": "[100..150)",
            "brand": '"GoTone"',
        },
        {"policy_group": "group-6", "main_policy": "contract-100-handset"},
        "预警的中高端全球通客户",
        lines=(
            ("参数", "预警门槛", "32", "合肥=16"),
            ("计算", "contract_ends_within_months", "months until(捆绑到期日)", "months"),
        ),
        otherwise={},
    ),
    Purpose.NEW_SERVICE: Example(
        "首个",
        {
            "product": "粘性产品",
            "product_state": '"potential","cancelled"',
            "need_level": '"rigid","sensitive"',
            "age": "< 60",
        },
        {"policy": "ring-trial"},
        "粘性产品：先体验",
        lines=(("清单", "粘性产品", "ring_back_tone", "mail_139"),),
        otherwise={},
    ),
    Purpose.VOICE_USAGE: Example(
        "收集",
        {
            "voice_segment": '"called_from_outside"',
            "top_counterpart": '"安徽"',
            "unit_price": "> 0.25",
            "long_distance_minutes": "<= 120",
        },
        {"policy": "pack-anhui"},
        "被叫型，省内长途，话务不太高",
    ),
    Purpose.VPMN: Example(
        "首个",
        {"vpmn_member": "false", "enterprise_role": '"member"', "circle_breadth": ">= 10"},
        {"policy": "vpmn-enterprise"},
        "集团成员，交往圈较广",
        otherwise={},
    ),
    Purpose.EXTRACTION: Example(
        "首个",
        {"age": "< 40", "enterprise_id": "not(null)", "brand": '"GoTone","M-Zone"'},
        {"policy": "newspaper-trial"},
        "青年集团成员",
        otherwise={},
    ),
}


def template(purpose: Purpose, *, fields: Fields) -> bytes:
    """Return the workbook: the example under Chinese headers, and the sheet of fields as the contract declares them."""
    known = offered(purpose, fields)
    text = example_text(purpose, fields=fields)
    sheets = [Sheet(PURPOSE_TITLES[purpose], text), Sheet(FIELDS_SHEET, _csv(_field_rows(purpose, known)))]
    return as_workbook(sheets, [dress(text, fields=known, outputs=OUTPUTS, titles=PURPOSE_TITLES)])


def example_text(purpose: Purpose, *, fields: Fields) -> str:
    """Return the sheet of the example as CSV."""
    example = EXAMPLES[purpose]
    known, outputs = offered(purpose, fields), OUTPUTS[purpose]
    headers = [known[name].title if name in known else name for name in example.tests]
    rows = [
        ("矩阵", PURPOSE_TITLES[purpose], example.policy, f"{PURPOSE_TITLES[purpose]}（示例）"),
        *example.lines,
        (*headers, *(f"{OUTPUT_MARK} {output.type.title}" for output in outputs), "备注"),
        (*example.tests.values(), *(example.gives.get(output.name, "") for output in outputs), example.note),
    ]
    if example.otherwise is not None:
        given = (example.otherwise.get(output.name, "") for output in outputs)
        rows.append((*("-" for _ in headers), *given, "其余客户"))
    return _csv(rows)


def _field_rows(purpose: Purpose, known: Fields) -> Iterator[Sequence[str]]:
    yield (f"# {PURPOSE_TITLES[purpose]}：可用的条件字段和输出。本页不导入。",)
    yield _HEADERS
    for name, field in known.items():
        yield field.title, name, *_described(field), field.null_meaning, _EXAMPLES[field.kind]
    for output in OUTPUTS[purpose]:
        empty = "" if output.required else "不给出"
        yield f"{OUTPUT_MARK} {output.type.title}", f"{OUTPUT_MARK} {output.name}", *_described(output.type), empty, ""


def _described(field: FieldType) -> tuple[str, str, str]:
    return field.kind.value, field.unit, ",".join(map(feel_text, field.domain))


def _csv(rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()
