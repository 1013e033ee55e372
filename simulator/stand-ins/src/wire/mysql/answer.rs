//! Answers, and how they are written: as OK, as an error, or as rows (MySQL source documentation,
//! "Text Resultset" and "Binary Protocol Resultset").

use super::packet::{Packets, put_bytes, put_integer};
use super::refusal::Refusal;
use super::tables::{Column, Row};

/// What a command is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done; so many rows were found by a statement that writes.
    Done {
        /// Rows that were found.
        rows: u64,
        /// The last number that was handed out, or 0.
        last_id: u64,
    },
    /// Rows.
    Rows {
        /// Their columns.
        columns: Vec<Column>,
        /// The rows.
        rows: Vec<Row>,
        /// As text, or in binary.
        encoding: Encoding,
    },
    /// A statement is kept under a number.
    Prepared {
        /// The number.
        statement: u32,
        /// Its parameters.
        parameters: usize,
        /// The columns of its answer.
        columns: Vec<Column>,
    },
    /// It is not done.
    Refused(Refusal),
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As text, for a plain query.
    Text,
    /// As numbers of bytes, for a prepared statement.
    Binary,
}

/// What the two ends have agreed upon, and where the session is.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The client takes an OK where older ones take an EOF.
    pub deprecate_eof: bool,
    /// The session is inside a transaction.
    pub in_transaction: bool,
    /// Each statement is a transaction.
    pub autocommit: bool,
}

impl Context {
    /// The server's status: `SERVER_STATUS_IN_TRANS` and `SERVER_STATUS_AUTOCOMMIT`.
    fn status(self) -> [u8; 2] {
        let status = u16::from(self.in_transaction) | u16::from(self.autocommit) << 1;
        status.to_le_bytes()
    }
}

impl Answer {
    /// Done, with nothing to count.
    pub const DONE: Self = Self::Done { rows: 0, last_id: 0 };

    /// The bytes of all packets; the first has this number.
    pub fn write(&self, context: Context, sequence: u8) -> Vec<u8> {
        let mut packets = Packets::from_number(sequence);
        match self {
            Self::Done { rows, last_id } => packets.push(&ok(0x00, *rows, *last_id, context)),
            Self::Refused(refusal) => packets.push(&error(refusal)),
            Self::Prepared { statement, parameters, columns } => {
                write_prepared(&mut packets, *statement, *parameters, columns, context);
            }
            Self::Rows { columns, rows, encoding } => {
                let mut count = Vec::new();
                put_integer(&mut count, columns.len() as u64);
                packets.push(&count);
                write_columns(&mut packets, columns, context);
                for row in rows {
                    packets.push(&match encoding {
                        Encoding::Text => text_row(row),
                        Encoding::Binary => binary_row(row, columns),
                    });
                }
                packets.push(&end(context));
            }
        }
        packets.into_bytes()
    }
}

fn ok(header: u8, rows: u64, last_id: u64, context: Context) -> Vec<u8> {
    let mut payload = vec![header];
    put_integer(&mut payload, rows);
    put_integer(&mut payload, last_id);
    payload.extend(context.status());
    // Warnings.
    payload.extend([0, 0]);
    payload
}

fn error(refusal: &Refusal) -> Vec<u8> {
    let number = refusal.number.to_le_bytes();
    [&[0xff], &number[..], b"#", refusal.state().as_bytes(), refusal.text.as_bytes()].concat()
}

fn eof(context: Context) -> Vec<u8> {
    [&[0xfe, 0, 0][..], &context.status()].concat()
}

/// What ends the rows.
fn end(context: Context) -> Vec<u8> {
    if context.deprecate_eof { ok(0xfe, 0, 0, context) } else { eof(context) }
}

fn write_columns(packets: &mut Packets, columns: &[Column], context: Context) {
    for column in columns {
        packets.push(&definition(column));
    }
    if !context.deprecate_eof {
        packets.push(&eof(context));
    }
}

