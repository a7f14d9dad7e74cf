//! The file of mapping rules in the setting `inputs.mappings`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use telemetry::{ExtendError, Mappings, extend};

use crate::{SettingError, Settings, TextFile, private_part};

const KEY: &str = "inputs.mappings";

/// The file in the data folder.
const IN_DATA_DIR: &str = "mappings.toml";

/// The file of mapping rules, where one is named: without it the presets are in force.
#[derive(Debug, Clone, Default)]
pub struct MappingsFile(Option<TextFile>);

/// Why rules are not added to the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddRuleError {
    /// The file cannot be changed now: it is not there to be written, or it must be corrected first.
    #[error("{0}")]
    Refused(String),
    /// The rules are wrong: where, and why.
    #[error("{0}")]
    Wrong(String),
}

impl MappingsFile {
    /// The file that the setting names, which must be there.
    ///
    /// # Errors
    /// The setting is wrong.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let path: PathBuf = settings.get(KEY)?;
        Ok(Self((!path.as_os_str().is_empty()).then(|| TextFile::new(path))))
    }

    /// The file that the setting names, else `mappings.toml` in the data folder once it is there.
    ///
    /// # Errors
    /// A setting is wrong.
    pub fn at_the_edge(settings: &Settings) -> Result<Self, SettingError> {
        match Self::from_settings(settings)? {
            Self(None) => {
                let folder: PathBuf = settings.get("data_dir")?;
                Ok(Self(Some(TextFile::optional(folder.join(IN_DATA_DIR)))))
            }
            named => Ok(named),
        }
    }

    /// Where the file is, or will be looked for.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.as_ref().map(TextFile::path)
    }

    /// The rules in the file, and the presets.
    ///
    /// # Errors
    /// The file cannot be read or is invalid: what is wrong with it, and where.
    pub fn read(&self) -> Result<Mappings, SettingError> {
        self.text().and_then(|text| self.parse(&text)).map_err(|e| SettingError::new(KEY, e))
    }

    pub(crate) fn parse(&self, text: &str) -> Result<Mappings, String> {
        let name = self.path().unwrap_or(Path::new("")).display();
        Mappings::read(text).map_err(|e| format!("{name} is invalid: {e}"))
    }

    fn text(&self) -> Result<String, String> {
        self.0.as_ref().map_or_else(|| Ok(String::new()), TextFile::read)
    }

    /// Hands over the text now, when it has changed, and when SIGHUP comes. Never ends.
    pub(crate) async fn follow(&self, changed: impl FnMut(Result<String, String>)) {
        match &self.0 {
            Some(file) => file.follow(changed).await,
            None => std::future::pending().await,
        }
    }

    /// Whether this process may add rules.
    ///
    /// # Errors
    /// It may not: why, for a person.
    pub fn can_add(&self) -> Result<(), String> {
        let Some(path) = self.path() else {
            return Err(
                "no file of mappings is named: set inputs.mappings (MILLRACE__INPUTS__MAPPINGS) to one"
                    .into(),
            );
        };
        match access(folder_of(&real(path)), Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Ok(()),
            Err(e) => Err(format!("this process cannot write {}: {e}", path.display())),
        }
    }

    /// Adds rules at the end of the file. Returns the new text, and how many rules were added. The file changes as a
    /// whole: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// The file cannot be changed, or the rules are wrong: nothing has changed.
    pub fn add(&self, rules: &str) -> Result<(String, usize), AddRuleError> {
        self.can_add().map_err(|e| AddRuleError::Refused(with_text_to_paste(&e, rules)))?;
        let path = self.path().unwrap_or(Path::new(""));
        loop {
            let before = match self.text() {
                Err(_) if !path.exists() => String::new(),
                text => text.map_err(AddRuleError::Refused)?,
            };
            let extended = extend(&before, rules).map_err(|e| match e {
                ExtendError::Rules(e) => AddRuleError::Wrong(e.to_string()),
                e => AddRuleError::Refused(format!("{}: {e}", path.display())),
            })?;
            let unchanged = || self.text().unwrap_or_default() == before;
            let replaced = replace(&real(path), &extended.text, unchanged).map_err(|e| {
                let problem = format!("cannot write {}: {e}", path.display());
                AddRuleError::Refused(with_text_to_paste(&problem, rules))
            })?;
            if replaced {
                return Ok((extended.text, extended.added));
            }
        }
    }
}

