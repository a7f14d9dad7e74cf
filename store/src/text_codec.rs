//! How the words of alerting are text_codec in the tables of either store.

use jiff::Timestamp;

use crate::{Channel, ConditionKind, End, Lease, NotificationKind, Phase, Severity};

/// One of a few words, in a column.
pub(crate) trait TextCodec: Sized {
    fn word(&self) -> &'static str;

    fn read(word: &str) -> Option<Self>;
}

macro_rules! text_codec {
    ($type:ident: $($variant:ident $word:literal),+) => {
        impl TextCodec for $type {
            fn word(&self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            fn read(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

text_codec!(Severity: Info "info", Warning "warning", Critical "critical");
text_codec!(ConditionKind: Above "above", Below "below", Outside "outside", Rate "rate", Absent "absent", Stuck "stuck");
text_codec!(End: Cleared "cleared", RuleRemoved "rule removed");
text_codec!(Channel: Mail "mail", Webhook "webhook", Mqtt "mqtt");
text_codec!(NotificationKind: Opened "opened", Reminder "reminder", Resolved "resolved");
text_codec!(Lease: Outbox "outbox", Absence "absence");

/// Why a reminder that waits when its incident is over is dropped.
pub(crate) const RESOLVED: &str = "resolved";

/// A [`Phase`] in its columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PhaseColumns<'a> {
    pub(crate) phase: &'a str,
    pub(crate) since: Option<Timestamp>,
    pub(crate) incident: Option<&'a str>,
    pub(crate) told: Option<bool>,
}

impl<'a> From<&'a Phase> for PhaseColumns<'a> {
    fn from(phase: &'a Phase) -> Self {
        let (phase, since, incident, told) = match phase {
            Phase::Normal => ("normal", None, None, None),
            Phase::Pending { since } => ("pending", Some(*since), None, None),
            Phase::Firing { incident, told } => ("firing", None, Some(&**incident), Some(*told)),
            Phase::Recovering { incident, told, since } => {
                ("recovering", Some(*since), Some(&**incident), Some(*told))
            }
        };
        Self { phase, since, incident, told }
    }
}

impl PhaseColumns<'_> {
    pub(crate) fn read(self) -> Option<Phase> {
        let incident = self.incident.map(str::to_owned);
        Some(match self.phase {
            "normal" => Phase::Normal,
            "pending" => Phase::Pending { since: self.since? },
            "firing" => Phase::Firing { incident: incident?, told: self.told? },
            "recovering" => Phase::Recovering { incident: incident?, told: self.told?, since: self.since? },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_reads_back_as_written() {
        let (since, incident) = (Timestamp::UNIX_EPOCH, String::from("i"));
        for phase in [
            Phase::Normal,
            Phase::Pending { since },
            Phase::Firing { incident: incident.clone(), told: true },
            Phase::Recovering { incident, told: false, since },
        ] {
            let columns = PhaseColumns::from(&phase);
            assert_eq!(columns.read().as_ref(), Some(&phase));
            let unknown = PhaseColumns { phase: "unknown", ..columns };
            assert_eq!(unknown.read(), None);
        }
    }
}
