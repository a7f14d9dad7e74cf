//! The packets of MQTT 3.1.1 that a device needs to publish at QoS 1.

use anyhow::ensure;

/// A CONNACK that accepts the connection, without a session from before.
pub(super) const CONNACK: [u8; 4] = [0x20, 2, 0, 0];

pub(super) const LAST_ID: u16 = u16::MAX;

/// A CONNECT with a clean session and without a keep-alive.
pub(super) fn connect(client_id: &str) -> Vec<u8> {
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 0b10, 0, 0];
    text(&mut body, client_id);
    packet(0x10, &body)
}

/// The packet identifier of the nth PUBLISH, counted from 0: 1 to 65535, then 1 again.
pub(super) fn id(nth: u64) -> u16 {
    (nth % u64::from(LAST_ID)) as u16 + 1
}

pub(super) fn publish(id: u16, topic: &str, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(topic.len() + payload.len() + 4);
    text(&mut body, topic);
    body.extend(id.to_be_bytes());
    body.extend(payload);
    packet(0x32, &body)
}

/// The packet identifier that a PUBACK acknowledges.
///
/// # Errors
/// The packet is no PUBACK.
pub(super) fn acked(packet: [u8; 4]) -> anyhow::Result<u16> {
    let [0x40, 2, high, low] = packet else { anyhow::bail!("{packet:?} is no PUBACK") };
    let id = u16::from_be_bytes([high, low]);
    ensure!(id != 0, "a PUBACK of 0");
    Ok(id)
}

fn text(body: &mut Vec<u8>, text: &str) {
    body.extend((text.len() as u16).to_be_bytes());
    body.extend(text.as_bytes());
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut left = body.len();
    while left > 127 {
        packet.push((left % 128) as u8 | 0x80);
        left /= 128;
    }
    packet.push(left as u8);
    packet.extend(body);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_as_mqtt_says() {
        assert_eq!(connect("a"), *b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01a");
        assert_eq!(publish(258, "t/d", b"1"), *b"\x32\x08\0\x03t/d\x01\x021");
        assert_eq!(publish(1, "t/d", &[b'1'; 200])[..4], [0x32, 207, 1, 0]);
        assert_eq!(acked([0x40, 2, 1, 2]).unwrap(), 258);
        assert!(acked([0x90, 2, 1, 2]).is_err());
        assert_eq!((id(0), id(65_534), id(65_535)), (1, 65_535, 1));
    }
}
