//! Checksums: as they come with a body, as they are kept, as answers show them.

use data_encoding::BASE64;
use http::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{self, Checksum as _};
use s3s::dto::{Checksum, ChecksumAlgorithm, ChecksumMode, ChecksumType};
use s3s::{S3Result, TrailingHeaders, s3_error};

use crate::world::bucket::{Algorithm, Content, Coverage, Object, StoreError, StoredChecksum};

const ALGORITHMS: [(Algorithm, &str); 5] = [
    (Algorithm::Crc32, "x-amz-checksum-crc32"),
    (Algorithm::Crc32c, "x-amz-checksum-crc32c"),
    (Algorithm::Crc64Nvme, "x-amz-checksum-crc64nvme"),
    (Algorithm::Sha1, "x-amz-checksum-sha1"),
    (Algorithm::Sha256, "x-amz-checksum-sha256"),
];

/// The checksum that came with a body that was read to its end, in a header or behind it in a
/// trailer; S3 takes one.
pub(super) fn declared_checksum(
    headers: &HeaderMap,
    trailers: Option<TrailingHeaders>,
) -> S3Result<Option<StoredChecksum>> {
    let trailers = trailers.and_then(|trailers| trailers.take()).unwrap_or_default();
    let mut declared = ALGORITHMS.iter().filter_map(|&(algorithm, name)| {
        Some((algorithm, headers.get(name).or_else(|| trailers.get(name))?))
    });
    let Some((algorithm, text)) = declared.next() else { return Ok(None) };
    if declared.next().is_some() {
        return Err(s3_error!(InvalidRequest, "expecting a single x-amz-checksum- header"));
    }
    let value = digest(text.as_bytes())?;
    Ok(Some(StoredChecksum { algorithm, value, coverage: Coverage::FullObject }))
}

/// A digest as headers carry it.
pub(super) fn digest(base64: &[u8]) -> S3Result<Vec<u8>> {
    BASE64.decode(base64).map_err(|error| s3_error!(error, InvalidDigest))
}

/// A digest of the right size; another cannot match.
pub(super) fn sized<const N: usize>(digest: Vec<u8>) -> S3Result<[u8; N]> {
    digest.try_into().map_err(|_| s3_error!(InvalidDigest))
}

/// Whether a content has this checksum.
pub(super) fn verify(content: &Content, checksum: &StoredChecksum) -> S3Result<()> {
    let mut hasher = ChecksumHasher::default();
    match checksum.algorithm {
        Algorithm::Crc32 => hasher.crc32 = Some(crypto::Crc32::new()),
        Algorithm::Crc32c => hasher.crc32c = Some(crypto::Crc32c::new()),
        Algorithm::Crc64Nvme => hasher.crc64nvme = Some(crypto::Crc64Nvme::new()),
        Algorithm::Sha1 => hasher.sha1 = Some(crypto::Sha1::new()),
        Algorithm::Sha256 => hasher.sha256 = Some(crypto::Sha256::new()),
    }
    hasher.update(content.bytes());
    let mut expected = wire_checksum(Some(checksum));
    expected.checksum_type = None;
    if hasher.finalize() == expected { Ok(()) } else { Err(StoreError::BadDigest.into()) }
}

/// A stored checksum in the fields that every answer has for it.
pub(super) fn wire_checksum(stored: Option<&StoredChecksum>) -> Checksum {
    let mut fields = Checksum::default();
    let Some(stored) = stored else { return fields };
    let base64 = BASE64.encode(&stored.value);
    let value = Some(match stored.coverage {
        Coverage::FullObject => base64,
        Coverage::Composite { parts } => format!("{base64}-{parts}"),
    });
    match stored.algorithm {
        Algorithm::Crc32 => fields.checksum_crc32 = value,
        Algorithm::Crc32c => fields.checksum_crc32c = value,
        Algorithm::Crc64Nvme => fields.checksum_crc64nvme = value,
        Algorithm::Sha1 => fields.checksum_sha1 = value,
        Algorithm::Sha256 => fields.checksum_sha256 = value,
    }
    fields.checksum_type = Some(checksum_type(stored));
    fields
}

/// The checksum that is to come out of a multipart upload with SHA-1: `base64-parts`.
pub(super) fn composite_sha1(text: &str) -> S3Result<StoredChecksum> {
    let invalid =
        || s3_error!(InvalidRequest, "a composite checksum ends with its number of parts");
    let (value, parts) = text.rsplit_once('-').ok_or_else(invalid)?;
    Ok(StoredChecksum {
        algorithm: Algorithm::Sha1,
        value: digest(value.as_bytes())?,
        coverage: Coverage::Composite { parts: parts.parse().map_err(|_| invalid())? },
    })
}

/// Shows a stored checksum in the fields that the output has for it.
macro_rules! show_checksum {
    ($output:ident, $stored:expr) => {
        let checksum = wire_checksum($stored);
        $output.checksum_crc32 = checksum.checksum_crc32;
        $output.checksum_crc32c = checksum.checksum_crc32c;
        $output.checksum_crc64nvme = checksum.checksum_crc64nvme;
        $output.checksum_sha1 = checksum.checksum_sha1;
        $output.checksum_sha256 = checksum.checksum_sha256;
        $output.checksum_type = checksum.checksum_type;
    };
}
pub(super) use show_checksum;

/// What a stored checksum covers, in S3's words.
pub(super) fn checksum_type(stored: &StoredChecksum) -> ChecksumType {
    ChecksumType::from_static(match stored.coverage {
        Coverage::FullObject => ChecksumType::FULL_OBJECT,
        Coverage::Composite { .. } => ChecksumType::COMPOSITE,
    })
}

/// A stored checksum's algorithm, in S3's words.
pub(super) fn checksum_algorithm(stored: &StoredChecksum) -> ChecksumAlgorithm {
    ChecksumAlgorithm::from_static(match stored.algorithm {
        Algorithm::Crc32 => ChecksumAlgorithm::CRC32,
        Algorithm::Crc32c => ChecksumAlgorithm::CRC32C,
        Algorithm::Crc64Nvme => ChecksumAlgorithm::CRC64NVME,
        Algorithm::Sha1 => ChecksumAlgorithm::SHA1,
        Algorithm::Sha256 => ChecksumAlgorithm::SHA256,
    })
}

/// S3 shows stored checksums to those who ask.
pub(super) fn shown_checksum<'object>(
    object: &'object Object,
    mode: Option<&ChecksumMode>,
) -> Option<&'object StoredChecksum> {
    let asked = mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
    object.checksum.as_ref().filter(|_| asked)
}
