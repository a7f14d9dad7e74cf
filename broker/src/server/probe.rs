//! Asks whether a device would get a PUBACK: the server publishes to itself, as a client.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// No client may publish to topics that begin with `$`.
pub(crate) const TOPIC: &str = "$probe";

const CLIENT_ID: &str = "millrace-probe";

/// Connects with MQTT 3.1.1, publishes once with QoS 1, and waits for the PUBACK.
pub(crate) async fn publish(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    credentials: Option<&(String, String)>,
) -> io::Result<()> {
    stream.write_all(&connect(credentials)).await?;
    expect(&mut stream, [0x20, 2, 0, 0], "the server did not accept the connection").await?;
    let mut body = string(TOPIC);
    body.extend_from_slice(&[0, 1]);
    stream.write_all(&packet(0x32, &body)).await?;
    expect(&mut stream, [0x40, 2, 0, 1], "the server ended the connection").await?;
    stream.write_all(&packet(0xe0, &[])).await
}

async fn expect(stream: &mut (impl AsyncRead + Unpin), expected: [u8; 4], otherwise: &str) -> io::Result<()> {
    let mut answer = [0; 4];
    match stream.read_exact(&mut answer).await {
        Ok(_) if answer == expected => Ok(()),
        _ => Err(io::Error::other(otherwise)),
    }
}

fn connect(credentials: Option<&(String, String)>) -> Vec<u8> {
    let mut body = string("MQTT");
    let flags = if credentials.is_some() { 0xc2 } else { 2 };
    body.extend_from_slice(&[4, flags, 0, 0]);
    body.append(&mut string(CLIENT_ID));
    if let Some((user, password)) = credentials {
        body.append(&mut string(user));
        body.append(&mut string(password));
    }
    packet(0x10, &body)
}

/// A text with its length, as MQTT writes it.
pub(super) fn string(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u16).to_be_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// A packet of this type and these flags.
pub(super) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut left = body.len();
    // The length has as many bytes as it needs: user and password may be long.
    while left > 0x7f {
        bytes.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes.extend_from_slice(body);
    bytes
}
