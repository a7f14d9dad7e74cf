//! Reads the fields of AMQP 0-9-1 (specification 4.2.5); each answers None where the bytes end before it does.

/// The value of an entry of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A number of 32 or 64 bits with a sign.
    Number(i64),
    Text(&'a [u8]),
    Other,
}

/// The bytes that are not read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        self.0.split_off(..count)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.0.split_off(..N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn short_string(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// Also a long string, or an array: whatever says its bytes before it.
    pub(super) fn table(&mut self) -> Option<Self> {
        let length = self.u32()?;
        self.take(usize::try_from(length).ok()?).map(Self)
    }

    /// The next entry of a table: its name and its value.
    pub(super) fn entry(&mut self) -> Option<(&'a [u8], Value<'a>)> {
        let name = self.short_string()?;
        let value = match self.u8()? {
            b'l' | b'L' => Value::Number(i64::from_be_bytes(self.array()?)),
            b'I' => Value::Number(i32::from_be_bytes(self.array()?).into()),
            b'S' => Value::Text(self.table()?.0),
            kind => {
                self.skip(kind)?;
                Value::Other
            }
        };
        Some((name, value))
    }

    /// Passes over a value; the kinds are those of <https://www.rabbitmq.com/docs/specification#field-table-encoding>.
    fn skip(&mut self, kind: u8) -> Option<()> {
        let length = match kind {
            b'V' => 0,
            b't' | b'b' | b'B' => 1,
            b's' | b'U' | b'u' => 2,
            b'i' | b'f' => 4,
            b'D' => 5,
            b'd' | b'T' => 8,
            b'x' | b'A' | b'F' => return self.table().map(drop),
            _ => return None,
        };
        self.take(length).map(drop)
    }
}
