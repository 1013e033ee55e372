//! The `Range` header of a request.

use std::ops::RangeInclusive;

/// What part of a file a request wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Whole,
    Part(RangeInclusive<u64>),
    /// A part beyond the end.
    Nothing,
}

impl Asked {
    /// Reads `bytes=a-b`, `bytes=a-` or `bytes=-n`; several ranges, or what is none, get the whole.
    pub(super) fn parse(range: &str, length: u64) -> Self {
        let Some((first, last)) =
            range.strip_prefix("bytes=").and_then(|range| range.split_once('-'))
        else {
            return Self::Whole;
        };
        let (start, end) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
            (Ok(start), Ok(end)) if start > end => return Self::Whole,
            (Ok(start), Ok(end)) => (start, end),
            (Ok(start), Err(_)) if last.trim().is_empty() => (start, u64::MAX),
            (Err(_), Ok(0)) if first.trim().is_empty() => return Self::Nothing,
            (Err(_), Ok(count)) if first.trim().is_empty() => {
                (length.saturating_sub(count), u64::MAX)
            }
            _ => return Self::Whole,
        };
        if start < length { Self::Part(start..=end.min(length - 1)) } else { Self::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_form_is_understood() {
        for (range, length, asked) in [
            ("bytes=0-4", 11, Asked::Part(0..=4)),
            ("bytes=6-", 11, Asked::Part(6..=10)),
            ("bytes=-3", 11, Asked::Part(8..=10)),
            ("bytes=-99", 11, Asked::Part(0..=10)),
            ("bytes=4-999", 11, Asked::Part(4..=10)),
            ("bytes=11-", 11, Asked::Nothing),
            ("bytes=0-", 0, Asked::Nothing),
            ("bytes=-5", 0, Asked::Nothing),
            ("bytes=-0", 11, Asked::Nothing),
            ("bytes=5-2", 11, Asked::Whole),
            ("bytes=0-1,3-4", 11, Asked::Whole),
            ("bytes=x-", 11, Asked::Whole),
            ("bytes=-", 11, Asked::Whole),
            ("lines=1-2", 11, Asked::Whole),
            ("", 11, Asked::Whole),
        ] {
            assert_eq!(Asked::parse(range, length), asked, "{range}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_within(range in "bytes=[0-9]{0,20}-[0-9]{0,20}", length: u64) {
            if let Asked::Part(part) = Asked::parse(&range, length) {
                prop_assert!(part.start() <= part.end() && *part.end() < length);
            }
        }
    }
}
