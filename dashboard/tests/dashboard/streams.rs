//! Answers that are more than is held at once.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Handle;

use crate::answer::Answer;
use crate::harness::{BOUND, Harness, Wanted};

/// Several parts of a table, and several pages.
const MANY: u64 = 12_000;

/// More than is held on the way to an asker who does not read.
const TOO_MUCH: u64 = 60_000;

async fn filled(count: u64) -> Harness {
    let harness = Harness::start(Wanted::default()).await;
    harness.keep_many("temperature/site-a/lab", count).await;
    harness
}

async fn whole(harness: &Harness, path: &str) -> Answer {
    let answer = harness.ask("GET", path).await;
    assert_eq!((answer.status, answer.is_whole), (200, true), "{path}");
    answer
}

#[tokio::test]
async fn a_page_ends_at_its_limit_and_at_a_mebibyte() {
    let harness = filled(MANY).await;
    for limit in [1_999, 2_000, 2_001] {
        let answer = whole(&harness, &format!("/api/readings?limit={limit}")).await.json();
        let readings = answer["readings"].as_array().unwrap();
        assert_eq!(readings.len() as u64, limit, "{limit}");
        assert!(readings.iter().zip(1..).all(|(reading, number)| reading["seq"] == number), "{limit}");
        assert!(answer["next"].is_string(), "{limit}: {}", answer["next"]);
    }
    let (mut path, mut seen, mut pages) = ("/api/readings?limit=100000".to_owned(), 0, 0);
    loop {
        let answer = whole(&harness, &path).await;
        assert!(answer.body.len() < 1024 * 1024 + 1024, "{} bytes", answer.body.len());
        assert!(answer.header("etag").is_some(), "it is in one piece");
        let answer = answer.json();
        let readings = answer["readings"].as_array().unwrap();
        assert!(readings.iter().zip(seen + 1..).all(|(reading, number)| reading["seq"] == number), "{seen}");
        seen += readings.len();
        pages += 1;
        let Value::String(next) = &answer["next"] else { break };
        path = format!("/api/readings?limit=100000&after={next}");
    }
    assert_eq!((seen as u64, pages), (MANY, 3));
}

