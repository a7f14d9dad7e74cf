//! What a device may publish and subscribe: the user `dev1` is the device `dev1`, and writes its own readings. What it may
//! beside that, as a gateway that publishes for many devices must, stands in its credential or in the password file.

use anyhow::{Result, bail, ensure};
use telemetry::{UPLINK, covers};

/// First levels that no device writes: what is published there comes from Millrace or from people.
pub const RESERVED: [&str; 3] = ["alerts", "commands", "uplink"];

/// First levels that no user writes, whatever the password file says.
const OUR_OWN: [&str; 3] = ["alerts", "uplink", "$SYS"];

/// Filters of one user, at most.
const MAX_FILTERS: usize = 32;

/// Bytes of a filter, at most.
const MAX_FILTER_BYTES: usize = 1024;

/// What a user may do with the topics that a filter matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Read,
    Write,
    ReadWrite,
}

const WHATS: [(&str, What); 3] =
    [("read", What::Read), ("write", What::Write), ("readwrite", What::ReadWrite)];

/// MQTT filters for the topics that a user may publish and subscribe to, beside those of the device of its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights(Vec<(What, Box<str>)>);

impl Rights {
    /// Reads lines as [`add`](Self::add) takes them.
    ///
    /// # Errors
    /// A line is wrong.
    pub fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut rights = Self::default();
        lines.into_iter().try_for_each(|line| rights.add(line))?;
        Ok(rights)
    }

    /// Adds what a line says: `read`, `write` or `readwrite`, and a filter.
    ///
    /// # Errors
    /// The filter cannot be one, is for topics of Millrace itself, or is one too many.
    pub fn add(&mut self, line: &str) -> Result<()> {
        let Some((what, filter)) = split(line) else {
            bail!("write read, write or readwrite, and an MQTT filter");
        };
        check(filter)?;
        let first = filter.split('/').next().unwrap_or_default();
        ensure!(
            what == What::Read || !OUR_OWN.contains(&first),
            "{first} is for Millrace alone: nobody else publishes there"
        );
        ensure!(first != "$SYS", "statistics are for the users in mqtt.operators");
        ensure!(self.0.len() < MAX_FILTERS, "a user has at most {MAX_FILTERS} filters");
        self.0.push((what, filter.into()));
        Ok(())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines that say so.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let word = |what: What| WHATS.iter().find(|(_, other)| *other == what).map_or("", |(word, _)| word);
        self.0.iter().map(move |(what, filter)| format!("{} {filter}", word(*what)))
    }

    /// The filters for the topics that they allow to publish to.
    pub fn to_publish(&self) -> impl Iterator<Item = &str> {
        self.filters(What::Write)
    }

    /// The filters for the topics that they allow to subscribe to.
    pub fn to_subscribe(&self) -> impl Iterator<Item = &str> {
        self.filters(What::Read)
    }

    /// Whether they allow to publish to this topic. A wildcard stands for none of the first levels that Millrace needs.
    #[must_use]
    pub fn may_publish(&self, topic: &str) -> bool {
        let first = topic.split('/').next().unwrap_or_default();
        !OUR_OWN.contains(&first)
            && self.filters(What::Write).any(|filter| {
                let named = filter.split('/').next() == Some(first);
                (named || !(first.starts_with('$') || RESERVED.contains(&first))) && covers(filter, topic)
            })
    }

    /// Whether they allow to subscribe to this filter: one of theirs matches all that it does.
    #[must_use]
    pub fn may_subscribe(&self, asked: &str) -> bool {
        self.filters(What::Read).any(|filter| {
            let wild = filter.starts_with(['+', '#']);
            !(wild && asked.starts_with('$')) && covers(filter, asked)
        })
    }

    fn filters(&self, wanted: What) -> impl Iterator<Item = &str> {
        let those = self.0.iter().filter(move |(what, _)| *what == wanted || *what == What::ReadWrite);
        those.map(|(_, filter)| &**filter)
    }
}

/// Whether a line of a password file is one for the user above it.
#[must_use]
pub fn is_right(line: &str) -> bool {
    line.starts_with([' ', '\t']) && split(line).is_some()
}

fn split(line: &str) -> Option<(What, &str)> {
    let (word, filter) = line.trim().split_once([' ', '\t'])?;
    let (_, what) = WHATS.iter().find(|(known, _)| *known == word)?;
    Some((*what, filter.trim_start()))
}

