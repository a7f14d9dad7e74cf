//! Numbers in few bytes: variable-length integers as LEB128 (<https://dwarfstd.org/doc/DWARF5.pdf>, section 7.6), signed
//! ones as zigzag (<https://protobuf.dev/programming-guides/encoding/#signed-ints>).

/// Bytes of a variable-length integer, at most.
const MAX_VARINT_BYTES: usize = 10;

/// The bytes end too early, or are no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is cut off or damaged")]
pub struct Damaged;

/// Appends a number: one byte for each 7 bits of it.
pub fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number: one near 0 is short, whatever its sign.
pub fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_varint(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Appends a text with its length before it.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Reads what was put, from the front.
#[derive(Debug, Clone)]
pub struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    /// Reads these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all is read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next bytes.
    ///
    /// # Errors
    /// There are fewer.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Damaged> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// The next number.
    ///
    /// # Errors
    /// It is cut off, or larger than 64 bits.
    pub fn varint(&mut self) -> Result<u64, Damaged> {
        let mut number = 0_u64;
        for place in 0..MAX_VARINT_BYTES {
            let [byte] = *self.bytes(1)? else { return Err(Damaged) };
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << (7 * place);
            if shifted >> (7 * place) != bits {
                return Err(Damaged);
            }
            number |= shifted;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Damaged)
    }

    /// The next number, which counts things that follow: no more than `most`.
    ///
    /// # Errors
    /// It is cut off, or there are more.
    pub fn count(&mut self, most: usize) -> Result<usize, Damaged> {
        usize::try_from(self.varint()?).ok().filter(|count| *count <= most).ok_or(Damaged)
    }

    /// The next signed number.
    ///
    /// # Errors
    /// As [`varint`](Self::varint).
    pub fn signed(&mut self) -> Result<i64, Damaged> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// The next text.
    ///
    /// # Errors
    /// It is cut off, longer than `most` bytes, or not UTF-8.
    pub fn text(&mut self, most: usize) -> Result<&'a str, Damaged> {
        let bytes = self.count(most)?;
        std::str::from_utf8(self.bytes(bytes)?).map_err(|_| Damaged)
    }

    /// The next value, which was put as its eight bytes, the lowest first.
    ///
    /// # Errors
    /// It is cut off.
    pub fn f64(&mut self) -> Result<f64, Damaged> {
        let bytes = self.bytes(8)?.try_into().map_err(|_| Damaged)?;
        Ok(f64::from_le_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_put_is_read(number in any::<u64>(), signed in any::<i64>(), text in ".{0,20}") {
            let mut out = Vec::new();
            put_varint(&mut out, number);
            put_signed(&mut out, signed);
            put_text(&mut out, &text);
            let mut unpacker = Unpacker::new(&out);
            prop_assert_eq!(unpacker.varint(), Ok(number));
            prop_assert_eq!(unpacker.signed(), Ok(signed));
            prop_assert_eq!(unpacker.text(80), Ok(text.as_str()));
            prop_assert!(unpacker.is_empty());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut unpacker = Unpacker::new(&bytes);
            while unpacker.varint().is_ok() {}
            let _ = (unpacker.signed(), unpacker.text(10), unpacker.f64(), unpacker.count(3));
        }
    }

    #[test]
    fn small_numbers_are_short_and_too_large_ones_are_damaged() {
        for (number, bytes) in [(0, 1), (127, 1), (128, 2), (u64::MAX, 10)] {
            let mut out = Vec::new();
            put_varint(&mut out, number);
            assert_eq!(out.len(), bytes);
        }
        assert_eq!(Unpacker::new(&[0xff; 11]).varint(), Err(Damaged));
        assert_eq!(Unpacker::new(&[0x80; 3]).varint(), Err(Damaged));
        assert_eq!(
            Unpacker::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).varint(),
            Err(Damaged)
        );
    }
}
