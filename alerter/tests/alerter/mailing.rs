//! Every mail that is owed arrives, in order and once, whatever the mail server does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;

use crate::ends::{Bench, FakeStore, fail_next, files, mailer};
use crate::mail_server::{MailServer, Reply};

fn start(store: &Arc<FakeStore>, url: &str) -> (TempDir, Bench) {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::start(store, mailer(&folder, url));
    (folder, bench)
}

fn owing(devices: &[&str]) -> Arc<FakeStore> {
    let store = Arc::new(FakeStore::default());
    devices.iter().for_each(|device| store.owe(device, "ann@localhost"));
    store
}

/// Lines of the journal that start with a word, without it.
fn said(journal: &[String], word: &str) -> Vec<String> {
    journal.iter().filter_map(|line| line.strip_prefix(word)).map(|rest| rest.trim().to_owned()).collect()
}

fn place(journal: &[String], line: &str) -> usize {
    journal.iter().position(|there| there == line).unwrap_or_else(|| panic!("no {line} in {journal:?}"))
}

/// Lets time pass for those who wait, and none for the network.
async fn later(passed: Duration) {
    tokio::time::pause();
    tokio::time::advance(passed).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_mail_is_sent_after_it_was_recorded_and_marked_after_it_was_taken() {
    let store = owing(&[]);
    let server = MailServer::start(&store.journal, |_, _| None).await;
    let (_folder, bench) = start(&store, &server.url());
    bench.give(r#"{"value":26.5,"measured_at":"2026-01-15T10:30:00Z","unit":"celsius"}"#);
    let id = "high.temperature.lab.1768473000000000.opened@millrace";
    let journal = store.journal.has(&format!("mark {id}")).await;
    let (take, mark) = (format!("take <{id}>"), format!("mark {id}"));
    assert!(place(&journal, "record ^26.5") < place(&journal, &take), "{journal:?}");
    assert!(place(&journal, &take) < place(&journal, &mark), "{journal:?}");
    bench.give(r#"{"value":24,"measured_at":"2026-01-15T10:31:00Z","unit":"celsius"}"#);
    store.journal.until(|lines| said(lines, "mark").len() == 2).await;
    bench.end().await;

    let [opened, resolved] = &server.mails()[..] else { panic!("{:?}", server.mails()) };
    assert_eq!(opened.recipients, ["RCPT TO:<ann@localhost>", "RCPT TO:<ben@localhost>"]);
    assert!(opened.text.contains("Subject: Alert: lab: temperature is 26.5"), "{}", opened.text);
    assert!(!opened.text.contains("In-Reply-To"), "{}", opened.text);
    for header in ["In-Reply-To", "References"] {
        assert!(resolved.text.contains(&format!("{header}: <{id}>")), "{}", resolved.text);
    }
}

/// How a mail server can be away for the first mail of three.
const AWAY: [(&str, Reply); 9] = [
    ("connect", Reply::HangUp),
    ("connect", Reply::Say("421 too busy")),
    ("connect", Reply::Say("554 no mail today")),
    ("EHLO", Reply::HangUp),
    ("MAIL", Reply::Say("421 going down")),
    ("RCPT", Reply::Say("450 try again")),
    ("RCPT", Reply::Say("421 going down")),
    ("begin", Reply::HangUp),
    (".", Reply::Say("452 no space")),
];

#[tokio::test]
async fn a_mail_server_that_is_away_gets_every_mail_once_and_in_order_when_it_is_back() {
    let away = AWAY.map(|(at, reply)| {
        tokio::spawn(async move {
            let store = owing(&["one", "two", "three"]);
            let script =
                move |connection, line: &str| (connection == 0 && line.starts_with(at)).then_some(reply);
            let server = MailServer::start(&store.journal, script).await;
            let (_folder, bench) = start(&store, &server.url());
            let journal = store.journal.has("mark three@millrace").await;
            assert_eq!(bench.counters.mail_failures.get(), 1, "{at}");
            assert_eq!(bench.counters.mails_refused.get(), 0, "{at}");
            let ids = ["<one@millrace>", "<two@millrace>", "<three@millrace>"];
            assert_eq!(said(&journal, "take"), ids, "{at}");
            let begun = said(&journal, "begin");
            assert!(begun.ends_with(&ids.map(str::to_owned)), "{at}: {begun:?}");
            assert!(
                begun.len() == 3 || begun[0] == ids[0],
                "a second try has the same Message-ID: {begun:?}"
            );
        })
    });
    for done in away {
        done.await.unwrap();
    }
}

#[tokio::test]
async fn a_mail_server_that_does_not_run_yet_is_asked_again() {
    let nobody: SocketAddr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = owing(&["one"]);
    let (_folder, bench) = start(&store, &format!("smtp://{nobody}"));
    bench.until(|bench| bench.counters.mail_failures.get() > 0).await;
    let _server = MailServer::listen(nobody, &store.journal, |_, _| None).await;
    store.journal.has("mark one@millrace").await;
}

#[tokio::test]
async fn a_mail_server_that_says_nothing_any_more_is_left() {
    let steps = ["connect", "EHLO", "MAIL", "RCPT", "DATA"].map(|at| (at, 60));
    for (at, patience) in steps.into_iter().chain([(".", 600)]) {
        let store = owing(&["one"]);
        let script =
            move |connection, line: &str| (connection == 0 && line.starts_with(at)).then_some(Reply::Silence);
        let server = MailServer::start(&store.journal, script).await;
        let (_folder, bench) = start(&store, &server.url());
        store.journal.has("silence").await;
        later(Duration::from_secs(patience - 2)).await;
        assert_eq!(bench.counters.mail_failures.get(), 0, "{at}");
        later(Duration::from_secs(3)).await;
        store.journal.has("mark one@millrace").await;
        assert_eq!(bench.counters.mail_failures.get(), 1, "{at}");
        assert!(server.mails()[0].text.contains("Message-ID: <one@millrace>"), "{at}");
    }
}

#[tokio::test]
async fn while_another_alerter_sends_this_one_does_not_and_takes_over_when_that_is_gone() {
    let store = owing(&["one"]);
    *store.other.lock().unwrap() = Some("another".into());
    let server = MailServer::start(&store.journal, |_, _| None).await;
    let (_folder, bench) = start(&store, &server.url());
    bench.until(|bench| bench.store.asked_to_hold.load(Ordering::Relaxed) > 0).await;
    later(Duration::from_secs(6)).await;
    bench.until(|bench| bench.store.asked_to_hold.load(Ordering::Relaxed) > 1).await;
    assert_eq!(said(&store.journal.lines(), "take"), [] as [String; 0]);
    *store.other.lock().unwrap() = None;
    later(Duration::from_secs(6)).await;
    store.journal.has("mark one@millrace").await;
}

#[tokio::test]
async fn a_slow_mail_server_gets_every_mail_once() {
    let store = owing(&["one", "two"]);
    let slowly = Reply::Slowly(Duration::from_millis(30));
    let server = MailServer::start(&store.journal, move |_, _| Some(slowly)).await;
    let (_folder, bench) = start(&store, &server.url());
    let journal = store.journal.has("mark two@millrace").await;
    assert_eq!(said(&journal, "begin"), ["<one@millrace>", "<two@millrace>"]);
    assert_eq!(bench.counters.mail_failures.get(), 0);
}

#[tokio::test]
async fn a_mail_refused_for_good_holds_no_other_and_is_tried_again_later() {
    for at in ["MAIL", "RCPT", "DATA", "."] {
        let store = owing(&["one", "two", "three"]);
        let script = move |connection, line: &str| {
            (connection == 1 && line.starts_with(at)).then_some(Reply::Say("550 no such user"))
        };
        let server = MailServer::start(&store.journal, script).await;
        let (_folder, bench) = start(&store, &server.url());
        let journal = store.journal.has("mark three@millrace").await;
        assert_eq!(said(&journal, "mark"), ["one@millrace", "three@millrace"], "{at}");
        assert_eq!((bench.counters.mails_refused.get(), bench.counters.mail_failures.get()), (1, 0), "{at}");
        // Each hour leaves the network a second of its own.
        while timeout(Duration::from_secs(1), store.journal.has("mark two@millrace")).await.is_err() {
            later(Duration::from_secs(60 * 60)).await;
        }
        assert_eq!(server.mails().len(), 3, "{at}");
    }
}

#[tokio::test]
async fn however_many_are_refused_the_next_one_goes_out() {
    let store = owing(&[]);
    for number in 0..250 {
        store.owe(&format!("d{number}"), "gone@localhost");
    }
    store.owe("bad", "nobody");
    store.owe("good", "ann@localhost");
    let script = |_, line: &str| line.contains("gone@").then_some(Reply::Say("550 no such user"));
    let server = MailServer::start(&store.journal, script).await;
    let (_folder, bench) = start(&store, &server.url());
    store.journal.has("mark good@millrace").await;
    assert_eq!(bench.counters.mails_refused.get(), 251, "one has no address at all");
}

#[tokio::test]
async fn a_recipient_who_is_refused_takes_the_mail_from_nobody_else() {
    for refusal in ["550 no such user", "452 mailbox full"] {
        let store = owing(&[]);
        store.owe("one", "ann@localhost, gone@localhost, ben@localhost");
        let script = move |_, line: &str| line.contains("gone@").then_some(Reply::Say(refusal));
        let server = MailServer::start(&store.journal, script).await;
        let (_folder, bench) = start(&store, &server.url());
        store.journal.has("mark one@millrace").await;
        assert_eq!(server.mails()[0].recipients, ["RCPT TO:<ann@localhost>", "RCPT TO:<ben@localhost>"]);
        bench.until(|bench| bench.counters.mails_refused.get() == 1).await;
        assert_eq!(bench.counters.mails_sent.get(), 1);
    }
}

#[tokio::test]
async fn a_password_that_is_refused_is_no_fault_of_the_mail() {
    let store = owing(&["one", "two"]);
    // The base64 of "\0ann\0p@ss".
    let login = "AUTH PLAIN AGFubgBwQHNz";
    let script = move |connection, line: &str| match line {
        _ if line == login && connection > 0 => Some(Reply::Say("235 welcome")),
        _ if line.starts_with("AUTH") => Some(Reply::Say("535 wrong password")),
        _ => None,
    };
    let server = MailServer::start(&store.journal, script).await;
    let (_folder, bench) = start(&store, &server.url().replace("//", "//ann:p%40ss@"));
    let journal = store.journal.has("mark two@millrace").await;
    assert_eq!(said(&journal, "take"), ["<one@millrace>", "<two@millrace>"]);
    assert_eq!((bench.counters.mails_refused.get(), bench.counters.mail_failures.get()), (0, 1));
}

#[tokio::test]
async fn a_mail_that_cannot_be_marked_is_not_sent_again() {
    let store = owing(&["one", "two"]);
    fail_next(&store.marks_fail, 2);
    let server = MailServer::start(&store.journal, |_, _| None).await;
    let (_folder, bench) = start(&store, &server.url());
    let journal = store.journal.has("mark two@millrace").await;
    assert_eq!(said(&journal, "take"), ["<one@millrace>", "<two@millrace>"]);
    assert_eq!(bench.counters.store_failures.get(), 2);
}

#[tokio::test]
async fn a_mail_under_way_at_the_end_still_arrives_and_no_other_is_begun() {
    let store = owing(&["one", "two"]);
    let slowly = |_, line: &str| (line == ".").then_some(Reply::Slowly(Duration::from_millis(500)));
    let server = MailServer::start(&store.journal, slowly).await;
    let (_folder, bench) = start(&store, &server.url());
    store.journal.has("begin <one@millrace>").await;
    let journal = bench.end().await;
    assert_eq!(journal, ["begin <one@millrace>", "take <one@millrace>", "mark one@millrace"]);
}

#[tokio::test]
async fn a_crash_between_a_mail_and_its_mark_leaves_one_file() {
    let (folder, store) = (tempfile::tempdir().unwrap(), owing(&["one"]));
    fail_next(&store.marks_fail, usize::MAX);
    let bench = Bench::start(&store, mailer(&folder, ""));
    store.journal.has("fail mark").await;
    bench.crash().await;
    assert_eq!(files(&folder), ["one.eml"]);
    fail_next(&store.marks_fail, 0);
    let _bench = Bench::start(&store, mailer(&folder, ""));
    store.journal.has("mark one@millrace").await;
    assert_eq!(files(&folder), ["one.eml"]);
}

#[tokio::test]
async fn a_device_with_a_very_long_name_gets_its_file_too() {
    let (folder, store) = (tempfile::tempdir().unwrap(), owing(&[&"x".repeat(300), "two"]));
    let _bench = Bench::start(&store, mailer(&folder, ""));
    store.journal.has("mark two@millrace").await;
    assert_eq!(files(&folder).len(), 2);
}
