//! The packets of MySQL's protocol: three bytes of length, one of sequence, then the payload (MySQL
//! source documentation, "MySQL Packets").

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

mod fields;

pub use fields::{Fields, Malformed, put_bytes, put_integer};

/// The longest payload of one packet. A payload of exactly this length says that more follows.
const LONGEST: usize = 0xff_ffff;

/// How long the rest of a packet may take once its first byte is here: the server's default
/// `net_read_timeout`.
const REST_WITHIN: Duration = Duration::from_secs(30);

/// Why the bytes of a client are no packet.
#[derive(Debug, thiserror::Error)]
pub enum PacketError {
    /// The connection broke, or ended inside a packet.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The packet's number is not the next one.
    #[error("Got packets out of order: number {got} where {expected} was due")]
    OutOfOrder {
        /// The number that was due.
        expected: u8,
        /// The number that came.
        got: u8,
    },
    /// The payload is continued in another packet.
    #[error("Got a packet of 16 MiB or more, and this server takes shorter ones only")]
    TooLarge,
    /// The packet was begun and not ended in time.
    #[error("Got timeout reading communication packets")]
    Late,
}

/// Reads the payload of the packet with this number. `None` is a connection that ended between two
/// packets.
pub async fn read(
    reader: &mut (impl AsyncRead + Unpin),
    sequence: u8,
) -> Result<Option<Vec<u8>>, PacketError> {
    let mut head = [0; 4];
    if reader.read(&mut head[..1]).await? == 0 {
        return Ok(None);
    }
    let rest = async {
        reader.read_exact(&mut head[1..]).await?;
        let [a, b, c, got] = head;
        let length = u32::from_le_bytes([a, b, c, 0]);
        if length as usize == LONGEST {
            return Err(PacketError::TooLarge);
        }
        if got != sequence {
            return Err(PacketError::OutOfOrder { expected: sequence, got });
        }
        // The memory grows with what comes, not with what is announced.
        let mut payload = Vec::new();
        reader.take(length.into()).read_to_end(&mut payload).await?;
        if payload.len() < length as usize {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(Some(payload))
    };
    timeout(REST_WITHIN, rest).await.unwrap_or(Err(PacketError::Late))
}

/// Packets to be sent, one behind the other.
#[derive(Debug)]
pub struct Packets {
    bytes: Vec<u8>,
    sequence: u8,
}

impl Packets {
    /// No packet yet; the first one gets this number.
    pub const fn from_number(sequence: u8) -> Self {
        Self { bytes: Vec::new(), sequence }
    }

    /// Appends a payload, in several packets where one does not hold it.
    pub fn push(&mut self, payload: &[u8]) {
        let mut rest = payload;
        loop {
            let (part, behind) = rest.split_at(rest.len().min(LONGEST));
            let [a, b, c, ..] = part.len().to_le_bytes();
            self.bytes.extend([a, b, c, self.sequence]);
            self.bytes.extend(part);
            self.sequence = self.sequence.wrapping_add(1);
            if part.len() < LONGEST {
                return;
            }
            rest = behind;
        }
    }

    /// All bytes, in the order in which they are sent.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use proptest::prelude::*;
    use tokio::io::ReadBuf;

    use super::*;

    /// Gives its bytes in pieces of these lengths, the last one again and again.
    struct Pieces {
        bytes: Vec<u8>,
        lengths: Vec<usize>,
    }

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let next = if self.lengths.len() > 1 {
                self.lengths.remove(0)
            } else {
                self.lengths.first().copied().unwrap_or(1)
            };
            let count = next.max(1).min(self.bytes.len()).min(buffer.remaining());
            let piece: Vec<u8> = self.bytes.drain(..count).collect();
            buffer.put_slice(&piece);
            Poll::Ready(Ok(()))
        }
    }

    /// Reads all packets up to the end or the first error.
    fn all(bytes: Vec<u8>, lengths: Vec<usize>) -> (Vec<Vec<u8>>, Option<PacketError>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (mut reader, mut payloads) = (Pieces { bytes, lengths }, Vec::new());
            loop {
                match read(&mut reader, u8::try_from(payloads.len() % 256).unwrap()).await {
                    Ok(Some(payload)) => payloads.push(payload),
                    Ok(None) => return (payloads, None),
                    Err(error) => return (payloads, Some(error)),
                }
            }
        })
    }

    proptest! {
        #[test]
        fn packets_come_back_whatever_the_pieces(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
            lengths in prop::collection::vec(1..50_usize, 0..20),
        ) {
            let mut packets = Packets::from_number(0);
            for payload in &payloads {
                packets.push(payload);
            }
            let (read, error) = all(packets.into_bytes(), lengths);
            prop_assert!(error.is_none(), "{:?}", error);
            prop_assert_eq!(read, payloads);
        }

        #[test]
        fn packets_that_are_cut_are_errors(
            payload in prop::collection::vec(any::<u8>(), 0..300),
            lengths in prop::collection::vec(1..50_usize, 0..20),
            cut in 1..304_usize,
        ) {
            let mut packets = Packets::from_number(0);
            packets.push(&payload);
            let mut bytes = packets.into_bytes();
            prop_assume!(cut < bytes.len());
            bytes.truncate(cut);
            let (read, error) = all(bytes, lengths);
            prop_assert!(read.is_empty());
            let is_cut = matches!(&error, Some(PacketError::Io(why))
                if why.kind() == io::ErrorKind::UnexpectedEof);
            prop_assert!(is_cut, "{:?}", error);
        }

        /// It ends: each read takes a byte at least, or is the last one.
        #[test]
        fn garbage_ends_in_packets_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..2_000),
            lengths in prop::collection::vec(1..50_usize, 0..20),
        ) {
            let count = bytes.len();
            let (payloads, error) = all(bytes, lengths);
            let read: usize = payloads.iter().map(|payload| payload.len() + 4).sum();
            prop_assert!(read == count || error.is_some());
        }
    }

    #[test]
    fn a_payload_that_goes_on_in_another_packet_is_refused_at_once() {
        let (_, error) = all(vec![0xff, 0xff, 0xff, 0], vec![4]);
        assert!(matches!(error, Some(PacketError::TooLarge)), "{error:?}");
    }

    #[test]
    fn a_long_answer_goes_on_in_another_packet() {
        for (length, heads) in [(LONGEST - 1, 1), (LONGEST, 2), (LONGEST + 1, 2)] {
            let mut packets = Packets::from_number(255);
            packets.push(&vec![7; length]);
            packets.push(b"x");
            let bytes = packets.into_bytes();
            assert_eq!(bytes.len(), length + 4 * heads + 5);
            let number = u8::try_from(heads - 1).unwrap();
            assert_eq!(bytes[bytes.len() - 5..], [1, 0, 0, number, b'x']);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stops_inside_a_packet_is_not_waited_for() {
        let (mut ours, theirs) = tokio::io::duplex(16);
        tokio::io::AsyncWriteExt::write_all(&mut ours, &[3, 0, 0, 0, b'a']).await.unwrap();
        let mut theirs = theirs;
        let error = read(&mut theirs, 0).await.unwrap_err();
        assert!(matches!(error, PacketError::Late), "{error:?}");
    }
}
