"""How the operator writes its five tables: file names, Chinese headings, words for values; and the mapping file that says so."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MAPPING_FILE = "mapping.toml"

_YES_NO = {"是": "true", "否": "false"}
_PRODUCTS = {"手机报": "mobile_newspaper", "彩铃": "ring_back_tone", "手机上网": "mobile_internet"}


@dataclass(frozen=True, slots=True)
class Source:
    """One table. `columns` is our name -> heading in the file; `values` is our column -> word in the file -> our value."""

    table: str
    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        return f"{self.table}.csv"

    def word(self, column: str, value: str) -> str:
        """Return the operator's word for our value."""
        return next(word for word, ours in self.values[column].items() if ours == value)


CUSTOMERS = Source(
    "customers",
    columns={
        "customer_id": "用户编号",
        "msisdn": "手机号码",
        "owner_id": "客户编号",
        "city": "地市",
        "county": "区县",
        "micro_region": "微区域",
        "brand": "品牌",
        "activation_date": "入网日期",
        "status": "用户状态",
        "left_date": "离网日期",
        "sex": "性别",
        "birth_year": "出生年份",
        "credit_level": "信用等级",
        "handset_gprs": "终端支持GPRS",
        "handset_wap": "终端支持WAP",
        "handset_mms": "终端支持彩信",
        "internet_access": "家庭上网",
        "plan": "套餐名称",
        "contract_class": "捆绑标识",
        "contract_policy": "捆绑政策",
        "contract_end_date": "捆绑到期日",
        "balance": "账户余额",
        "red_list": "红名单",
        "marketing_consent": "同意营销",
    },
    values={
        "brand": {"全球通": "GoTone", "动感地带": "M-Zone", "神州行": "Easyown"},
        "status": {"正常": "active", "停机": "suspended", "离网": "left"},
        "sex": {"男": "male", "女": "female"},
        **dict.fromkeys(
            (
                "handset_gprs",
                "handset_wap",
                "handset_mms",
                "internet_access",
                "red_list",
                "marketing_consent",
            ),
            _YES_NO,
        ),
    },
    options={"date_format": "%Y-%m-%d", "money_unit": "yuan"},
)
TRAFFIC = Source(
    "traffic",
    columns={
        "customer_id": "用户编号",
        "month": "月份",
        "minutes": "通话分钟数",
        "outbound_minutes": "主叫分钟数",
        "long_distance_minutes": "长途分钟数",
        "roaming_minutes": "漫游分钟数",
    },
    options={"month_format": "%Y%m"},
)
SUBSCRIPTIONS = Source(
    "subscriptions",
    columns={
        "customer_id": "用户编号",
        "product": "业务名称",
        "how_ordered": "订购方式",
        "provisioned": "是否开通",
        "ordered_on": "订购日期",
        "cancelled_on": "退订日期",
        "cancel_reason": "退订原因",
    },
    values={
        "product": _PRODUCTS,
        "how_ordered": {"自主订购": "self", "套餐包含": "voice_plan", "免费体验": "trial"},
        "provisioned": _YES_NO,
        "cancel_reason": {"资费高": "price", "内容不好": "content", "不使用": "unused", "终端不支持": "handset"},
    },
    options={"date_format": "%Y-%m-%d"},
)
BILLING = Source(
    "billing",
    columns={
        "customer_id": "用户编号",
        "month": "账期",
        "revenue_total": "总收入",
        "revenue_voice": "语音收入",
        "revenue_data": "数据收入",
        "revenue_sms": "短信收入",
        "discounts": "优惠赠送",
        "handset_subsidy": "终端补贴",
        "settlement": "网间结算",
        "commission": "渠道酬金",
        "arrears": "欠费金额",
    },
    options={"month_format": "%Y%m", "money_unit": "yuan"},
)
PRODUCT_USAGE = Source(
    "product_usage",
    columns={
        "customer_id": "用户编号",
        "month": "月份",
        "product": "业务名称",
        "active_days": "使用天数",
        "volume": "使用量",
    },
    values={"product": _PRODUCTS},
    options={"month_format": "%Y%m"},
)
SOURCES = (CUSTOMERS, TRAFFIC, SUBSCRIPTIONS, BILLING, PRODUCT_USAGE)


def mapping_toml() -> str:
    """Return the mapping file from the operator's tables to ours; it says which folder is one of extracts, too."""
    return "\n".join(line for source in SOURCES for line in _lines(source)) + "\n"


def _lines(source: Source) -> Iterator[str]:
    yield f"[tables.{source.table}]"
    yield from _entries({"file": source.file, "encoding": "utf-8", "delimiter": ",", **source.options})
    yield f"[tables.{source.table}.columns]"
    yield from _entries(source.columns)
    for column, words in source.values.items():
        yield f"[tables.{source.table}.values.{column}]"
        yield from (f"{_quoted(word)} = {_quoted(value)}" for word, value in words.items())
    yield ""


def _entries(entries: Mapping[str, str]) -> Iterator[str]:
    return (f"{key} = {_quoted(value)}" for key, value in entries.items())


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
