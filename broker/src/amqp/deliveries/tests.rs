//! Frames as the codec below lapin writes them are read back as deliveries, however they arrive.

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame, gen_frame};
use amq_protocol::protocol::{AMQPClass, basic};
use amq_protocol::types::{AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable};
use proptest::prelude::*;

use super::*;

const CHANNEL: u16 = 1;

fn encoded(frame: &AMQPFrame) -> Vec<u8> {
    gen_frame(frame)(Vec::new().into()).unwrap().into_inner().0
}

/// What a queue hands over.
#[derive(Debug, Clone)]
struct Sent {
    tag: u64,
    received_ms: Option<i64>,
    content_type: Option<String>,
    device: String,
    payload: Vec<u8>,
    /// Bytes of the payload in one frame.
    frame: usize,
    /// Comes between its frames.
    heartbeat: bool,
}

impl Sent {
    fn frames(&self) -> Vec<AMQPFrame> {
        let deliver = basic::Deliver {
            consumer_tag: "millrace".into(),
            delivery_tag: self.tag,
            redelivered: self.tag.is_multiple_of(2),
            exchange: "amq.topic".into(),
            routing_key: format!("temperature.{}", self.device).into(),
        };
        let properties = basic::AMQPProperties::default().with_headers(self.headers()).with_delivery_mode(2);
        let properties = match &self.content_type {
            Some(kind) => properties.with_content_type(kind.as_str().into()).with_content_encoding("".into()),
            None => properties,
        };
        let body_size = self.payload.len() as u64;
        let mut frames = vec![
            AMQPFrame::Method(CHANNEL, AMQPClass::Basic(basic::AMQPMethod::Deliver(deliver))),
            AMQPFrame::Header(CHANNEL, AMQPContentHeader { class_id: 60, body_size, properties }),
        ];
        frames.extend(self.payload.chunks(self.frame).map(|part| AMQPFrame::Body(CHANNEL, part.to_vec())));
        if self.heartbeat {
            frames.insert(1, AMQPFrame::Heartbeat);
        }
        frames
    }

    /// The ones that are read, among one of each kind.
    fn headers(&self) -> FieldTable {
        let mut nested = FieldTable::default();
        nested.insert("timestamp_in_ms".into(), AMQPValue::LongLongInt(1));
        let values = [
            AMQPValue::Boolean(true),
            AMQPValue::ShortShortInt(-1),
            AMQPValue::ShortShortUInt(1),
            AMQPValue::ShortInt(-1),
            AMQPValue::ShortUInt(1),
            AMQPValue::LongInt(-1),
            AMQPValue::LongUInt(1),
            AMQPValue::LongLongInt(-1),
            AMQPValue::Float(1.5),
            AMQPValue::Double(1.5),
            AMQPValue::DecimalValue(DecimalValue { scale: 1, value: 15 }),
            AMQPValue::LongString("x".into()),
            AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::Boolean(true)])),
            AMQPValue::Timestamp(1),
            AMQPValue::FieldTable(nested),
            AMQPValue::ByteArray(ByteArray::from(&b"x"[..])),
            AMQPValue::Void,
        ];
        let mut table = FieldTable::default();
        for (i, value) in values.into_iter().enumerate() {
            table.insert(format!("h{i}").into(), value);
        }
        if let Some(ms) = self.received_ms {
            table.insert("timestamp_in_ms".into(), AMQPValue::LongLongInt(ms));
            let client_id = AMQPValue::LongString(self.device.as_str().into());
            table.insert("x-opt-mqtt-client-id".into(), client_id);
        }
        table
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    (
        any::<u64>(),
        prop::option::of(0..2_000_000_000_000_i64),
        prop::option::of("[a-z/]{0,9}"),
        "[a-z0-9_-]{1,9}",
        prop::collection::vec(any::<u8>(), 0..40),
        1..40_usize,
        any::<bool>(),
    )
        .prop_map(|(tag, received_ms, content_type, device, payload, frame, heartbeat)| Sent {
            tag,
            received_ms,
            content_type,
            device,
            payload,
            frame,
            heartbeat,
        })
}

