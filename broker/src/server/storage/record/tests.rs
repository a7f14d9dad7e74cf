use proptest::prelude::*;

use super::*;

fn publication(payload: &'static [u8]) -> Publication {
    Publication {
        topic: "status/lab".into(),
        payload: Bytes::from_static(payload),
        qos: Qos::ExactlyOnce,
        retain: true,
        properties: Bytes::from_static(b"\x03\x00\x01c"),
        expires_at: None,
        publisher: 0,
    }
}

fn absence(key: Key, will: Option<Publication>) -> Absence {
    let at = Moment { boot: Some(u128::MAX - 1), since_boot: 60_000, wall: 1_790_000_000_000 };
    let will = will.map(|will| (Duration::from_millis(1_500), will));
    Absence { key, at, life: Duration::from_secs(60), will }
}

fn records() -> Vec<Record> {
    let key = Key { user: Some("ann".into()), client_id: "a/b \\ ü".into() };
    let options =
        Options { qos: Qos::AtLeastOnce, no_local: true, retain_as_published: false, identifier: 7 };
    let message = Outgoing {
        publication: Arc::new(publication(b"on")),
        qos: Qos::AtLeastOnce,
        retain: false,
        identifiers: vec![1, 268_435_455],
    };
    let kept = Kept {
        key: key.clone(),
        expiry: Duration::from_secs(60),
        subscriptions: vec![("a/#".into(), options)],
        received: vec![1, 65_535],
        messages: vec![(Some(3), Some(message.clone())), (Some(4), None), (None, Some(message))],
    };
    vec![
        Record::Session(Box::new(kept)),
        Record::Away(Box::new(absence(key.clone(), Some(publication(b"gone"))))),
        Record::Away(Box::new(absence(key.clone(), None))),
        Record::Gone(Key { user: None, client_id: String::new() }),
        Record::Retained(publication(b"\x00\xff")),
        Record::Retained(publication(b"")),
        Record::Gone(key),
    ]
}

fn written() -> Vec<u8> {
    let mut out = Vec::new();
    records().iter().for_each(|record| record.write(&mut out));
    out
}

fn read(bytes: Vec<u8>) -> Vec<Record> {
    let mut rest = Bytes::from(bytes);
    let mut found = Vec::new();
    while let Some((record, after)) = Record::read(&rest) {
        found.push(record);
        rest = after;
    }
    found
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(read(written()), records());
}

#[test]
fn a_file_that_was_cut_anywhere_keeps_its_whole_records() {
    let (all, bytes) = (records(), written());
    for length in 0..bytes.len() {
        let found = read(bytes[..length].to_vec());
        assert!(found.len() < all.len() && all.starts_with(&found), "cut after {length} bytes");
    }
}

proptest! {
    #[test]
    fn damage_is_noticed(at in 0usize..10_000, bit in 0u8..8) {
        let mut bytes = written();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        prop_assert!(records().starts_with(&read(bytes)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut body = Writer(Vec::new());
        body.0.extend_from_slice(&bytes);
        let mut whole = (body.0.len() as u32).to_le_bytes().to_vec();
        whole.extend_from_slice(&checksum(&body.0).to_le_bytes());
        whole.append(&mut body.0);
        let _ = Record::read(&Bytes::from(whole));
    }
}
