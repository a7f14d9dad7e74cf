//! The file of rules: what is in it holds soon after it was written, unless it is wrong.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alerter::{Counters, Rules, RulesFile};
use service::{Metrics, Settings};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::harness::{HIGH, Harness};
use crate::journal::BOUND;
use crate::store::Watched;

const STRICT: &str = "[[rules]]\nname = \"high\"\nabove = 20";
const BAD: &str = "[[rules]]\nname = \"high\"\nabove = \"warm\"";

/// A file of rules that the settings name.
fn file(folder: &TempDir) -> (PathBuf, RulesFile) {
    let (path, settings) = (folder.path().join("rules.toml"), folder.path().join("settings.toml"));
    std::fs::write(&path, HIGH).unwrap();
    let mut text = format!("data_dir = '{}'\n", folder.path().display());
    write!(text, "[alerter]\nrules = '{}'\n[smtp]\nto = ['operator@localhost']", path.display()).unwrap();
    std::fs::write(&settings, text).unwrap();
    (path, RulesFile::from_settings(&Settings::load(Some(&settings)).unwrap()).unwrap())
}

/// Follows a file; time is paused.
struct Following {
    rules: watch::Receiver<Arc<Rules>>,
    counters: Counters,
}

impl Following {
    fn start(file: RulesFile, read: Rules) -> Self {
        let counters = Counters::register(&Metrics::default());
        let (sender, rules) = watch::channel(Arc::new(read));
        tokio::spawn(file.follow(sender, counters.clone()));
        Self { rules, counters }
    }

    async fn adopts(&mut self, expected: &Rules) {
        let adopted = self.rules.wait_for(|rules| **rules == *expected);
        drop(timeout(BOUND, adopted).await.expect("it is adopted").unwrap());
        self.until("loaded", |counters| counters.rules_loaded.get() == 1).await;
    }

    async fn refuses(&mut self, times: u64) {
        self.until("refused", |counters| counters.rules_refused.get() == times).await;
        assert_eq!(self.counters.rules_loaded.get(), 0);
        assert!(!self.rules.has_changed().unwrap(), "the old rules stay");
    }

    async fn until(&self, what: &str, holds: impl Fn(&Counters) -> bool) {
        let wait = async {
            while !holds(&self.counters) {
                tokio::time::sleep(BOUND / 1_000).await;
            }
        };
        timeout(BOUND, wait).await.expect(what);
    }
}

fn hang_up() {
    let me = std::process::id().to_string();
    assert!(std::process::Command::new("kill").args(["-HUP", &me]).status().unwrap().success());
}

fn rules(folder: &Path, text: &str, file: &RulesFile) -> Rules {
    let path = folder.join("other.toml");
    std::fs::write(&path, text).unwrap();
    file.clone().at(path).read().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_is_adopted_and_a_bad_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = file(&folder);
    let [high, strict] = [HIGH, STRICT].map(|text| rules(folder.path(), text, &file));
    let mut following = Following::start(file.clone(), file.read().unwrap());
    following.adopts(&high).await;
    std::fs::write(&path, STRICT).unwrap();
    following.adopts(&strict).await;
    std::fs::write(&path, BAD).unwrap();
    following.refuses(1).await;
    // Once, not each time it is looked at.
    tokio::time::sleep(BOUND).await;
    following.refuses(1).await;
    hang_up();
    following.refuses(2).await;
    std::fs::remove_file(&path).unwrap();
    following.refuses(3).await;
    std::fs::write(&path, HIGH).unwrap();
    following.adopts(&high).await;
    assert_eq!(following.counters.rules_refused.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changed_before_it_was_followed_is_adopted() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = file(&folder);
    let (read, strict) = (file.read().unwrap(), rules(folder.path(), STRICT, &file));
    std::fs::write(&path, STRICT).unwrap();
    Following::start(file, read).adopts(&strict).await;
}

/// An editor empties a file before it writes it, and half of a file may be valid.
#[tokio::test(start_paused = true)]
async fn a_file_that_is_being_written_is_not_read_by_halves() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = file(&folder);
    let strict = rules(folder.path(), STRICT, &file);
    let mut following = Following::start(file.clone(), file.read().unwrap());
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(following.rules.borrow_and_update());
    // It is looked at every two seconds: now, and again when it is whole.
    std::fs::write(&path, "").unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    std::fs::write(&path, STRICT).unwrap();
    timeout(BOUND, following.rules.changed()).await.expect("it is adopted").unwrap();
    assert_eq!(**following.rules.borrow(), strict);
    assert_eq!(following.counters.rules_refused.get(), 0);
}

#[tokio::test]
async fn a_file_that_changes_is_judged_by() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Watched::fresh());
    let (path, file) = file(&folder);
    let harness = Harness::start(&store, HIGH);
    harness.rules.send_replace(Arc::new(file.read().unwrap()));
    tokio::spawn(file.follow(harness.rules.clone(), harness.counters.clone()));
    harness.give_measured(1, 24.0);
    harness.settled().await;
    std::fs::write(&path, BAD).unwrap();
    harness.until(|harness| harness.counters.rules_refused.get() == 1).await;
    harness.give_measured(2, 26.0);
    harness.sees("^26").await;
    // A file that says nothing ends no incident; only one that says so does.
    std::fs::write(&path, "").unwrap();
    harness.until(|harness| harness.counters.rules_refused.get() == 2).await;
    assert_eq!((harness.counters.rules_loaded.get(), store.only().await.end), (0, None));
    std::fs::write(&path, "rules = []").unwrap();
    harness.sees("x").await;
}
