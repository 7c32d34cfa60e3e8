//! Lines in and out of a pipe, bounded: nobody's silence and nobody's flood fills the memory.

use std::{
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt},
    sync::{Notify, mpsc},
};

/// Bytes that may wait to be written before no more are read.
const WAITING: usize = 160 << 20;

/// One of this process's own pipes.
///
/// # Errors
/// What the system says of it.
pub fn own(pipe: impl AsFd) -> std::io::Result<tokio::fs::File> {
    Ok(tokio::fs::File::from_std(pipe.as_fd().try_clone_to_owned()?.into()))
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// One line, without its end.
    Whole(Vec<u8>),
    /// One that was longer than allowed; all of it was passed over.
    TooLong,
    /// The pipe ended; what stood there without a line end is dropped.
    End,
}

/// Reads one line of at most `longest` bytes.
///
/// # Errors
/// What the system says of the pipe.
pub async fn read(pipe: &mut (impl AsyncBufRead + Unpin), longest: usize) -> std::io::Result<Line> {
    let (mut line, mut too_long) = (Vec::new(), false);
    loop {
        let chunk = pipe.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(Line::End);
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let length = end.unwrap_or(chunk.len());
        too_long |= line.len() + length > longest;
        if !too_long {
            line.extend_from_slice(&chunk[..length]);
        }
        pipe.consume(end.map_or(length, |end| end + 1));
        if end.is_some() {
            return Ok(if too_long { Line::TooLong } else { Line::Whole(line) });
        }
    }
}

/// Lines on their way to a peer, in order. Sending never waits; whoever reads what others send asks for `room` first.
#[derive(Clone)]
pub struct Outbox {
    sender: mpsc::UnboundedSender<Vec<u8>>,
    waiting: Arc<(AtomicUsize, Notify)>,
}

impl Outbox {
    /// Writes to `pipe` from now on. The task ends, and closes the pipe, once every outbox is gone, or the peer is.
    pub fn to(mut pipe: impl AsyncWrite + Unpin + Send + 'static) -> (Self, tokio::task::JoinHandle<()>) {
        let (sender, mut lines) = mpsc::unbounded_channel::<Vec<u8>>();
        let waiting = Arc::new((AtomicUsize::new(0), Notify::new()));
        let written = waiting.clone();
        let task = tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                let told = pipe.write_all(&line).await.is_ok() && pipe.flush().await.is_ok();
                written.0.fetch_sub(line.len(), Ordering::SeqCst);
                written.1.notify_waiters();
                if !told {
                    // Nobody reads any more: whoever waits for room must not wait for ever.
                    lines.close();
                }
            }
            let _ = pipe.shutdown().await;
        });
        (Self { sender, waiting }, task)
    }

    /// Sends one line. A peer that went away is noticed where it is read from.
    pub fn send(&self, line: Vec<u8>) {
        self.waiting.0.fetch_add(line.len(), Ordering::SeqCst);
        if let Err(line) = self.sender.send(line) {
            self.waiting.0.fetch_sub(line.0.len(), Ordering::SeqCst);
        }
    }

    /// Waits until there is room for more.
    pub async fn room(&self) {
        loop {
            let freed = self.waiting.1.notified();
            if self.waiting.0.load(Ordering::SeqCst) < WAITING || self.sender.is_closed() {
                return;
            }
            freed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_bounded_and_a_rest_is_dropped() {
        let mut pipe = &b"one\n\n0123456789\nlast\nrest"[..];
        let mut lines = Vec::new();
        loop {
            match read(&mut pipe, 5).await.unwrap() {
                Line::End => break,
                line => lines.push(line),
            }
        }
        let whole = |text: &str| Line::Whole(text.into());
        assert_eq!(lines, [whole("one"), whole(""), Line::TooLong, whole("last")]);
    }

    #[tokio::test]
    async fn who_reads_nothing_holds_up_the_reader_not_the_sender() {
        let (near, far) = tokio::io::duplex(16);
        let (outbox, writing) = Outbox::to(near);
        for _ in 0..3 {
            outbox.send(vec![b'x'; WAITING / 2]);
        }
        let room = outbox.clone();
        let mut waits = tokio::spawn(async move { room.room().await });
        assert!(futures_util::FutureExt::now_or_never(&mut waits).is_none());
        drop(far);
        waits.await.unwrap();
        drop(outbox);
        writing.await.unwrap();
    }
}
