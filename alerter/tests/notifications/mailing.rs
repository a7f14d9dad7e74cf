//! Every mail that is owed arrives, in order and once, whatever the mail server does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tempfile::TempDir;

use crate::harness::{Harness, at, files, incident, mail, mails, opened, owing, resolved, stepped};
use crate::journal::said;
use crate::mail_server::{MailServer, Reply};
use crate::store::FakeStore;

pub(crate) fn start(store: &Arc<FakeStore>, url: &str) -> (TempDir, Harness) {
    let folder = tempfile::tempdir().unwrap();
    let harness = Harness::start(store, mails(&folder, url));
    (folder, harness)
}

/// Lets time pass for those who wait, and none for the network.
async fn later(passed: Duration) {
    tokio::time::pause();
    tokio::time::advance(passed).await;
    tokio::time::resume();
}

#[tokio::test]
async fn an_opening_is_mailed_and_its_end_in_the_same_thread() {
    let store = owing(&[]);
    let server = MailServer::start(&store.journal, |_, _| None).await;
    let folder = tempfile::tempdir().unwrap();
    let (mut outbox, _) = stepped(&store, mails(&folder, &server.url()));
    let id = "high/temperature/lab/1";
    store.kept.lock().unwrap().apply(&opened(incident(id, "high", "lab"), &[mail("ann@localhost")]));
    assert_eq!(outbox.step(at(0)).await.unwrap(), at(5), "it waits for others of its rule");
    assert!(server.mails().is_empty());
    outbox.step(at(5)).await.unwrap();
    store.kept.lock().unwrap().apply(&resolved(id, at(700)));
    outbox.step(at(705)).await.unwrap();
    let journal = store.journal.lines();
    let (first, second) =
        ("high.temperature.lab.1.opened.1@millrace", "high.temperature.lab.1.resolved.2@millrace");
    let lines =
        [first, second].map(|id| [format!("begin <{id}>"), format!("take <{id}>"), format!("mark {id}")]);
    assert_eq!(journal, lines.concat());
    let [opened, resolved] = &server.mails()[..] else { panic!("{:?}", server.mails()) };
    assert_eq!(opened.recipients, ["RCPT TO:<ann@localhost>"]);
    assert!(!opened.text.contains("In-Reply-To"), "{}", opened.text);
    assert!(opened.text.contains("Auto-Submitted: auto-generated"), "{}", opened.text);
    for header in ["In-Reply-To", "References"] {
        assert!(resolved.text.contains(&format!("{header}: <{first}>")), "{}", resolved.text);
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
            let (_folder, harness) = start(&store, &server.url());
            let journal = store.journal.has("mark three@millrace").await;
            assert_eq!(harness.counters.message_failures.get(), 1, "{at}");
            assert_eq!(harness.counters.messages_refused.get(), 0, "{at}");
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
async fn a_mail_server_that_does_not_run_yet_is_asked_again_and_not_once_for_every_mail() {
    let unused: SocketAddr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let devices: Vec<_> = (0..50).map(|number| format!("d{number}")).collect();
    let store = owing(&devices.iter().map(String::as_str).collect::<Vec<_>>());
    let (_folder, harness) = start(&store, &format!("smtp://{unused}"));
    harness.until(|harness| harness.counters.message_failures.get() == 1).await;
    let _server = MailServer::listen(unused, &store.journal, |_, _| None).await;
    store.journal.has("mark d49@millrace").await;
    assert_eq!(harness.counters.message_failures.get(), 1);
    assert_eq!(said(&store.journal.lines(), "later"), ["d0@millrace"]);
}

#[tokio::test]
async fn a_mail_server_that_says_nothing_any_more_is_left() {
    let steps = ["connect", "EHLO", "MAIL", "RCPT", "DATA"].map(|at| (at, 60));
    for (at, patience) in steps.into_iter().chain([(".", 600)]) {
        let store = owing(&["one"]);
        let script =
            move |connection, line: &str| (connection == 0 && line.starts_with(at)).then_some(Reply::Silence);
        let server = MailServer::start(&store.journal, script).await;
        let (_folder, harness) = start(&store, &server.url());
        store.journal.has("silence").await;
        later(Duration::from_secs(patience - 2)).await;
        assert_eq!(harness.counters.message_failures.get(), 0, "{at}");
        later(Duration::from_secs(3)).await;
        store.journal.has("mark one@millrace").await;
        assert_eq!(harness.counters.message_failures.get(), 1, "{at}");
        assert!(server.mails()[0].text.contains("Message-ID: <one@millrace>"), "{at}");
        assert_eq!(harness.counters.messages_repeated.get(), u64::from(at == "."), "{at}");
    }
}

#[tokio::test]
async fn while_another_alerter_sends_this_one_does_not_and_takes_over_when_that_is_gone() {
    let store = owing(&["one"]);
    *store.other.lock().unwrap() = Some("another".into());
    let server = MailServer::start(&store.journal, |_, _| None).await;
    let (_folder, harness) = start(&store, &server.url());
    harness.until(|harness| harness.store.asked_to_hold.load(Ordering::Relaxed) > 0).await;
    later(Duration::from_secs(6)).await;
    harness.until(|harness| harness.store.asked_to_hold.load(Ordering::Relaxed) > 1).await;
    assert_eq!(said(&store.journal.lines(), "take"), [] as [String; 0]);
    *store.other.lock().unwrap() = None;
    later(Duration::from_secs(6)).await;
    store.journal.has("mark one@millrace").await;
}

#[tokio::test]
async fn the_right_to_send_is_renewed_while_a_mail_server_takes_its_time() {
    let store = owing(&["one"]);
    let script = |_, line: &str| line.starts_with("DATA").then_some(Reply::Silence);
    let server = MailServer::start(&store.journal, script).await;
    let (_folder, harness) = start(&store, &server.url());
    store.journal.has("silence").await;
    for renewed in 2..5 {
        later(Duration::from_secs(11)).await;
        harness.until(|harness| harness.store.asked_to_hold.load(Ordering::Relaxed) >= renewed).await;
    }
    assert_eq!(harness.counters.message_failures.get(), 0, "it still waits for the answer");
}

#[tokio::test]
async fn a_slow_mail_server_gets_every_mail_once() {
    let store = owing(&["one", "two"]);
    let slowly = Reply::Slowly(Duration::from_millis(30));
    let server = MailServer::start(&store.journal, move |_, _| Some(slowly)).await;
    let (_folder, harness) = start(&store, &server.url());
    let journal = store.journal.has("mark two@millrace").await;
    assert_eq!(said(&journal, "begin"), ["<one@millrace>", "<two@millrace>"]);
    assert_eq!(harness.counters.message_failures.get(), 0);
}

#[tokio::test]
async fn mails_that_are_refused_are_kept_and_the_next_one_goes_out() {
    let store = owing(&[]);
    for number in 0..250 {
        store.owe(&format!("d{number}"), mail("gone@localhost"));
    }
    store.owe("bad", mail("nobody"));
    store.owe("good", mail("ann@localhost"));
    let script =
        |_, line: &str| line.contains("gone@").then_some(Reply::Say("550 no such user <gone@localhost>"));
    let server = MailServer::start(&store.journal, script).await;
    let (_folder, harness) = start(&store, &server.url());
    store.journal.has("mark good@millrace").await;
    assert_eq!(harness.counters.messages_refused.get(), 251, "one has no address at all");
    let kept = store.kept.lock().unwrap();
    let (first, wait) = (&kept.messages[0], Duration::from_secs(3_600));
    let again = first.again_at.unwrap().duration_since(first.message.made_at);
    assert!(Duration::try_from(again).unwrap() >= wait, "{again}");
    let problem = first.problem.as_ref().unwrap();
    assert!(problem.contains("550 no such user") || problem.contains("no such user"), "{problem}");
    assert!(!problem.contains("gone@"), "{problem}");
}

#[tokio::test]
async fn a_recipient_who_is_refused_takes_the_mail_from_nobody_else() {
    for refusal in ["550 no such user", "452 mailbox full"] {
        let store = owing(&[]);
        store.owe("one", mail("ann@localhost, gone@localhost, ben@localhost"));
        let script = move |_, line: &str| line.contains("gone@").then_some(Reply::Say(refusal));
        let server = MailServer::start(&store.journal, script).await;
        let (_folder, harness) = start(&store, &server.url());
        store.journal.has("mark one@millrace").await;
        assert_eq!(server.mails()[0].recipients, ["RCPT TO:<ann@localhost>", "RCPT TO:<ben@localhost>"]);
        assert_eq!((harness.counters.messages_refused.get(), harness.counters.messages_sent.get()), (1, 1));
        assert!(store.kept.lock().unwrap().messages[0].problem.is_some());
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
    let (_folder, harness) = start(&store, &server.url().replace("//", "//ann:p%40ss@"));
    let journal = store.journal.has("mark two@millrace").await;
    assert_eq!(said(&journal, "take"), ["<one@millrace>", "<two@millrace>"]);
    assert_eq!((harness.counters.messages_refused.get(), harness.counters.message_failures.get()), (0, 1));
}

#[tokio::test]
async fn a_device_with_a_very_long_name_gets_its_file_too() {
    let (folder, store) = (tempfile::tempdir().unwrap(), owing(&[&"x".repeat(300), "two"]));
    let _bench = Harness::start(&store, mails(&folder, ""));
    store.journal.has("mark two@millrace").await;
    assert_eq!(files(&folder).len(), 2);
}

#[tokio::test]
async fn a_mail_that_nobody_takes_for_three_days_is_given_up() {
    let store = owing(&["one"]);
    let refuses = |_, line: &str| line.starts_with("RCPT").then_some(Reply::Say("450 try again"));
    let server = MailServer::start(&store.journal, refuses).await;
    let folder = tempfile::tempdir().unwrap();
    let (mut outbox, counters) = stepped(&store, mails(&folder, &server.url()));
    let made_at = store.kept.lock().unwrap().messages[0].message.made_at;
    let after = |hours: u64| made_at + Duration::from_secs(hours * 3_600);
    for hours in (0..20).chain([71]) {
        outbox.step(after(hours)).await.unwrap();
    }
    assert_eq!((counters.message_failures.get(), counters.messages_given_up.get()), (21, 0));
    outbox.step(after(72)).await.unwrap();
    outbox.step(after(73)).await.unwrap();
    assert_eq!((counters.message_failures.get(), counters.messages_given_up.get()), (22, 1));
    assert_eq!(store.journal.lines().last().unwrap(), "give up one@millrace");
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_gives_up_no_mail() {
    let store = owing(&["one"]);
    let refuses = |_, line: &str| line.starts_with("RCPT").then_some(Reply::Say("450 try again"));
    let server = MailServer::start(&store.journal, refuses).await;
    let folder = tempfile::tempdir().unwrap();
    let (mut outbox, counters) = stepped(&store, mails(&folder, &server.url()));
    let made_at = store.kept.lock().unwrap().messages[0].message.made_at;
    for days in [0, 4, 800] {
        outbox.step(made_at + Duration::from_secs(days * 24 * 3_600)).await.unwrap();
    }
    assert_eq!((counters.message_failures.get(), counters.messages_given_up.get()), (3, 0));
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_asked_once_for_all_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let unused: SocketAddr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = owing(&[]);
    for number in 0..50 {
        store.owe(&format!("d{number}"), mail(&format!("ann{number}@localhost")));
    }
    let (mut outbox, counters) = stepped(&store, mails(&folder, &format!("smtp://{unused}")));
    let made_at = store.kept.lock().unwrap().messages[0].message.made_at;
    let again = outbox.step(made_at).await.unwrap();
    assert_eq!((counters.message_failures.get(), counters.messages_waiting.get()), (1, 50));
    outbox.step(again).await.unwrap();
    assert_eq!(counters.message_failures.get(), 2, "another one asks next");
    let tries: Vec<_> = store.kept.lock().unwrap().messages.iter().map(|made| made.tries).collect();
    assert_eq!((tries.iter().sum::<u32>(), tries.iter().max()), (2, Some(&1)));
}
