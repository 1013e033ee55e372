//! The tracker's own kind of URL encoding.

/// Encodes a value: letters, digits and `_ , - . / \ :` stand as they are, a space is `+`, all
/// else is `%XX` in upper case.
pub(super) fn encode(bytes: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b' ' => encoded.push('+'),
            b'_' | b',' | b'-' | b'.' | b'/' | b'\\' | b':' => encoded.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(*byte)),
            byte => {
                encoded.push('%');
                encoded.push(char::from(HEX[usize::from(byte >> 4)]));
                encoded.push(char::from(HEX[usize::from(byte & 0xf)]));
            }
        }
    }
    encoded
}

/// Decodes a value; a `%` without two hex digits behind it stays.
pub(super) fn decode(encoded: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, behind @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    rest = behind;
                }
                _ => decoded.push(b'%'),
            },
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(*byte),
        }
    }
    decoded
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn encoding_is_the_recorded_one() {
        for (plain, encoded) in [
            (
                "Target key name already exists; can't overwrite.",
                "Target+key+name+already+exists%3B+can%27t+overwrite.",
            ),
            ("Domain name invalid/not found", "Domain+name+invalid/not+found"),
            ("http://127.0.0.1:7500/dev1", "http://127.0.0.1:7500/dev1"),
            ("a_b,c-d\\e", "a_b,c-d\\e"),
            ("+%=&~é\n", "%2B%25%3D%26%7E%C3%A9%0A"),
        ] {
            assert_eq!(encode(plain.as_bytes()), encoded);
            assert_eq!(decode(encoded.as_bytes()), plain.as_bytes());
        }
    }

    #[test]
    fn an_invalid_escape_is_left_alone() {
        for (encoded, plain) in
            [("%ZZ", "%ZZ"), ("%", "%"), ("%4", "%4"), ("%%41", "%A"), ("%4g%2b+", "%4g+ ")]
        {
            assert_eq!(decode(encoded.as_bytes()), plain.as_bytes(), "{encoded}");
        }
    }

    proptest! {
        #[test]
        fn every_value_comes_back(bytes: Vec<u8>) {
            let encoded = encode(&bytes);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!encoded.contains(['&', '=', ' ']));
            prop_assert_eq!(decode(encoded.as_bytes()), bytes);
        }

        #[test]
        fn nothing_fails_to_decode(bytes: Vec<u8>) {
            prop_assert!(decode(&bytes).len() <= bytes.len());
        }
    }
}
