//! Content on its way to S3. It can only be read through a check of its SHA-1 and length.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;

use crate::{ByteCount, ContentDigests, ContentHasher, Sha1, SourceError};

/// A replica's content: the length that the storage node announced, and the bytes as they come.
pub struct SourceContent {
    /// The number of bytes that the storage node announced.
    pub length: ByteCount,
    /// The bytes in chunks of any size.
    pub stream: Pin<Box<dyn Stream<Item = Result<Bytes, SourceError>> + Send>>,
}

/// The verdict on the content of one write, shared between the body and its sender. To an HTTP
/// client a body that breaks off looks like S3's fault, so the adapter looks here first.
#[derive(Clone, Default)]
pub struct ContentVerdict(Arc<Mutex<Option<Result<ContentDigests, SourceError>>>>);

impl ContentVerdict {
    /// Takes the failure of the source, if it ended the body. A second call returns [`None`].
    #[must_use]
    pub fn take_failure(&self) -> Option<SourceError> {
        let mut verdict = self.lock();
        match verdict.take() {
            Some(Err(failure)) => Some(failure),
            whole_or_nothing => {
                *verdict = whole_or_nothing;
                None
            }
        }
    }

    /// Returns the digests after all content has come and was the expected one; [`None`] in every
    /// other case.
    #[must_use]
    pub fn digests(&self) -> Option<ContentDigests> {
        self.lock().as_ref().and_then(|verdict| verdict.as_ref().ok()).copied()
    }

    fn set(&self, verdict: Result<ContentDigests, SourceError>) {
        *self.lock() = Some(verdict);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Result<ContentDigests, SourceError>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error that ends a body whose source failed. The reason is in the [`ContentVerdict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content's source failed")]
pub struct ContentBroken;

/// Content that is hashed as it is read. The last chunk comes only when SHA-1 and length are the
/// expected ones, so the content of a corrupt replica never comes whole.
pub struct VerifiedContent {
    source: Option<SourceContent>,
    name: String,
    expected: Sha1,
    length: ByteCount,
    hasher: ContentHasher,
    verdict: ContentVerdict,
}

impl VerifiedContent {
    /// Wraps the content of `source`. `name` is the source's name in errors, for example a
    /// replica's path.
    #[must_use]
    pub fn new(source: SourceContent, name: String, expected: Sha1) -> Self {
        Self {
            length: source.length,
            source: Some(source),
            name,
            expected,
            hasher: ContentHasher::default(),
            verdict: ContentVerdict::default(),
        }
    }

    /// Returns the exact number of bytes that will come, unless the source fails.
    #[must_use]
    pub const fn length(&self) -> ByteCount {
        self.length
    }

    /// Returns the expected SHA-1. Content that comes whole has it.
    #[must_use]
    pub const fn expected(&self) -> &Sha1 {
        &self.expected
    }

    /// Returns a handle to the verdict, which is set when the content ends.
    #[must_use]
    pub fn verdict(&self) -> ContentVerdict {
        self.verdict.clone()
    }

    /// Hashes the source's next chunk and returns it. Errors when it is the last one and the whole
    /// is wrong, or when there are too many bytes.
    fn pass(&mut self, chunk: Bytes) -> Result<Bytes, SourceError> {
        self.hasher.update(&chunk);
        let came = self.hasher.length();
        if came < self.length {
            return Ok(chunk);
        }
        if came > self.length {
            return Err(SourceError::WrongLength {
                replica: self.name.clone(),
                actual: came,
                expected: self.length,
            });
        }
        self.finish().map(|()| chunk)
    }

    /// Compares the SHA-1 after all announced bytes have come, and sets the verdict if it is right.
    fn finish(&mut self) -> Result<(), SourceError> {
        self.source = None;
        let digests = std::mem::take(&mut self.hasher).finish();
        if digests.sha1 == self.expected {
            self.verdict.set(Ok(digests));
            return Ok(());
        }
        Err(SourceError::WrongContent {
            replica: self.name.clone(),
            actual: digests.sha1,
            expected: self.expected,
        })
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, SourceError>>> {
        let Some(source) = &mut self.source else { return Poll::Ready(None) };
        if self.length.0 == 0 {
            return Poll::Ready(self.finish().err().map(Err));
        }
        let next = match source.stream.as_mut().poll_next(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(next) => next,
        };
        Poll::Ready(Some(match next {
            Some(Ok(chunk)) => self.pass(chunk),
            Some(Err(error)) => Err(error),
            None => Err(SourceError::WrongLength {
                replica: self.name.clone(),
                actual: self.hasher.length(),
                expected: self.length,
            }),
        }))
    }
}

impl Stream for VerifiedContent {
    type Item = Result<Bytes, ContentBroken>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_source(cx).map(|next| {
            next.map(|chunk| {
                chunk.map_err(|failure| {
                    self.source = None;
                    self.verdict.set(Err(failure));
                    ContentBroken
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, StreamExt, stream};
    use proptest::prelude::*;

    /// What comes through, and the verdict, when `chunks` are sent where `announced` bytes with
    /// the SHA-1 of `wanted` were promised.
    fn flow(
        chunks: &[Vec<u8>],
        announced: usize,
        wanted: &[u8],
    ) -> (Vec<u8>, Result<ContentDigests, SourceError>) {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from(chunk.clone()))).collect();
        let source = SourceContent {
            length: ByteCount(announced as u64),
            stream: Box::pin(stream::iter(chunks)),
        };
        let expected = ContentHasher::of(wanted).sha1;
        let content = VerifiedContent::new(source, "dev1".to_owned(), expected);
        let verdict = content.verdict();
        let given = content.collect::<Vec<_>>().now_or_never().expect("nothing to wait for");
        let through = given.iter().flatten().flat_map(|chunk| chunk.iter().copied()).collect();
        match verdict.take_failure() {
            Some(failure) => {
                assert_eq!(given.last(), Some(&Err(ContentBroken)), "a failure ends the body");
                (through, Err(failure))
            }
            None => (through, Ok(verdict.digests().expect("whole or failed"))),
        }
    }

    proptest! {
        #[test]
        fn right_content_flows_through_whole(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..8)
        ) {
            let whole = chunks.concat();
            let (through, verdict) = flow(&chunks, whole.len(), &whole);
            prop_assert_eq!(&through, &whole);
            prop_assert_eq!(verdict.ok(), Some(ContentHasher::of(&whole)));
        }

        #[test]
        fn wrong_content_is_never_given_whole(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..64), 1..8),
            flip in any::<prop::sample::Index>(),
        ) {
            let whole = chunks.concat();
            let mut wanted = whole.clone();
            let at = flip.index(wanted.len());
            wanted[at] ^= 1;
            let (through, verdict) = flow(&chunks, whole.len(), &wanted);
            prop_assert!(through.len() < whole.len());
            let wrong = matches!(verdict, Err(SourceError::WrongContent { .. }));
            prop_assert!(wrong);
        }

        #[test]
        fn content_of_another_length_is_never_given_whole(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..64), 1..8),
            announced in 1usize..512,
        ) {
            let whole = chunks.concat();
            prop_assume!(announced != whole.len());
            let (through, verdict) = flow(&chunks, announced, &whole);
            prop_assert!(through.len() < announced);
            prop_assert!(verdict.is_err());
        }
    }

    #[test]
    fn an_empty_file_must_be_the_empty_file() {
        assert!(flow(&[], 0, b"").1.is_ok());
        assert!(flow(&[], 0, b"x").1.is_err());
    }
}
