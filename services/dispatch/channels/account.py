"""The SMS account as the settings have it."""

from services.dispatch.channels.sms_wire import SmsAccount
from services.dispatch.settings import SmsSettings
from shared.wire.cmpp.link import LinkLimits
from shared.wire.cmpp.versions import Version

_VERSIONS = {"2.0": Version.CMPP_2, "3.0": Version.CMPP_3}


def account_of(settings: SmsSettings) -> SmsAccount:
    """Return the account; receipts and contacts know it by its SP id."""
    return SmsAccount(
        name=settings.dispatch_sms_sp_id,
        host=settings.dispatch_sms_host,
        port=settings.dispatch_sms_port,
        sp_id=settings.dispatch_sms_sp_id,
        secret=settings.dispatch_sms_secret.get_secret_value(),
        service_id=settings.dispatch_sms_service_id,
        src_id=settings.dispatch_sms_src_id,
        version=_VERSIONS[settings.dispatch_sms_version],
        demand_proof=settings.dispatch_sms_demand_proof,
        rate=settings.dispatch_sms_rate,
        limits=LinkLimits(window=settings.dispatch_sms_window, response_timeout=settings.dispatch_sms_answer_seconds),
        write_within=settings.dispatch_sms_write_seconds,
    )
