//! The WebSocket to a dashboard (tungstenite): the only file of this crate that names it.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{Request, Response, StatusCode};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// A server that does not answer for so long is away.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The server says something every two seconds; after this long without a word the line is dead.
const SILENCE: Duration = Duration::from_secs(10);

/// The code with which a dashboard closes where nobody has logged in.
const LOGGED_OUT: u16 = 4401;

/// Exit codes: the first where the asker is to change something.
const USAGE: u8 = 64;
const REFUSED: u8 = 1;

/// Why a connection is over, or did not come about.
#[derive(Debug)]
pub(super) enum End {
    /// It may get better.
    Lost(String),
    /// It will not.
    Refused { code: u8, said: String },
    /// The output is closed.
    Unread,
}

/// An open stream of frames.
pub(super) struct Connection(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Connection {
    /// Connects, with a key where there is one.
    pub(super) async fn open(address: &str, key: &str) -> Result<Self, End> {
        let request = request(address, key)?;
        match timeout(ANSWER_WITHIN, Box::pin(connect_async(request))).await {
            Ok(Ok((socket, _))) => Ok(Self(socket)),
            Ok(Err(Error::Http(answer))) => Err(refused(&answer)),
            Ok(Err(Error::Url(e))) => Err(End::Refused { code: USAGE, said: e.to_string() }),
            Ok(Err(e)) => Err(End::Lost(e.to_string())),
            Err(_) => Err(End::Lost(format!("no answer within {ANSWER_WITHIN:?}"))),
        }
    }

    /// The next frame; pings are answered on the way.
    pub(super) async fn frame(&mut self) -> Result<Utf8Bytes, End> {
        loop {
            match timeout(SILENCE, self.0.next()).await {
                Err(_) => return Err(End::Lost(format!("nothing was heard for {SILENCE:?}"))),
                Ok(Some(Ok(Message::Text(text)))) => return Ok(text),
                Ok(Some(Ok(Message::Close(frame)))) => return Err(closed(frame)),
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(e))) => return Err(End::Lost(e.to_string())),
                Ok(None) => return Err(End::Lost("the connection ended".into())),
            }
        }
    }
}

fn request(address: &str, key: &str) -> Result<Request<()>, End> {
    let wrong = |e: &dyn std::fmt::Display| End::Refused { code: USAGE, said: e.to_string() };
    let mut request = address.into_client_request().map_err(|e| wrong(&e))?;
    if !key.is_empty() {
        let bearer = format!("Bearer {key}").parse().map_err(|e| wrong(&e))?;
        request.headers_mut().insert("authorization", bearer);
    }
    Ok(request)
}

/// An answer that is no upgrade: what the server is not to blame for gets no better.
fn refused(answer: &Response<Option<Vec<u8>>>) -> End {
    let status = answer.status();
    let said = format!("the server answers {status}{}", reason(answer.body().as_deref().unwrap_or_default()));
    match status {
        StatusCode::BAD_REQUEST => End::Refused { code: USAGE, said },
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => End::Lost(said),
        _ if status.is_server_error() => End::Lost(said),
        StatusCode::NOT_FOUND => {
            End::Refused { code: REFUSED, said: format!("{said}: is it the address of a dashboard?") }
        }
        _ => End::Refused { code: REFUSED, said },
    }
}

/// The `error` of a JSON answer; a proxy's page says nothing more.
fn reason(body: &[u8]) -> String {
    let answer: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let error = answer.as_ref().and_then(|answer| answer["error"].as_str());
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

fn closed(frame: Option<CloseFrame>) -> End {
    let Some(CloseFrame { code, reason }) = frame else {
        return End::Lost("the server closed the connection".into());
    };
    let said = format!("the server closed the connection: {reason}");
    match code {
        CloseCode::Library(LOGGED_OUT) => {
            let how = "set access.key (MILLRACE__ACCESS__KEY) to a key that `millrace key add` made";
            End::Refused { code: REFUSED, said: format!("{said}; {how}") }
        }
        CloseCode::Policy | CloseCode::Size => End::Refused { code: USAGE, said },
        _ => End::Lost(said),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;

    use super::*;

    #[tokio::test]
    async fn a_server_that_falls_silent_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("ws://{}/ws", listener.local_addr().unwrap());
        let accept = async { accept_async(listener.accept().await.unwrap().0).await.unwrap() };
        let (server, connection) = tokio::join!(accept, Connection::open(&address, ""));
        let mut connection = connection.unwrap();
        tokio::time::pause();
        let End::Lost(why) = connection.frame().await.unwrap_err() else { panic!("it may come back") };
        assert_eq!(why, "nothing was heard for 10s");
        drop(server);
    }
}
