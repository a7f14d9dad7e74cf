//! The name of a message: the same whenever it is made of the same notifications.

use store::{Incident, Notification, NotificationKind};
use telemetry::fnv1a_64;

/// Of the part before the `@`: RFC 5321 allows less, and every mail server more.
const MAX_CHARS: usize = 200;

/// The first notification is in no other message, and so the id is used once.
pub(super) fn message_id(first: &Notification, incident: &Incident) -> String {
    let kind = match first.kind {
        NotificationKind::Opened => "opened",
        NotificationKind::Reminder => "reminder",
        NotificationKind::Resolved => "resolved",
    };
    let end = format!("{kind}.{}", first.number);
    let name = atom(&incident.id);
    match name.get(..MAX_CHARS - end.len() - 18) {
        Some(start) if start.len() < name.len() => {
            let start = start.trim_end_matches('.');
            format!("{start}-{:016x}.{end}@millrace", fnv1a_64(incident.id.bytes()))
        }
        _ => format!("{name}.{end}@millrace"),
    }
}

/// As RFC 5322 wants it between dots.
fn atom(id: &str) -> String {
    let plain = |level: &str| -> String {
        level.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
    };
    let levels: Vec<_> = id.split(['/', '.']).filter(|level| !level.is_empty()).map(plain).collect();
    levels.join(".")
}
