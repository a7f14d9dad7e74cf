//! `show`.

use std::io::Write;

use anyhow::Context as _;
use store::{Rejection, Store};

use super::say;
use crate::table::{plain, time};

/// The arguments of `show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Its id, as shown by `list`
    #[arg(value_name = "ID")]
    id: i64,
    /// Print the bytes of the payload and nothing else
    #[arg(long)]
    raw: bool,
}

pub(super) async fn show(store: &dyn Store, args: &ShowArgs) -> anyhow::Result<()> {
    let unknown = "there is no rejected payload with this id: millrace rejected list shows them";
    let rejection = store.rejection(args.id).await?.context(unknown)?;
    if args.raw {
        return Ok(std::io::stdout().lock().write_all(&rejection.message.payload)?);
    }
    say(&text(&rejection));
    Ok(())
}

/// All that is known of a rejected payload. What cannot be seen in a terminal is replaced.
pub(super) fn text(rejection: &Rejection) -> String {
    let message = &rejection.message;
    let (arrived, stored) = (rejection.payload_bytes, rejection.stored_bytes());
    let bytes = match stored < arrived {
        true => format!("{arrived}, of which the first {stored} are stored"),
        false => arrived.to_string(),
    };
    let resent = rejection.resent_at.map(|at| format!("\nresent    {} UTC", time(at))).unwrap_or_default();
    format!(
        "id        {}\nreceived  {} UTC\ntopic     {}\nreason    {}\nbytes     {bytes}{resent}\n\n{}",
        rejection.id,
        time(message.received_at),
        plain(&message.topic),
        plain(&message.reason),
        lines(&String::from_utf8_lossy(&message.payload)),
    )
}

/// Line breaks stay.
fn lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}
