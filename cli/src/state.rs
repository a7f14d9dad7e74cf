//! `millrace state` and `millrace restore`: what stood in the store at a time, and the way back.

use std::io::Write;
use std::path::PathBuf;

use access::{
    Authority, Caller, Known, Segment, State, StateReader, Step, careful_steps, registry_steps, take_step,
    user_steps,
};
use anyhow::{Context as _, bail};
use jiff::Timestamp;
use service::Settings;
use store::Store;

/// What `millrace state` is asked.
#[derive(Debug, clap::Args)]
pub struct StateArgs {
    /// The time, such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Timestamp,
    /// The files that `audit archive` wrote, in their order, the oldest first
    #[arg(long, value_name = "FILE", num_args = 1..)]
    archive: Vec<PathBuf>,
}

/// What `millrace restore` is asked.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The time, such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Timestamp,
    /// What is brought back
    #[arg(long, value_enum)]
    only: What,
    /// Print what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// The files that `audit archive` wrote, in their order, the oldest first
    #[arg(long, value_name = "FILE", num_args = 1..)]
    archive: Vec<PathBuf>,
}

const ADD_FILES: &str = "add --archive FILE ...";

/// What can be brought back.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// Devices and what is said of them; credentials that came later are revoked
    Registry,
    /// The role, the filters and the address of users; users that came later are removed
    Users,
}

/// Prints users, keys, devices and credentials as they were at a time, as JSON.
///
/// # Errors
/// The store does not answer.
pub async fn state(args: StateArgs, settings: &Settings) -> anyhow::Result<()> {
    let store = crate::alerts::open(settings).await?;
    let state = read(store.as_ref(), args.at, &args.archive).await?;
    if let Some(records) = &state.archived {
        writeln!(std::io::stderr(), "{records} are in files that were not read: {ADD_FILES}")?;
    }
    Ok(writeln!(std::io::stdout().lock(), "{}", serde_json::to_string_pretty(&state)?)?)
}

