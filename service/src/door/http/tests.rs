use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use warp::Filter;

use super::*;
use crate::Metrics;
use crate::door::Doors;

const BOUND: Duration = Duration::from_secs(10);

const IDLE_TIMEOUT: Duration = Duration::from_millis(300);

/// Answers with the client's address.
fn start(behind_proxy: bool) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
    let listen = "127.0.0.1:0".parse().unwrap();
    let config = HttpConfig { idle_timeout: IDLE_TIMEOUT, behind_proxy, ..HttpConfig::admin(listen) };
    let [doors] = Doors::share(&Metrics::default(), [("test", config.limits)]);
    let door = doors.listen(listen).unwrap();
    let (address, stop) = (door.local_addr(), CancellationToken::new());
    let client = warp::path!("client")
        .and(warp::ext::get::<Client>())
        .map(|client: Client| format!("client {}", client.address.ip()).into_response());
    let slow = warp::path!("slow").then(async || {
        tokio::time::sleep(IDLE_TIMEOUT * 2).await;
        "slow".into_response()
    });
    let served = tokio::spawn(serve_http(door, None, client.or(slow).unify().boxed(), config, stop.clone()));
    (address, stop, served)
}

async fn said(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(BOUND, stream.read_to_string(&mut answer)).await.expect("the connection is closed").unwrap();
    answer
}

#[tokio::test]
async fn silent_half_and_idle_connections_are_closed() {
    let (address, ..) = start(false);
    let whole = "GET /client HTTP/1.1\r\nhost: x\r\n\r\n";
    for request in ["", "GET /cl", "GET /client HTTP/1.1\r\nhost: x\r\n", whole, &format!("{whole}GET /cl")] {
        let begun = Instant::now();
        let answer = said(address, request).await;
        assert!(begun.elapsed() >= IDLE_TIMEOUT, "{request:?}");
        assert_eq!(answer.contains("client 127.0.0.1"), request.starts_with(whole), "{request:?}: {answer}");
    }
}

#[tokio::test]
async fn a_head_that_comes_bit_by_bit_has_no_more_time() {
    let (address, ..) = start(false);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /client HTTP/1.1\r\n").await.unwrap();
    let drip = async {
        while stream.write_all(b"a: b\r\n").await.is_ok() {
            tokio::time::sleep(IDLE_TIMEOUT / 10).await;
        }
    };
    timeout(BOUND, drip).await.expect("it is closed however often a byte comes");
}

#[tokio::test]
async fn only_http_1_with_one_host_and_a_bounded_head_is_answered() {
    let (address, ..) = start(false);
    let long = format!("GET /client HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "a".repeat(MAX_HEAD_BYTES));
    for (request, status) in [
        ("GET /client HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n", "400"),
        (long.as_str(), "431"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"),
    ] {
        let answer = said(address, request).await;
        let got = answer.split(' ').nth(1).unwrap_or_default();
        assert!(got == status || answer.is_empty() && request.starts_with("PRI"), "{status}: {answer:?}");
    }
}

#[tokio::test]
async fn a_client_is_who_connects_or_whom_the_proxy_names() {
    let request =
        |forwarded: &str| format!("GET /client HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{forwarded}\r\n");
    for (behind_proxy, forwarded, client) in [
        (false, "x-forwarded-for: 10.1.1.1\r\n", "127.0.0.1"),
        (true, "x-forwarded-for: 10.1.1.1\r\n", "10.1.1.1"),
        (true, "x-forwarded-for: 6.6.6.6, 10.1.1.1\r\n", "10.1.1.1"),
        (true, "x-forwarded-for: 6.6.6.6\r\nx-forwarded-for: fd00::1\r\n", "fd00::1"),
        (true, "x-forwarded-for: unknown\r\n", "127.0.0.1"),
        (true, "", "127.0.0.1"),
    ] {
        let (address, ..) = start(behind_proxy);
        let answer = said(address, &request(forwarded)).await;
        assert!(answer.ends_with(&format!("client {client}")), "{forwarded}: {answer}");
    }
}

#[tokio::test]
async fn a_stop_lets_a_request_finish_and_waits_for_nobody_else() {
    let (address, stop, served) = start(false);
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut busy = TcpStream::connect(address).await.unwrap();
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    idle.write_all(b"GET /client HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    idle.read_exact(&mut [0]).await.unwrap();
    stop.cancel();
    let mut answer = String::new();
    timeout(BOUND, busy.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.ends_with("slow"), "{answer}");
    timeout(BOUND, served).await.expect("it ends").unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[test]
fn the_time_for_a_query_is_a_setting_with_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let read = |timeout: &str| {
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, format!("[http]\nquery_timeout = '{timeout}'")).unwrap();
        HttpConfig::from_settings(&Settings::load(Some(&file)).unwrap()).map(|config| config.query_timeout)
    };
    assert_eq!(read("10s").unwrap(), HttpConfig::admin("127.0.0.1:0".parse().unwrap()).query_timeout);
    assert_eq!(read("250ms").unwrap(), Duration::from_millis(250));
    for wrong in ["0s", "99ms", "11m"] {
        assert!(read(wrong).unwrap_err().to_string().contains("must be 100ms to 10m"), "{wrong}");
    }
}
