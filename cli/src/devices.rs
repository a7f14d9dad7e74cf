//! `millrace device`: devices that people know, and what they log in with.

use std::io::Write;
use std::path::PathBuf;

use access::{Authority, Caller, NewCredential, Rights};
use anyhow::Context as _;
use service::Settings;
use store::{Credential, Device, Forgetting, Renaming, Store};
use telemetry::Series;

use crate::table::{table, time};

/// The commands on devices.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Register a device
    Add {
        /// Its name in topics, such as site-a/lab
        name: String,
        /// How people call it
        #[arg(long)]
        title: Option<String>,
    },
    /// List the devices that are registered
    List,
    /// Register the devices of a file, a table in CSV or JSON as `export` writes it, and print what became of each row that is not
    /// registered
    Import {
        /// The file
        file: PathBuf,
        /// What becomes of devices that are registered already
        #[arg(long, value_enum, default_value = "skip")]
        existing: ExistingDevices,
    },
    /// Print the registered devices as `import` takes them
    Export {
        /// The form
        #[arg(long, value_enum, default_value = "csv")]
        format: Format,
    },
    /// Forget a device: it leaves all lists until it speaks again, its credentials are revoked, and its open commands cancelled
    Forget {
        /// Its name
        name: String,
        /// Delete what is stored of it, too
        #[arg(long)]
        erase: bool,
    },
    /// Give a device another name. Its history follows, and what goes on arriving under the old name is stored under the new one
    Rename {
        /// Its name
        name: String,
        /// Its new name
        new: String,
    },
    /// Make a device one with another one, whose name it gets
    Merge {
        /// Its name
        name: String,
        /// The device that it becomes one with
        into: String,
    },
    /// Retire a device: it is kept with its history, but its readings are rejected, and nobody waits for them
    Retire {
        /// Its name
        name: String,
        /// Take its readings again
        #[arg(long)]
        undo: bool,
    },
    /// Remove a device from the registry, with its credentials. It stays in the lists as one that was heard
    Remove {
        /// Its name
        name: String,
    },
    /// Make a credential for a device, which is registered with it, and print user and password this once. Earlier
    /// credentials stay valid until they are revoked
    Credential {
        /// The device's name in topics, such as site-a/lab
        device: String,
        /// What it may do beside what a device may, such as 'readwrite zigbee2mqtt/#'. May be given several times
        #[arg(long, value_name = "RIGHT")]
        right: Vec<String>,
        /// How its client ids begin with which it subscribes in the cluster [default: with the user name]
        #[arg(long, value_name = "BEGINNING")]
        client_id: Option<String>,
        /// Make no password: only a certificate with the user name gives access
        #[arg(long)]
        certificate_only: bool,
    },
    /// List the credentials of devices
    Credentials {
        /// Only those of this device
        device: Option<String>,
    },
    /// Revoke a credential: who is connected with it is cut off
    Revoke {
        /// The device
        device: String,
        /// The user name, as shown by `credentials`
        user: String,
    },
}

/// What becomes of devices that are registered already.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum ExistingDevices {
    /// What the file says of them is changed.
    Update,
    /// They stay as they are.
    Skip,
}

/// How devices are written.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Format {
    /// A table.
    Csv,
    /// JSON.
    Json,
}

/// Performs a command and prints its result.
///
/// # Errors
/// The command cannot be performed, or the store does not answer.
pub async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let store = crate::alerts::open(settings).await?;
    let authority = Authority::new(store.as_ref(), crate::clock())?;
    let text = perform(command, &authority, store.as_ref()).await?;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

