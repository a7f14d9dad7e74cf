//! What a crash, an end or a store that is away leaves behind: at most one repeat of a mail.

use std::time::Duration;

use crate::harness::{Harness, files, mails, owing};
use crate::journal::said;
use crate::mail_server::{MailServer, Reply};
use crate::mailing::start;
use crate::store::fail_next;

#[tokio::test]
async fn a_crash_between_a_mail_and_its_mark_leaves_one_file() {
    let (folder, store) = (tempfile::tempdir().unwrap(), owing(&["one"]));
    fail_next(&store.marks_fail, usize::MAX);
    let harness = Harness::start(&store, mails(&folder, ""));
    store.journal.has("fail mark").await;
    harness.crash().await;
    assert_eq!(files(&folder), ["one.eml"]);
    fail_next(&store.marks_fail, 0);
    let _bench = Harness::start(&store, mails(&folder, ""));
    store.journal.has("mark one@millrace").await;
    assert_eq!(files(&folder), ["one.eml"]);
}

#[tokio::test]
async fn a_crash_between_the_servers_answer_and_the_mark_repeats_the_mail_once_with_its_name() {
    let store = owing(&["one"]);
    fail_next(&store.marks_fail, usize::MAX);
    let server = MailServer::start(&store.journal, |_, _| None).await;
    let (_folder, harness) = start(&store, &server.url());
    store.journal.has("fail mark").await;
    harness.crash().await;
    fail_next(&store.marks_fail, 0);
    let (_folder, harness) = start(&store, &server.url());
    store.journal.has("mark one@millrace").await;
    let journal = harness.end().await;
    assert_eq!(said(&journal, "take"), ["<one@millrace>", "<one@millrace>"]);
}

#[tokio::test]
async fn a_crash_before_a_mail_was_begun_loses_nothing() {
    let store = owing(&["one"]);
    let silent = MailServer::start(&store.journal, |_, _| Some(Reply::Silence)).await;
    let (_folder, harness) = start(&store, &silent.url());
    store.journal.has("silence").await;
    harness.crash().await;
    let server = MailServer::start(&store.journal, |_, _| None).await;
    let (_folder, _bench) = start(&store, &server.url());
    let journal = store.journal.has("mark one@millrace").await;
    assert_eq!(said(&journal, "take"), ["<one@millrace>"]);
}

#[tokio::test]
async fn a_mail_that_cannot_be_marked_is_not_sent_again() {
    let store = owing(&["one", "two"]);
    fail_next(&store.marks_fail, 2);
    let server = MailServer::start(&store.journal, |_, _| None).await;
    let (_folder, harness) = start(&store, &server.url());
    let journal = store.journal.has("mark two@millrace").await;
    assert_eq!(said(&journal, "take"), ["<one@millrace>", "<two@millrace>"]);
    assert_eq!(harness.counters.store_failures.get(), 2);
}

#[tokio::test]
async fn while_the_store_is_away_nothing_is_lost() {
    let store = owing(&["one"]);
    fail_next(&store.asks_fail, 2);
    let server = MailServer::start(&store.journal, |_, _| None).await;
    let (_folder, harness) = start(&store, &server.url());
    store.journal.has("mark one@millrace").await;
    assert_eq!(harness.counters.store_failures.get(), 2);
}

#[tokio::test]
async fn a_mail_under_way_at_the_end_still_arrives_and_no_other_is_begun() {
    let store = owing(&["one", "two"]);
    let slowly = |_, line: &str| (line == ".").then_some(Reply::Slowly(Duration::from_millis(500)));
    let server = MailServer::start(&store.journal, slowly).await;
    let (_folder, harness) = start(&store, &server.url());
    store.journal.has("begin <one@millrace>").await;
    let journal = harness.end().await;
    assert_eq!(journal, ["begin <one@millrace>", "take <one@millrace>", "mark one@millrace", "release"]);
}