fn write_prepared(
    packets: &mut Packets,
    statement: u32,
    parameters: usize,
    columns: &[Column],
    context: Context,
) {
    let count = |count: usize| u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes();
    let mut payload = vec![0x00];
    payload.extend(statement.to_le_bytes());
    payload.extend(count(columns.len()));
    payload.extend(count(parameters));
    payload.extend([0, 0, 0]);
    packets.push(&payload);
    if parameters > 0 {
        let parameter = Column::computed("?", super::value::Kind::VARCHAR);
        write_columns(packets, &vec![parameter; parameters], context);
    }
    if !columns.is_empty() {
        write_columns(packets, columns, context);
    }
}

fn definition(column: &Column) -> Vec<u8> {
    let Column { database, table, name, label, kind } = column;
    let mut payload = Vec::new();
    for text in ["def", database, table, table, label, name] {
        put_bytes(&mut payload, text.as_bytes());
    }
    // The length of what follows.
    payload.push(0x0c);
    payload.extend(kind.collation.to_le_bytes());
    payload.extend(kind.length.to_le_bytes());
    payload.push(kind.code);
    payload.extend(kind.flags.to_le_bytes());
    // Decimals, and two bytes for nothing.
    payload.extend([0, 0, 0]);
    payload
}

fn text_row(row: &Row) -> Vec<u8> {
    let mut payload = Vec::new();
    for value in row {
        value.put_text(&mut payload);
    }
    payload
}

/// A zero, a bit for each NULL (the first two bits are nobody's), the values.
fn binary_row(row: &Row, columns: &[Column]) -> Vec<u8> {
    let mut nulls = vec![0; (columns.len() + 2).div_ceil(8)];
    let mut values = Vec::new();
    for (at, (value, column)) in row.iter().zip(columns).enumerate() {
        if *value == super::value::Value::Null {
            nulls[(at + 2) / 8] |= 1 << ((at + 2) % 8);
        }
        value.put_binary(column.kind, &mut values);
    }
    [vec![0], nulls, values].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::mysql::value::{Kind, Value};

    const CONTEXT: Context =
        Context { deprecate_eof: false, in_transaction: false, autocommit: true };

    #[test]
    fn an_ok_tells_the_state_of_the_session() {
        for (context, status) in [
            (CONTEXT, 2),
            (Context { in_transaction: true, ..CONTEXT }, 3),
            (Context { in_transaction: true, autocommit: false, ..CONTEXT }, 1),
        ] {
            let bytes = Answer::Done { rows: 7, last_id: 5 }.write(context, 1);
            assert_eq!(bytes, [7, 0, 0, 1, 0, 7, 5, status, 0, 0, 0]);
        }
    }

    #[test]
    fn an_error_has_its_number_and_its_class() {
        let refusal = Refusal::new(1045, "no");
        let bytes = Answer::Refused(refusal).write(CONTEXT, 2);
        assert_eq!(bytes, *b"\x0b\0\0\x02\xff\x15\x04#28000no");
    }

    #[test]
    fn rows_end_as_the_client_expects() {
        let rows = Answer::Rows {
            columns: vec![Column::computed("n", Kind::BIGINT)],
            rows: vec![vec![Value::Integer(7)], vec![Value::Null]],
            encoding: Encoding::Text,
        };
        let old = rows.write(CONTEXT, 1);
        assert!(old.ends_with(b"\x02\0\0\x04\x017\x01\0\0\x05\xfb\x05\0\0\x06\xfe\0\0\x02\0"));
        let new = rows.write(Context { deprecate_eof: true, ..CONTEXT }, 1);
        assert!(new.ends_with(b"\x01\0\0\x04\xfb\x07\0\0\x05\xfe\0\0\x02\0\0\0"), "{new:?}");
    }

    #[test]
    fn a_binary_row_says_what_is_null() {
        let column = |kind| Column::computed("c", kind);
        let columns: Vec<_> = [Kind::TINYINT_UNSIGNED; 7].into_iter().map(column).collect();
        let mut row = vec![Value::Integer(1); 7];
        row[0] = Value::Null;
        row[6] = Value::Null;
        assert_eq!(binary_row(&row, &columns), [0, 0b100, 0b1, 1, 1, 1, 1, 1]);
    }
}
