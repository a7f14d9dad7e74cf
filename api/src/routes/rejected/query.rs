//! Which rejected payloads a request asks for.

use store::{RejectionQuery, RejectionSelection};

use crate::query::{self, DEFAULT_LIMIT, MAX_LIMIT, Parameters};

/// The parameters of the list.
pub(crate) const PARAMETERS: &[&str] = &["topic", "reason", "since", "resent", "after", "limit"];

/// The parameters that select.
pub(crate) const SELECTION: &[&str] = &["topic", "reason", "since", "resent"];

/// Bytes of a topic, at most: MQTT has no longer one.
const MAX_TOPIC_BYTES: usize = 65_535;

/// Bytes of a reason, at most: there is no longer one.
const MAX_REASON_BYTES: usize = 4_096;

/// # Errors
/// Says which parameter is wrong and what it may be.
pub(super) fn list(mut parameters: Parameters) -> Result<RejectionQuery, String> {
    let query = RejectionQuery {
        selection: selected(&mut parameters)?,
        after: query::cursor(&mut parameters)?,
        limit: query::number(&mut parameters, "limit", MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT),
    };
    query::nothing_left(&parameters, PARAMETERS)?;
    Ok(query)
}

/// # Errors
/// Says which parameter is wrong and what it may be.
pub(super) fn selection(mut parameters: Parameters) -> Result<RejectionSelection, String> {
    let selection = selected(&mut parameters)?;
    query::nothing_left(&parameters, SELECTION)?;
    Ok(selection)
}

fn selected(parameters: &mut Parameters) -> Result<RejectionSelection, String> {
    Ok(RejectionSelection {
        topic: query::any_text(parameters, "topic", MAX_TOPIC_BYTES)?,
        reason: query::any_text(parameters, "reason", MAX_REASON_BYTES)?,
        since: query::time(parameters, "since")?,
        resent: query::truth(parameters, "resent")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_payloads_are_read_page_by_page() {
        let all = RejectionQuery { limit: DEFAULT_LIMIT, ..RejectionQuery::default() };
        assert_eq!(query::read(list, &[]), Ok(all));
        let some =
            [("limit", "5"), ("after", "1768473000000000.17"), ("resent", "false"), ("topic", "a\u{1}")];
        let selection = RejectionSelection {
            topic: Some("a\u{1}".into()),
            resent: Some(false),
            ..RejectionSelection::default()
        };
        let after = Some("1768473000000000.17".parse().unwrap());
        assert_eq!(query::read(list, &some), Ok(RejectionQuery { selection, after, limit: 5 }));
    }

    #[test]
    fn an_error_names_the_parameter_that_is_wrong() {
        let long = "x".repeat(MAX_REASON_BYTES + 1);
        for (name, value, expected) in [
            ("after", "x", "after must be the `next`"),
            ("resent", "1", "resent must be true or false"),
            ("topic", "a\0", "topic must be without NUL"),
            ("reason", &long, "reason must be at most 4096 bytes"),
            ("since", "yesterday", "since must be RFC 3339"),
        ] {
            let error = query::read(list, &[(name, value)]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        let error = query::read(selection, &[("limit", "5")]).unwrap_err();
        assert!(error.contains("unknown parameter limit"), "{error}");
    }
}
