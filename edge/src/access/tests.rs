use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use broker::server::Peer;
use store::{AccessStore as _, Change, Registry as _, RegistryHead};
use testkit::MemoryStore;
use tokio::time::timeout;

use super::password_file::line;
use super::*;

const BOUND: Duration = Duration::from_secs(20);

fn login(user: &str, password: &str) -> Login {
    Login {
        peer: Peer::plain(SocketAddr::from(([10, 0, 0, 1], 4711))),
        client_id: "any".into(),
        user_name: Some(user.into()),
        password: Some(password.to_owned().into()),
    }
}

fn certified(name: &str, user_name: Option<&str>) -> Login {
    let peer = Peer { tls: true, certificate_name: Some(name.into()), ..login("", "").peer };
    Login { peer, user_name: user_name.map(str::to_owned), password: None, ..login("", "") }
}

fn registry() -> RegistryView {
    RegistryView::new(UnknownDevices::Accept, &Metrics::default())
}

struct Harness {
    path: tempfile::TempPath,
    users: Users,
    own_password: String,
}

impl Harness {
    fn start(names: &[&str]) -> Self {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        write(&path, names);
        let (users, own_password) =
            Users::read(Some(&path), &["ann".to_owned()], false, registry(), &Metrics::default()).unwrap();
        Self { path, users, own_password }
    }

    async fn connects(&self, user: &str, password: &str) -> bool {
        self.users.connect(login(user, password)).await.is_ok()
    }
}

/// A file in which each user's password is their name. Who is in the old one keeps the hash.
fn write(path: &Path, names: &[&str]) {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    let kept = |name: &str| old.lines().find(|line| line.starts_with(&format!("{name}:")));
    let entry = |name: &&str| match kept(name) {
        Some(line) => format!("{line}\n"),
        None => line(name, name.as_bytes()).unwrap(),
    };
    std::fs::write(path, names.iter().map(entry).collect::<String>()).unwrap();
}

#[tokio::test]
async fn only_who_proves_it_is_somebody() {
    let harness = Harness::start(&["dev1"]);
    let caller = harness.users.connect(login("dev1", "dev1")).await.unwrap();
    assert_eq!(caller.user.as_deref(), Some("dev1"));
    let long = "x".repeat(64 * 1024);
    for (user, password) in
        [("dev1", "dev2"), ("dev2", "dev1"), ("", ""), ("millrace", "millrace"), (&long, "x")]
    {
        let refused = harness.users.connect(login(user, password)).await;
        assert_eq!(refused.err(), Some(Refusal::BadCredentials));
    }
    let nobody = Login { user_name: None, password: None, ..login("", "") };
    assert_eq!(harness.users.connect(nobody).await.err(), Some(Refusal::BadCredentials));
    assert_eq!(harness.users.refused.get(), 6);
}

#[tokio::test]
async fn our_own_user_is_never_delayed_and_may_do_all_but_speak_for_the_broker() {
    let harness = Harness::start(&[]);
    for _ in 0..20 {
        let attempt = harness.users.connect(login(OWN_USER, "wrong"));
        // Strangers' attempts wait longer and longer; nobody waits for them.
        let _ = timeout(Duration::from_millis(1), attempt).await;
    }
    let own = timeout(Duration::from_secs(1), harness.users.connect(login(OWN_USER, &harness.own_password)));
    let caller = own.await.expect("it does not wait").unwrap();
    assert!(harness.users.may_publish(&caller, "alerts/temperature/lab"));
    assert!(harness.users.may_subscribe(&caller, "#"));
    assert!(!harness.users.may_publish(&caller, "$SYS/broker"));
}