async fn perform(command: Command, authority: &Authority, store: &dyn Store) -> anyhow::Result<String> {
    let caller = Caller::command();
    Ok(match command {
        Command::Add { name, title } => {
            let device = Device { title, ..Device::new(name, crate::clock().wall()) };
            format!("{} is registered", authority.add_device(&caller, device).await?.name)
        }
        Command::List => table(["device", "title", "registered"], &registered(store).await?),
        Command::Remove { name } => {
            let device =
                store.device(&name).await?.with_context(|| format!("no device {name} is registered"))?;
            authority.remove_device(&caller, &device).await?;
            format!("{name} was removed")
        }
        Command::Import { file, existing } => {
            let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
            import(authority, store, &text, existing).await?
        }
        Command::Export { format } => {
            let devices = store.all_devices().await?;
            match format {
                Format::Csv => api::write_table(devices.iter()).trim_end().to_owned(),
                Format::Json => api::write_json(devices.iter()),
            }
        }
        Command::Forget { name, erase } => {
            must_be_a_name(&name)?;
            let device = store.device(&name).await?;
            let forgetting = Forgetting { device: name.clone(), at: crate::clock().wall(), erase };
            authority.forget_device(&caller, device.as_ref(), &forgetting).await?;
            let data = if erase { "what is stored of it is being deleted" } else { "its readings stay" };
            format!("{name} was forgotten; {data}")
        }
        Command::Retire { name, undo } => {
            let old =
                store.device(&name).await?.with_context(|| format!("no device {name} is registered"))?;
            let device = Device { retired: !undo, changed_at: crate::clock().wall(), ..old.clone() };
            authority.set_device(&caller, &old, device).await?;
            format!("{name} is {}", if undo { "no longer retired" } else { "retired" })
        }
        Command::Rename { name, new } => rename(authority, name, new, false).await?,
        Command::Merge { name, into } => rename(authority, name, into, true).await?,
        Command::Credential { device, right, client_id, certificate_only } => {
            let rights = Rights::read(right.iter().map(String::as_str))?;
            let new = NewCredential { rights, client_id, certificate_only };
            let (credential, password) = authority.add_credential(&caller, &device, new).await?;
            match password {
                Some(password) => format!("user {}\npassword {password}", credential.user),
                None => format!("user {0}\nNext: millrace ca client {0}", credential.user),
            }
        }
        Command::Credentials { device } => {
            let rows: Vec<_> = store.credentials(device.as_deref()).await?.iter().map(row).collect();
            table(["device", "user", "further rights", "made"], &rows)
        }
        Command::Revoke { device, user } => {
            authority.revoke_credential(&caller, &device, &user).await?;
            format!("{user} was revoked")
        }
    })
}

async fn rename(authority: &Authority, old: String, new: String, merge: bool) -> anyhow::Result<String> {
    must_be_a_name(&old)?;
    let renaming = Renaming { old, new, at: crate::clock().wall(), merge };
    authority.rename_device(&Caller::command(), &renaming).await?;
    let Renaming { old, new, .. } = renaming;
    Ok(format!("{old} is {new} from now on"))
}

async fn import(
    authority: &Authority,
    store: &dyn Store,
    text: &str,
    existing: ExistingDevices,
) -> anyhow::Result<String> {
    let is_json = text.trim_start().starts_with(['[', '{']);
    let rows = if is_json { api::read_json(text.as_bytes()) } else { api::read_table(text) };
    let rows = rows.map_err(anyhow::Error::msg)?;
    let existing = match existing {
        ExistingDevices::Update => api::Existing::Update,
        ExistingDevices::Skip => api::Existing::Skip,
    };
    let now = crate::clock().wall();
    let done = api::import_devices((authority, store), &Caller::command(), &rows, existing, now).await?;
    let failed = done.devices.iter().filter(|row| row.outcome == api::Outcome::Failed);
    let failed: Vec<_> = failed
        .map(|row| {
            let (name, reason) =
                (row.name.clone().unwrap_or_default(), row.reason.clone().unwrap_or_default());
            [row.row.to_string(), name, reason]
        })
        .collect();
    let api::Imported { registered, changed, unchanged, skipped, .. } = done;
    let counts =
        format!("{registered} registered, {changed} changed, {unchanged} unchanged, {skipped} skipped");
    anyhow::ensure!(failed.is_empty(), "{counts}\n{}", table(["row", "device", "problem"], &failed));
    Ok(counts)
}

