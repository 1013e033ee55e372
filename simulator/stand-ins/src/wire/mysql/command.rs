//! What a client asks for, read from the payload of a packet (MySQL source documentation, "Command
//! Phase").

use super::packet::{Fields, Malformed};
use super::refusal::Refusal;
use super::value::{BadParameter, ParameterKind, Value};

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The client goes away.
    Quit,
    /// Another database becomes the session's own.
    InitDb(String),
    /// A statement, its answer as text.
    Query(String),
    /// Is anybody there?
    Ping,
    /// The session becomes as a new one.
    ResetConnection,
    /// A statement with parameters is to be kept.
    Prepare(String),
    /// A kept statement is carried out, its answer in binary.
    Execute {
        /// The statement's number.
        statement: u32,
        /// What is behind it in the packet, to be read by [`Parameters`].
        rest: Vec<u8>,
    },
    /// Kept parameters of a statement are forgotten.
    Reset(u32),
    /// A kept statement is forgotten. There is no answer.
    Close(u32),
    /// A part of a long parameter. There is no answer, not even an error: the statement remembers it.
    LongData(u32),
}

impl Command {
    /// Reads a command; one that this server does not know is a refusal that names it.
    pub fn read(payload: &[u8]) -> Result<Self, Refusal> {
        let mut fields = Fields::of(payload);
        let code = fields.byte()?;
        let text = |fields: Fields<'_>| String::from_utf8_lossy(fields.rest()).into_owned();
        Ok(match code {
            0x01 => Self::Quit,
            0x02 => Self::InitDb(text(fields)),
            0x03 => Self::Query(text(fields)),
            0x0e => Self::Ping,
            0x16 => Self::Prepare(text(fields)),
            0x17 => {
                let statement = fields.four()?;
                // No cursor: the rows come with the answer, as a server may decide.
                fields.byte()?;
                // How often: always once.
                fields.four()?;
                Self::Execute { statement, rest: fields.rest().to_vec() }
            }
            0x18 => Self::LongData(fields.four()?),
            0x19 => Self::Close(fields.four()?),
            0x1a => Self::Reset(fields.four()?),
            0x1f => Self::ResetConnection,
            code => {
                let text = format!("Unknown command: this server does not know number {code}");
                return Err(Refusal::new(1047, text));
            }
        })
    }
}

/// The types of a kept statement's parameters: a client need not repeat them.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    kinds: Vec<ParameterKind>,
}

impl Parameters {
    /// Reads the values of `count` parameters.
    pub fn read(&mut self, count: usize, rest: &[u8]) -> Result<Vec<Value>, Refusal> {
        self.values(count, Fields::of(rest)).map_err(|why| match why {
            BadParameter::Malformed => Malformed.into(),
            BadParameter::UnknownType(code) => {
                let text = format!(
                    "a parameter of type {code}, where this server takes whole numbers and texts"
                );
                Refusal::new(1210, format!("Incorrect arguments to EXECUTE: {text}"))
            }
        })
    }

    fn values(&mut self, count: usize, mut fields: Fields<'_>) -> Result<Vec<Value>, BadParameter> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let nulls = fields.bytes(count.div_ceil(8))?;
        if fields.byte()? == 1 {
            let kinds = (0..count).map(|_| ParameterKind::read(&mut fields));
            self.kinds = kinds.collect::<Result<_, _>>()?;
        }
        if self.kinds.len() != count {
            return Err(BadParameter::Malformed);
        }
        let is_null = |at: usize| nulls[at / 8] & (1 << (at % 8)) != 0;
        let values =
            self.kinds.iter().enumerate().map(|(at, kind)| {
                if is_null(at) { Ok(Value::Null) } else { kind.value(&mut fields) }
            });
        values.collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_read_as_sqlx_sends_them() {
        let mut parameters = Parameters::default();
        let sent = [&[0b010, 1][..], &[8, 0x80, 6, 0, 0xfd, 0], &[255; 8], b"\x02ab"];
        let text = Value::Text("ab".to_owned());
        let values = vec![Value::Integer(i128::from(u64::MAX)), Value::Null, text.clone()];
        assert_eq!(parameters.read(3, &sent.concat()), Ok(values));
        // The types stay the same.
        let again = [&[0b011, 0][..], b"\x02ab"].concat();
        assert_eq!(parameters.read(3, &again), Ok(vec![Value::Null, Value::Null, text]));
    }

    #[test]
    fn parameters_that_cannot_be_read_are_refused() {
        for (sent, number) in [
            (&b""[..], 1835),
            (b"\x00", 1835),
            (b"\x00\x00\x01", 1835),
            (b"\x00\x01\x08\x00\x01", 1835),
            (b"\x00\x01\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00", 1210),
        ] {
            let refused = Parameters::default().read(1, sent).map_err(|why| why.number);
            assert_eq!(refused, Err(number), "{sent:?}");
        }
    }

    #[test]
    fn unknown_commands_are_named() {
        let refused = Command::read(&[0x04, b'x']).unwrap_err();
        assert_eq!(refused.number, 1047);
        assert!(refused.text.contains("number 4"), "{refused}");
        assert_eq!(Command::read(&[]).unwrap_err().number, 1835);
        assert_eq!(Command::read(&[0x17, 1, 0]).unwrap_err().number, 1835);
    }

    proptest! {
        #[test]
        fn any_payload_is_a_command_or_a_refusal(
            payload in prop::collection::vec(any::<u8>(), 0..60),
            count in 0..20_usize,
        ) {
            let _ = Command::read(&payload);
            let _ = Parameters::default().read(count, &payload);
        }
    }
}