#[tokio::test]
async fn a_certificate_names_its_user_and_no_other() {
    let (users, _) = Users::read(None, &[], false, registry(), &Metrics::default()).unwrap();
    for (name, asked, user) in [
        ("dev1", None, Some("dev1")),
        ("dev1", Some("dev1"), Some("dev1")),
        ("dev1", Some("dev2"), None),
        ("dev1", Some(OWN_USER), None),
        (OWN_USER, None, None),
        ("+", None, None),
        ("#", None, None),
        ("dev1/x", None, None),
        ("", None, None),
    ] {
        let caller = users.connect(certified(name, asked)).await.ok();
        assert_eq!(caller.and_then(|caller| caller.user).as_deref(), user, "{name} {asked:?}");
    }
}

#[tokio::test]
async fn without_a_password_file_everyone_may_do_all_but_speak_for_the_broker() {
    let users = Users::read(None, &[], true, registry(), &Metrics::default()).unwrap().0;
    let caller = users.connect(login("", "")).await.unwrap();
    assert!(users.may_subscribe(&caller, "#") && users.may_publish(&caller, "alerts/x"));
    assert!(!users.may_publish(&caller, "$SYS/x"));
}

/// A registry in which these devices have a credential, with its password and lines of rights.
async fn registered(devices: &[(&str, &str, &str)]) -> (MemoryStore, RegistryView) {
    let (store, registry) = (MemoryStore::default(), registry());
    for (device, password, rights) in devices {
        let credential = Credential {
            user: device.replace('/', "."),
            device: (*device).into(),
            hash: ::access::hash_device_password(password),
            rights: (*rights).into(),
            client_id: None,
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let record = ::access::record_of_command(jiff::Timestamp::UNIX_EPOCH, "add credential", device, None);
        store.change(&Change::AddCredential(credential), &record).await.unwrap().unwrap();
    }
    registry.load(&store).await.unwrap();
    (store, registry)
}

#[tokio::test]
async fn a_device_with_a_credential_is_nobody_else() {
    let (_, registry) =
        registered(&[("site-a/lab", "secret", ""), ("gate", "open", "readwrite zigbee2mqtt/#\n")]).await;
    let users = Users::read(None, &[], true, registry, &Metrics::default()).unwrap().0;
    let lab = users.connect(login("site-a.lab", "secret")).await.unwrap();
    assert_eq!(lab.user.as_deref(), Some("site-a.lab"));
    for wrong in ["", "wrong", "open"] {
        assert_eq!(
            users.connect(login("site-a.lab", wrong)).await.unwrap_err(),
            Refusal::BadCredentials,
            "{wrong}"
        );
    }
    let anyone = users.connect(login("other", "any")).await.unwrap();
    assert_eq!(anyone.user, None, "who has no credential is as free as before");
    let gate = users.connect(login("gate", "open")).await.unwrap();
    for (topic, by_lab, by_anyone, by_gate) in [
        ("temperature/site-a/lab", true, false, false),
        ("temperature/site-a/lab/inside", true, false, false),
        ("tele/site-a/lab/SENSOR", true, false, false),
        ("temperature/site-a/lab2", false, true, false),
        ("temperature/other", false, true, false),
        ("zigbee2mqtt/lamp", false, true, true),
        ("$SYS/x", false, false, false),
    ] {
        let may = [&lab, &anyone, &gate].map(|caller| users.may_publish(caller, topic));
        assert_eq!(may, [by_lab, by_anyone, by_gate], "{topic}");
    }
    assert!(users.may_subscribe(&lab, "commands/site-a/lab/#") && !users.may_subscribe(&lab, "commands/#"));
    assert!(users.objection(None, "x/y", "site-a/lab").is_some());
    assert!(users.objection(Some("site-a.lab"), "x/y", "site-a/lab").is_none());
    assert!(users.objection(Some("site-a.lab~2"), "x/y", "site-a/lab").is_none());
    assert!(users.objection(Some("gate"), "zigbee2mqtt/lamp", "site-a/lab").is_none());
    assert!(users.objection(None, "x/y", "other").is_none());
}

#[tokio::test]
async fn where_unknown_devices_are_refused_only_credentials_let_in() {
    let refusing = RegistryView::new(UnknownDevices::Refuse, &Metrics::default());
    let (store, _) = registered(&[("lab", "secret", "")]).await;
    refusing.load(&store).await.unwrap();
    let (users, own) = Users::read(None, &[], true, refusing, &Metrics::default()).unwrap();
    assert!(users.connect(login("lab", "secret")).await.is_ok());
    assert!(users.connect(login(OWN_USER, &own)).await.is_ok());
    for (user, password) in [("", ""), ("other", "any"), ("lab", "wrong")] {
        assert!(users.connect(login(user, password)).await.is_err(), "{user}");
    }
    assert!(users.connect(certified("lab", None)).await.is_ok());
    assert!(users.connect(certified("other", None)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn who_loses_a_credential_is_cut_off() {
    let (store, registry) = registered(&[("lab", "secret", ""), ("other", "x", "")]).await;
    let users = Users::read(None, &[], true, registry, &Metrics::default()).unwrap().0;
    let cut = Mutex::new(Vec::new());
    let following = users.follow_registry(&store, |user| cut.lock().unwrap().push(user.to_owned()));
    let revoked = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let record =
            ::access::record_of_command(jiff::Timestamp::UNIX_EPOCH, "revoke credential", "lab", None);
        store.change(&Change::RevokeCredential("lab".into()), &record).await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    tokio::select! { () = following => {}, () = revoked => {} }
    assert_eq!(*cut.lock().unwrap(), ["lab"]);
    assert!(users.connect(login("lab", "secret")).await.unwrap().user.is_none(), "it is nobody now");
    assert_eq!(store.registry_head().await.unwrap(), RegistryHead { revision: 3, applied: 3 });
}

#[tokio::test]
async fn a_gateway_may_do_what_the_file_says_beside_what_a_device_may() {
    let harness = Harness::start(&["gate", "dev1"]);
    let text =
        line("gate", b"gate").unwrap() + "  readwrite zigbee2mqtt/#\n" + &line("dev1", b"dev1").unwrap();
    *harness.users.file.write().unwrap() = Arc::new(PasswordFile::parse(&text).unwrap());
    for (user, may) in [("gate", true), ("dev1", false)] {
        let caller = harness.users.connect(login(user, user)).await.unwrap();
        assert!(harness.users.may_publish(&caller, &format!("temperature/{user}")));
        assert_eq!(harness.users.may_publish(&caller, "zigbee2mqtt/lamp"), may, "{user}");
        assert_eq!(harness.users.may_subscribe(&caller, "zigbee2mqtt/#"), may, "{user}");
        assert!(!harness.users.may_publish(&caller, "temperature/dev2"));
    }
}

#[tokio::test]
async fn the_file_is_followed_and_a_bad_one_changes_nothing() {
    let harness = Harness::start(&["dev1", "dev2"]);
    assert!(harness.connects("dev1", "dev1").await);
    let cut_off = Mutex::new(Vec::new());
    let changes = async {
        write(&harness.path, &["dev2", "dev3"]);
        let good = std::fs::read_to_string(&harness.path).unwrap();
        until(async || harness.users.file().has("dev3")).await;
        assert!(!harness.connects("dev1", "dev1").await, "though it was right before");
        assert!(harness.connects("dev3", "dev3").await);
        until(async || *cut_off.lock().unwrap() == ["dev1"]).await;
        std::fs::write(&harness.path, "dev2:nonsense\n").unwrap();
        until(async || harness.users.bad_files.get() == 1).await;
        std::fs::remove_file(&harness.path).unwrap();
        until(async || harness.users.bad_files.get() == 2).await;
        assert!(harness.connects("dev2", "dev2").await);
        assert_eq!(*cut_off.lock().unwrap(), ["dev1"]);
        std::fs::write(&harness.path, good).unwrap();
        write(&harness.path, &["dev2"]);
        until(async || *cut_off.lock().unwrap() == ["dev1", "dev3"]).await;
        std::fs::write(&harness.path, line("dev2", b"another").unwrap()).unwrap();
        until(async || *cut_off.lock().unwrap() == ["dev1", "dev3", "dev2"]).await;
    };
    let follow = harness.users.follow(|user| cut_off.lock().unwrap().push(user.to_owned()));
    tokio::select! { () = changes => {}, () = follow => panic!("it is followed as long as it is run") }
}

async fn until(holds: impl AsyncFn() -> bool) {
    let waited = timeout(BOUND, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.expect("it holds in the end");
}

#[tokio::test]
async fn statistics_of_the_broker_are_for_operators() {
    let harness = Harness::start(&["ann", "dev1"]);
    for (user, may) in [("ann", true), ("dev1", false)] {
        let caller = harness.users.connect(login(user, user)).await.unwrap();
        for filter in ["$SYS/#", "$SYS/broker/uptime", "$SYS"] {
            assert_eq!(harness.users.may_subscribe(&caller, filter), may, "{user} {filter}");
        }
        assert!(
            !harness.users.may_subscribe(&caller, "$SYSTEM/#") && !harness.users.may_subscribe(&caller, "#")
        );
    }
}

/// Users whose logins are in the audit of a store, at most so many a minute.
async fn audited(names: &[&str], per_minute: u32) -> (Harness, MemoryStore) {
    let (harness, store) = (Harness::start(names), MemoryStore::default());
    let Harness { path, users, own_password } = harness;
    let parts: (Arc<dyn Store>, Arc<dyn Clock>) =
        (Arc::new(store.clone()), Arc::new(telemetry::SystemClock::default()));
    let (users, recorder) = users.audited(per_minute, parts, &Metrics::default());
    tokio::spawn(recorder.run());
    (Harness { path, users, own_password }, store)
}

/// Waits for so many records; returns them, the oldest first.
async fn records(store: &MemoryStore, count: usize) -> Vec<store::AuditRecord> {
    let query = store::AuditQuery { limit: 100, ..store::AuditQuery::default() };
    let wait = async {
        loop {
            let mut records = store.audit(&query).await.unwrap();
            if records.len() >= count {
                records.reverse();
                return records;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(BOUND, wait).await.expect("the records are made")
}

#[tokio::test]
async fn logins_are_in_the_audit_and_what_was_typed_as_a_name_can_be_erased() {
    let (harness, store) = audited(&["dev1"], 60).await;
    for _ in 0..3 {
        assert!(harness.connects("dev1", "dev1").await);
        assert!(harness.connects(OWN_USER, &harness.own_password).await);
    }
    assert!(!harness.connects("dev1", "wrong").await);
    assert!(!harness.connects("correct horse", "x").await);
    let records = records(&store, 3).await;
    let said: Vec<_> = records
        .iter()
        .map(|record| (record.target.as_str(), record.actor.as_deref(), record.outcome, record.via))
        .collect();
    use store::{AuditOutcome, Via};
    assert_eq!(
        said,
        [
            ("dev1", Some("dev1"), AuditOutcome::Done, Via::Mqtt),
            ("dev1", Some("dev1"), AuditOutcome::Refused, Via::Mqtt),
            ("unknown user", None, AuditOutcome::Refused, Via::Mqtt),
        ]
    );
    assert!(records[2].after.as_ref().unwrap().contains("correct horse"));
    assert_eq!(records[0].address.as_deref(), Some("10.0.0.1"));
}

#[tokio::test]
async fn logins_without_room_in_the_audit_are_counted() {
    let (harness, store) = audited(&["dev1", "dev2", "dev3"], 1).await;
    for name in ["dev1", "dev2", "dev3"] {
        assert!(harness.connects(name, name).await);
    }
    assert_eq!(records(&store, 1).await.len(), 1);
    assert_eq!(harness.users.audit.as_ref().unwrap().unaudited(), 2);
}
