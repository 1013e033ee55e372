//! Answer bodies that go wrong on their way. Each but the last keeps the promised length of the
//! body it wraps.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, BodyStream};

use super::Body;

/// Gives so many bytes, then fails, which closes the connection.
pub(super) fn truncate(body: Body, bytes: usize) -> Body {
    wrap(body, |data| first(data, bytes).chain(stream::once(break_off())).boxed())
}

/// Gives so many bytes, then is silent for ever.
pub(super) fn hang(body: Body, bytes: usize) -> Body {
    wrap(body, |data| first(data, bytes).chain(stream::once(pending())).boxed())
}

/// Gives a byte at a time, with a pause before each.
pub(super) fn trickle(body: Body, pause: Duration) -> Body {
    wrap(body, |data| {
        data.flat_map(move |item| match item {
            Ok(chunk) => stream::unfold(chunk, move |mut rest| async move {
                if rest.is_empty() {
                    return None;
                }
                tokio::time::sleep(pause).await;
                let byte = rest.split_to(1);
                Some((Ok(byte), rest))
            })
            .boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        })
        .boxed()
    })
}

/// Gives another first byte.
pub(super) fn corrupt(body: Body) -> Body {
    wrap(body, |data| {
        data.scan(true, |untouched, item| {
            let item = item.map(|chunk| match (*untouched, chunk.split_first()) {
                (true, Some((first, rest))) => {
                    *untouched = false;
                    [&[first ^ 1], rest].concat().into()
                }
                (true, None) | (false, _) => chunk,
            });
            std::future::ready(Some(item))
        })
        .boxed()
    })
}

/// Gives the same bytes under a head that may announce any length, and then fails, which closes the
/// connection.
pub(super) fn of_any_length(body: Body) -> Body {
    let data = data_of(body).chain(stream::once(break_off())).boxed();
    BodyExt::boxed_unsync(Promised { data, hint: SizeHint::default() })
}

type DataStream = BoxStream<'static, io::Result<Bytes>>;

/// The first `limit` bytes of a stream; its rest is never asked for.
fn first(data: DataStream, limit: usize) -> DataStream {
    // A limit beyond the end ends with the data: hyper asks for nothing past the promised length.
    stream::unfold((data, limit), |(mut data, left)| async move {
        if left == 0 {
            return None;
        }
        let item = data.next().await?.map(|chunk| chunk.slice(..chunk.len().min(left)));
        let given = item.as_ref().map_or(0, Bytes::len);
        Some((item, (data, left - given)))
    })
    .boxed()
}

/// Hyper throws away what it has not sent when a body fails: a pause lets it send first.
const FLUSH_PAUSE: Duration = Duration::from_millis(10);

async fn break_off() -> io::Result<Bytes> {
    tokio::time::sleep(FLUSH_PAUSE).await;
    Err(super::closed_by_script())
}

fn wrap(body: Body, change: impl FnOnce(DataStream) -> DataStream) -> Body {
    let hint = http_body::Body::size_hint(&body);
    if hint.exact() == Some(0) {
        return body;
    }
    BodyExt::boxed_unsync(Promised { data: change(data_of(body)), hint })
}

fn data_of(body: Body) -> DataStream {
    BodyStream::new(body)
        .filter_map(|frame| async { frame.map(|frame| frame.into_data().ok()).transpose() })
        .boxed()
}

/// A stream of data under the length that another body had.
struct Promised {
    data: DataStream,
    hint: SizeHint,
}

impl http_body::Body for Promised {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.data).poll_next(context).map_ok(Frame::data)
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}