/// As MQTT has it (section 4.7): wildcards are whole levels, and `#` is the last one.
fn check(filter: &str) -> Result<()> {
    ensure!(filter.len() <= MAX_FILTER_BYTES, "a filter has at most {MAX_FILTER_BYTES} bytes");
    ensure!(!filter.contains(char::is_control), "a filter has no control characters");
    let (before, last) = filter.rsplit_once('/').unwrap_or(("", filter));
    ensure!(!before.contains('#'), "# stands for all further levels: write it as the last level");
    let is_whole = |level: &str| level.len() == 1 || !level.contains(['+', '#']);
    ensure!(before.split('/').chain([last]).all(is_whole), "+ and # stand for whole levels");
    Ok(())
}

/// The user name of the device without what tells its credentials apart: `dev1` of `dev1~2`.
#[must_use]
pub fn device_user(user: &str) -> &str {
    user.split_once('~').map_or(user, |(device, _)| device)
}

/// Whether the user may publish to `<any metric>/<device>` and below, where the device is the user; and forward as the edge of
/// this name, which is no more: all that it forwards is below the device.
#[must_use]
pub fn may_publish(user: &str, topic: &str) -> bool {
    let Some((first, device)) = topic.split_once('/') else { return false };
    let open = !first.is_empty() && !first.starts_with('$') && !RESERVED.contains(&first);
    let is_own_uplink = first == UPLINK && device.len() == user.len();
    (open || is_own_uplink) && is_at_or_below(device, user)
}

/// Whether the user may subscribe: to `commands/<device>` and below, and to nothing else.
#[must_use]
pub fn may_subscribe(user: &str, filter: &str) -> bool {
    filter.strip_prefix("commands/").is_some_and(|device| is_at_or_below(device, user))
}

