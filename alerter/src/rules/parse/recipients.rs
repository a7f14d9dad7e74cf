//! The recipients of the rules file.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use store::{Address, Channel};
use telemetry::MAX_LEVEL_CHARS;
use toml::de::{DeTable, DeValue};
use url::Url;

use super::Known;
use super::section::Section;
use crate::rules::rule::{Recipient, Secret};

const KEYS: [&str; 4] = ["mail", "zone", "webhook", "mqtt"];

/// The recipients of the file, and those that rules name by address alone.
pub(super) struct Recipients {
    pub(super) named: BTreeMap<String, Recipient>,
    zone: TimeZone,
}

impl Recipients {
    pub(super) fn read(top: &Section<'_, '_>, known: &Known) -> Self {
        let mut recipients = Self { named: BTreeMap::new(), zone: known.zone.clone() };
        let Some((table, _)) = top.table("recipients") else { return recipients };
        for (name, value) in table {
            let title = format!("recipients.{}", name.get_ref());
            if let Some(problem) = name_problem(name.get_ref()) {
                top.refuse_at(name.span().start, format!("{title}: {problem}"));
            }
            let Some(said) = value.get_ref().as_table() else {
                top.refuse_at(
                    value.span().start,
                    format!("{title} is no table: write [{title}] above its keys"),
                );
                continue;
            };
            let section = Section::open(said, value.span(), title, &KEYS, top.problems());
            if let Some(recipient) = recipients.one(&section, said) {
                recipients.named.insert(name.get_ref().to_string(), recipient);
            }
        }
        recipients
    }

    fn one(&self, section: &Section<'_, '_>, said: &DeTable<'_>) -> Option<Recipient> {
        let channels: Vec<_> =
            ["mail", "webhook", "mqtt"].into_iter().filter(|channel| said.contains_key(*channel)).collect();
        let [channel] = channels[..] else {
            section.refuse(channels.get(1).unwrap_or(&""), "write exactly one of mail, webhook and mqtt");
            return None;
        };
        if channel != "mail" {
            section.refuse_beside("zone", channel);
        }
        match channel {
            "mail" => self.mail(section),
            "webhook" => webhook(section),
            _ => mqtt(section),
        }
    }

    fn mail(&self, section: &Section<'_, '_>) -> Option<Recipient> {
        let address = section.text("mail")?;
        let zone = zone(section, "zone").unwrap_or_else(|| self.zone.clone());
        if !is_mail_address(address) {
            section.refuse("mail", format!("{address:?} is no mail address: write name@example.org"));
        }
        if self.address_is_named(address) {
            section.refuse("mail", format!("{address} is another recipient already: name it once"));
        }
        Some(Recipient::Mail { address: address.to_owned(), zone })
    }

    /// The recipient of a rule that names one of the file's or a mail address.
    pub(super) fn resolve(&mut self, said: &str) -> Result<Address, String> {
        match self.named.get(said) {
            Some(Recipient::Mail { address, .. }) => {
                Ok(Address { channel: Channel::Mail, to: address.clone() })
            }
            Some(Recipient::Webhook { .. }) => Ok(Address { channel: Channel::Webhook, to: said.to_owned() }),
            Some(Recipient::Mqtt) => Ok(Address { channel: Channel::Mqtt, to: said.to_owned() }),
            None if is_mail_address(said) => Ok(self.mail_to(said)),
            None => {
                let names: Vec<_> =
                    self.named.keys().filter(|name| !name.contains('@')).map(String::as_str).collect();
                let names = if names.is_empty() { "there are none".into() } else { names.join(", ") };
                Err(format!(
                    "recipient {said:?} is neither a mail address nor a name of [recipients.*] ({names}): \
                     write name@example.org or add [recipients.NAME]"
                ))
            }
        }
    }

    /// A bare address; the zone is that of the recipient that has it, if one has.
    pub(super) fn mail_to(&mut self, address: &str) -> Address {
        if !self.address_is_named(address) {
            let recipient = Recipient::Mail { address: address.to_owned(), zone: self.zone.clone() };
            self.named.insert(address.to_owned(), recipient);
        }
        Address { channel: Channel::Mail, to: address.to_owned() }
    }

    fn address_is_named(&self, wanted: &str) -> bool {
        let is =
            |recipient: &Recipient| matches!(recipient, Recipient::Mail { address, .. } if address == wanted);
        self.named.values().any(is)
    }
}

/// Never says the address itself: it may hold a password.
fn webhook(section: &Section<'_, '_>) -> Option<Recipient> {
    let url = section.text("webhook")?;
    let of_web = url.starts_with("http://") || url.starts_with("https://");
    if !of_web || !Url::parse(url).is_ok_and(|url| url.has_host()) {
        section.refuse("webhook", "this is no address of a web server: write https://example.org/hook");
    }
    Some(Recipient::Webhook { url: Secret(url.to_owned()) })
}

fn mqtt(section: &Section<'_, '_>) -> Option<Recipient> {
    if !matches!(section.value("mqtt")?.get_ref(), DeValue::Boolean(true)) {
        section.refuse("mqtt", "mqtt is not true: write mqtt = true or remove the recipient");
    }
    Some(Recipient::Mqtt)
}

pub(super) fn zone(section: &Section<'_, '_>, key: &str) -> Option<TimeZone> {
    let name = section.text(key)?;
    let zone = TimeZone::get(name).ok();
    if zone.is_none() {
        section
            .refuse(key, format!("there is no time zone {name}: write an IANA name such as Europe/Berlin"));
    }
    zone
}

/// Why a text cannot be a name: names stand in topics and ids.
pub(super) fn name_problem(name: &str) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if (1..=MAX_LEVEL_CHARS).contains(&name.len()) && name.chars().all(good) {
        return None;
    }
    Some(format!("{name:?} is no name: write 1 to {MAX_LEVEL_CHARS} characters of A-Z a-z 0-9 _ -"))
}

/// Stricter than RFC 5321: no quoted names, no literal addresses of machines.
fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    local.len() <= 64
        && local.split('.').all(|part| !part.is_empty() && part.chars().all(atom))
        && domain.len() <= 253
        && domain.split('.').all(label)
}
