use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::*;

const BOUND: Duration = Duration::from_secs(10);

fn door(metrics: &Metrics) -> Door {
    let limits = Limits { max_connections: 3, max_connections_per_address: 2 };
    let [doors] = Doors::share(metrics, [("test", limits)]);
    doors.listen("127.0.0.1:0".parse().unwrap()).unwrap()
}

async fn connect(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test]
async fn the_system_asks_whether_a_silent_peer_is_there() {
    let metrics = Metrics::default();
    let door = door(&metrics);
    let _peer = connect("127.0.0.1", door.local_addr()).await;
    let (accepted, _) = door.listener.accept().await.unwrap();
    let accepted = TcpSocket::from_std_stream(accepted.into_std().unwrap());
    assert!(accepted.keepalive().unwrap());
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_counted_and_there_is_room_when_one_leaves() {
    let metrics = Metrics::default();
    let mut door = door(&metrics);
    let address = door.local_addr();
    let (_one, two, mut three) = (
        connect("127.0.0.1", address).await,
        connect("127.0.0.1", address).await,
        connect("127.0.0.1", address).await,
    );
    let _other = connect("127.0.0.2", address).await;
    let mut inside = Vec::new();
    for _ in 0..3 {
        inside.push(timeout(BOUND, door.next()).await.unwrap());
    }
    assert_eq!(
        inside[2].address().ip(),
        IpAddr::from([127, 0, 0, 2]),
        "the third of one address is not let in"
    );
    assert!(
        timeout(BOUND, three.read(&mut [0])).await.unwrap().is_ok_and(|count| count == 0),
        "it is closed"
    );
    for line in [
        "millrace_door_connections{door=\"test\"} 3\n",
        "millrace_door_max_connections{door=\"test\"} 3\n",
        "millrace_door_refused_total{door=\"test\",reason=\"address\"} 1\n",
    ] {
        assert!(metrics.text().contains(line), "{line}{}", metrics.text());
    }
    drop((two, inside.remove(1)));
    let _again = connect("127.0.0.1", address).await;
    inside.push(timeout(BOUND, door.next()).await.unwrap());
    assert!(metrics.text().contains("millrace_door_connections{door=\"test\"} 3\n"), "{}", metrics.text());
}

#[tokio::test]
async fn writing_to_a_peer_that_accepts_nothing_ends() {
    let mut door = door(&Metrics::default());
    let _peer = connect("127.0.0.1", door.local_addr()).await;
    let mut connection = door.next().await.with_write_timeout(Duration::from_millis(50));
    let endless = vec![0; 64 * 1024 * 1024];
    let written = timeout(BOUND, connection.write_all(&endless)).await.unwrap();
    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
}

#[test]
fn only_what_concerns_one_peer_needs_no_pause() {
    for (code, one_peer) in
        [(103, true), (104, true), (4, true), (23, false), (24, false), (105, false), (12, false)]
    {
        let e = io::Error::from_raw_os_error(code);
        assert_eq!(concerns_one_peer(&e), one_peer, "{e}");
    }
}
