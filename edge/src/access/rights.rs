//! What a user may publish and subscribe: `dev1` is the device `dev1`, and writes its own readings only.

/// First levels that no device writes: what is published there comes from Millrace or from people.
const RESERVED: [&str; 3] = ["alerts", "commands", "uplink"];

/// Whether the user may publish to `<any metric>/<device>` and below, where the device is the user.
pub(super) fn may_publish(user: &str, topic: &str) -> bool {
    let Some((first, device)) = topic.split_once('/') else { return false };
    let open = !first.is_empty() && !first.starts_with('$') && !RESERVED.contains(&first);
    open && is_at_or_below(device, user)
}

/// Whether the user may subscribe: to `commands/<device>` and below, and to nothing else.
pub(super) fn may_subscribe(user: &str, filter: &str) -> bool {
    filter.strip_prefix("commands/").is_some_and(|device| is_at_or_below(device, user))
}

/// Whether a user's name is that of a device. A device's `/` is `.` in it.
pub(crate) fn is_device(user: &str) -> bool {
    let is_level = |level: &str| {
        !level.is_empty()
            && level.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    user.split('.').all(is_level)
}

/// Whether levels of a topic or filter begin with those of the device that the user is. No wildcard is among them, as
/// no device has one in its name.
fn is_at_or_below(levels: &str, user: &str) -> bool {
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
            ("dev1", "uplink/dev1", false),
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
