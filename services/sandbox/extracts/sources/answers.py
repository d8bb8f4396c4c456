"""Headings and words of what was ordered, and of what customers said."""

from services.sandbox.extracts.sources.source import CHANNEL_WORDS, PRODUCT_WORDS, Source

SUBSCRIPTIONS = Source(
    "subscriptions",
    columns={
        "customer_id": "用户编号",
        "product": "业务名称",
        "how_ordered": "订购方式",
        "trial_ends_on": "体验到期日",
        "channel": "订购渠道",
        "provisioned": "是否开通",
        "ordered_on": "订购日期",
        "cancelled_on": "退订日期",
        "cancel_reason": "退订原因",
    },
    values={
        "product": PRODUCT_WORDS,
        "how_ordered": {"自主订购": "self", "套餐包含": "voice_plan", "免费体验": "trial"},
        "channel": CHANNEL_WORDS,
        "cancel_reason": {"资费高": "price", "内容不好": "content", "不使用": "unused", "终端不支持": "handset"},
    },
    flags=("provisioned",),
)
COMPLAINTS = Source(
    "complaints",
    columns={
        "case_id": "工单编号",
        "customer_id": "用户编号",
        "reported_on": "受理日期",
        "kind": "工单类型",
        "topic": "问题分类",
        "product": "涉及业务",
    },
    values={
        "kind": {"投诉": "complaint", "咨询": "consultation"},
        "topic": {
            "网络质量": "network",
            "账单疑问": "billing",
            "服务态度": "service",
            "资费偏高": "price",
            "内容过时": "fashion",
            "业务未开通": "provisioning",
        },
        "product": PRODUCT_WORDS,
    },
)
MARKETING_FEEDBACK = Source(
    "marketing_feedback",
    columns={
        "contact_id": "接触编号",
        "customer_id": "用户编号",
        "contacted_on": "接触日期",
        "channel": "接触渠道",
        "policy": "营销政策",
        "product": "营销业务",
        "answer": "客户反馈",
        "reason": "拒绝原因",
    },
    values={
        "channel": CHANNEL_WORDS,
        "product": PRODUCT_WORDS,
        "answer": {"接受": "accepted", "拒绝": "rejected", "无反馈": "none"},
        "reason": {"资费高": "price", "不感兴趣": "not_interested", "终端不支持": "handset", "没空": "busy"},
    },
)
SURVEYS = Source(
    "surveys",
    columns={
        "customer_id": "用户编号",
        "answered_on": "回答日期",
        "question": "调查题目",
        "answer": "回答",
        "score": "评分",
    },
    values={
        "question": {"总体满意度": "satisfaction", **{f"为何不用{word}": ours for word, ours in PRODUCT_WORDS.items()}},
        "answer": {"资费贵": "price", "不新潮": "fashion", "不了解": "unaware"},
    },
)
