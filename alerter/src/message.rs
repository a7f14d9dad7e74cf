//! What a mail says.

use jiff::Timestamp;
use lettre::Message;
use lettre::message::{Mailboxes, MultiPart, header};
use store::{Incident, Mail, MailKind};

use crate::{Mailer, Rule};

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
        .subject(&said.subject)
        .message_id(Some(format!("<{}>", mail.message_id)));
    let first = incident.mails.iter().find(|mail| mail.kind == MailKind::Opened);
    if let (MailKind::Resolved, Some(first)) = (mail.kind, first) {
        let first = format!("<{}>", first.message_id);
        builder = builder.in_reply_to(first.clone()).references(first);
    }
    Ok(builder.multipart(MultiPart::alternative_plain_html(said.text(), said.html()))?)
}

/// The words of one mail, before they are laid out.
struct Said {
    subject: String,
    headline: String,
    facts: Vec<(&'static str, String)>,
    link: String,
    alarming: bool,
}

impl Said {
    fn of(kind: MailKind, incident: &Incident, rule: Option<&Rule>, page: &str) -> Self {
        let value = |value: f64| format!("{}{}", short(value), unit(incident.unit.as_deref()));
        let Incident { device, metric, rule: name, .. } = incident;
        let limit = rule.map(|rule| value(rule.above));
        let end = incident.resolved_at.unwrap_or(incident.opened_at);
        let last = incident.resolved_value.unwrap_or(incident.value);
        let over = |word: &str| limit.as_ref().map(|limit| format!(" ({word} {limit})")).unwrap_or_default();
        let mut facts = vec![("Device", device.clone()), ("Metric", metric.clone())];
        let headline = match kind {
            MailKind::Opened => {
                facts.push(("Value", value(incident.value)));
                format!("{device}: {metric} is {}{}", value(incident.value), over("above"))
            }
            MailKind::Resolved => {
                facts.push(("Value", value(last)));
                format!("{device}: {metric} is back at {}{}", value(last), over("limit"))
            }
        };
        facts.extend(limit.map(|limit| ("Limit", limit)));
        facts.push(("Since", time(incident.opened_at)));
        if kind == MailKind::Resolved {
            facts.push(("Until", format!("{}, after {}", time(end), duration(incident.opened_at, end))));
        }
        facts.push(("Rule", name.clone()));
        let word = if kind == MailKind::Opened { "Alert" } else { "Resolved" };
        Self {
            subject: format!("{word}: {headline}"),
            headline,
            facts,
            link: format!("{page}/?device={device}&metric={metric}"),
            alarming: kind == MailKind::Opened,
        }
    }

    fn text(&self) -> String {
        let facts: String = self.facts.iter().map(|(name, fact)| format!("{name:<8}{fact}\n")).collect();
        format!("{}\n\n{facts}\n{}\n", self.headline, self.link)
    }

    fn html(&self) -> String {
        let rows: String = self.facts.iter().map(|(name, fact)| row(name, fact)).collect();
        let (word, colour) = if self.alarming { ("Alert", "#b42318") } else { ("Resolved", "#067647") };
        let (headline, link) = (escape(&self.headline), escape(&self.link));
        format!(
            "<!doctype html><html><head><meta name=\"color-scheme\" content=\"light dark\"></head>\
             <body style=\"margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif\">\
             <div style=\"max-width:560px\"><p style=\"margin:0 0 8px;font-weight:600;color:#fff;background:{colour};\
             display:inline-block;padding:2px 10px;border-radius:4px\">{word}</p>\
             <h1 style=\"margin:0 0 16px;font-size:22px;line-height:1.3\">{headline}</h1>\
             <table role=\"presentation\" style=\"border-collapse:collapse\">{rows}</table>\
             <p style=\"margin:24px 0 0\"><a href=\"{link}\">Show the chart</a></p></div></body></html>"
        )
    }
}

fn row(name: &str, fact: &str) -> String {
    format!(
        "<tr><td style=\"padding:2px 24px 2px 0;opacity:.65\">{name}</td><td style=\"padding:2px 0\">{}</td></tr>",
        escape(fact)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// At most three decimals: a mail is for a glance, the store keeps every digit.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
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
        assert_eq!(opened.subject, "Alert: site<a>/lab: temperature is 26.123 °C (above 25 °C)");
        assert!(opened.text().contains("Since   2026-01-15 10:30:00 UTC\n"), "{}", opened.text());
        let resolved = Said::of(MailKind::Resolved, &incident(), None, "http://localhost:8080");
        assert_eq!(resolved.subject, "Resolved: site<a>/lab: temperature is back at 24 °C");
        assert!(resolved.text().contains("after 12 min 2 s"), "{}", resolved.text());
        assert!(resolved.html().contains("site&lt;a&gt;/lab") && !resolved.html().contains("<a>"));
    }

    #[test]
    fn values_are_short() {
        for (value, text) in [(26.1, "26.1"), (25.0, "25"), (-0.5, "-0.5"), (1e6, "1000000"), (0.000_1, "0")]
        {
            assert_eq!(short(value), text);
        }
    }
}
