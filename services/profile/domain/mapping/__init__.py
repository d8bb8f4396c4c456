"""The mapping file: which files hold each table, and how their headings and words map onto ours.

It is checked wholly, and together with the headings of the files, before any row is read. All of the language:

    [limits]                                # of every table; [tables.X.limits] overrides it for one
    most_rejected = 0.10                    # the run stops when a larger share of a table's rows is set aside
    least_of_last = 0.50                    # … or when it has a smaller share of the rows that the newest import of an
                                            # earlier cycle had; tables under 100 rows are never judged
    [products.mobile_newspaper]             # what products need: domain.product_needs tells
    handset_needs = ["mms"]
    [tables.billing]                        # optional tables that the operator does not have are left out
    file = "billing_2026*.csv.gz"           # a name, a glob or a list of them, inside the folder of extracts;
                                            # .csv or .txt, or .parquet; each plain, .gz, or in a .zip; several tables
                                            # may come out of one file
    member = "billing.csv"                  # which files of a zip, a name or a glob; without it all of them
    encoding = "gb18030"                    # utf-8 (the default), gbk, gb18030
    delimiter = "|"                         # "," by default; one or more characters, "\t" for the tabulator
    date_format = ["%Y-%m-%d", "%Y%m%d"]    # one or several; month_format likewise, "%Y%m" by default
    money_unit = "yuan"                     # or "fen"; needed where there is money. 1,234.50 and ￥12.50 are understood
    nothing = ["NA", "\\N"]                 # what stands in cells that hold nothing, besides blanks
    [tables.billing.columns]                # our name = the heading in the file
    customer_id = "用户编号"
    [tables.billing.units]                  # of single columns: money yuan or fen; minutes in minutes, seconds or hours
    arrears = "fen"
    [tables.billing.defaults]               # where there is no such column, or its cell is empty; written as we do:
    month = "2026-10"                       # 2026-09-14, 2026-10, true, 12.50 (money in yuan)
    [tables.billing.expressions]            # our name = what to compute from the row's cells, a small part of SQL
    revenue_total = '''"月租" + coalesce("通话费", 0)'''
    [tables.subscriptions.values.product]   # the word in the file = our value; "" for nothing
    "彩铃" = "ring_back_tone"

An expression names headings in double quotes and texts in single ones; a cell that is no number counts as null where one is
needed. It knows + - * / %, ||, comparisons, AND OR NOT, IN, BETWEEN, LIKE, IS NULL, CASE, and the functions coalesce, nullif,
greatest, least, abs, round, floor, ceil, length, lower, upper, trim, replace, substr, left, right, concat,
days_before(day, n) and months_before(day, n), where a day is written 2026-10-31. What comes out is read like a cell, so
`units` and `values` hold for it too; days are then read as 2026-10-31.
"""

from services.profile.domain.mapping.headings import heading_violations
from services.profile.domain.mapping.reader import read_mapping, sound_mapping
from services.profile.domain.mapping.table import MAPPING_INVALID, Limits, MoneyUnit, ReadMapping, TableMapping

__all__ = [
    "MAPPING_INVALID",
    "Limits",
    "MoneyUnit",
    "ReadMapping",
    "TableMapping",
    "heading_violations",
    "read_mapping",
    "sound_mapping",
]
