//! Deliveries → judge → store → settle; beside it, the outbox that mails what is owed.

use std::sync::Arc;
use std::time::Duration;

use broker::{Backoff, Deliveries, Delivery, Outcome};
use service::{Check, SettingError, Settings};
use store::{Incidents, Mail, MailKind, Transition};
use telemetry::{Decoded, Message};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::outbox::Outbox;
use crate::{Counters, Judge, Mailer, Rule};

/// Messages judged before what they changed is recorded.
pub(crate) const MAX_BATCH: usize = 1_000;

/// How often the store is asked while nothing comes.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// How long a mail that is under way at the end may take to arrive; cut off, it would be sent again.
const LAST_MAIL: Duration = Duration::from_secs(2);

/// What is judged, and who is told.
#[derive(Debug, Clone)]
pub struct Config {
    pub rules: Vec<Rule>,
    /// Addresses, separated by a comma and a space.
    pub recipients: String,
}

impl Config {
    /// # Errors
    /// A rule makes no sense, or two have one name. Recipients are checked by the [`Mailer`].
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let rules: Vec<Rule> = settings.get("alerter.rules")?;
        for (index, rule) in rules.iter().enumerate() {
            rule.check()
                .map_err(|e| SettingError::new("alerter.rules", format!("rule {}: {e}", index + 1)))?;
            if rules[..index].iter().any(|earlier| earlier.name == rule.name) {
                return Err(SettingError::new(
                    "alerter.rules",
                    format!("two rules are called {}", rule.name),
                ));
            }
        }
        Ok(Self { rules, recipients: settings.get::<Vec<String>>("smtp.to")?.join(", ") })
    }
}

/// Judges deliveries.
#[derive(Clone)]
pub struct Alerter {
    pub config: Config,
    pub store: Arc<dyn Incidents>,
    pub counters: Counters,
    /// Tells it apart from others that share the store: only one of them sends mails at a time.
    pub name: String,
}

impl Alerter {
    /// Judges until the stream of deliveries ends and all of them are settled; mails go out meanwhile.
    ///
    /// Records first, settles second: a crash in between repeats the judgement, which changes nothing.
    pub async fn run(self, deliveries: Deliveries<Message>, mailer: Mailer, ready: Check) {
        let (owed, end) = (Notify::new(), CancellationToken::new());
        let outbox = Outbox::new(&self, &mailer);
        let judge = async {
            self.judge(deliveries, &owed, &ready).await;
            end.cancel();
            tokio::time::sleep(LAST_MAIL).await;
        };
        tokio::select! {
            () = judge => {}
            () = outbox.run(&owed, &end) => {}
        }
    }

    async fn judge(&self, mut deliveries: Deliveries<Message>, owed: &Notify, ready: &Check) {
        let mut judge = self.resume(ready).await;
        let (mut session, mut taken) = (0, Vec::new());
        while self.take(&mut deliveries, &mut taken, ready).await {
            let mut rest = taken.drain(..).peekable();
            while let Some(first) = rest.peek().map(Delivery::session) {
                // Before this connection another alerter may have judged.
                if first != session {
                    judge = self.resume(ready).await;
                    session = first;
                }
                let of_one_session = std::iter::from_fn(|| rest.next_if(|next| next.session() == session));
                self.judge_some(&mut judge, of_one_session.collect(), owed, ready).await;
            }
        }
    }

    /// Waits for deliveries; meanwhile the store is asked now and then, so that readiness is true all the same.
    async fn take(
        &self,
        deliveries: &mut Deliveries<Message>,
        taken: &mut Vec<Delivery<Message>>,
        ready: &Check,
    ) -> bool {
        loop {
            match tokio::time::timeout(PROBE_EVERY, deliveries.recv_many(taken, MAX_BATCH)).await {
                Ok(count) => return count > 0,
                Err(_) => match self.store.owed_mails(1).await {
                    Ok(_) => ready.pass(),
                    Err(e) => ready.fail(e.to_string()),
                },
            }
        }
    }

    async fn resume(&self, ready: &Check) -> Judge {
        let incidents = self.persist(ready, || self.store.newest_per_subject()).await;
        Judge::resume(self.config.rules.clone(), incidents)
    }

    async fn judge_some(
        &self,
        judge: &mut Judge,
        taken: Vec<Delivery<Message>>,
        owed: &Notify,
        ready: &Check,
    ) {
        let mut transitions = Vec::new();
        let mut judged = Vec::with_capacity(taken.len());
        for delivery in taken {
            let (message, debt) = delivery.split();
            let decoded = message.decode();
            self.counters.took(&decoded);
            let changes = decoded.readings.iter().flat_map(|reading| judge.observe(reading));
            transitions.extend(changes.map(|change| self.with_mail(change)));
            judged.push((decoded, debt));
        }
        if !transitions.is_empty() {
            self.persist(ready, || self.store.record(&transitions)).await;
            self.announce(&transitions);
            owed.notify_one();
        }
        self.settle(judged).await;
    }

    /// A mail for every transition, owed from the same transaction on.
    fn with_mail(&self, transition: Transition) -> Transition {
        let mail = |id: &str, kind, word| Mail {
            message_id: format!("{}.{word}@millrace", id.replace('/', ".")),
            incident: id.to_owned(),
            kind,
            recipients: self.config.recipients.clone(),
            sent_at: None,
        };
        match transition {
            Transition::Opened(mut opened) => {
                opened.mail = Some(mail(&opened.id, MailKind::Opened, "opened"));
                Transition::Opened(opened)
            }
            Transition::Resolved(mut resolved) => {
                resolved.mail = Some(mail(&resolved.id, MailKind::Resolved, "resolved"));
                Transition::Resolved(resolved)
            }
        }
    }

    fn announce(&self, transitions: &[Transition]) {
        for transition in transitions {
            match transition {
                Transition::Opened(opened) => {
                    self.counters.opened.inc();
                    info!(incident = opened.id, value = opened.value, "incident opened");
                }
                Transition::Resolved(resolved) => {
                    self.counters.resolved.inc();
                    info!(incident = resolved.id, value = resolved.value, "incident resolved");
                }
            }
        }
    }

    /// Calls the store, however often it takes.
    async fn persist<T, F: Future<Output = store::Result<T>>>(
        &self,
        ready: &Check,
        call: impl Fn() -> F,
    ) -> T {
        let mut backoff = Backoff::short();
        loop {
            match call().await {
                Ok(answer) => {
                    ready.pass();
                    return answer;
                }
                Err(e) => {
                    let wait = backoff.after(Duration::ZERO);
                    warn!(retry_in = ?wait, "{e}");
                    self.counters.store_failures.inc();
                    ready.fail(e.to_string());
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    async fn settle(&self, judged: Vec<(Decoded, Delivery<()>)>) {
        for (decoded, debt) in judged {
            self.counters.judged(&decoded);
            if debt.settle(Outcome::Done).await.is_err() {
                self.counters.unsettled.inc();
            }
        }
    }
}
