//! `millrace key`: keys of programs.

use std::io::Write;

use access::{Authority, Caller, NewKey};
use service::Settings;
use store::{ApiKey, TextCodec as _};
use telemetry::{Filter, Scope};

use crate::table::{table, time};
use crate::users::{RoleName, devices};

/// The commands on keys.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make a key, and print it this once: a program sends it as `Authorization: Bearer KEY`
    Add {
        /// What it is for
        name: String,
        /// The user who answers for it: it ends with the user
        #[arg(long)]
        owner: String,
        /// What it may do, no more than its owner
        #[arg(long)]
        role: RoleName,
        /// Only devices that match this MQTT filter. May be given several times [default: those of its owner]
        #[arg(long, value_name = "FILTER")]
        filter: Vec<Filter>,
        /// How long it lasts, in days
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// List the keys
    List,
    /// Revoke a key
    Revoke {
        /// Id of the key, as shown by `list`
        id: String,
    },
}

/// Performs a command and prints its result.
///
/// # Errors
/// The command cannot be performed, or the store does not answer.
pub async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let store = crate::alerts::open(settings).await?;
    let authority = Authority::new(store.as_ref(), crate::clock())?;
    let text = perform(command, &authority).await?;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

async fn perform(command: Command, authority: &Authority) -> anyhow::Result<String> {
    let caller = Caller::command();
    Ok(match command {
        Command::Add { name, owner, role, filter, days } => {
            let scope =
                if filter.is_empty() { authority.user(&owner).await?.scope } else { Scope::new(filter) };
            let new = NewKey { name, role: role.into(), scope, days };
            authority.add_key(&caller, &owner, new).await?.1
        }
        Command::List => {
            let rows: Vec<_> = authority.keys(None).await?.iter().map(row).collect();
            table(["id", "name", "owner", "role", "devices", "ends", "last used"], &rows)
        }
        Command::Revoke { id } => {
            authority.revoke_key(&caller, None, &id).await?;
            format!("{id} was revoked")
        }
    })
}

fn row(key: &ApiKey) -> [String; 7] {
    let last_used = key.last_used_at.map(time).unwrap_or_default();
    let [id, name, owner] = [&key.id, &key.name, &key.owner].map(Clone::clone);
    [id, name, owner, key.role.word().into(), devices(&key.scope), time(key.expires_at), last_used]
}
