//! The lives of pages in time that costs nothing, over a line that holds as much as a test says.

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use service::Metrics;
use telemetry::{Reading, Series};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::live::{Ages, Live};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A ping of the client, and an empty text: masked, with a key of zeros.
const PING: [u8; 6] = [0x89, 0x80, 0, 0, 0, 0];

struct Line {
    live: Live,
    page: DuplexStream,
    shown: JoinHandle<End>,
    since: Instant,
}

impl Line {
    /// A page over a line that holds so many bytes; frames are made ten times a second.
    fn of(bytes: usize) -> Self {
        let live = Live::new(
            Ages { stale_after: HOUR * 24, offline_after: HOUR * 48 },
            std::sync::Arc::new(telemetry::SystemClock::default()),
        );
        let (page, server) = duplex(bytes);
        let viewer = live.watch(Topics::all());
        let shown = tokio::spawn(async move {
            let mut socket = Socket::new(server, 4096).await;
            show(&mut socket, viewer, &Counters::register(&Metrics::default())).await
        });
        let ticking = live.clone();
        tokio::spawn(async move {
            loop {
                ticking.tick();
                sleep(SNAPSHOT_DELAY).await;
            }
        });
        Self { live, page, shown, since: Instant::now() }
    }

    fn observe(&self, sensors: usize) {
        let now = Timestamp::now();
        self.live.observe((0..sensors).map(|number| Reading {
            series: Series::parse(&format!("temperature/site-a/rack-1/d{number:05}")).unwrap(),
            value: 1.0,
            unit: None,
            measured_at: now,
            received_at: now,
            boot: None,
            seq: None,
        }));
    }

    /// How the page ended, and after how many seconds.
    async fn end(self) -> (End, u64) {
        let Self { page, shown, since, .. } = self;
        let end = shown.await.unwrap();
        drop(page);
        (end, since.elapsed().as_secs())
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_answers_no_ping_is_dropped_after_a_minute() {
    let mut line = Line::of(4096);
    let mut taken = [0; 4096];
    while !line.shown.is_finished() {
        tokio::select! {
            count = line.page.read(&mut taken) => if count.unwrap() == 0 { break },
            () = sleep(HOUR) => panic!("it is not dropped"),
        }
    }
    assert_eq!(line.end().await, (End::Lost, 60));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_answers_stays() {
    let Line { page, shown, since, .. } = Line::of(4096);
    let mut page = WebSocketStream::from_raw_socket(page, Role::Client, None).await;
    while since.elapsed() < HOUR {
        let heard = page.next().await.expect("it is open").unwrap();
        assert!(heard.is_text() || heard.is_ping(), "{heard}");
    }
    page.close(None).await.unwrap();
    assert_eq!(shown.await.unwrap(), End::Left);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_takes_nothing_is_dropped_and_what_it_says_does_not_help() {
    let mut line = Line::of(64);
    line.observe(1_000);
    line.page.write_all(&PING).await.unwrap();
    assert_eq!(line.end().await, (End::Lost, 20));
}

#[tokio::test(start_paused = true)]
async fn a_page_behind_a_thin_line_stays_as_long_as_it_takes_something() {
    let line = Line::of(1024);
    line.observe(10_000);
    let Line { page, shown, since, .. } = line;
    let (near, far) = duplex(1024);
    // 1 KiB a second: the snapshot of 650 KB takes more than ten minutes.
    tokio::spawn(thin(far, page));
    let mut page = WebSocketStream::from_raw_socket(near, Role::Client, None).await;
    let first = page.next().await.unwrap().unwrap();
    assert!(first.is_text() && first.len() > 600_000, "{} bytes", first.len());
    assert!(since.elapsed() > HOUR / 6, "{:?}", since.elapsed());
    while since.elapsed() < HOUR {
        page.next().await.expect("it is open").unwrap();
    }
    assert!(!shown.is_finished());
}

/// Carries bytes between the two, slowly towards the page.
async fn thin(page: DuplexStream, server: DuplexStream) {
    let (mut from_page, mut to_page) = tokio::io::split(page);
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let up = tokio::io::copy(&mut from_page, &mut to_server);
    let down = async {
        let mut bytes = [0; 1024];
        while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
            to_page.write_all(&bytes[..count]).await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
    };
    let _ = tokio::join!(up, down);
}

#[tokio::test(start_paused = true)]
async fn no_frame_on_the_line_is_longer_than_a_piece() {
    let mut line = Line::of(4096);
    line.observe(5_000);
    let (mut lengths, mut is_last) = (Vec::new(), false);
    while !is_last {
        let head = line.page.read_u16().await.unwrap();
        let [flags, short] = head.to_be_bytes();
        let length = if short == 126 { line.page.read_u16().await.unwrap() } else { u16::from(short) };
        assert!(short <= 126, "a frame of more than 64 KiB");
        let mut payload = vec![0; usize::from(length)];
        line.page.read_exact(&mut payload).await.unwrap();
        lengths.push(length);
        is_last = flags & 0x80 != 0;
        assert_eq!(flags & 0x0f, u8::from(lengths.len() == 1), "a text, and then what continues it");
    }
    assert!(lengths.len() > 10 && lengths.iter().all(|length| *length <= 16 * 1024), "{lengths:?}");
}

#[tokio::test(start_paused = true)]
async fn wishes_are_met_at_most_ten_times_a_second() {
    let Line { page, since, .. } = Line::of(1024 * 1024);
    let mut page = WebSocketStream::from_raw_socket(page, Role::Client, None).await;
    for _ in 0..50 {
        page.send(Message::text(r##"{"topics":["#"]}"##)).await.unwrap();
    }
    let mut snapshots = 0;
    while snapshots < 51 {
        let heard = page.next().await.unwrap().unwrap();
        snapshots += u32::from(heard.to_text().unwrap().contains("snapshot"));
    }
    assert!(since.elapsed() >= Duration::from_secs(5), "{:?}", since.elapsed());
}
