//! What the payload of a packet is made of: numbers, texts with their lengths before them, texts with
//! a zero behind them.

/// A payload that ends too early, or has a length that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Malformed communication packet")]
pub struct Malformed;

/// Reads a payload from its beginning.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Reads from the first byte.
    pub const fn of(payload: &'a [u8]) -> Self {
        Self(payload)
    }

    /// The next `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.try_into().map_err(|_| Malformed)
    }

    /// A number of one byte.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_le_bytes)
    }

    /// A number of four bytes.
    pub fn four(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number of `count` bytes.
    pub fn number(&mut self, count: usize, is_unsigned: bool) -> Result<i128, Malformed> {
        let bytes = self.bytes(count)?;
        let is_negative = !is_unsigned && bytes.last().is_some_and(|last| *last >= 0x80);
        let mut all = [if is_negative { 0xff } else { 0 }; 16];
        all.get_mut(..count).ok_or(Malformed)?.copy_from_slice(bytes);
        Ok(i128::from_le_bytes(all))
    }

    /// Bytes with their length before them.
    pub fn counted(&mut self) -> Result<&'a [u8], Malformed> {
        let length = match self.byte()? {
            short @ ..=0xfa => u64::from(short),
            0xfc => u16::from_le_bytes(self.array()?).into(),
            0xfd => {
                let [a, b, c] = self.array()?;
                u32::from_le_bytes([a, b, c, 0]).into()
            }
            0xfe => u64::from_le_bytes(self.array()?),
            // NULL, or nothing at all.
            0xfb | 0xff => return Err(Malformed),
        };
        self.bytes(usize::try_from(length).map_err(|_| Malformed)?)
    }

    /// Bytes with a zero behind them.
    pub fn ended(&mut self) -> Result<&'a [u8], Malformed> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or(Malformed)?;
        let text = self.bytes(end)?;
        self.byte()?;
        Ok(text)
    }

    /// All that is left.
    pub const fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Appends a number in as few bytes as it needs.
pub fn put_integer(payload: &mut Vec<u8>, number: u64) {
    let bytes = number.to_le_bytes();
    match number {
        ..=0xfa => payload.push(bytes[0]),
        0xfb..=0xffff => {
            payload.push(0xfc);
            payload.extend(&bytes[..2]);
        }
        0x1_0000..=0xff_ffff => {
            payload.push(0xfd);
            payload.extend(&bytes[..3]);
        }
        _ => {
            payload.push(0xfe);
            payload.extend(bytes);
        }
    }
}

/// Appends bytes with their length before them.
pub fn put_bytes(payload: &mut Vec<u8>, bytes: &[u8]) {
    put_integer(payload, bytes.len() as u64);
    payload.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read() {
        for length in [0, 1, 250, 251, 252, 65_535, 65_536, 0xff_ffff, 0x100_0000] {
            let mut payload = Vec::new();
            put_bytes(&mut payload, &vec![7; length]);
            payload.push(9);
            let mut fields = Fields::of(&payload);
            assert_eq!(fields.counted().map(<[u8]>::len), Ok(length));
            assert_eq!(fields.rest(), [9]);
        }
    }

    #[test]
    fn numbers_have_signs_where_they_may() {
        for (bytes, is_unsigned, number) in [
            (&[0xff][..], true, 255),
            (&[0xff], false, -1),
            (&[0xfe, 0xff, 0xff, 0xff], false, -2),
            (&[0xff; 8], true, i128::from(u64::MAX)),
        ] {
            assert_eq!(Fields::of(bytes).number(bytes.len(), is_unsigned), Ok(number));
        }
    }

    #[test]
    fn what_ends_too_early_is_malformed() {
        for payload in [
            &b""[..],
            b"\x02a",
            b"\xfc\x01",
            b"\xfb",
            b"\xff",
            b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(Fields::of(payload).counted(), Err(Malformed), "{payload:?}");
        }
        assert_eq!(Fields::of(b"abc").ended(), Err(Malformed));
        assert_eq!(Fields::of(b"abc").four(), Err(Malformed));
        assert_eq!(Fields::of(&[0; 20]).number(17, true), Err(Malformed));
    }
}
