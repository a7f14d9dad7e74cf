//! What a mail says.

use jiff::Timestamp;
use lettre::Message;
use lettre::message::header::{self, HeaderName, HeaderValue};
use lettre::message::{Mailboxes, MultiPart};
use store::{Incident, Mail, MailKind};

use crate::{Mailer, Rule};

/// Keeps a recipient's out-of-office from answering.
const NO_REPLY: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// Writes the mail for a transition; the rule is there unless it was removed since.
///
/// # Errors
/// The recipients, kept since the mail was owed, are no addresses.
pub(crate) fn compose(
    mail: &Mail,
    incident: &Incident,
    rule: Option<&Rule>,
    mailer: &Mailer,
) -> anyhow::Result<Message> {
    let said = Said::of(mail.kind, incident, rule, &mailer.page);
    let to: header::To = mail.recipients.parse::<Mailboxes>()?.into();
    let mut builder = Message::builder()
        .from(mailer.from.clone())
        .mailbox(to)
        .subject(said.subject())
        .message_id(Some(format!("<{}>", mail.message_id)))
        .raw_header(HeaderValue::new(NO_REPLY, "auto-generated".into()));
    let first = incident.mails.iter().find(|mail| mail.kind == MailKind::Opened);
    if let (MailKind::Resolved, Some(first)) = (mail.kind, first) {
        let first = format!("<{}>", first.message_id);
        builder = builder.in_reply_to(first.clone()).references(first);
    }
    Ok(builder.multipart(MultiPart::alternative_plain_html(said.text(), said.html()))?)
}

/// Red and green that can be read on white and on near black.
const ALARM: [&str; 2] = ["#b42318", "#ff8a7a"];
const CALM: [&str; 2] = ["#067647", "#5fd39b"];

/// Why somebody gets this; in every mail.
const WHY: &str = "Millrace sends one mail when a rule is broken and one when it is kept again.";

