//! Bodies off the wire: bounded before and after decompression, and all of them together.

use std::{io::Read, sync::LazyLock, time::Duration};

use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, header},
};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::Problem;

/// The largest body after decompression (OTLP's own recommendation).
pub(super) const LARGEST: usize = 64 << 20;
/// All bodies in memory at a time, in KiB.
const TOGETHER: usize = 512 << 10;
/// What is unpacked at a time: the room for it is taken first.
const PIECE: usize = 64 << 10;
/// How long the rest of a refused body is read.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bodies over this are decompressed and decoded off the runtime's threads.
pub(super) const INLINE: usize = 256 << 10;

static ROOM: LazyLock<std::sync::Arc<Semaphore>> = LazyLock::new(|| Semaphore::new(TOGETHER).into());

/// A whole body; the room it takes is free again when it is dropped.
#[derive(Default)]
pub(super) struct Whole {
    pub bytes: Vec<u8>,
    _room: Vec<OwnedSemaphorePermit>,
}

/// Reads a body, decompressing gzip.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Whole, Problem> {
    let gzip = match headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").trim()) {
        None | Some("" | "identity") => false,
        Some(coding) if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") => true,
        Some(_) => return Err(Problem::invalid(415, "send the body as it is, or with Content-Encoding: gzip")),
    };
    let mut whole = Whole::default();
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::invalid(400, "the body broke off before its end; send it again"))?;
        if let Err(problem) = whole.take(&chunk) {
            drop(whole);
            hear_out(stream).await;
            return Err(problem);
        }
    }
    if gzip && !whole.bytes.is_empty() {
        // A small body may unpack to a thousand times as much.
        return if whole.bytes.len() > INLINE / 64 {
            tokio::task::spawn_blocking(move || unpack(&whole.bytes)).await.map_err(|_| broken())?
        } else {
            unpack(&whole.bytes)
        };
    }
    Ok(whole)
}

/// Reads the rest of a body that is not taken, and keeps nothing: cut off while it sends, its sender would never hear why.
async fn hear_out(mut rest: BodyDataStream) {
    let mut left = LARGEST;
    let reading = async {
        while let Some(Ok(chunk)) = rest.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(PATIENCE, reading).await;
}

impl Whole {
    fn take(&mut self, piece: &[u8]) -> Result<(), Problem> {
        if self.bytes.len() + piece.len() > LARGEST {
            return Err(too_large());
        }
        self._room.push(room(piece.len())?);
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

fn room(bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
    let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
    ROOM.clone().try_acquire_many_owned(kib).map_err(|_| busy())
}

/// No room now; nothing of the request was taken.
pub(super) fn busy() -> Problem {
    Problem::new(
        503,
        "busy",
        "No room now",
        "intake is full: nothing of this request was taken; send it again in a second",
    )
}

fn unpack(packed: &[u8]) -> Result<Whole, Problem> {
    let (mut whole, mut piece) = (Whole::default(), vec![0; PIECE]);
    let mut from = flate2::read::MultiGzDecoder::new(packed);
    loop {
        match from.read(&mut piece).map_err(|_| broken())? {
            0 => return Ok(whole),
            read => whole.take(&piece[..read])?,
        }
    }
}

fn broken() -> Problem {
    Problem::invalid(400, "the body is not gzip, though Content-Encoding says so")
}

fn too_large() -> Problem {
    Problem::new(
        413,
        "too-large",
        "The body is too large",
        format!("at most {LARGEST} bytes are taken, decompressed; send smaller batches"),
    )
}