fn with_text_to_paste(problem: &str, rules: &str) -> String {
    format!("{problem}. Add this at the end of the file of mappings yourself:\n\n{}", rules.trim_end())
}

/// What is behind a symbolic link, which is to stay one.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Puts a text in the place of a file, unless somebody else has changed the file meanwhile. A file that was there keeps
/// its permissions; a new one is private.
fn replace(path: &Path, text: &str, unchanged: impl FnOnce() -> bool) -> io::Result<bool> {
    let part = path.with_extension("toml.part");
    let mut file = private_part(&part)?;
    if let Ok(before) = std::fs::metadata(path) {
        file.set_permissions(before.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if !unchanged() {
        std::fs::remove_file(&part)?;
        return Ok(false);
    }
    std::fs::rename(&part, path)?;
    std::fs::File::open(folder_of(path))?.sync_all()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const LAMP: &str =
        "[[rule]]\ntopic = \"lamp/{d}\"\nformat = \"text\"\ndevice = \"{d}\"\nmetric = \"on\"\n";

    fn file(path: &Path) -> MappingsFile {
        MappingsFile(Some(TextFile::optional(path.to_owned())))
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn rules_are_added_to_a_file_that_is_private_when_it_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mappings.toml");
        assert_eq!(file(&path).add(LAMP), Ok((LAMP.to_owned(), 1)));
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), mode(&path)), (LAMP, 0o600));

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let link = folder.path().join("link.toml");
        symlink(&path, &link).unwrap();
        let (text, _) = file(&link).add(&LAMP.replace("lamp", "bulb")).unwrap();
        assert_eq!(file(&path).read().unwrap().own_topics().collect::<Vec<_>>(), ["lamp/{d}", "bulb/{d}"]);
        assert_eq!((std::fs::read_to_string(&path).unwrap(), mode(&path)), (text, 0o644));
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
    }

    #[test]
    fn what_is_not_added_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mappings.toml");
        let wrong = file(&path).add("[[rule]]\ntopic = 1").unwrap_err();
        assert!(matches!(&wrong, AddRuleError::Wrong(e) if e.starts_with("line 2, column 9: ")), "{wrong}");
        assert!(!path.exists());
        file(&path).add(LAMP).unwrap();
        let known = file(&path).add(LAMP).unwrap_err();
        assert!(matches!(&known, AddRuleError::Refused(e) if e.contains("a rule for lamp/{d}")), "{known}");
        std::fs::write(&path, "[[rule").unwrap();
        let broken = file(&path).add(LAMP).unwrap_err();
        assert!(matches!(&broken, AddRuleError::Refused(e) if e.contains("line 1, column ")), "{broken}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[[rule");
    }

    #[test]
    fn where_nothing_can_be_written_the_text_to_paste_is_told() {
        let nowhere = MappingsFile::default().add(LAMP).unwrap_err().to_string();
        assert!(
            nowhere.contains("MILLRACE__INPUTS__MAPPINGS") && nowhere.ends_with(LAMP.trim_end()),
            "{nowhere}"
        );
        let missing = file(Path::new("/no/such/folder/mappings.toml")).add(LAMP).unwrap_err().to_string();
        assert!(
            missing.contains("cannot write /no/such/folder") && missing.contains("[[rule]]"),
            "{missing}"
        );
    }

    #[test]
    fn somebody_elses_change_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mappings.toml");
        std::fs::write(&path, "# theirs\n").unwrap();
        assert!(!replace(&path, "ours", || false).unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "# theirs\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