/// Fewer bytes than a page may have: all series in one answer.
#[tokio::test]
async fn series_come_in_pages() {
    let harness = Harness::start(Wanted::default()).await;
    for device in ["a", "b", "c"] {
        harness.keep(&format!("temperature/{device}"), 1.0).await;
    }
    harness.until_series(3).await;
    let (mut path, mut devices) = ("/api/series?limit=2".to_owned(), Vec::new());
    loop {
        let page = whole(&harness, &path).await.json();
        let rows = page["series"].as_array().unwrap().iter();
        devices.extend(rows.map(|row| row["device"].as_str().unwrap().to_owned()));
        let Value::String(next) = &page["next"] else { break };
        path = format!("/api/series?limit=2&after={next}");
    }
    assert_eq!(devices, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_table_is_a_file_of_the_whole_range() {
    let harness = filled(MANY).await;
    let one = "/api/readings?device=site-a/lab&metric=temperature&format=csv";
    let answer = whole(&harness, one).await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let named = "attachment; filename=\"temperature-site-a-lab.csv\"";
    assert_eq!(answer.header("content-disposition"), Some(named));
    let lines: Vec<&str> = answer.body.split_terminator("\r\n").collect();
    assert_eq!(lines[0], "\u{feff}device,metric,value,unit,measured_at,received_at,stored_at,boot,seq");
    assert!(lines[1].starts_with("site-a/lab,temperature,1.0,celsius,1970-01-01T00:00:00.001000Z,20"));
    assert!(lines[12_000].ends_with(",1,12000"), "{}", lines[12_000]);
    assert_eq!(lines.len(), 12_001, "one header, and each reading once");

    let some = format!("{one}&from=1000&to=1010&limit=5");
    assert_eq!(whole(&harness, &some).await.body.lines().count(), 6);
    let none = whole(&harness, "/api/readings?device=nobody&format=csv").await;
    assert_eq!(none.body.lines().count(), 1);
    let buckets = whole(&harness, &format!("{one}&points=3")).await;
    assert_eq!(buckets.header("content-disposition"), Some(named));
    assert!(buckets.body.starts_with("\u{feff}from,to,min,max,mean,count\r\n1970-01-01T00:00:00.001000Z,"));
    assert!(buckets.body.ends_with(",8001.0,12000.0,10000.5,4000\r\n"), "{}", buckets.body);
    let all = whole(&harness, "/api/readings?format=csv").await;
    assert_eq!(all.header("content-disposition"), Some("attachment; filename=\"readings.csv\""));
}

#[tokio::test]
async fn a_file_of_json_lines_has_each_reading_and_can_be_sent_again() {
    let harness = filled(MANY).await;
    let answer = whole(&harness, "/api/readings?device=site-a/lab&metric=temperature&format=ndjson").await;
    let headers = [answer.header("content-type"), answer.header("content-disposition")];
    let named = "attachment; filename=\"temperature-site-a-lab.ndjson\"";
    assert_eq!(headers, [Some("application/x-ndjson"), Some(named)]);
    let lines: Vec<Value> = answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (lines.len(), &lines[11_999]["seq"], &lines[0]["value"]),
        (12_000, &12_000.into(), &1.0.into())
    );

    // Clocks that show 1970 were never set.
    let some: String =
        answer.body.lines().take(3).map(|line| line.replace(":\"1970", ":\"2026") + "\n").collect();
    let host = format!("host: {}", harness.address);
    let headers = [host.as_str(), "content-type: application/x-ndjson"];
    let sent = harness.send("POST", "/api/readings", &headers, &some).await;
    assert!([201, 202].contains(&sent.status), "{sent:?}");
}

#[tokio::test]
async fn an_answer_in_parts_is_compressed_on_the_way() {
    let harness = filled(MANY).await;
    for path in ["/api/readings?format=csv", "/api/readings?limit=4000"] {
        let plain = whole(&harness, path).await;
        let host = format!("host: {}", harness.address);
        let packed = harness.send("GET", path, &[&host, "accept-encoding: gzip"], "").await;
        assert!(packed.is_whole && packed.bytes.len() < plain.bytes.len() / 4, "{}", packed.bytes.len());
        assert_eq!(packed.unpacked(), plain.bytes);
    }
}

/// Asks, and reads no more than the beginning.
async fn begin(harness: &Harness, path: &str) -> (TcpStream, Vec<u8>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut stream = socket.connect(harness.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", harness.address);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = vec![0; 1024];
    stream.read_exact(&mut read).await.unwrap();
    (stream, read)
}

#[tokio::test]
async fn an_answer_breaks_off_where_the_store_does() {
    let harness = filled(TOO_MUCH).await;
    let path = "/api/readings?format=csv";
    let (mut stream, mut said) = begin(&harness, path).await;
    harness.spoil_store();
    // However the connection ends.
    let _ = tokio::time::timeout(BOUND, stream.read_to_end(&mut said)).await.unwrap();
    let answer = Answer::read(&said);
    assert_eq!((answer.status, answer.is_whole), (200, false));
    assert!(answer.bytes.len() > 100_000);
    let metrics = harness.ask("GET", "/metrics").await.body;
    assert!(metrics.contains("millrace_dashboard_broken_off_total 1\n"), "{metrics}");
    let refused = harness.ask("GET", path).await;
    assert_eq!(refused.status, 503, "{refused:?}");
}

#[tokio::test]
async fn who_goes_away_ends_the_reading() {
    let harness = filled(TOO_MUCH).await;
    let before = Handle::current().metrics().num_alive_tasks();
    let (stream, _) = begin(&harness, "/api/readings?format=csv").await;
    assert!(Handle::current().metrics().num_alive_tasks() > before, "it is still being read");
    drop(stream);
    let start = Instant::now();
    while Handle::current().metrics().num_alive_tasks() > before {
        assert!(start.elapsed() < BOUND, "it is still being read");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_end_of_the_server_breaks_an_answer_off() {
    let harness = filled(TOO_MUCH).await;
    let (mut stream, mut said) = begin(&harness, "/api/readings?format=csv").await;
    harness.stop.cancel();
    let _ = tokio::time::timeout(BOUND, stream.read_to_end(&mut said)).await.unwrap();
    assert!(!Answer::read(&said).is_whole);
}
