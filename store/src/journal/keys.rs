//! Keys of readings, packed: a few bytes each, as neighbours are alike.

use telemetry::packing::{Damaged, Unpacker, put_signed, put_varint};

/// The key of a reading, as the table has it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Key {
    pub(crate) series: i64,
    pub(crate) measured_at: i64,
    pub(crate) boot: i64,
    pub(crate) seq: i64,
    pub(crate) value: f64,
}

/// Appends keys, which can be read without what stands before them.
pub(crate) fn put(out: &mut Vec<u8>, keys: &[Key]) {
    put_varint(out, keys.len() as u64);
    let mut before = Key::default();
    for key in keys {
        put_signed(out, key.series.wrapping_sub(before.series));
        put_signed(out, key.measured_at.wrapping_sub(before.measured_at));
        put_signed(out, key.boot.wrapping_sub(before.boot));
        put_signed(out, key.seq.wrapping_sub(before.seq));
        out.extend_from_slice(&key.value.to_le_bytes());
        before = *key;
    }
}

/// All keys, in the order in which they were appended.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Key>, Damaged> {
    let mut from = Unpacker::new(bytes);
    let mut keys = Vec::new();
    while !from.is_empty() {
        let mut before = Key::default();
        for _ in 0..from.count(bytes.len())? {
            before = Key {
                series: before.series.wrapping_add(from.signed()?),
                measured_at: before.measured_at.wrapping_add(from.signed()?),
                boot: before.boot.wrapping_add(from.signed()?),
                seq: before.seq.wrapping_add(from.signed()?),
                value: from.f64()?,
            };
            keys.push(before);
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> impl Strategy<Value = Key> {
        (any::<i64>(), any::<i64>(), -1..i64::MAX, -1..i64::MAX, prop::num::f64::NORMAL)
            .prop_map(|(series, measured_at, boot, seq, value)| Key { series, measured_at, boot, seq, value })
    }

    proptest! {
        #[test]
        fn keys_come_back_whole(chunks in prop::collection::vec(prop::collection::vec(key(), 0..20), 0..5)) {
            let mut out = Vec::new();
            chunks.iter().for_each(|keys| put(&mut out, keys));
            prop_assert_eq!(read(&out), Ok(chunks.concat()));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&bytes);
        }
    }

    #[test]
    fn neighbours_take_little_room() {
        let key = |n: i64| Key {
            series: n % 20,
            measured_at: 1_767_225_600_000_000 + n * 50_000,
            boot: 7,
            seq: n,
            value: 1.5,
        };
        let mut out = Vec::new();
        put(&mut out, &(0..1_000).map(key).collect::<Vec<_>>());
        assert!(out.len() < 15_000, "{}", out.len());
    }
}
