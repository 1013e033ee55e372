//! Verified content as the body of a PUT.

use std::pin::Pin;
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use domain::content::{ContentBroken, VerifiedContent};
use futures_util::Stream;
use http_body::{Body, Frame, SizeHint};
use sync_wrapper::SyncWrapper;

/// Wraps the content as the SDK's stream with its exact length. The SDK cannot send it twice.
pub(super) fn stream(content: VerifiedContent) -> ByteStream {
    let length = content.length().0;
    let body = ContentBody { content: SyncWrapper::new(content), length };
    ByteStream::new(SdkBody::from_body_1_x(body))
}

struct ContentBody {
    content: SyncWrapper<VerifiedContent>,
    length: u64,
}

impl Body for ContentBody {
    type Data = Bytes;
    type Error = ContentBroken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ContentBroken>>> {
        let content = Pin::new(self.content.get_mut());
        content.poll_next(cx).map(|next| next.map(|chunk| chunk.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
