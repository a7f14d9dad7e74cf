//! Opens the file, and says in one line why it cannot.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::unavailable::{Damaged, RECOVER, is_damaged};

/// The rights of the database's files.
const PRIVATE: u32 = 0o600;

/// In order; the schema's version is how many of them were applied.
const MIGRATIONS: [&str; 25] = [
    include_str!("migrations/0001_schema.sql"),
    include_str!("migrations/0002_leases.sql"),
    include_str!("migrations/0003_alerting.sql"),
    include_str!("migrations/0004_resent.sql"),
    include_str!("migrations/0005_kinds.sql"),
    include_str!("migrations/0006_terms.sql"),
    include_str!("migrations/0007_quota.sql"),
    include_str!("migrations/0008_retention.sql"),
    include_str!("migrations/0009_announced.sql"),
    include_str!("migrations/0010_clock.sql"),
    include_str!("migrations/0011_announcements.sql"),
    include_str!("migrations/0012_access.sql"),
    include_str!("migrations/0013_awaits.sql"),
    include_str!("migrations/0014_attributes.sql"),
    include_str!("migrations/0015_registry.sql"),
    include_str!("migrations/0016_identities.sql"),
    include_str!("migrations/0017_notices.sql"),
    include_str!("migrations/0018_idempotency.sql"),
    include_str!("migrations/0019_commands.sql"),
    include_str!("migrations/0020_unusual.sql"),
    include_str!("migrations/0021_lifecycle.sql"),
    include_str!("migrations/0022_types.sql"),
    include_str!("migrations/0023_rollups.sql"),
    include_str!("migrations/0024_uplink.sql"),
    include_str!("migrations/0025_attribute_seen.sql"),
];

/// Marks the file as Millrace's, so that no other program's database is ever written to.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"Mill");

/// How long a lock that another program holds on the file is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Between two tries where SQLite itself does not wait.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Statements that a connection keeps prepared: more than there are.
const PREPARED_STATEMENTS: usize = 128;

/// Pages of 4 KiB in the log when they are copied to the table: a page that changes often is copied once for all.
const LOG_PAGES: u32 = 4_000;

/// What a log file that has grown, for example while it could not be copied, is cut back to, in bytes.
const LOG_BYTES: u32 = 64 * 1024 * 1024;

/// The writer's cache: the page that each of some thousand series grows at.
const CACHE_KIBIBYTES: i32 = 32 * 1024;

#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error("it is a SQLite database, but not one of Millrace's")]
    Foreign,
    #[error(
        "it was made by a newer Millrace: its schema has version {found}, known here are versions up to {known}"
    )]
    Newer { found: usize, known: usize },
    #[error("its file system cannot hold a write-ahead log")]
    NoLog,
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// Opens the database to write, makes it where there is none, and brings its schema up to date. Blocks.
pub(crate) fn create(path: &Path) -> anyhow::Result<Connection> {
    // A file that cannot be made shows when it is opened.
    let _ = OpenOptions::new().create(true).append(true).mode(PRIVATE).open(path);
    open(path, OpenFlags::SQLITE_OPEN_CREATE).inspect(|_| restrict(path)).map_err(|error| {
        let explained = explain(path, &error);
        if is_damaged(&explained) { anyhow!("{explained}: {RECOVER}") } else { explained }
    })
}

/// Lets only the owner read the database and its log, whatever the umask was. Files of another user stay as they are.
fn restrict(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        let _ = std::fs::set_permissions(file, Permissions::from_mode(PRIVATE));
    }
}

/// Opens the database to write once more: a file that has gone is an error, not a new and empty one.
pub(crate) fn reopen(path: &Path) -> anyhow::Result<Connection> {
    open(path, OpenFlags::empty()).map_err(|error| explain(path, &error))
}

/// Opens the database to read.
pub(crate) fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    // Not SQLITE_OPEN_READ_ONLY: a reader, too, may have to recover the log and to close it.
    let connection = connect(path, OpenFlags::empty())?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let mut connection = connect(path, flags)?;
    // Looks before anything is written: another program's database stays as it is.
    let unchanging = connection.transaction()?;
    schema_version(&unchanging)?;
    drop(unchanging);
    write_ahead(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIBIBYTES)?;
    // Savepoints keep pages aside while a group is written: in memory rather than in a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Sets the write-ahead log, in which readers and the writer do not wait for each other.
fn write_ahead(connection: &Connection) -> Result<(), OpenError> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => return Err(OpenError::NoLog),
            // For this lock SQLite does not wait by itself: someone else makes the same file just now.
            Err(error) if is_busy(&error) && Instant::now() < deadline => thread::sleep(BUSY_PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    Ok(connection)
}

/// Applies the migrations that are missing, each in a transaction of its own.
///
/// The version is read anew in each, so that two that open the file at once do not apply one twice.
fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = schema_version(&transaction)?;
        let Some(migration) = MIGRATIONS.get(version) else { return Ok(()) };
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version as u32 + 1)?;
        transaction.commit()?;
    }
}

fn schema_version(connection: &Connection) -> Result<usize, OpenError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (version, application) = (pragma("user_version")?, pragma("application_id")?);
    let found = usize::try_from(version).map_err(|_| OpenError::Foreign)?;
    let known = MIGRATIONS.len();
    match application {
        APPLICATION_ID if found <= known => Ok(found),
        APPLICATION_ID => Err(OpenError::Newer { found, known }),
        0 if found == 0 && is_empty(connection)? => Ok(0),
        _ => Err(OpenError::Foreign),
    }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

fn explain(path: &Path, error: &OpenError) -> anyhow::Error {
    let what = match error {
        OpenError::Sqlite(error) => explain_sqlite(path, error),
        _ => error.to_string(),
    };
    let said = format!("the database {}: {what}", path.display());
    match error {
        OpenError::Sqlite(error) if is_damaged_code(error) => Damaged(said).into(),
        _ => anyhow!(said),
    }
}

/// A file that was never a database may be any text: it is not called damaged when it is opened.
fn is_damaged_code(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
}

fn explain_sqlite(path: &Path, error: &rusqlite::Error) -> String {
    let has_folder = path.parent().is_none_or(|folder| folder == Path::new("") || folder.is_dir());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "it is not a SQLite database".into(),
        Some(ErrorCode::DatabaseCorrupt) => format!("it is damaged ({error})"),
        Some(ErrorCode::CannotOpen) if path.is_dir() => "it is a folder, not a file".into(),
        Some(ErrorCode::CannotOpen) if !has_folder => "its folder does not exist".into(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            format!("it, or its folder, is not writable ({error})")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program holds a lock on it".into()
        }
        Some(ErrorCode::DiskFull) => "the disk is full".into(),
        _ => error.to_string(),
    }
}
