//! The names of simulated devices.

use telemetry::MAX_LEVEL_CHARS;

/// `data_center_a1`, `data_center_b1`, `data_center_c1`, `data_center_a2`, …: always the same.
#[must_use]
pub fn names(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("data_center_{}{}", ["a", "b", "c"][index % 3], index / 3 + 1)).collect()
}

/// Makes a device name from any text: characters that a topic does not allow become `-`.
#[must_use]
pub fn cleaned(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/');
    text.trim().chars().map(|c| if allowed(c) { c } else { '-' }).collect()
}

/// Makes one level of a device name, cut to the length that a level may have.
#[must_use]
pub(crate) fn cleaned_level(text: &str) -> String {
    cleaned(text).replace('/', "-").chars().take(MAX_LEVEL_CHARS).collect()
}

/// The topic that says whether a device is online.
#[must_use]
pub(crate) fn status_topic(device: &str) -> String {
    format!("status/{device}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_around_the_rooms() {
        assert_eq!(
            names(5),
            ["data_center_a1", "data_center_b1", "data_center_c1", "data_center_a2", "data_center_b2"]
        );
        assert_eq!(names(0), [""; 0]);
        assert_eq!(names(300)[299], "data_center_c100");
    }

    #[test]
    fn a_cleaned_name_keeps_to_the_topic_grammar() {
        for (text, name) in [
            ("lab", "lab"),
            (" Raum 7, Süd ", "Raum-7--S-d"),
            ("site-a/rack_1", "site-a/rack_1"),
            ("v1.2#+", "v1-2--"),
            ("", ""),
        ] {
            assert_eq!(cleaned(text), name, "{text:?}");
        }
        assert_eq!(cleaned_level("a/b.c"), "a-b-c");
        assert_eq!(cleaned_level(&"é".repeat(100)), "-".repeat(64));
    }
}
