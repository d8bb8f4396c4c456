"""Writes the mapping file that tells the product how these extracts are written."""

import json
from collections.abc import Iterator, Mapping

from services.sandbox.extracts.form import Form
from services.sandbox.extracts.sources import SOURCES, Source
from services.sandbox.extracts.sources.source import NO, YES

MAPPING_FILE = "mapping.toml"


def mapping_toml(form: Form, *, in_parts: bool) -> str:
    """Return the mapping from the operator's tables to ours; it says which folder is one of extracts, too."""
    return "\n".join(line for source in SOURCES for line in _lines(source, form, in_parts=in_parts)) + "\n"


def _lines(source: Source, form: Form, *, in_parts: bool) -> Iterator[str]:
    yield f"[tables.{source.table}]"
    yield from _entries({"file": form.pattern(source, in_parts=in_parts), **_options(source, form)})
    yield f"[tables.{source.table}.columns]"
    yield from _entries(source.columns)
    flags = {} if form.is_parquet else {column: {YES: "true", NO: "false"} for column in source.flags}
    for column, words in {**source.values, **flags}.items():
        yield f"[tables.{source.table}.values.{column}]"
        yield from (f"{_quoted(word)} = {_quoted(value)}" for word, value in words.items())
    yield ""


def _options(source: Source, form: Form) -> dict[str, str]:
    as_text = {} if form.is_parquet else {"encoding": form.encoding.value, "delimiter": ","}
    months = {"month_format": "%Y%m"} if source.monthly else {}
    money = {"money_unit": "yuan"} if source.has_money else {}
    return {**as_text, "date_format": "%Y-%m-%d", **months, **money}


def _entries(entries: Mapping[str, str]) -> Iterator[str]:
    return (f"{key} = {_quoted(value)}" for key, value in entries.items())


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
