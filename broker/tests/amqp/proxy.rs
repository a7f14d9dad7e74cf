//! A line to the broker that can be cut, frozen and disturbed.

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A delivery's first frame, as far as its class and method, and without the end of a frame.
const NO_FRAME: &[u8] = b"\x01\0\x01\0\0\0\x04\0\x3c\0\x3c\0";

/// What becomes of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fate {
    cuts: usize,
    frozen: bool,
    disturbed: usize,
}

/// Passes bytes on to the broker; ends with the test.
pub(crate) struct Proxy {
    pub(crate) amqp: String,
    fate: watch::Sender<Fate>,
}

impl Proxy {
    /// A line to the broker of this URL.
    pub(crate) async fn to(amqp: &str) -> Self {
        let (credentials, place) = amqp.rsplit_once('@').unwrap();
        let place = place.split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let amqp = format!("{credentials}@{}", listener.local_addr().unwrap());
        let fate = watch::Sender::<Fate>::default();
        let fates = fate.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, place.clone(), fates.subscribe()));
            }
        });
        Self { amqp, fate }
    }

    pub(crate) fn cut(&self) {
        self.fate.send_modify(|fate| fate.cuts += 1);
    }

    /// The client hears what no broker says, and nothing more on this line.
    pub(crate) fn disturb(&self) {
        self.fate.send_modify(|fate| fate.disturbed += 1);
    }

    /// From now on nothing passes, and neither side notices.
    pub(crate) fn freeze(&self) {
        self.fate.send_modify(|fate| fate.frozen = true);
    }
}

async fn pass(mut client: TcpStream, place: String, mut fate: watch::Receiver<Fate>) {
    let born = *fate.borrow_and_update();
    let Ok(mut broker) = TcpStream::connect(place).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut broker) => {}
        _ = fate.wait_for(|fate| *fate != born) => {}
    }
    if fate.borrow().disturbed != born.disturbed {
        client.write_all(NO_FRAME).await.unwrap();
    }
    // A frozen line stays, without a word.
    let _ = fate.wait_for(|fate| fate.cuts != born.cuts).await;
}
