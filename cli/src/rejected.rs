//! `millrace rejected`: what could not be read, and resending it once it is corrected.

mod list;
mod resend;
mod show;

use std::io::Write;

use clap::Subcommand;
use service::Settings;
use store::{ANY_TEXT, RejectionGroup, RejectionSelection, Store};
use telemetry::Filter;

/// The commands on rejected payloads.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a table of rejected payloads, newest first
    List(list::ListArgs),
    /// Print one rejected payload as a whole
    Show(show::ShowArgs),
    /// Publish the readings of rejected payloads, corrected, once more: asks the page that runs at http.listen
    Resend(resend::ResendArgs),
}

/// Which rejected payloads.
#[derive(Debug, Clone, clap::Args)]
pub struct Which {
    /// Only on this topic
    #[arg(long)]
    topic: Option<String>,
    /// Only of devices that match this MQTT filter, such as site-a/#: of a topic, all but the first level
    #[arg(long, value_name = "FILTER", conflicts_with = "topic")]
    device: Option<Filter>,
    /// Only those whose reason contains this text
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Performs a command and prints its result.
///
/// # Errors
/// The command cannot be performed, the store or the page does not answer, or not all payloads could be resent.
pub async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let store = crate::alerts::open(settings).await?;
    let text = match command {
        Command::List(args) => list::list(store.as_ref(), args).await?,
        Command::Show(args) => return show::show(store.as_ref(), &args).await,
        Command::Resend(args) => return resend::run(store.as_ref(), settings, args).await,
    };
    say(&text);
    Ok(())
}

/// Prints; a closed stdout is no error.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

impl Which {
    /// Whether nothing narrows it down.
    fn is_all(&self) -> bool {
        self.topic.is_none() && self.device.is_none() && self.reason.is_none()
    }

    fn wants(&self, topic: &str) -> bool {
        let device = || topic.split_once('/').map_or("", |(_, device)| device);
        self.topic.as_deref().is_none_or(|wanted| wanted == topic)
            && self.device.as_ref().is_none_or(|filter| filter.matches(device()))
    }

    /// As the store selects: the device is left to [`wants`](Self::wants).
    fn selection(&self, resent: Option<bool>) -> RejectionSelection {
        let anywhere = |text: &String| format!("{ANY_TEXT}{text}{ANY_TEXT}");
        let reason = self.reason.as_ref().map(anywhere);
        RejectionSelection { topic: self.topic.clone(), reason, since: None, resent }
    }

    /// The wanted payloads, counted by topic and reason.
    async fn groups(&self, store: &dyn Store, resent: Option<bool>) -> anyhow::Result<Vec<RejectionGroup>> {
        let mut groups = store.rejection_groups(self.selection(resent)).await?;
        groups.retain(|group| self.wants(&group.topic));
        Ok(groups)
    }
}

#[cfg(test)]
mod tests;
