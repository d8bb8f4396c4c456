"""Small extracts of an operator, written as the operator would: each table's rows as texts, under headings that aren't ours."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.profile.datasets.source_files import look_at, open_cells
from services.profile.domain.mapping import TableMapping, sound_mapping
from services.profile.domain.months import Month, history_of
from services.profile.domain.resources import ImportRequest
from services.profile.domain.source_tables import SOURCE_TABLES, Kind, SourceTable
from services.profile.engine.checked_rows import FileLayout
from services.profile.engine.taken_rows import TakenRows, take_rows
from shared.lake.duckdb import open_engine
from shared.lake.engine import ColumnarEngine
from shared.lake.lake import Lake

CYCLE = "2026-11"
Cells = Mapping[str, str]


def customer(customer_id: str = "c1", **cells: str) -> Cells:
    """Return a customer without anything special."""
    return {
        "customer_id": customer_id,
        "msisdn": "13900000001",
        "owner_id": "o1",
        "city": "合肥",
        "county": "蜀山区",
        "micro_region": "",
        "brand": "全球通",
        "activation_date": "2020-05-17",
        "status": "正常",
        "left_date": "",
        "sex": "女",
        "birth_year": "1985",
        "credit_level": "3",
        "handset_gprs": "是",
        "handset_wap": "是",
        "handset_mms": "否",
        "internet_access": "",
        "plan": "全球通88套餐",
        "contract_class": "0",
        "contract_policy": "",
        "contract_end_date": "",
        "balance": "12.50",
        "red_list": "否",
        "marketing_consent": "",
        **cells,
    }


def traffic(customer_id: str = "c1", month: str = "202610", **cells: str) -> Cells:
    """Return a month of traffic."""
    minutes = {"minutes": "120.5", "outbound_minutes": "60", "long_distance_minutes": "3.2", "roaming_minutes": "0"}
    return {"customer_id": customer_id, "month": month, **minutes, **cells}


def subscription(customer_id: str = "c1", product: str = "彩铃", **cells: str) -> Cells:
    """Return a running subscription."""
    ordered = {"how_ordered": "自主订购", "provisioned": "是", "ordered_on": "2026-01-15"}
    return {
        "customer_id": customer_id,
        "product": product,
        **ordered,
        "cancelled_on": "",
        "cancel_reason": "",
        **cells,
    }


def bill(customer_id: str = "c1", month: str = "202610", **cells: str) -> Cells:
    """Return a month's bill."""
    nothing = dict.fromkeys(("discounts", "handset_subsidy", "settlement", "commission", "arrears"), "0.00")
    revenue = {"revenue_total": "66.00", "revenue_voice": "50.00", "revenue_data": "10.00", "revenue_sms": "6.00"}
    return {"customer_id": customer_id, "month": month, **revenue, **nothing, **cells}


def usage(customer_id: str = "c1", month: str = "202610", product: str = "彩铃", **cells: str) -> Cells:
    """Return a month's use of a product."""
    return {
        "customer_id": customer_id,
        "month": month,
        "product": product,
        "active_days": "7",
        "volume": "21.5",
        **cells,
    }


_YES_NO = {"是": "true", "否": "false"}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "brand": {"全球通": "GoTone", "动感地带": "M-Zone", "神州行": "Easyown"},
    "status": {"正常": "active", "停机": "suspended", "离网": "left"},
    "sex": {"男": "male", "女": "female"},
    "how_ordered": {"自主订购": "self", "套餐包含": "voice_plan", "免费体验": "trial"},
    "product": {"手机报": "mobile_newspaper", "彩铃": "ring_back_tone", "手机上网": "mobile_internet"},
}


@dataclass(frozen=True, slots=True)
class Extracts:
    """The rows of all tables; every file has its columns in our order, under the heading `列 NAME`."""

    customers: Sequence[Cells] = field(default_factory=lambda: [customer()])
    traffic: Sequence[Cells] = field(default_factory=lambda: [traffic()])
    subscriptions: Sequence[Cells] = field(default_factory=lambda: [subscription()])
    billing: Sequence[Cells] = field(default_factory=lambda: [bill()])
    product_usage: Sequence[Cells] = field(default_factory=lambda: [usage()])

    def write(self, folder: Path) -> ImportRequest:
        """Write the folder and return what asks for its import."""
        for table in SOURCE_TABLES:
            rows: Sequence[Cells] = getattr(self, table.name, ())
            lines = [",".join(heading(column.name) for column in table.columns)]
            lines += [",".join(row.get(column.name, "") for column in table.columns) for row in rows]
            (folder / f"{table.name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return ImportRequest(CYCLE, str(folder), mapping_text())


def heading(column: str) -> str:
    return f"列 {column}"


def mapping_text() -> str:
    """Return a mapping file that fits `Extracts`."""
    return "\n".join(line for table in SOURCE_TABLES for line in _mapping_lines(table))


def _mapping_lines(table: SourceTable) -> Iterator[str]:
    yield f"[tables.{table.name}]"
    yield f'file = "{table.name}.csv"'
    if any(column.kind is Kind.MONEY for column in table.columns):
        yield 'money_unit = "yuan"'
    yield f"[tables.{table.name}.columns]"
    yield from (f'{column.name} = "{heading(column.name)}"' for column in table.columns)
    for column in table.columns:
        words = _YES_NO if column.kind is Kind.FLAG else _WORDS.get(column.name, {})
        if words:
            yield f"[tables.{table.name}.values.{column.name}]"
            yield from (f'"{word}" = "{ours}"' for word, ours in words.items())


@contextmanager
def engine_in(folder: Path) -> Iterator[ColumnarEngine]:
    """Yield an engine over an empty lake, which may read the other folders of the same test session."""
    with open_engine(Lake(folder), folders=[folder.parent]) as engine:
        yield engine


def mapping_of(table: SourceTable, **changes: object) -> TableMapping:
    """Return the mapping of one table that fits `Extracts`."""
    mapping = next(each for each in sound_mapping(mapping_text()) if each.table is table)
    return replace(mapping, **changes)  # type: ignore[arg-type]  # only options that are texts


def take_files(engine: ColumnarEngine, folder: Path, mapping: TableMapping) -> TakenRows:
    """Take the files of a mapping in, as a stage does; leaves `rejects` in the engine."""
    layout = FileLayout(mapping, [file.name for file in look_at(folder, mapping)], history_of(Month.parse(CYCLE)))
    cells = open_cells(folder, mapping, folder, lambda _done, _total: None)
    return take_rows(engine, layout, cells.rows, Month.parse(CYCLE), folder)
