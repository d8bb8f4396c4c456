"""How each channel puts offers into words, by the accounts that the settings have."""

from services.dispatch.domain.messages import Forms, MessageForm, ScriptForm
from services.dispatch.domain.plans import Channel
from services.dispatch.settings import SmsSettings
from shared.wire.cmpp.parts import count_parts


def forms_of(sms: SmsSettings) -> Forms:
    """Return the form of every channel that plans may choose."""
    return {
        Channel.SMS: MessageForm(sms.dispatch_sms_signature, sms.dispatch_sms_max_parts, count_parts),
        Channel.CALL: ScriptForm(),
    }
