use store::Notices as _;
use testkit::MemoryStore;

use super::*;

struct Harness {
    store: MemoryStore,
    sender: NoticeSender,
    folder: tempfile::TempDir,
}

impl Harness {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("millrace.toml");
        std::fs::write(&config, format!("data_dir = {:?}", folder.path())).unwrap();
        let context = Context::load(Some(&config)).unwrap();
        let store = MemoryStore::default();
        let page = "http://127.0.0.1:8080".to_owned();
        let sender = NoticeSender::new(&context, Arc::new(store.clone()), page, "one".into()).unwrap();
        Self { store, sender, folder }
    }

    fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path().join("mails")).unwrap();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }
}

fn notice(name: &str) -> Notice {
    let (subject, text) = (format!("About {name}"), "It is so.".to_owned());
    Notice { name: name.into(), subject, text, made_at: Timestamp::UNIX_EPOCH, tries: 0 }
}

#[tokio::test]
async fn each_notice_is_mailed_once() {
    let harness = Harness::start();
    for _ in 0..2 {
        harness.store.add_notice(&notice("a")).await.unwrap();
        harness.sender.step(Timestamp::UNIX_EPOCH).await.unwrap();
    }
    let mails = harness.mails();
    assert_eq!(mails.len(), 1);
    for expected in ["Subject: About a", "To: operator@localhost", "It is so.", "http://127.0.0.1:8080"] {
        assert!(mails[0].contains(expected), "{expected}: {}", mails[0]);
    }
    assert_eq!(harness.sender.sent.get(), 1);
}

#[tokio::test]
async fn what_is_not_sent_is_tried_again_later() {
    let harness = Harness::start();
    harness.store.add_notice(&notice("a")).await.unwrap();
    let folder = harness.folder.path().join("mails");
    std::fs::remove_dir(&folder).unwrap();
    harness.sender.step(Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(harness.sender.failed.get(), 1);
    std::fs::create_dir(&folder).unwrap();
    harness.sender.step(Timestamp::UNIX_EPOCH).await.unwrap();
    assert!(harness.mails().is_empty(), "it waits");
    harness.sender.step(saturating_add(Timestamp::UNIX_EPOCH, FIRST_WAIT)).await.unwrap();
    assert_eq!(harness.mails().len(), 1);
}

#[tokio::test]
async fn one_process_sends() {
    let harness = Harness::start();
    harness.store.add_notice(&notice("a")).await.unwrap();
    assert!(store::Leases::acquire(&harness.store, Lease::Notices, "other", LEASE).await.unwrap());
    harness.sender.step(Timestamp::UNIX_EPOCH).await.unwrap();
    assert!(harness.mails().is_empty());
}

#[test]
fn waits_double_up_to_an_hour() {
    assert_eq!([0, 1, 5, 6, 99].map(|tries| wait_after(tries).as_secs() / 60), [1, 2, 32, 60, 60]);
}
