//! A message as a mail: headers, text, HTML and picture.

use anyhow::Context as _;
use lettre::message::header::{self, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Mailboxes, MultiPart, SinglePart};
use store::{DeliveryStatus, Incident, Notification, NotificationKind, OutgoingMessage};

use crate::message::{Chart, MessageContext, Templates};

/// Keeps a recipient's out-of-office from answering.
const NO_REPLY: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// Openings that one mail refers to, at most: enough to be threaded, and a header of bounded length.
const MAX_REFERENCES: usize = 10;

/// # Errors
/// The recipient, kept since the incident opened, is no address; or a template fails.
pub(super) fn mail(
    message: &OutgoingMessage,
    content: &MessageContext,
    chart: Option<&Chart>,
    templates: &Templates,
    from: Mailbox,
) -> anyhow::Result<lettre::Message> {
    let to: header::To = message
        .address
        .to
        .parse::<Mailboxes>()
        .map_err(|_| anyhow::anyhow!("the recipient is no mail address"))?
        .into();
    let content_id = format!("chart.{}", message.message_id);
    let chart_words = chart.map(|chart| chart.words(content.zone(), &content_id));
    let written = templates.write(content, chart_words.as_ref()).context("write the mail")?;
    let mut builder = lettre::Message::builder()
        .from(from)
        .mailbox(to)
        .subject(written.subject)
        .message_id(Some(format!("<{}>", message.message_id)))
        .raw_header(HeaderValue::new(NO_REPLY, "auto-generated".into()));
    let openings = openings(message);
    if let Some(first) = openings.first() {
        builder = builder.in_reply_to(first.clone()).references(openings.join(" "));
    }
    let html = match chart {
        None => MultiPart::alternative()
            .singlepart(SinglePart::plain(written.text))
            .singlepart(SinglePart::html(written.html)),
        Some(chart) => {
            let picture =
                Attachment::new_inline(content_id).body(chart.png.clone(), ContentType::parse("image/png")?);
            let related = MultiPart::related().singlepart(SinglePart::html(written.html)).singlepart(picture);
            MultiPart::alternative().singlepart(SinglePart::plain(written.text)).multipart(related)
        }
    };
    Ok(builder.multipart(html)?)
}

/// The Message-IDs of the mails that announced to this address what has now ended, or goes on.
fn openings(message: &OutgoingMessage) -> Vec<String> {
    let mut ids = Vec::new();
    for (notification, incident) in &message.notifications {
        let announced = (notification.kind != NotificationKind::Opened)
            .then(|| announced_in(notification, incident))
            .flatten();
        let id = announced.filter(|id| *id != message.message_id).map(|id| format!("<{id}>"));
        if let Some(id) = id.filter(|id| !ids.contains(id)) {
            ids.push(id);
        }
        if ids.len() == MAX_REFERENCES {
            break;
        }
    }
    ids
}

fn announced_in<'a>(notification: &Notification, incident: &'a Incident) -> Option<&'a str> {
    incident.notifications.iter().find_map(|other| match &other.status {
        DeliveryStatus::InMessage { message_id, .. }
            if other.kind == NotificationKind::Opened && other.address == notification.address =>
        {
            Some(message_id.as_str())
        }
        _ => None,
    })
}
