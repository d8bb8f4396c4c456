"""The WAP push account as the settings have it."""

from services.dispatch.channels.wap_wire import Reports, WapAccount
from services.dispatch.settings import WapSettings
from shared.wire.pap.endpoints import Endpoint


def wap_account_of(settings: WapSettings) -> WapAccount:
    """Return the account; receipts and contacts know it by its name at the gateway."""
    return WapAccount(
        name=f"{settings.dispatch_wap_username}@{settings.dispatch_wap_gateway}",
        endpoint=Endpoint(
            settings.dispatch_wap_url,
            settings.dispatch_wap_username,
            settings.dispatch_wap_password.get_secret_value(),
            answer_within=settings.dispatch_wap_answer_seconds,
        ),
        gateway=settings.dispatch_wap_gateway,
        initiator=settings.dispatch_wap_initiator,
        reports=Reports(settings.dispatch_wap_reports),
        reports_host=settings.dispatch_wap_reports_host,
        reports_port=settings.dispatch_wap_reports_port,
        reports_url=settings.dispatch_wap_reports_url,
        smsbox=settings.dispatch_wap_kannel_smsbox,
        rate=settings.dispatch_wap_rate,
        window=settings.dispatch_wap_window,
        write_within=settings.dispatch_wap_write_seconds,
    )
