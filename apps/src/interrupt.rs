//! Signals, as the stops that runs and workers understand.

use std::io;

use domain::engine::Stop;
use futures_util::{Stream, stream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// The exit code after the third signal: 128 and the number of SIGINT, as shells report it.
const KILLED: i32 = 130;

/// From here on the first SIGINT or SIGTERM asks to drain, the second to abandon, and the third
/// ends the process at once. `announce` is called with each of the first two as it comes.
pub fn stops(
    mut announce: impl FnMut(Stop) + Send + 'static,
) -> io::Result<impl Stream<Item = Stop> + Send + Unpin> {
    let mut signals = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for stop in [Stop::Drain, Stop::Abandon] {
            next(&mut signals).await;
            announce(stop);
            // Nobody listens any more when the work is done.
            let _ = sender.send(stop);
        }
        next(&mut signals).await;
        std::process::exit(KILLED);
    });
    Ok(Box::pin(stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|stop| (stop, receiver))
    })))
}

async fn next((interrupt, terminate): &mut (Signal, Signal)) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
