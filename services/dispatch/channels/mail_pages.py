"""The pages behind a mail's unsubscribe link: one that asks, for people, and the POST that mail programs make at once.

A GET changes nothing: scanners open every link of a mail before anybody reads it (RFC 8058).
"""

import html
from collections.abc import Sequence
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from services.dispatch.channels.mail_account import MailAccount
from services.dispatch.channels.mail_incoming import SOURCE
from services.dispatch.ports import Refusals

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_FIELD, _ONE_CLICK = "List-Unsubscribe", "One-Click"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_PAGE = """\
<!DOCTYPE html>
<html lang="zh-CN">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body style="margin:0;padding:24px;font:16px/1.6 sans-serif;color:#222">
<h1 style="font-size:20px">{title}</h1>
{body}
</body>
</html>
"""
_BUTTON = f"""\
<form method="post"><input type="hidden" name="{_FIELD}" value="{_ONE_CLICK}">
<button style="font:inherit;padding:8px 24px">退订</button></form>"""


class UnsubscribePages:
    """The routes below the path of the account's unsubscribe link."""

    def __init__(self, account: MailAccount, refusals: Refusals) -> None:
        self._signer = account.signer
        self._sender = account.sender_name
        self._path = urlsplit(account.unsubscribe_url).path or "/"
        self._refusals = refusals

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return (web.get(self._path, self._ask), web.post(self._path, self._unsubscribe))

    async def _ask(self, request: web.Request) -> web.Response:
        if self._attempt(request) is None:
            return _unknown()
        return _page("退订", f"<p>不再接收{html.escape(self._sender)}的推荐信息？</p>\n{_BUTTON}")

    async def _unsubscribe(self, request: web.Request) -> web.Response:
        """Opt out, and answer when nothing more can leave."""
        attempt = self._attempt(request)
        if attempt is None:
            return _unknown()
        if (await request.post()).get(_FIELD) != _ONE_CLICK:
            return _page("请求有误", f"<p>expected {_FIELD}={_ONE_CLICK}</p>", status=400)
        try:
            known = await self._refusals.on_refusal(attempt, SOURCE)
        except Exception as failure:  # noqa: BLE001 - whatever it is, nothing was promised: they may try again
            log.warning("unsubscribe_not_stored", failure=type(failure).__name__)
            return _page("请稍后再试", "<p>退订暂未成功，请稍后再试。</p>", status=503)
        return _page("已退订", "<p>您不会再收到我们的推荐信息。</p>") if known else _unknown()

    def _attempt(self, request: web.Request) -> str | None:
        return self._signer.attempt_of(request.query.get("t", ""))


def _unknown() -> web.Response:
    return _page("链接无效", "<p>这个链接不完整或已失效，请回复邮件“退订”。</p>", status=404)


def _page(title: str, body: str, *, status: int = 200) -> web.Response:
    text = _PAGE.format(title=title, body=body)
    headers = {**_HEADERS, **({"Retry-After": "60"} if status == 503 else {})}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)
