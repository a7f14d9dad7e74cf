//! A notice as a mail.

use anyhow::Context as _;
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, To};
use lettre::message::{Mailbox, Mailboxes};
use store::Notice;
use telemetry::fnv1a_64;

/// The same at each attempt.
pub(crate) fn notice_id(notice: &Notice) -> String {
    format!("notice-{:016x}@millrace", fnv1a_64(notice.name.bytes()))
}

/// # Errors
/// The mail cannot be made.
pub(crate) fn compose_notice(
    notice: &Notice,
    message_id: &str,
    to: Mailboxes,
    from: Mailbox,
    page: &str,
) -> anyhow::Result<Message> {
    let auto = HeaderName::new_from_ascii_str("Auto-Submitted");
    Message::builder()
        .from(from)
        .mailbox(To::from(to))
        .subject(&notice.subject)
        .message_id(Some(format!("<{message_id}>")))
        .raw_header(HeaderValue::new(auto, "auto-generated".into()))
        .header(ContentType::TEXT_PLAIN)
        .body(format!("{}\n\n{page}\n", notice.text))
        .context("write the mail")
}
