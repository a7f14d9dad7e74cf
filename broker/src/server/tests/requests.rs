//! Messages of the server itself that ask for an answer.

use super::*;

fn request(lasts: Duration) -> Request {
    Request {
        topic: "commands/lab".into(),
        payload: "do".into(),
        reply_to: "r/lab".into(),
        correlation: "id".into(),
        lasts,
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_reaches_those_who_are_connected_and_says_where_to_answer() {
    let harness = Harness::new();
    let (mut old, (mut new, _)) = (harness.v311("old").await, harness.v5(2, &[], "new").await);
    old.send(&subscribe(4, &[("commands/lab", 1)])).await;
    old.packet().await;
    new.send(&subscribe(5, &[("commands/+", 1)])).await;
    new.packet().await;
    assert_eq!(harness.server.request(&request(Duration::from_secs(60))), 2);
    old.expect(&publish(4, 0x32, 1, "commands/lab", "do")).await;
    let properties = [&[2, 0, 0, 0, 60][..], &[8], &string("r/lab"), &[9], &string("id")].concat();
    let body = [&string("commands/lab")[..], &[0, 1, properties.len() as u8], &properties, b"do"].concat();
    new.expect(&packet(0x32, &body)).await;
    assert_eq!(harness.server.request(&request(Duration::from_millis(900))), 0, "too late for whole seconds");
    assert_eq!(harness.server.request(&Request { topic: "commands/x".into(), ..request(SOON) }), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_for_a_client_that_is_away_and_its_return_is_told() {
    let harness = Harness::new();
    let kept = connect(4, 0, &[], "away", &[]);
    let mut client = harness.open();
    client.send(&kept).await;
    client.packet().await;
    client.send(&subscribe(4, &[("commands/lab", 1)])).await;
    client.packet().await;
    drop(client);
    Harness::moment().await;
    assert_eq!(harness.server.request(&request(SOON)), 0);
    let mut client = harness.open();
    client.send(&kept).await;
    client.expect(&[0x20, 2, 1, 0]).await;
    client.ping().await;
    assert_eq!(*harness.sink.subscribed.lock().unwrap(), ["commands/lab", "commands/lab"]);
    assert_eq!(harness.server.request(&request(SOON)), 1);
    client.expect(&publish(4, 0x32, 1, "commands/lab", "do")).await;
}
