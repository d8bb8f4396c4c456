"""A mapping proposed for files that nobody described: those of the sandbox wholly, others as far as one can guess."""

from collections import Counter
from pathlib import Path

import pytest

from services.profile.datasets.source_files.sampling import sample_files
from services.profile.domain.mapping import read_mapping, sound_mapping
from services.profile.domain.proposals import findings, proposals, rendered
from services.profile.domain.source_tables import SOURCE_TABLES, owners_of
from services.profile.ports import SourceUnreadable
from services.sandbox.extracts.folder import Destination, Request, write_extracts
from services.sandbox.extracts.form import Encoding, FileFormat, Form, Split
from services.sandbox.extracts.mapping import MAPPING_FILE
from services.sandbox.world.block import blocks_of
from shared.lake.engine import ColumnarEngine
from tests.factories.profile import CYCLE, take_files


def proposed(folder: Path) -> str:
    return rendered(proposals(sample_files(folder)))


def taken(engine: ColumnarEngine, folder: Path, mapping: str) -> dict[str, tuple[int, int]]:
    """Return how many rows of each table were accepted, and how many set aside."""
    found = {}
    for table in sound_mapping(mapping):
        if "customer_id" in owners_of(table.table):
            engine.execute("CREATE OR REPLACE TABLE customers AS SELECT customer_id FROM taken_customers")
        rows = take_files(engine, folder, table)
        found[table.table.name] = (rows.counts.accepted, rows.counts.rejected)
        if table.table.name in {"customers", "enterprises"}:
            kept = "taken_customers" if table.table.name == "customers" else "enterprises"
            engine.execute(f"CREATE OR REPLACE TABLE {kept} AS {rows.accepted.sql}", rows.accepted.parameters or None)
    return found


@pytest.mark.parametrize(
    "form",
    [Form(encoding=Encoding.GB18030, split=Split.MONTHLY), Form(format=FileFormat.PARQUET)],
    ids=["csv", "parquet"],
)
def test_the_sandboxes_own_extracts_are_understood_as_its_mapping_says(
    engine: ColumnarEngine, tmp_path: Path, form: Form
) -> None:
    destination = Destination.of(tmp_path / "extracts")
    write_extracts(Request(blocks_of(150, seed=5, cycle=CYCLE), form), destination, processes=1)
    written = (destination.extracts / MAPPING_FILE).read_text("utf-8")
    text = proposed(destination.extracts)
    theirs = {table.table.name: table.columns for table in sound_mapping(written)}
    assert {table.table.name: table.columns for table in sound_mapping(text)} == theirs
    assert taken(engine, destination.extracts, text) == taken(engine, destination.extracts, written)


def test_files_of_one_table_are_gathered_and_what_fits_nowhere_is_told(tmp_path: Path) -> None:
    for month in ("202609", "202610"):
        (tmp_path / f"账单_{month}.csv").write_bytes(f"用户编号|账期|总收入|备注\nu1|{month}|1250|x\n".encode("gbk"))
    (tmp_path / "readme.txt").write_text("nothing; of ours\n1;2\n")
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    samples = sample_files(tmp_path)
    found = {each.file: each for each in findings(samples, proposals(samples))}
    assert found["账单_202609.csv"].table == "billing"
    assert (found["账单_202609.csv"].matched_count, found["账单_202609.csv"].unmatched) == (3, ("备注",))
    assert "is no zip that can be read" in found["broken.zip"].layout
    text = proposed(tmp_path)
    read = read_mapping(text, is_partial=True)
    (billing,) = read.tables
    assert not read.violations
    assert (billing.files, billing.encoding, billing.delimiter) == (
        ("账单_202609.csv", "账单_202610.csv"),
        "gb18030",
        "|",
    )
    assert 'money_unit = "yuan"  # ? or fen: no amount has a point' in text
    assert "# ? no table looks like readme.txt" in text
    assert "# ? no file looks like customers" in text


def test_what_is_only_guessed_is_left_to_a_person(tmp_path: Path) -> None:
    rows = "".join(f"u{number},1390000000{number},南京,2020/01/0{number},活跃,Y,0\n" for number in range(1, 9))
    (tmp_path / "用户资料.csv").write_text(f"用户标识,联系号,归属地市,入网日期,用户状态,是否红名单,捆绑标识\n{rows}")
    text = proposed(tmp_path)
    assert Counter(line.partition("  # ?")[0] for line in text.splitlines())['msisdn = "联系号"'] == 1
    assert 'msisdn = "联系号"  # ? only alike' in text
    assert '# ? "活跃" = "…"  active or suspended or left' in text
    assert 'date_format = "%Y/%m/%d"' in text
    (customers,) = sound_mapping(text)
    assert customers.values["red_list"] == {"Y": "true", "N": "false"}
    assert "13900000001" not in text


def test_a_needed_column_that_is_not_found_keeps_the_proposal_from_being_taken(tmp_path: Path) -> None:
    (tmp_path / "billing.csv").write_text("用户编号,账期,语音收入\nu1,202610,1.5\n")
    text = proposed(tmp_path)
    assert '# ? revenue_total = "…"  is needed in every row' in text
    fields = {violation.field for violation in read_mapping(text, is_partial=True).violations}
    assert fields == {"tables.billing.columns.revenue_total"}


def test_a_folder_without_tables_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("no table")
    with pytest.raises(SourceUnreadable, match="has no file that ends in"):
        sample_files(tmp_path)


def test_every_name_of_a_column_belongs_to_one_that_there_is() -> None:
    from services.profile.domain.proposals.synonyms import ANYWHERE, COLUMN_NAMES, TABLE_NAMES

    tables = {table.name: {column.name for column in table.columns} for table in SOURCE_TABLES}
    assert TABLE_NAMES.keys() == tables.keys() == COLUMN_NAMES.keys()
    assert all(COLUMN_NAMES[name].keys() <= columns for name, columns in tables.items())
    assert ANYWHERE.keys() <= set().union(*tables.values())
