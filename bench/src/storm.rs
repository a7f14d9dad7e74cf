//! The part `storm`: thousands of incidents at once, a cap on mails, and what that costs the alerter.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alerter::rules::{self, Known};
use alerter::{
    AlertingOutbox, Counters, MessageContext, Notifier, Notifiers, Rules, SendError, Templates, Written,
};
use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use store::{
    Address, Changes, Channel, Condition, ConditionKind, Incident, Incidents as _, OutgoingMessage, Severity,
    Sqlite, Transition,
};
use tokio::sync::watch;

/// Incidents; each next run has twice as many.
pub(crate) const INCIDENTS: [u32; 3] = [5_000, 10_000, 20_000];

/// Mails to one address within an hour.
pub(crate) const CAP: u32 = 30;

/// Within how many seconds all incidents open, one after the other.
pub(crate) const WITHIN: u32 = 600;

const RULES: &str = r#"
max_mails_per_hour = 30
rules = [{ name = "hot", above = 25.0 }]
"#;

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct Storm {
    pub(crate) incidents: u32,
    /// Times that a notification was read to decide on it.
    pub(crate) reads: u64,
    pub(crate) mails: usize,
    /// Text and HTML of the longest mail.
    pub(crate) longest_mail_bytes: usize,
    /// From the first opening to the last mail, without the waits.
    pub(crate) took: Duration,
}

pub(crate) fn measure(folder: &Path) -> anyhow::Result<Vec<Storm>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    INCIDENTS.iter().map(|count| runtime.block_on(storm(*count, folder))).collect()
}

async fn storm(incidents: u32, folder: &Path) -> anyhow::Result<Storm> {
    let known = Known { metrics: vec!["temperature".into()], mail_to: Vec::new(), zone: TimeZone::UTC };
    let rules = Arc::new(rules::read(RULES, &known)?);
    let store = Sqlite::open(&folder.join(format!("storm-{incidents}.db")))?;
    let counters = Counters::register(&service::Metrics::default());
    let mails = Arc::new(Mails { templates: Templates::load(None)?, lengths: Mutex::default() });
    let notifiers = Notifiers::default().with(Channel::Mail, mails.clone());
    let (_, in_force) = watch::channel(rules);
    let mut outbox =
        AlertingOutbox::new(Arc::new(store.clone()), in_force, notifiers, counters.clone(), "bench".into());
    let (start, mut look_at) = (Timestamp::from_second(1_768_473_000)?, Timestamp::MAX);
    let began = Instant::now();
    for number in 0..incidents {
        let now = start + Duration::from_secs(u64::from(WITHIN)) * number / incidents;
        pass(&mut outbox, look_at, now).await?;
        let transitions = vec![opened(number, now)];
        store.record(&Changes { transitions, alert_states: Vec::new() }).await?;
        look_at = outbox.step(now).await?;
    }
    pass(&mut outbox, look_at, start + Duration::from_secs(24 * 3_600)).await?;
    let took = began.elapsed();
    let lengths = mails.lengths.lock().expect("nothing panics while it is held");
    let longest_mail_bytes = *lengths.iter().max().context("there are mails")?;
    ensure!(lengths.len() <= CAP as usize * 24, "{} mails", lengths.len());
    let reads = counters.notifications_read.get();
    Ok(Storm { incidents, reads, mails: lengths.len(), longest_mail_bytes, took })
}

/// Lets the outbox do what is due until a time.
async fn pass(
    outbox: &mut AlertingOutbox,
    mut look_at: Timestamp,
    to: Timestamp,
) -> anyhow::Result<Timestamp> {
    while look_at <= to {
        look_at = outbox.step(look_at).await?;
    }
    Ok(look_at)
}

fn opened(number: u32, at: Timestamp) -> Transition {
    let device = format!("site-{}/rack-{}/sensor-{number}", number % 40, number % 900);
    let incident = Incident {
        id: format!("hot/temperature/{device}/{number}"),
        rule: "hot".into(),
        severity: Severity::Warning,
        device,
        metric: "temperature".into(),
        condition: Condition { kind: ConditionKind::Above, text: "above 25".into(), threshold: Some(25.0) },
        began_at: at,
        opened_at: at,
        judged_at: at,
        value: Some(26.1),
        unit: Some("celsius".into()),
        peak: Some(26.1),
        peak_at: Some(at),
        resolved_at: None,
        resolved_value: None,
        end: None,
        acknowledged: None,
        late: false,
        notifications: Vec::new(),
    };
    let to = Address { channel: Channel::Mail, to: "operator@localhost".into() };
    Transition::Opened(Box::new(incident), vec![to])
}

/// Writes every mail, and sends none.
struct Mails {
    templates: Templates,
    lengths: Mutex<Vec<usize>>,
}

#[async_trait]
impl Notifier for Mails {
    async fn send(&self, message: &OutgoingMessage, rules: &Rules) -> Result<Option<String>, SendError> {
        let content = MessageContext::of(message, rules, "http://localhost:8080", message.made_at);
        let written = self.templates.write(&content, None).map_err(|e| SendError::Permanent(e.into()))?;
        let Written { subject, text, html } = written;
        let length = subject.len() + text.len() + html.len();
        self.lengths.lock().expect("nothing panics while it is held").push(length);
        Ok(None)
    }
}
