//! The commands, on a store in a file and beside a page that is played.

use clap::Parser;
use store::{Batch, ReadingStore, RejectedMessage, Rejections, Sqlite};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

fn parse(line: &[&str]) -> Result<Command, clap::Error> {
    Line::try_parse_from([&["rejected"], line].concat()).map(|line| line.command)
}

struct Harness {
    folder: tempfile::TempDir,
    store: Sqlite,
}

impl Harness {
    /// Payloads that were received a second apart, as topic, reason and payload.
    async fn with(messages: &[(&str, &str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join(store::FILE)).unwrap();
        let received_at = |second| jiff::Timestamp::from_second(1_768_473_000 + second).unwrap();
        let message = |(second, (topic, reason, payload)): (i64, &(&str, &str, &str))| RejectedMessage {
            received_at: received_at(second),
            topic: (*topic).into(),
            reason: (*reason).into(),
            payload: payload.as_bytes().to_vec().into(),
        };
        let rejected = (0..).zip(messages).map(message).collect();
        store.write(&Batch { rejected, ..Batch::default() }.into()).await.unwrap();
        Self { folder, store }
    }

    async fn list(&self, line: &[&str]) -> String {
        let Command::List(args) = parse(&[&["list"], line].concat()).unwrap() else { panic!() };
        list::list(&self.store, args).await.unwrap()
    }

    /// What a page is asked for that gives these answers.
    async fn resend(&self, line: &[&str], answers: &[(u16, &str)]) -> (Result<(), String>, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let file = self.folder.path().join("settings.toml");
        std::fs::write(&file, format!("[http]\nlisten = '{}'", listener.local_addr().unwrap())).unwrap();
        let settings = Settings::load(Some(&file)).unwrap();
        let page = async {
            let mut asked = Vec::new();
            for (status, answer) in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut question = vec![0; 10_000];
                let count = stream.read(&mut question).await.unwrap();
                asked.push(String::from_utf8_lossy(&question[..count]).into_owned());
                let answer = format!("HTTP/1.0 {status} X\r\n\r\n{answer}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            asked
        };
        let Command::Resend(args) = parse(&[&["resend"], line].concat()).unwrap() else { panic!() };
        let (done, asked) = tokio::join!(resend::run(&self.store, &settings, args), page);
        (done.map_err(|e| format!("{e:#}")), asked)
    }
}

const THREE: &[(&str, &str, &str)] = &[
    ("temperature/site-a/lab", "the payload is not JSON: write 23.5, with a point", "23,5"),
    ("humidity/site-a/lab", "the payload is empty", ""),
    ("temperature/hall", "the payload is not JSON: write 24.5, with a point", "24,5\u{1b}[2J"),
];

#[tokio::test]
async fn rejected_payloads_stand_in_columns() {
    let harness = Harness::with(THREE).await;
    let expected = [
        "id  received (UTC)       topic                   reason                                             bytes  payload",
        "3   2026-01-15 10:30:02  temperature/hall        the payload is not JSON: write 24.5, with a point  8      24,5?[2J",
        "2   2026-01-15 10:30:01  humidity/site-a/lab     the payload is empty                               0      -",
        "1   2026-01-15 10:30:00  temperature/site-a/lab  the payload is not JSON: write 23.5, with a point  4      23,5",
    ];
    let said = harness.list(&[]).await;
    assert_eq!(said.lines().collect::<Vec<_>>(), expected, "\n{said}");
    for (line, ids) in [
        (vec!["--device", "site-a/#"], "21"),
        (vec!["--topic", "temperature/hall"], "3"),
        (vec!["--reason", "not JSON"], "31"),
        (vec!["--reason", "not JSON", "--device", "hall"], "3"),
        (vec!["--device", "nobody"], ""),
    ] {
        let said = harness.list(&[&line[..], &["--json"]].concat()).await;
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let found = said["rejected"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap());
        assert_eq!(found.collect::<String>(), ids, "{line:?}");
    }
    assert_eq!(harness.list(&["--device", "nobody"]).await, "no rejected payloads");
    harness.store.mark_resent(3, "2026-01-15T10:40:00Z".parse().unwrap()).await.unwrap();
    assert!(!harness.list(&[]).await.contains("hall"));
    assert!(harness.list(&["--all"]).await.contains("resent 2026-01-15 10:40:00"));
}

#[tokio::test]
async fn a_list_goes_on_where_it_ended() {
    let many: Vec<_> = (0..450).map(|n| if n % 3 == 0 { THREE[0] } else { THREE[2] }).collect();
    let payloads: Vec<_> = (0..450).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().zip(&payloads).map(|((t, r, _), p)| (*t, *r, p.as_str())).collect();
    let harness = Harness::with(&many).await;
    let (mut after, mut seen) = (None::<String>, Vec::new());
    loop {
        let cursor: Vec<&str> = after.iter().flat_map(|after| ["--after", after.as_str()]).collect();
        let line = [&["--device", "site-a/lab", "--limit", "70"], &cursor[..]].concat();
        let said = harness.list(&line).await;
        let mut lines: Vec<_> = said.lines().skip(1).collect();
        let next = lines.last().and_then(|last| last.strip_prefix("… --after "));
        let next = next.map(|next| next.split(' ').next().unwrap().to_owned());
        lines.truncate(lines.len() - usize::from(next.is_some()));
        assert!(lines.len() <= 70);
        seen.extend(lines.iter().map(|line| line.split(' ').next().unwrap().to_owned()));
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((all, seen.len()), (150, 150));
}

#[tokio::test]
async fn groups_count_by_topic_and_reason() {
    let harness = Harness::with(&[THREE[0], THREE[2], ("temperature/hall", THREE[2].1, "25,5")]).await;
    let said = harness.list(&["--group"]).await;
    let lines: Vec<_> = said.lines().collect();
    assert!(lines.len() == 3 && lines[1].starts_with("2      temperature/hall"), "{said}");
}

#[tokio::test]
async fn one_payload_is_shown_whole_and_safe_to_print() {
    let long = format!("{}\n{}", "x".repeat(6_000), "y\u{1b}[2J");
    let harness = Harness::with(&[("temperature/hall", "the payload is not JSON", &long)]).await;
    let rejection = harness.store.rejection(1).await.unwrap().unwrap();
    let text = show::text(&rejection);
    assert!(
        text.starts_with("id        1\nreceived  2026-01-15 10:30:00 UTC\ntopic     temperature/hall\n"),
        "{text}"
    );
    assert!(text.ends_with(&format!("bytes     6006\n\n{}\ny?[2J", "x".repeat(6_000))), "{text}");
}

#[tokio::test]
async fn one_payload_is_resent_with_its_correction() {
    let harness = Harness::with(THREE).await;
    let resent = r#"{"readings":1,"resent_at":"2026-01-15T10:40:00.000000Z"}"#;
    let (done, asked) = harness.resend(&["1", "--payload", "23.5"], &[(200, resent)]).await;
    assert_eq!(done, Ok(()));
    assert!(asked[0].starts_with("POST /api/rejected/1/resend HTTP/1.0\r\n"), "{asked:?}");
    assert!(asked[0].ends_with("\r\n\r\n{\"payload\":\"23.5\"}"), "{asked:?}");
    let (done, _) = harness.resend(&["1"], &[(422, r#"{"error":"the payload is still not JSON"}"#)]).await;
    assert_eq!(done, Err("the payload is still not JSON".into()));
}

#[tokio::test]
async fn all_of_a_device_or_a_reason_are_resent_call_by_call() {
    let harness = Harness::with(THREE).await;
    let (first, second) = (
        r#"{"resent":1,"readings":1,"failed":[],"next":"1.2"}"#,
        r#"{"resent":0,"readings":0,"failed":[{"id":"9","error":"no number"}],"next":null}"#,
    );
    let line = ["--reason", "not JSON", "--device", "hall", "--replace", ",", "."];
    let (done, asked) = harness.resend(&line, &[(200, first), (200, second)]).await;
    assert_eq!(done, Err("1 payload could not be resent".into()));
    let body = |asked: &String| -> serde_json::Value {
        serde_json::from_str(asked.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let (one, two) = (body(&asked[0]), body(&asked[1]));
    assert_eq!((&one["topic"], &one["replace"]["find"]), (&"temperature/hall".into(), &",".into()));
    assert_eq!((one.get("after"), &two["after"]), (None, &"1.2".into()));
    let (done, _) = harness.resend(&["--device", "nobody"], &[]).await;
    assert!(done.unwrap_err().contains("no such rejected payloads"));
}

#[test]
fn what_to_resend_must_be_said() {
    for (line, words) in [
        (&["resend"][..], "required"),
        (&["resend", "1", "--device", "lab"], "cannot be used with"),
        (&["resend", "--device", "lab", "--payload", "1"], "cannot be used with"),
        (&["resend", "1", "--replace", ",", "."], "cannot be used with"),
        (&["list", "--device", "a", "--topic", "b"], "cannot be used with"),
        (&["list", "--after", "x"], "invalid value"),
        (&["show"], "required"),
    ] {
        let error = parse(line).unwrap_err().to_string();
        assert!(error.contains(words), "{line:?}: {error}");
    }
}
