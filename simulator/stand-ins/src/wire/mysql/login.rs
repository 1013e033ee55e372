//! The first packets of a connection: the server's greeting, the client's login, and the check of
//! its password by `caching_sha2_password` (MySQL source documentation, "Connection Phase" and
//! "Caching SHA-2 Pluggable Authentication").

use rand::Rng;
use sha2::{Digest, Sha256};

use super::packet::Fields;
use super::refusal::Refusal;

/// What this server calls itself. Clients read the numbers before the first `-`.
pub const VERSION: &str = "8.4.0-rehearsal";

/// The way in which passwords are checked.
pub const PLUGIN: &str = "caching_sha2_password";

/// A password that is right is answered so, before the OK.
pub const PASSWORD_IS_RIGHT: [u8; 2] = [0x01, 0x03];

const CONNECT_WITH_DB: u32 = 1 << 3;
const PROTOCOL_41: u32 = 1 << 9;
const SSL: u32 = 1 << 11;
const SECURE_CONNECTION: u32 = 1 << 15;
const PLUGIN_AUTH: u32 = 1 << 19;
const PLUGIN_AUTH_LENENC_DATA: u32 = 1 << 21;
const DEPRECATE_EOF: u32 = 1 << 24;

/// What this server can do. With `LONG_PASSWORD`, `FOUND_ROWS`, `LONG_FLAG`, `TRANSACTIONS`,
/// `MULTI_RESULTS`, `PS_MULTI_RESULTS` and `CONNECT_ATTRS`, which all servers have; without TLS.
const CAPABILITIES: u32 = 1
    | 1 << 1
    | 1 << 2
    | CONNECT_WITH_DB
    | PROTOCOL_41
    | 1 << 13
    | SECURE_CONNECTION
    | 1 << 17
    | 1 << 18
    | PLUGIN_AUTH
    | 1 << 20
    | PLUGIN_AUTH_LENENC_DATA
    | DEPRECATE_EOF;

/// `utf8mb4_general_ci`.
const COLLATION: u8 = 45;

/// Bytes that the client mixes with its password, none of them zero.
#[derive(Debug, Clone, Copy)]
pub struct Nonce([u8; 20]);

impl Nonce {
    /// Another one for each connection.
    pub fn random() -> Self {
        let mut random = rand::rng();
        Self(std::array::from_fn(|_| random.random_range(1..0x80)))
    }

    /// One that a greeting brought.
    #[cfg(test)]
    pub const fn of(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// What a client with this password sends: `SHA256(p) XOR SHA256(SHA256(SHA256(p)) nonce)`.
    pub fn scramble(&self, password: &str) -> Vec<u8> {
        let once = Sha256::digest(password);
        let mixed =
            Sha256::new().chain_update(Sha256::digest(once)).chain_update(self.0).finalize();
        once.iter().zip(mixed).map(|(a, b)| a ^ b).collect()
    }

    /// The payload of the greeting.
    pub fn greeting(&self, connection: u32) -> Vec<u8> {
        let (first, second) = self.0.split_at(8);
        let [a, b, c, d] = CAPABILITIES.to_le_bytes();
        [
            b"\x0a",
            VERSION.as_bytes(),
            b"\0",
            &connection.to_le_bytes(),
            first,
            // The status: autocommit.
            &[0, a, b, COLLATION, 2, 0, c, d, 21],
            &[0; 10],
            second,
            b"\0",
            PLUGIN.as_bytes(),
            b"\0",
        ]
        .concat()
    }

    /// The payload by which a client is asked to send its password in this server's way.
    pub fn switch(&self) -> Vec<u8> {
        [b"\xfe", PLUGIN.as_bytes(), b"\0", &self.0, b"\0"].concat()
    }
}

/// A client's login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// What the client made of the password and the nonce.
    pub scramble: Vec<u8>,
    /// The database that is to be the session's own.
    pub database: Option<String>,
    /// The way in which the client sent the password.
    pub plugin: Option<String>,
    /// The client takes an OK where older ones take an EOF.
    pub deprecate_eof: bool,
}

