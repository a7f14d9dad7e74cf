//! Files and folders that only their owner may read, whatever the umask is.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// Lets no file that this process creates be read by others.
pub(crate) fn restrict_umask() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Creates a folder, and those above it, where there is none. One that is there is closed for others.
///
/// # Errors
/// It cannot be created.
pub fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)?;
    match std::fs::set_permissions(path, Permissions::from_mode(FOLDER)) {
        // The folder of another user: whether it can be written to shows later.
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// Opens a file that stays where it is, such as a lock; not one behind a symbolic link.
///
/// # Errors
/// It cannot be created or opened.
pub fn private_file(path: &Path) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false).mode(FILE).custom_flags(OFlags::NOFOLLOW.bits() as i32);
    let file = options.open(path)?;
    file.set_permissions(Permissions::from_mode(FILE))?;
    Ok(file)
}

/// Creates a file that is renamed once it is whole, in place of one that was left behind or put there as a link.
///
/// # Errors
/// It cannot be created.
pub fn private_part(path: &Path) -> io::Result<std::fs::File> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    OpenOptions::new().create_new(true).write(true).mode(FILE).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_folder_is_closed_for_others_though_it_was_open() {
        let folder = tempfile::tempdir().unwrap();
        let (new, open) = (folder.path().join("a/b"), folder.path().join("open"));
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        for path in [new, open] {
            private_folder(&path).unwrap();
            assert_eq!(mode(&path), 0o700, "{}", path.display());
        }
    }

    #[test]
    fn a_file_is_private_though_it_was_not_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, link, left) =
            (folder.path().join("victim"), folder.path().join("link"), folder.path().join("left"));
        std::fs::write(&victim, "precious").unwrap();
        symlink(&victim, &link).unwrap();
        std::fs::write(&left, "left behind").unwrap();
        std::fs::set_permissions(&left, Permissions::from_mode(0o644)).unwrap();

        private_file(&link).unwrap_err();
        private_file(&left).unwrap();
        assert_eq!((mode(&left), std::fs::read_to_string(&left).unwrap().as_str()), (0o600, "left behind"));
        std::fs::set_permissions(&left, Permissions::from_mode(0o644)).unwrap();
        for path in [&link, &left] {
            private_part(path).unwrap().write_all(b"new").unwrap();
            assert_eq!((mode(path), std::fs::read_to_string(path).unwrap().as_str()), (0o600, "new"));
        }
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    }
}