/// Brings the registry or the users back to what they were, by new changes, and prints each.
///
/// # Errors
/// A change cannot be made, or the store does not answer: what was printed before is done.
pub async fn restore(args: RestoreArgs, settings: &Settings) -> anyhow::Result<()> {
    let store = crate::alerts::open(settings).await?;
    let steps = steps(store.as_ref(), &args).await?;
    let authority = Authority::new(store.as_ref(), crate::clock())?;
    let mut out = std::io::stdout().lock();
    if steps.is_empty() {
        writeln!(out, "nothing differs")?;
    }
    for step in steps {
        let line = step.to_string();
        if !args.dry_run {
            take_step(&authority, &Caller::command(), step).await.with_context(|| line.clone())?;
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

async fn steps(store: &dyn Store, args: &RestoreArgs) -> anyhow::Result<Vec<Step>> {
    let then = read(store, args.at, &args.archive).await?;
    if let Some(records) = &then.archived {
        bail!("{records} are in files, and what they say would be taken for gone: {ADD_FILES}");
    }
    let steps = match args.only {
        What::Registry => {
            let (devices, credentials) = (store.all_devices().await?, store.credentials(None).await?);
            registry_steps(&then, &devices, &credentials, crate::clock().wall())
        }
        What::Users => user_steps(&then, &store.users().await?),
    };
    Ok(careful_steps(&then, steps))
}

/// The state at a time that has passed: a later one would be another when it comes.
async fn read(store: &dyn Store, at: Timestamp, files: &[PathBuf]) -> anyhow::Result<State> {
    anyhow::ensure!(at <= crate::clock().wall(), "{at} has not come yet");
    let (mut reader, mut known) = (StateReader::of_store(store, at).await?, Known::read(store).await?);
    for file in files.iter().rev() {
        let segment = Segment::open(file)?;
        reader.add_file(&segment).with_context(|| file.display().to_string())?;
        known.check(&segment, file)?;
    }
    Ok(reader.finish())
}

#[cfg(test)]
mod tests {
    use access::{Erasable, NewCredential, NewUser, Until, next_segment, state_at};
    use store::{Device, Registry as _, Role};
    use telemetry::Scope;
    use testkit::MemoryStore;

    use super::*;

    fn args(at: Timestamp, only: What) -> RestoreArgs {
        RestoreArgs { at, only, dry_run: false, archive: vec![] }
    }

    async fn restore(store: &MemoryStore, authority: &Authority, at: Timestamp, only: What) -> Vec<String> {
        let mut done = Vec::new();
        for step in steps(store, &args(at, only)).await.unwrap() {
            done.push(step.to_string());
            take_step(authority, &Caller::command(), step).await.unwrap();
        }
        done
    }

    #[tokio::test]
    async fn the_registry_and_the_users_are_brought_back_by_audited_changes() {
        let store = MemoryStore::default();
        let authority = Authority::new(&store, crate::clock()).unwrap();
        let caller = Caller::command();
        let device = |name: &str| Device::new(name, crate::clock().wall());
        let user = |name: &str, role| NewUser {
            username: name.into(),
            email: None,
            password: "correct horse battery".into(),
            role,
            scope: Scope::default(),
        };
        authority.add_device(&caller, device("lab")).await.unwrap();
        authority.add_user(&caller, user("ann", Role::Admin)).await.unwrap();
        authority.add_user(&caller, user("ben", Role::Viewer)).await.unwrap();
        let at = crate::clock().wall();
        let before = state_at(&store, at).await.unwrap();

        let lab = store.all_devices().await.unwrap().remove(0);
        authority.remove_device(&caller, &lab).await.unwrap();
        authority.add_credential(&caller, "new", NewCredential::default()).await.unwrap();
        let more = access::UserChange { role: Some(Role::Admin), ..access::UserChange::default() };
        authority.set_user(&caller, "ben", more).await.unwrap();

        let registry = restore(&store, &authority, at, What::Registry).await;
        assert_eq!(registry, ["register device lab", "remove device new"]);
        assert_eq!(restore(&store, &authority, at, What::Users).await, ["change user ben"]);
        let now = state_at(&store, Timestamp::MAX).await.unwrap();
        assert_eq!(now, before);
        assert!(restore(&store, &authority, at, What::Registry).await.is_empty());
    }

    #[tokio::test]
    async fn a_state_is_read_from_files_and_without_them_nothing_is_brought_back() {
        let (store, folder) = (MemoryStore::default(), tempfile::tempdir().unwrap());
        let authority = Authority::new(&store, crate::clock()).unwrap();
        for name in ["lab", "hall"] {
            authority.add_device(&Caller::command(), Device::new(name, crate::clock().wall())).await.unwrap();
        }
        let at = crate::clock().wall();
        let file = folder.path().join("1");
        let segment = next_segment(&store, Until::Number(1), 10).await.unwrap().unwrap();
        segment.write(&file).unwrap();
        access::archive(&store, &segment, at).await.unwrap();

        let partial = read(&store, at, &[]).await.unwrap();
        assert_eq!(partial.devices.keys().collect::<Vec<_>>(), ["hall"]);
        assert_eq!(partial.archived.as_deref(), Some("records 1 to 1"));
        let refused = steps(&store, &args(at, What::Registry)).await.unwrap_err();
        assert!(refused.to_string().contains("add --archive FILE"), "{refused}");

        let full = read(&store, at, std::slice::from_ref(&file)).await.unwrap();
        assert_eq!(full.devices.keys().collect::<Vec<_>>(), ["hall", "lab"]);
        assert_eq!(full.archived, None);
        let with_file = RestoreArgs { archive: vec![file.clone()], ..args(at, What::Registry) };
        assert!(steps(&store, &with_file).await.unwrap().is_empty());

        let forged = next_segment(&store, Until::Number(2), 10).await.unwrap().unwrap();
        std::fs::remove_file(&file).unwrap();
        forged.write(&file).unwrap();
        read(&store, at, &[file]).await.unwrap_err();
    }

    #[tokio::test]
    async fn what_was_erased_is_removed_by_hand_alone() {
        let store = MemoryStore::default();
        let authority = Authority::new(&store, crate::clock()).unwrap();
        authority.add_device(&Caller::command(), Device::new("lab", crate::clock().wall())).await.unwrap();
        authority.add_credential(&Caller::command(), "lab", NewCredential::default()).await.unwrap();
        let at = crate::clock().wall();
        assert!(steps(&store, &args(at, What::Registry)).await.unwrap().is_empty());
        assert_eq!(access::erase(&store, &Erasable::Number(2), at).await.unwrap(), 1);
        let steps = steps(&store, &args(at, What::Registry)).await.unwrap();
        assert!(
            matches!(&steps[..], [Step::ByHand(what)] if what.starts_with("revoke credential lab")),
            "{steps:?}"
        );
    }
}
