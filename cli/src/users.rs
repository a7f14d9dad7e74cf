//! `millrace user`: people who log in. Who has the database at hand may do this, logged in or not.

use std::io::Write;

use access::{Authority, Caller, NewUser, UserChange};
use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use service::Settings;
use store::{Role, TextCodec as _, User};
use telemetry::{Filter, Scope};

use crate::table::{table, time};

/// The commands on users.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a user: asks for the password, or reads it as a line of standard input. The first one closes the page
    Add {
        /// The name to log in with
        username: String,
        /// What the user may do
        #[arg(long)]
        role: RoleName,
        /// Only devices that match this MQTT filter, such as site-a/#. May be given several times [default: all devices]
        #[arg(long, value_name = "FILTER")]
        filter: Vec<Filter>,
        /// Where mails reach the user
        #[arg(long)]
        email: Option<String>,
    },
    /// List the users
    List {
        /// Print JSON, one line for each user
        #[arg(long)]
        json: bool,
    },
    /// Change a user; what is not named stays as it is. Ends the user's sessions
    Set {
        /// The user
        username: String,
        /// What the user may do
        #[arg(long)]
        role: Option<RoleName>,
        /// Only devices that match this MQTT filter; # for all. May be given several times
        #[arg(long, value_name = "FILTER")]
        filter: Vec<Filter>,
        /// Where mails reach the user
        #[arg(long)]
        email: Option<String>,
        /// Ask for a new password, or read it as a line of standard input
        #[arg(long)]
        password: bool,
    },
    /// Remove a user with all sessions and keys
    Remove {
        /// The user
        username: String,
    },
}

/// A role, as it is written in a terminal.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleName {
    /// Reads
    Viewer,
    /// Reads, acknowledges, silences and resends
    Operator,
    /// Does everything
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Operator => Self::Operator,
            RoleName::Admin => Self::Admin,
        }
    }
}

/// Performs a command and prints its result.
///
/// # Errors
/// The command cannot be performed, or the store does not answer.
pub async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    // Before the first start there is no database yet: users can be added all the same.
    let store = service::store(settings, crate::clock()).await?;
    let authority = Authority::new(store.as_ref(), crate::clock())?;
    let text = perform(command, &authority, edge::read_password).await?;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

async fn perform(
    command: Command,
    authority: &Authority,
    ask: impl Fn(&str) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let caller = Caller::command();
    Ok(match command {
        Command::Add { username, role, filter, email } => {
            let is_first = authority.is_open().await?;
            access::check_username(&username).map_err(anyhow::Error::msg)?;
            let password = ask(&username)?;
            let scope = Scope::new(filter);
            let new = NewUser { username, email, password, role: role.into(), scope };
            let user = authority.add_user(&caller, new).await?;
            let closed = if is_first { ". From now on everyone has to log in" } else { "" };
            format!("{} may log in as {}{closed}", user.name, user.role.word())
        }
        Command::List { json } => list(&authority.users().await?, json)?,
        Command::Set { username, role, filter, email, password } => {
            ensure!(
                role.is_some() || !filter.is_empty() || email.is_some() || password,
                "say what to change: --role, --filter, --email or --password"
            );
            let password = password.then(|| ask(&username)).transpose()?;
            let scope = (!filter.is_empty()).then(|| Scope::new(filter));
            let change = UserChange { email: email.map(Some), password, role: role.map(Into::into), scope };
            let user = authority.set_user(&caller, &username, change).await?;
            format!("{} is {} for {}", user.name, user.role.word(), devices(&user.scope))
        }
        Command::Remove { username } => {
            authority.remove_user(&caller, &username).await?;
            format!("{username} was removed")
        }
    })
}

fn list(users: &[User], json: bool) -> anyhow::Result<String> {
    if json {
        let lines = users.iter().map(|user| serde_json::to_string(&api::forms::User::from(user)));
        return Ok(lines.collect::<Result<Vec<_>, _>>().context("write JSON")?.join("\n"));
    }
    if users.is_empty() {
        return Ok("there are no users: everyone on this machine may do everything".into());
    }
    let rows: Vec<_> = users.iter().map(row).collect();
    Ok(table(["username", "role", "devices", "email", "last login"], &rows))
}

fn row(user: &User) -> [String; 5] {
    let last_login = user.last_login_at.map(time).unwrap_or_default();
    let email = user.email.clone().unwrap_or_default();
    [user.name.clone(), user.role.word().into(), devices(&user.scope), email, last_login]
}

/// The devices of a scope, in words.
pub(crate) fn devices(scope: &Scope) -> String {
    let filters: Vec<_> = scope.filters().iter().map(Filter::as_str).collect();
    if filters.is_empty() { "all devices".into() } else { filters.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::MemoryStore;

    async fn said(authority: &Authority, command: Command) -> String {
        let ask = |_: &str| Ok("a long password".to_owned());
        perform(command, authority, ask).await.unwrap_or_else(|e| format!("error: {e:#}"))
    }

    fn add(username: &str, role: RoleName, filters: &[&str]) -> Command {
        let filter = filters.iter().map(|filter| filter.parse().unwrap()).collect();
        Command::Add { username: username.into(), role, filter, email: None }
    }

    fn set(username: &str, role: RoleName) -> Command {
        Command::Set {
            username: username.into(),
            role: Some(role),
            filter: vec![],
            email: None,
            password: false,
        }
    }

    #[tokio::test]
    async fn users_are_added_changed_and_removed() {
        let authority = Authority::new(&MemoryStore::default(), crate::clock()).unwrap();
        let list = || said(&authority, Command::List { json: false });
        assert!(list().await.contains("there are no users"));
        let first = said(&authority, add("ben", RoleName::Viewer, &[])).await;
        assert!(first.contains("the first user must have the role admin"), "{first}");
        let first = said(&authority, add("ann", RoleName::Admin, &[])).await;
        assert_eq!(first, "ann may log in as admin. From now on everyone has to log in");
        assert_eq!(
            said(&authority, add("ben", RoleName::Viewer, &["site-a/#"])).await,
            "ben may log in as viewer"
        );
        assert!(
            said(&authority, add("ben", RoleName::Viewer, &[])).await.contains("there is a user ben already")
        );
        assert!(said(&authority, add("b/n", RoleName::Viewer, &[])).await.contains("a username has"));
        assert_eq!(said(&authority, set("ben", RoleName::Operator)).await, "ben is operator for site-a/#");
        assert!(said(&authority, set("eve", RoleName::Operator)).await.contains("there is no user eve"));
        assert!(
            said(&authority, set("ann", RoleName::Viewer))
                .await
                .contains("ann is the last admin of all devices")
        );
        let remove = |name: &str| Command::Remove { username: name.into() };
        assert!(said(&authority, remove("ann")).await.contains("ann is the last admin of all devices"));
        let shown = list().await;
        assert!(shown.contains("ben") && shown.contains("operator") && shown.contains("site-a/#"), "{shown}");
        assert_eq!(said(&authority, remove("ben")).await, "ben was removed");
        assert!(!list().await.contains("ben"));
    }
}