/// Whether a user's name is that of a device. A device's `/` is `.` in it.
#[must_use]
pub fn is_device(user: &str) -> bool {
    let is_level = |level: &str| {
        !level.is_empty()
            && level.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    user.split('.').all(is_level)
}

/// Whether levels of a topic or filter begin with those of the device that the user is. No wildcard is among them, as
/// no device has one in its name.
#[must_use]
pub fn is_at_or_below(levels: &str, user: &str) -> bool {
    let Some((device, below)) = levels.split_at_checked(user.len()) else { return false };
    let same = |(level, user): (u8, u8)| if user == b'.' { level == b'/' } else { level == user };
    is_device(user)
        && device.bytes().zip(user.bytes()).all(same)
        && (below.is_empty() || below.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_writes_its_own_metrics_and_nothing_else() {
        for (user, topic, may) in [
            ("dev1", "temperature/dev1", true),
            ("dev1", "status/dev1", true),
            ("dev1", "temperature/dev1/inside", true),
            ("dev1", "temperature/dev10", false),
            ("dev1", "temperature/dev", false),
            ("dev1", "temperature/dev2", false),
            ("dev1", "temperature/dev2/dev1", false),
            ("dev1", "temperature/", false),
            ("dev1", "temperature", false),
            ("dev1", "dev1", false),
            ("dev1", "/dev1", false),
            ("dev1", "/temperature/dev1", false),
            ("dev1", "alerts/dev1", false),
            ("dev1", "commands/dev1", false),
            ("dev1", "uplink/dev1", true),
            ("dev1", "uplink/dev1/inside", false),
            ("dev1", "uplink/dev2", false),
            ("dev1", "uplink", false),
            ("site-a.rack_1", "uplink/site-a/rack_1", true),
            ("site-a.rack_1", "uplink/site-a", false),
            ("site-a", "uplink/site-a/rack_1", false),
            ("dev1", "$SYS/dev1", false),
            ("dev1", "$share/dev1", false),
            ("site-a.rack_1", "temperature/site-a/rack_1", true),
            ("site-a.rack_1", "temperature/site-a/rack_1/left", true),
            ("site-a.rack_1", "temperature/site-a.rack_1", false),
            ("site-a.rack_1", "temperature/site-a", false),
            ("site-a", "temperature/site-a/rack_1", true),
            ("dev\u{e9}", "temperature/dev\u{e9}", false),
            ("d", "temperature/\u{e9}", false),
            ("", "temperature/", false),
            ("", "temperature/x", false),
            (".", "temperature//", false),
        ] {
            assert_eq!(may_publish(user, topic), may, "{user} {topic}");
        }
    }

    fn rights(lines: &[&str]) -> Rights {
        let mut rights = Rights::default();
        lines.iter().for_each(|line| rights.add(line).unwrap());
        rights
    }

    #[test]
    fn a_gateway_writes_and_reads_what_its_filters_match() {
        let gateway =
            rights(&["readwrite zigbee2mqtt/#", "write homeassistant/+/+/config", "read cmnd/tasmotas/#"]);
        for (topic, may) in [
            ("zigbee2mqtt/Flur oben", true),
            ("zigbee2mqtt/bridge/state", true),
            ("zigbee2mqtt", true),
            ("zigbee2mqtt2/x", false),
            ("homeassistant/sensor/x/config", true),
            ("homeassistant/sensor/x/y/config", false),
            ("cmnd/tasmotas/POWER", false),
        ] {
            assert_eq!(gateway.may_publish(topic), may, "{topic}");
        }
        for (filter, may) in [
            ("zigbee2mqtt/#", true),
            ("zigbee2mqtt/+/set", true),
            ("cmnd/tasmotas/#", true),
            ("cmnd/+/#", false),
            ("homeassistant/sensor/x/config", false),
            ("#", false),
        ] {
            assert_eq!(gateway.may_subscribe(filter), may, "{filter}");
        }
    }

    #[test]
    fn a_wildcard_gives_nothing_that_is_of_millrace_or_the_broker() {
        let all = rights(&["readwrite #"]);
        for topic in ["alerts/a", "uplink/a", "commands/a", "$SYS/broker", "$aws/things/x"] {
            assert!(!all.may_publish(topic), "{topic}");
        }
        assert!(all.may_publish("tele/x/SENSOR") && all.may_subscribe("#") && all.may_subscribe("alerts/#"));
        assert!(!all.may_subscribe("$SYS/#") && !all.may_subscribe("$aws/#"));
        let named = rights(&["readwrite commands/#", "readwrite $aws/things/#"]);
        assert!(named.may_publish("commands/a") && named.may_publish("$aws/things/x"));
        assert!(named.may_subscribe("$aws/things/+/shadow"));
    }

    #[test]
    fn a_filter_that_cannot_be_one_is_refused() {
        for (line, problem) in [
            ("write alerts/#", "alerts is for Millrace alone"),
            ("readwrite uplink/x", "uplink is for Millrace alone"),
            ("read $SYS/#", "statistics are for"),
            ("read a/#/b", "# stands for all further levels"),
            ("read a+/b", "+ and # stand for whole levels"),
            ("read a/b#", "+ and # stand for whole levels"),
            ("raed a/b", "write read, write or readwrite"),
            ("read", "write read, write or readwrite"),
            ("read a\u{7}", "a filter has no control characters"),
            (&format!("read {}", "x".repeat(1025)), "a filter has at most"),
        ] {
            let error = Rights::default().add(line).unwrap_err().to_string();
            assert!(error.starts_with(problem), "{line}: {error}");
        }
        let mut many = Rights::default();
        (0..MAX_FILTERS).for_each(|number| many.add(&format!("read {number}/#")).unwrap());
        assert!(many.add("read x").is_err());
    }

    #[test]
    fn a_device_reads_its_commands_and_nothing_else() {
        for (user, filter, may) in [
            ("dev1", "commands/dev1", true),
            ("dev1", "commands/dev1/#", true),
            ("dev1", "commands/dev1/+/x", true),
            ("dev1", "commands/#", false),
            ("dev1", "commands/+", false),
            ("dev1", "commands/dev2", false),
            ("dev1", "+/dev1", false),
            ("dev1", "#", false),
            ("dev1", "$SYS/#", false),
            ("dev1", "temperature/dev1", false),
            ("+", "commands/+", false),
            ("#", "commands/#", false),
            ("a.+", "commands/a/+", false),
            ("site-a.rack_1", "commands/site-a/rack_1/#", true),
            ("site-a.rack_1", "commands/site-a/#", false),
        ] {
            assert_eq!(may_subscribe(user, filter), may, "{user} {filter}");
        }
    }
}