fn must_be_a_name(name: &str) -> anyhow::Result<()> {
    Series::new("m", name).map(drop).with_context(|| format!("{name} is no name of a device"))
}

async fn registered(store: &dyn Store) -> anyhow::Result<Vec<[String; 3]>> {
    let row = |device: Device| [device.name, device.title.unwrap_or_default(), time(device.created_at)];
    Ok(store.all_devices().await?.into_iter().map(row).collect())
}

fn row(credential: &Credential) -> [String; 4] {
    let rights = credential.rights.lines().collect::<Vec<_>>().join(", ");
    [credential.device.clone(), credential.user.clone(), rights, time(credential.created_at)]
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use store::Lifecycle as _;
    use testkit::MemoryStore;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    async fn said(store: &MemoryStore, line: &str) -> anyhow::Result<String> {
        let authority = Authority::new(store, crate::clock()).unwrap();
        let words = std::iter::once("device").chain(line.split(' '));
        perform(Line::try_parse_from(words)?.command, &authority, store).await
    }

    #[tokio::test]
    async fn a_device_is_registered_and_gets_credentials() {
        let store = MemoryStore::default();
        assert_eq!(said(&store, "add lab --title Lab").await.unwrap(), "lab is registered");
        let made = said(&store, "credential site-a/lab --client-id DVES_").await.unwrap();
        assert!(made.starts_with("user site-a.lab\npassword ") && made.len() == 68, "{made}");
        let certified = said(&store, "credential site-a/lab --certificate-only").await.unwrap();
        assert_eq!(certified, "user site-a.lab~2\nNext: millrace ca client site-a.lab~2");
        let listed = said(&store, "list").await.unwrap();
        assert!(
            listed.contains("lab") && listed.contains("site-a/lab") && listed.contains("Lab"),
            "{listed}"
        );
        assert_eq!(said(&store, "revoke site-a/lab site-a.lab").await.unwrap(), "site-a.lab was revoked");
        let left = said(&store, "credentials site-a/lab").await.unwrap();
        assert!(left.contains("site-a.lab~2") && left.lines().count() == 2, "{left}");
        assert_eq!(said(&store, "remove site-a/lab").await.unwrap(), "site-a/lab was removed");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("devices.csv");
        std::fs::write(&file, said(&store, "export").await.unwrap() + "\nnew,,,,,,,a b,,\n").unwrap();
        let import = format!("import {}", file.display());
        assert_eq!(said(&store, &import).await.unwrap(), "1 registered, 0 changed, 0 unchanged, 1 skipped");
        let again = said(&store, &format!("{import} --existing update")).await.unwrap();
        assert_eq!(again, "0 registered, 0 changed, 2 unchanged, 0 skipped");
        std::fs::write(&file, said(&store, "export --format json").await.unwrap()).unwrap();
        assert!(said(&store, &import).await.unwrap().contains("2 skipped"));
        std::fs::write(&file, "name,lat\nlab,north\n").unwrap();
        assert!(said(&store, &import).await.unwrap_err().to_string().contains("lab"));
        assert_eq!(said(&store, "rename lab hall").await.unwrap(), "lab is hall from now on");
        assert!(said(&store, "rename lab cellar").await.is_err(), "it has another name");
        assert_eq!(said(&store, "rename hall lab").await.unwrap(), "hall is lab from now on");
        assert_eq!(said(&store, "retire lab").await.unwrap(), "lab is retired");
        assert_eq!(said(&store, "retire lab --undo").await.unwrap(), "lab is no longer retired");
        assert_eq!(said(&store, "forget lab").await.unwrap(), "lab was forgotten; its readings stay");
        assert!(said(&store, "forget lab --erase").await.unwrap().contains("is being deleted"));
        assert_eq!(store.forgotten_devices().await.unwrap()[0].device, "lab");
        for wrong in
            ["remove site-a/lab", "forget no//name", "revoke lab x", "add no//name", "credential alerter"]
        {
            assert!(said(&store, wrong).await.is_err(), "{wrong}");
        }
    }
}
