//! `list`.

use std::collections::BTreeMap;

use api::forms;
use store::{Rejection, RejectionCursor, RejectionGroup, RejectionQuery, Store};

use super::Which;
use crate::table::{table, time};

/// Rows that are read from the store at once.
const READ_AT_ONCE: usize = 200;

/// Characters of a payload and of a reason in the table, at most.
const MAX_CELL_CHARS: usize = 60;

/// The arguments of `list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    which: Which,
    /// Those that were resent, too
    #[arg(long)]
    all: bool,
    /// Count them by topic and reason instead of listing them
    #[arg(long)]
    group: bool,
    /// Number of rows, at most
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on after this one, as the end of the list says
    #[arg(long, value_name = "CURSOR", conflicts_with = "group")]
    after: Option<RejectionCursor>,
    /// Print JSON, as in GET /api/rejected or GET /api/rejected/groups
    #[arg(long)]
    json: bool,
}

/// The rows of a table, and where the next one begins.
struct Rows {
    rows: Vec<Rejection>,
    next: Option<RejectionCursor>,
}

pub(super) async fn list(store: &dyn Store, args: ListArgs) -> anyhow::Result<String> {
    let resent = (!args.all).then_some(false);
    if args.group {
        return groups(args.which.groups(store, resent).await?, args.limit as usize, args.json);
    }
    let Rows { rows, next } = read(store, &args, resent).await?;
    if args.json {
        let rows: Vec<_> = rows.iter().map(forms::Rejected::preview).collect();
        let next = next.map(|next| next.to_string());
        return Ok(serde_json::to_string(&serde_json::json!({ "rejected": rows, "next": next }))?);
    }
    if rows.is_empty() {
        return Ok("no rejected payloads".into());
    }
    let header = ["id", "received (UTC)", "topic", "reason", "bytes", "payload"];
    let more = next.map(|next| format!("\n… --after {next} shows more")).unwrap_or_default();
    Ok(table(header, &rows.iter().map(row).collect::<Vec<_>>()) + &more)
}

/// Reads on until there are enough: which devices are wanted is not for the store to say.
async fn read(store: &dyn Store, args: &ListArgs, resent: Option<bool>) -> anyhow::Result<Rows> {
    let limit = args.limit as usize;
    let mut query =
        RejectionQuery { selection: args.which.selection(resent), after: args.after, limit: READ_AT_ONCE };
    let mut rows: Vec<Rejection> = Vec::new();
    loop {
        let found = store.rejected(query.clone()).await?;
        let is_last = found.len() < READ_AT_ONCE;
        query.after = found.last().map(RejectionCursor::after);
        rows.extend(found.into_iter().filter(|row| args.which.wants(&row.message.topic)));
        if rows.len() > limit || is_last {
            let next = (rows.len() > limit).then(|| RejectionCursor::after(&rows[limit - 1]));
            rows.truncate(limit);
            return Ok(Rows { rows, next });
        }
    }
}

fn row(rejection: &Rejection) -> [String; 6] {
    let message = &rejection.message;
    let reason = match rejection.resent_at {
        Some(at) => format!("resent {}", time(at)),
        None => message.reason.clone(),
    };
    [
        rejection.id.to_string(),
        time(message.received_at),
        message.topic.clone(),
        short(&reason),
        rejection.payload_bytes.to_string(),
        short(&String::from_utf8_lossy(&message.payload)),
    ]
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_CELL_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn groups(mut groups: Vec<RejectionGroup>, limit: usize, json: bool) -> anyhow::Result<String> {
    let more = groups.len().saturating_sub(limit);
    groups.truncate(limit);
    if json {
        let groups: Vec<_> = groups.into_iter().map(forms::RejectedGroup::from).collect();
        return Ok(serde_json::to_string(&BTreeMap::from([("groups", groups)]))?);
    }
    if groups.is_empty() {
        return Ok("no rejected payloads".into());
    }
    let row = |group: &RejectionGroup| {
        let RejectionGroup { topic, reason, count, oldest, newest } = group;
        [count.to_string(), topic.clone(), reason.clone(), time(*oldest), time(*newest)]
    };
    let header = ["count", "topic", "reason", "oldest (UTC)", "newest (UTC)"];
    let more = if more > 0 { format!("\n… and {more} more groups") } else { String::new() };
    Ok(table(header, &groups.iter().map(row).collect::<Vec<_>>()) + &more)
}