/// The words of one mail, before they are laid out.
struct Said {
    word: &'static str,
    headline: String,
    about: String,
    value: String,
    beside: String,
    facts: Vec<(&'static str, String)>,
    link: String,
    /// For a light and for a dark background.
    tones: [&'static str; 2],
}

impl Said {
    fn of(kind: MailKind, incident: &Incident, rule: Option<&Rule>, page: &str) -> Self {
        let Incident { device, metric, rule: name, .. } = incident;
        let above = rule.map(|rule| rule.above);
        let value = |value: f64| format!("{}{}", short(value, above), unit(incident.unit.as_deref()));
        let limit = above.map(value);
        let about = format!("{device}: {metric}");
        let mut facts = vec![("Since", time(incident.opened_at))];
        let link = format!("{page}/?device={device}&metric={metric}");
        let (word, is, value, beside, tones) = match kind {
            MailKind::Opened => {
                ("Alert", "is", value(incident.value), limit.map(|limit| format!("above {limit}")), ALARM)
            }
            MailKind::Resolved => {
                let end = incident.resolved_at.unwrap_or(incident.opened_at);
                let last = value(incident.resolved_value.unwrap_or(incident.value));
                facts.push(("Until", format!("{}, after {}", time(end), duration(incident.opened_at, end))));
                ("Resolved", "is back at", last, limit.map(|limit| format!("limit {limit}")), CALM)
            }
        };
        facts.push(("Rule", name.clone()));
        let in_brackets = beside.as_ref().map(|beside| format!(" ({beside})")).unwrap_or_default();
        let headline = format!("{about} {is} {value}{in_brackets}");
        Self { word, headline, about, value, beside: beside.unwrap_or_default(), facts, link, tones }
    }

    fn subject(&self) -> String {
        format!("{}: {}", self.word, self.headline)
    }

    fn text(&self) -> String {
        let Self { headline, facts, link, .. } = self;
        let facts: String = facts.iter().map(|(name, fact)| format!("{name:<8}{fact}\n")).collect();
        format!("{headline}\n\n{facts}\n{link}\n\n{WHY}\n")
    }

    fn html(&self) -> String {
        format!(
            include_str!("message.html"),
            tone = self.tones[0],
            tone_dark = self.tones[1],
            word = self.word,
            subject = escape(&self.subject()),
            about = escape(&self.about),
            value = escape(&self.value),
            beside = escape(&self.beside),
            facts = self.facts.iter().map(|(name, fact)| row(name, fact)).collect::<String>(),
            link = escape(&self.link),
            why = WHY,
        )
    }
}

fn row(name: &str, fact: &str) -> String {
    let fact = escape(fact);
    format!(
        "<tr><td class=\"faint\" style=\"padding:3px 20px 3px 0;color:#566070;vertical-align:top\">{name}</td>\
         <td class=\"strong\" width=\"100%\" style=\"padding:3px 0;color:#14171c;word-break:break-word\">{fact}</td></tr>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// At most three decimals, unless these would make the value look like the limit: a mail is for a glance.
fn short(value: f64, limit: Option<f64>) -> String {
    match limit {
        Some(limit) if limit != value && rounded(limit) == rounded(value) => value.to_string(),
        _ => rounded(value),
    }
}

fn rounded(value: f64) -> String {
    if value != 0.0 && !(0.001..1e12).contains(&value.abs()) {
        return format!("{value:e}");
    }
    // Plus zero: a zero has no sign.
    let text = format!("{:.3}", value + 0.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn unit(unit: Option<&str>) -> String {
    match unit {
        None => String::new(),
        Some("celsius") => " °C".into(),
        Some("fahrenheit") => " °F".into(),
        Some("percent") => " %".into(),
        Some("hectopascal") => " hPa".into(),
        Some(other) => format!(" {other}"),
    }
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn duration(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident() -> Incident {
        Incident {
            id: "temperature-high/temperature/lab/1".into(),
            rule: "temperature-high".into(),
            device: "site<a>/lab".into(),
            metric: "temperature".into(),
            opened_at: "2026-01-15T10:30:00.25Z".parse().unwrap(),
            value: 26.123_456,
            unit: Some("celsius".into()),
            resolved_at: Some("2026-01-15T10:42:03Z".parse().unwrap()),
            resolved_value: Some(24.0),
            mails: vec![],
        }
    }

    #[test]
    fn a_mail_says_at_a_glance_what_happened() {
        let rule = Rule { name: "temperature-high".into(), metric: "temperature".into(), above: 25.0 };
        let opened = Said::of(MailKind::Opened, &incident(), Some(&rule), "http://localhost:8080");
        assert_eq!(opened.subject(), "Alert: site<a>/lab: temperature is 26.123 °C (above 25 °C)");
        assert!(opened.text().contains("Since   2026-01-15 10:30:00 UTC\n"), "{}", opened.text());
        let resolved = Said::of(MailKind::Resolved, &incident(), None, "http://localhost:8080");
        assert_eq!(resolved.subject(), "Resolved: site<a>/lab: temperature is back at 24 °C");
        assert!(resolved.text().contains("after 12 min 2 s"), "{}", resolved.text());
        assert!(resolved.html().contains("site&lt;a&gt;/lab") && !resolved.html().contains("<a>"));
    }

    #[test]
    fn values_are_short() {
        for (value, text) in [
            (26.1, "26.1"),
            (25.0, "25"),
            (100.0, "100"),
            (-0.5, "-0.5"),
            (-0.0, "0"),
            (1e6, "1000000"),
            (26.123_456, "26.123"),
            (25.000_1, "25.0001"),
            (0.000_1, "1e-4"),
            (-1.5e300, "-1.5e300"),
        ] {
            assert_eq!(short(value, Some(25.0)), text);
        }
        assert_eq!(short(25.000_1, None), "25");
    }
}
