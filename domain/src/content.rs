//! Content on its way to S3, which cannot be taken unverified.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;

use crate::{ByteCount, ContentDigests, ContentHasher, Sha1, SourceError};

/// A replica's bytes as they come, of a length that was announced beforehand.
pub struct SourceContent {
    /// How many bytes were announced.
    pub length: ByteCount,
    /// The bytes.
    pub stream: Pin<Box<dyn Stream<Item = Result<Bytes, SourceError>> + Send>>,
}

/// How the content of one write turned out, shared between the body and whoever sends it: a body
/// that stops short looks like S3's fault to an HTTP client, so the adapter asks here first.
#[derive(Clone, Default)]
pub struct ContentVerdict(Arc<Mutex<Option<Result<ContentDigests, SourceError>>>>);

impl ContentVerdict {
    /// The failure of the source, if that is what ended the body. Taken out: it is told once.
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

    /// The digests, once all content has flowed and was what it should be.
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

/// The body's end, when its source failed. The reason is in the [`ContentVerdict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content's source failed")]
pub struct ContentBroken;

/// Content that hashes itself as it flows and gives its last chunk only when SHA-1 and length are
/// the expected ones: a corrupt replica is never offered whole.
pub struct VerifiedContent {
    source: Option<SourceContent>,
    name: String,
    expected: Sha1,
    length: ByteCount,
    hasher: ContentHasher,
    verdict: ContentVerdict,
}

impl VerifiedContent {
    /// `name` stands for the source in errors: a replica's path, say.
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

    /// The exact number of bytes that will come, unless the source fails.
    #[must_use]
    pub const fn length(&self) -> ByteCount {
        self.length
    }

    /// The SHA-1 that the content has, if it comes whole.
    #[must_use]
    pub const fn expected(&self) -> &Sha1 {
        &self.expected
    }

    /// Where the outcome will be told.
    #[must_use]
    pub fn verdict(&self) -> ContentVerdict {
        self.verdict.clone()
    }

    /// What is to be given for `chunk`, the source's next.
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

    /// Judges the whole, all announced bytes having come.
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