impl Login {
    /// Reads the client's answer to the greeting.
    pub fn read(payload: &[u8]) -> Result<Self, Refusal> {
        let mut fields = Fields::of(payload);
        let capabilities = fields.four()?;
        let has = |capability: u32| capabilities & capability != 0;
        if !has(PROTOCOL_41) {
            return Err(Refusal::new(1251, "Client does not support the protocol of MySQL 4.1"));
        }
        if has(SSL) {
            return Err(Refusal::new(3159, "TLS is asked for, which this server did not offer"));
        }
        // The longest packet, the collation, and bytes for nothing.
        fields.bytes(4 + 1 + 23)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let user = text(fields.ended()?);
        let scramble = if has(PLUGIN_AUTH_LENENC_DATA) {
            fields.counted()?
        } else if has(SECURE_CONNECTION) {
            let length = fields.byte()?;
            fields.bytes(length.into())?
        } else {
            fields.ended()?
        };
        let scramble = scramble.to_vec();
        let database = if has(CONNECT_WITH_DB) { text(fields.ended()?) } else { String::new() };
        let database = Some(database).filter(|name| !name.is_empty());
        // Some clients leave out the zero behind the last text.
        let plugin = has(PLUGIN_AUTH).then(|| {
            let rest = fields.rest();
            text(fields.ended().unwrap_or(rest))
        });
        Ok(Self { user, scramble, database, plugin, deprecate_eof: has(DEPRECATE_EOF) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A login as sqlx sends it.
    fn login() -> Vec<u8> {
        let capabilities = PROTOCOL_41
            | SECURE_CONNECTION
            | PLUGIN_AUTH
            | PLUGIN_AUTH_LENENC_DATA
            | CONNECT_WITH_DB
            | DEPRECATE_EOF;
        let head = [&capabilities.to_le_bytes()[..], &[0; 4], &[45], &[0; 23]].concat();
        [&head[..], b"ann\0", b"\x02xy", b"mogilefs\0", PLUGIN.as_bytes(), b"\0"].concat()
    }

    #[test]
    fn a_login_is_read() {
        let expected = Login {
            user: "ann".to_owned(),
            scramble: b"xy".to_vec(),
            database: Some("mogilefs".to_owned()),
            plugin: Some(PLUGIN.to_owned()),
            deprecate_eof: true,
        };
        assert_eq!(Login::read(&login()), Ok(expected));
    }

    #[test]
    fn a_login_that_asks_for_more_is_refused() {
        for (capabilities, number) in [(0, 1251), (PROTOCOL_41 | SSL, 3159)] {
            let payload = [&capabilities.to_le_bytes()[..], &[0; 40]].concat();
            assert_eq!(Login::read(&payload).unwrap_err().number, number);
        }
    }

    #[test]
    fn a_scramble_is_of_one_password_and_one_nonce() {
        let (nonce, other) = (Nonce([7; 20]), Nonce([8; 20]));
        assert_ne!(nonce.scramble("a"), nonce.scramble("b"));
        assert_ne!(nonce.scramble("a"), other.scramble("a"));
        // The server's own check: the scramble gives back SHA256(p).
        let once = Sha256::digest("a");
        let pad = Sha256::new().chain_update(Sha256::digest(once)).chain_update([7; 20]).finalize();
        let back: Vec<u8> = nonce.scramble("a").iter().zip(pad).map(|(a, b)| a ^ b).collect();
        assert_eq!(back, once[..]);
    }

    proptest! {
        #[test]
        fn any_payload_is_a_login_or_a_refusal(
            garbage in prop::collection::vec(any::<u8>(), 0..100),
            cut in 0..80_usize,
        ) {
            let _ = Login::read(&garbage);
            let mut cut_short = login();
            cut_short.truncate(cut);
            let _ = Login::read(&cut_short);
        }
    }
}
