//! A reader of RFC 4180, a byte after the other: as much as one record is in memory.

/// Reads records from bytes that come in chunks.
///
/// A field that begins with a quote ends with one, and holds commas, line ends and doubled quotes. A
/// quote inside a field that does not begin with one is a character. Lines end with LF or CR LF; an empty
/// line is no record.
#[derive(Debug, Default)]
pub struct CsvReader {
    state: State,
    field: Vec<u8>,
    fields: Vec<String>,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Before the first byte of a field.
    #[default]
    Begin,
    /// In a field without quotes.
    Plain,
    /// In a field that began with a quote.
    Quoted,
    /// Behind a quote in such a field: it ends the field, or is doubled.
    Quote,
    /// Behind the CR that follows such a field.
    Return,
}

/// Bytes that are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// A record has more than [`CsvReader::LONGEST_BYTES`].
    #[error("a line has more than {} bytes", CsvReader::LONGEST_BYTES)]
    TooLong,
    /// Something stands between a closing quote and the next comma.
    #[error("something stands behind a closing quote")]
    BehindQuote,
    /// A field is not UTF-8.
    #[error("a field is not UTF-8")]
    NotUtf8,
    /// The last field has an opening quote alone.
    #[error("the file ends inside quotes")]
    Open,
}

impl CsvReader {
    /// The most bytes of one record. S3's keys have at most 1,024, and its messages few more.
    pub const LONGEST_BYTES: usize = 64 * 1024;

    /// Takes the next byte. Returns the fields of a record when the byte ends it.
    pub fn push(&mut self, byte: u8) -> Result<Option<Vec<String>>, CsvError> {
        self.bytes += 1;
        if self.bytes > Self::LONGEST_BYTES {
            return Err(CsvError::TooLong);
        }
        match (self.state, byte) {
            (State::Begin, b'"') => self.state = State::Quoted,
            (State::Begin | State::Plain | State::Quote, b',') => self.end_field()?,
            (State::Begin | State::Plain, b'\n') => {
                if self.field.last() == Some(&b'\r') {
                    self.field.pop();
                }
                return self.end_record();
            }
            (State::Quote | State::Return, b'\n') => return self.end_record(),
            (State::Quoted, b'"') => self.state = State::Quote,
            (State::Quote, b'"') => {
                self.field.push(byte);
                self.state = State::Quoted;
            }
            (State::Quote, b'\r') => self.state = State::Return,
            (State::Quote | State::Return, _) => return Err(CsvError::BehindQuote),
            (State::Begin | State::Plain, _) => {
                self.field.push(byte);
                self.state = State::Plain;
            }
            (State::Quoted, _) => self.field.push(byte),
        }
        Ok(None)
    }

    /// Ends the file. Returns the last record where no line end was behind it.
    pub fn finish(mut self) -> Result<Option<Vec<String>>, CsvError> {
        if self.state == State::Quoted {
            return Err(CsvError::Open);
        }
        self.end_record()
    }

    fn end_field(&mut self) -> Result<(), CsvError> {
        let field = String::from_utf8(std::mem::take(&mut self.field));
        self.fields.push(field.map_err(|_| CsvError::NotUtf8)?);
        self.state = State::Begin;
        Ok(())
    }

    fn end_record(&mut self) -> Result<Option<Vec<String>>, CsvError> {
        let is_empty = self.fields.is_empty() && self.field.is_empty();
        // An empty field in quotes is a record of one field.
        let is_quoted = matches!(self.state, State::Quote | State::Return);
        self.bytes = 0;
        if is_empty && !is_quoted {
            self.state = State::Begin;
            return Ok(None);
        }
        self.end_field()?;
        Ok(Some(std::mem::take(&mut self.fields)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn records(bytes: &[u8]) -> Result<Vec<Vec<String>>, CsvError> {
        let (mut reader, mut records) = (CsvReader::default(), Vec::new());
        for byte in bytes {
            records.extend(reader.push(*byte)?);
        }
        records.extend(reader.finish()?);
        Ok(records)
    }

    #[test]
    fn records_as_rfc_4180_has_them() {
        for (text, expected) in [
            ("", &[][..]),
            ("\n\r\n\n", &[]),
            ("a,b\nc,d\n", &[&["a", "b"][..], &["c", "d"]]),
            ("a,b\r\nc,d", &[&["a", "b"], &["c", "d"]]),
            (",\n", &[&["", ""]]),
            ("\"\"\n", &[&[""]]),
            ("\"\"", &[&[""]]),
            ("\"a,\"\"b\"\"\nc\",d\r\n", &[&["a,\"b\"\nc", "d"]]),
            ("\"a\"\r\n\"b\"", &[&["a"], &["b"]]),
            ("a\"b,c\n", &[&["a\"b", "c"]]),
            ("k,,failed,403,\"ü, no\"\n", &[&["k", "", "failed", "403", "ü, no"]]),
        ] {
            assert_eq!(records(text.as_bytes()).expect(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let long = "x".repeat(CsvReader::LONGEST_BYTES + 1);
        for (text, error) in [
            (&b"\"a"[..], CsvError::Open),
            (b"a,\"b\n", CsvError::Open),
            (b"\"a\"b\n", CsvError::BehindQuote),
            (b"\"a\"\rb\n", CsvError::BehindQuote),
            (b"\xff\n", CsvError::NotUtf8),
            (long.as_bytes(), CsvError::TooLong),
        ] {
            assert_eq!(records(text), Err(error), "{:?}", String::from_utf8_lossy(text));
        }
    }

    /// Writes a record as S3 does: with quotes where they are needed, or everywhere.
    fn written(record: &[String], always: bool) -> String {
        let field = |field: &String| {
            let needs = always || field.contains(['"', ',', '\n', '\r']) || record.len() == 1;
            if needs { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.clone() }
        };
        record.iter().map(field).collect::<Vec<_>>().join(",")
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            all in prop::collection::vec(prop::collection::vec("[a,\"\n\r é]{0,6}", 1..5), 0..8),
            always: bool,
            returns: bool,
            ends: bool,
        ) {
            let end = if returns { "\r\n" } else { "\n" };
            let lines: Vec<_> = all.iter().map(|record| written(record, always)).collect();
            let text = lines.join(end) + if ends { end } else { "" };
            prop_assert_eq!(records(text.as_bytes()), Ok(all));
        }

        #[test]
        fn any_bytes_are_records_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = records(&bytes);
        }
    }
}
