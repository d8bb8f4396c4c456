"""How each channel puts offers into words, by the accounts that the settings have."""

from functools import partial

from services.dispatch.channels.wap_wire import count_parts as count_push_parts
from services.dispatch.domain.mails import MailForm
from services.dispatch.domain.messages import Forms, MessageForm, ScriptForm
from services.dispatch.domain.plans import Channel
from services.dispatch.domain.wap_push import PushForm
from services.dispatch.settings import MailSettings, SmsSettings, WapSettings
from shared.wire.cmpp.parts import count_parts


def forms_of(sms: SmsSettings, wap: WapSettings, mail: MailSettings) -> Forms:
    """Return the form of every channel that plans may choose."""
    return {
        Channel.SMS: MessageForm(sms.dispatch_sms_signature, sms.dispatch_sms_max_parts, count_parts),
        Channel.WAP_PUSH: PushForm(
            sms.dispatch_sms_signature,
            sms.dispatch_sms_src_id,
            wap.dispatch_wap_max_parts,
            partial(count_push_parts, initiator=wap.dispatch_wap_initiator),
        ),
        Channel.MAIL_139: MailForm(mail.dispatch_mail_signature),
        Channel.CALL: ScriptForm(),
    }
