//! Mails as they are handed over: headers, parts and the picture.

use std::sync::Arc;

use alerter::{Chart, Notifier as _, Templates};
use store::{Bucket, DeliveryStatus, Incident, NotificationKind, TimeRange};

use crate::harness::{NoValues, PAGE, Values, at, incident, mailer, rules};
use crate::wording::message;

fn notifier(folder: &tempfile::TempDir, history: Arc<dyn store::History>) -> impl alerter::Notifier {
    alerter::Mail {
        mailer: mailer(folder, ""),
        templates: Templates::load(None).unwrap(),
        history,
        inputs: tokio::sync::watch::channel(Arc::new(telemetry::Inputs::default())).1,
        page: PAGE.into(),
        clock: Arc::new(telemetry::SystemClock::default()),
    }
}

/// An hour that rises over the limit at its end.
pub(crate) fn hour() -> Vec<Bucket> {
    let bucket = |minute: i64| {
        let mean =
            22.0 + (minute as f64 / 9.0).sin() + if minute > 45 { (minute - 45) as f64 / 3.0 } else { 0.0 };
        let (from, to) = (at((minute - 60) * 60), at((minute - 59) * 60));
        Bucket { from, to, min: mean - 0.3, max: mean + 0.4, mean, count: 60 }
    };
    (0..60).map(bucket).collect()
}

#[tokio::test]
async fn a_mail_has_its_picture_inline_and_goes_out_without_one_where_there_is_nothing_to_draw() {
    let sent = message("ann@localhost", vec![(NotificationKind::Opened, incident("i", "high", "lab"))]);
    let folder = tempfile::tempdir().unwrap();
    let sent = async |history: Arc<dyn store::History>| {
        assert!(notifier(&folder, history).send(&sent, &rules("")).await.unwrap().is_none());
        std::fs::read_to_string(folder.path().join("mails/one.eml")).unwrap().replace("=\r\n", "")
    };
    let text = sent(Arc::new(Values(hour()))).await;
    for part in
        ["multipart/alternative", "multipart/related", "image/png", "Content-ID: <chart.one@millrace>"]
    {
        assert!(text.contains(part), "no {part}");
    }
    assert!(text.contains("cid:chart.one@millrace"), "{text}");
    for nothing in [Arc::new(Values(Vec::new())) as Arc<dyn store::History>, Arc::new(NoValues)] {
        let text = sent(nothing).await;
        assert!(
            !text.contains("image/png") && !text.contains("cid:") && text.contains("text/html"),
            "{text}"
        );
    }
}

#[test]
fn a_picture_can_be_read_without_seeing_it() {
    let chart =
        Chart::drawn(&incident("i", "high", "lab"), TimeRange { from: at(-3_600), to: at(0) }, &hour())
            .unwrap();
    let zone = rules("").zone_of("ann@localhost");
    let alt = chart.words(&zone, "c").alt;
    assert_eq!(
        alt,
        "lab: temperature from 10:30 CET to 11:30 CET: lowest 20.701 °C, highest 27.336 °C, limit 25 °C"
    );
    assert!(chart.png.starts_with(b"\x89PNG") && chart.png.len() < 60_000, "{}", chart.png.len());
}

#[tokio::test]
async fn a_header_cannot_be_injected_through_the_subject_or_the_recipient() {
    let folder = tempfile::tempdir().unwrap();
    let evil = Incident { unit: Some("x\r\nBcc: eve@localhost".into()), ..incident("i", "high", "lab") };
    let mut sent = message("ann@localhost", vec![(NotificationKind::Opened, evil)]);
    notifier(&folder, Arc::new(Values(Vec::new()))).send(&sent, &rules("")).await.unwrap();
    let text = std::fs::read_to_string(folder.path().join("mails/one.eml")).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    assert!(!head.to_lowercase().contains("\r\nbcc:"), "{head}");
    sent.address.to = "ann@localhost\r\nBcc: eve@localhost".into();
    let refused = notifier(&folder, Arc::new(Values(Vec::new()))).send(&sent, &rules("")).await;
    assert!(matches!(refused, Err(alerter::SendError::Permanent(_))));
}

#[tokio::test]
async fn no_line_is_longer_than_a_mail_server_takes() {
    let folder = tempfile::tempdir().unwrap();
    let long = |number: usize| {
        let device = format!("{}{number}", "rack_".repeat(40));
        let mut over = Incident { resolved_at: Some(at(60)), ..incident(&device, "high", &device) };
        let mut opened = message("ann@localhost", vec![(NotificationKind::Opened, over.clone())])
            .notifications
            .remove(0)
            .0;
        let message_id = format!("{}.{number}@millrace", "x".repeat(200));
        opened.status = DeliveryStatus::InMessage { message_id, sent_at: None, problem: None };
        over.notifications = vec![opened];
        (NotificationKind::Resolved, over)
    };
    let sent = message("ann@localhost", (0..200).map(long).collect());
    notifier(&folder, Arc::new(Values(hour()))).send(&sent, &rules("")).await.unwrap();
    let text = std::fs::read_to_string(folder.path().join("mails/one.eml")).unwrap();
    let longest = text.split("\r\n").map(str::len).max().unwrap();
    assert!(longest <= 998, "{longest}");
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(head.matches("@millrace>").count(), 1 + 1 + 10, "Message-ID, In-Reply-To, References: {head}");
}
