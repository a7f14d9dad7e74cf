//! Positions in the order of incidents.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::Incident;

/// A position in the order of incidents. Opaque to its user; stays valid while incidents open, resolve and are deleted.
///
/// An incident that resolves while a client reads page after page comes once more with the resolved ones; none is left
/// out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentCursor {
    pub(crate) open: bool,
    pub(crate) opened_at: Timestamp,
    pub(crate) id: String,
}

/// A text that is no [`IncidentCursor`]. Trying again does not help: report it to the client that sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor that came with a page of incidents: leave it out to start with the first page")]
pub struct IncidentCursorError;

impl IncidentCursor {
    /// The position after an incident, as it was read.
    #[must_use]
    pub fn after(incident: &Incident) -> Self {
        Self { open: incident.resolved_at.is_none(), opened_at: incident.opened_at, id: incident.id.clone() }
    }

    /// Whether its incident was open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// When its incident opened.
    #[must_use]
    pub fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// The id of its incident.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for IncidentCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.open { "open" } else { "resolved" };
        write!(f, "{state}.{}.{}", self.opened_at.as_microsecond(), self.id)
    }
}

impl FromStr for IncidentCursor {
    type Err = IncidentCursorError;

    fn from_str(text: &str) -> Result<Self, IncidentCursorError> {
        let mut parts = text.splitn(3, '.');
        let mut next = || parts.next().ok_or(IncidentCursorError);
        let open = match next()? {
            "open" => true,
            "resolved" => false,
            _ => return Err(IncidentCursorError),
        };
        let micros = next()?.parse().map_err(|_| IncidentCursorError)?;
        let opened_at = Timestamp::from_microsecond(micros).map_err(|_| IncidentCursorError)?;
        let id = next()?;
        if id.is_empty() || id.contains(char::is_control) {
            return Err(IncidentCursorError);
        }
        Ok(Self { open, opened_at, id: id.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_written_and_nothing_else_does() {
        for text in ["open.1768473030000000.hot/temperature/lab.1/1", "resolved.-1.x"] {
            assert_eq!(text.parse::<IncidentCursor>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "open",
            "open.1",
            "open.1.",
            "shut.1.x",
            "open.x.x",
            "open.9223372036854775807.x",
            "open.1.a\0",
        ] {
            assert_eq!(text.parse::<IncidentCursor>(), Err(IncidentCursorError), "{text:?}");
        }
    }
}
