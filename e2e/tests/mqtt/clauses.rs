//! The normative statements of MQTT 3.1.1 and 5.0, and why some have no case.

use e2e::mqtt::Version;

/// Each section with the numbers of its first and last statement.
type Sections = &'static [(&'static str, u32, u32)];

/// [MQTT 3.1.1, appendix B](https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/mqtt-v3.1.1.html).
const V311: Sections = &[
    ("1.5.3", 1, 3),
    ("2.2.2", 1, 2),
    ("2.3.1", 1, 7),
    ("3.1.0", 1, 2),
    ("3.1.2", 1, 24),
    ("3.1.3", 1, 11),
    ("3.1.4", 1, 5),
    ("3.2.0", 1, 1),
    ("3.2.2", 1, 6),
    ("3.3.1", 1, 12),
    ("3.3.2", 1, 3),
    ("3.3.4", 1, 1),
    ("3.3.5", 1, 2),
    ("3.6.1", 1, 1),
    ("3.8.1", 1, 1),
    ("3.8.3", 1, 4),
    ("3.8.4", 1, 6),
    ("3.10.1", 1, 1),
    ("3.10.3", 1, 2),
    ("3.10.4", 1, 6),
    ("3.12.4", 1, 1),
    ("3.14.1", 1, 1),
    ("3.14.4", 1, 3),
    ("4.1.0", 1, 2),
    ("4.2.0", 1, 1),
    ("4.3.1", 1, 1),
    ("4.3.2", 1, 2),
    ("4.3.3", 1, 2),
    ("4.4.0", 1, 1),
    ("4.5.0", 1, 2),
    ("4.6.0", 1, 6),
    ("4.7.1", 1, 3),
    ("4.7.2", 1, 1),
    ("4.7.3", 1, 4),
    ("4.8.0", 1, 2),
    ("6.0.0", 1, 4),
];

/// [MQTT 5.0, appendix B](https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html).
const V5: Sections = &[
    ("1.5.4", 1, 3),
    ("1.5.5", 1, 1),
    ("1.5.7", 1, 1),
    ("2.1.3", 1, 1),
    ("2.2.1", 2, 6),
    ("2.2.2", 1, 2),
    ("3.1.0", 1, 2),
    ("3.1.2", 1, 30),
    ("3.1.3", 1, 12),
    ("3.1.4", 1, 6),
    ("3.2.0", 1, 2),
    ("3.2.2", 1, 22),
    ("3.3.1", 1, 13),
    ("3.3.2", 1, 20),
    ("3.3.4", 1, 10),
    ("3.4.2", 1, 3),
    ("3.5.2", 1, 3),
    ("3.6.1", 1, 1),
    ("3.6.2", 1, 3),
    ("3.7.2", 1, 3),
    ("3.8.1", 1, 1),
    ("3.8.3", 1, 5),
    ("3.8.4", 1, 8),
    ("3.9.2", 1, 2),
    ("3.9.3", 1, 2),
    ("3.10.1", 1, 1),
    ("3.10.3", 1, 2),
    ("3.10.4", 1, 6),
    ("3.11.2", 1, 2),
    ("3.11.3", 1, 2),
    ("3.12.4", 1, 1),
    ("3.14.0", 1, 1),
    ("3.14.1", 1, 1),
    ("3.14.2", 1, 4),
    ("3.14.4", 1, 3),
    ("3.15.1", 1, 1),
    ("3.15.2", 1, 3),
    ("4.1.0", 1, 2),
    ("4.2", 1, 1),
    ("4.3.1", 1, 1),
    ("4.3.2", 1, 5),
    ("4.3.3", 1, 13),
    ("4.4.0", 1, 2),
    ("4.5.0", 1, 2),
    ("4.6.0", 1, 6),
    ("4.7.0", 1, 1),
    ("4.7.1", 1, 2),
    ("4.7.2", 1, 1),
    ("4.7.3", 1, 4),
    ("4.8.2", 1, 6),
    ("4.9.0", 1, 3),
    ("4.12.0", 1, 7),
    ("4.12.1", 1, 2),
    ("4.13.1", 1, 1),
    ("4.13.2", 1, 1),
    ("6.0.0", 1, 4),
];

const CLIENT: &str = "a duty of the client";
const NO_AUTHENTICATION: &str = "there is no enhanced authentication";
const WEBSOCKET: &str = "e2e/tests/mqtt/websocket.rs";
const READER: &str = "the server's reader of this suite refuses everything else";

/// Statements that no case shows, with the reason.
const NOT_SHOWN: &[(Version, &str, &str)] = &[
    (Version::V311, "2.3.1-3 3.1.2-23 4.5.0-2 4.6.0-3", CLIENT),
    (
        Version::V311,
        "3.3.5-2",
        "needs a password file: e2e/tests/rights.rs, a device that publishes as another",
    ),
    (Version::V311, "4.1.0-2", "a session outlives kill -9: e2e/tests/crash.rs"),
    (Version::V5, "3.1.2-20 3.1.2-21 3.1.2-30 3.2.2-4 3.2.2-5 3.2.2-14 3.2.2-21 3.3.2-10 3.3.4-8", CLIENT),
    (Version::V5, "4.5.0-2 4.6.0-2 4.6.0-3 4.6.0-4", CLIENT),
    (Version::V5, "3.2.2-12 3.2.2-13", "every QoS is supported, and retained messages are"),
    (Version::V5, "3.15.2-2 3.15.2-3 4.12.0-2 4.12.0-3 4.12.0-5", NO_AUTHENTICATION),
    (Version::V5, "2.2.2-1", READER),
    (Version::V5, "3.6.2-2 3.6.2-3", "the server's PUBREL has no properties"),
    (Version::V311, "6.0.0-1 6.0.0-2 6.0.0-3 6.0.0-4", WEBSOCKET),
    (Version::V5, "6.0.0-1 6.0.0-2 6.0.0-3 6.0.0-4", WEBSOCKET),
];

fn sections(version: Version) -> Sections {
    match version {
        Version::V31 => &[],
        Version::V311 => V311,
        Version::V5 => V5,
    }
}

/// All statements of a version, in the order of the specification.
pub(crate) fn all(version: Version) -> Vec<String> {
    let each = |(section, first, last): &(&str, u32, u32)| {
        (*first..=*last).map(|number| format!("{section}-{number}")).collect::<Vec<_>>()
    };
    sections(version).iter().flat_map(each).collect()
}

/// Why no case shows a statement.
pub(crate) fn reason(version: Version, statement: &str) -> Option<&'static str> {
    let mut reasons = NOT_SHOWN.iter().filter(|(of, _, _)| *of == version);
    reasons.find(|(_, these, _)| these.split(' ').any(|one| one == statement)).map(|(_, _, why)| *why)
}