/// Reads the bytes in pieces of these lengths, in turn.
fn split(bytes: &[u8], pieces: &[usize]) -> io::Result<(Vec<RawDelivery>, Vec<u8>)> {
    let (mut frames, mut taken, mut rest) = (Frames::default(), Vec::new(), Vec::new());
    let (mut arrived, mut left) = (Vec::new(), bytes);
    for piece in pieces.iter().cycle() {
        if left.is_empty() {
            break;
        }
        let (now, later) = left.split_at((*piece).min(left.len()));
        arrived.extend_from_slice(now);
        left = later;
        let whole = frames.split(&arrived, &mut rest, |delivery| taken.push(delivery))?;
        arrived.drain(..whole);
    }
    Ok((taken, rest))
}

proptest! {
    #[test]
    fn every_delivery_is_read_as_it_was_sent_and_nothing_else_is_kept_from_lapin(
        all in prop::collection::vec(sent(), 0..8),
        pieces in prop::collection::vec(1..200_usize, 1..8),
    ) {
        let frames: Vec<_> = all.iter().flat_map(Sent::frames).collect();
        let bytes: Vec<u8> = frames.iter().flat_map(encoded).collect();
        let (taken, rest) = split(&bytes, &pieces).unwrap();
        let heartbeats = all.iter().filter(|sent| sent.heartbeat).count();
        prop_assert_eq!(rest, encoded(&AMQPFrame::Heartbeat).repeat(heartbeats));
        prop_assert_eq!(taken.len(), all.len());
        for (taken, sent) in taken.iter().zip(&all) {
            prop_assert_eq!(taken.tag, sent.tag);
            prop_assert_eq!(&taken.message.topic, &format!("temperature/{}", sent.device));
            prop_assert_eq!(&taken.message.payload[..], &sent.payload[..]);
            let client_id = sent.received_ms.map(|_| sent.device.as_str());
            prop_assert_eq!(taken.message.client_id.as_deref(), client_id);
            if let Some(ms) = sent.received_ms {
                prop_assert_eq!(taken.message.received_at.as_millisecond(), ms);
            }
        }
    }

    /// A broker that errs, or a line that does, ends the connection at worst.
    #[test]
    fn whatever_comes_is_read_or_refused(
        sent in sent(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        pieces in prop::collection::vec(1..200_usize, 1..8),
    ) {
        let mut bytes: Vec<u8> = sent.frames().iter().flat_map(encoded).collect();
        for (place, byte) in damage {
            *place.get_mut(&mut bytes) = byte;
        }
        let _ = split(&bytes, &pieces);
    }
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let size = (payload.len() as u32).to_be_bytes();
    [&[kind, 0, 1], &size[..], payload, &[FRAME_END]].concat()
}

#[test]
fn what_cannot_be_a_delivery_is_refused() {
    let deliver = frame(METHOD, b"\0\x3c\0\x3c\x01c\0\0\0\0\0\0\0\x01\0\x01x\x03t.a");
    let header = |properties: &[u8]| frame(HEADER, &[b"\0\x3c\0\0\0\0\0\0\0\0\0\x02", properties].concat());
    let early = "the broker sent a delivery that ends too early or has an unknown field";
    for (bytes, problem) in [
        (frame(METHOD, b"\0\x3c\0\x3c\x09c"), early),
        ([&deliver[..], &header(b"\x20\0\0\0\0\x09")].concat(), early),
        ([&deliver[..], &header(b"\x20\0\0\0\0\x04\x01a?\0")].concat(), early),
        ([&deliver[..], &header(b"\0\0"), &frame(BODY, b"123")].concat(), early),
        ([&deliver[..], &frame(BODY, b"1")].concat(), early),
        ([&deliver[..deliver.len() - 1], b"\0"].concat(), "the broker sent a frame without its end"),
        (
            b"\x01\0\x01\0\x10\0\0".to_vec(),
            "the broker sent a frame of 1048576 bytes, with 131072 agreed upon",
        ),
    ] {
        assert_eq!(split(&bytes, &[1_000]).unwrap_err().to_string(), problem, "{bytes:?}");
    }
}

#[test]
fn a_server_of_another_protocol_is_heard_by_lapin() {
    let (taken, rest) = split(b"AMQP\0\x01\0\0HTTP", &[1_000]).unwrap();
    assert_eq!((taken.len(), &rest[..]), (0, &b"AMQP\0\x01\0\0HTTP"[..]));
}
