//! Bodies off the wire: bounded before and after decompression, and all of them together.

use std::{io::Read, sync::LazyLock};

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::Problem;

/// The largest body after decompression (OTLP's own recommendation).
pub(super) const LARGEST: usize = 64 << 20;
/// All bodies in memory at a time, in KiB.
const TOGETHER: usize = 512 << 10;
/// Bodies over this are decompressed and decoded off the runtime's threads.
pub(super) const INLINE: usize = 256 << 10;

static ROOM: LazyLock<std::sync::Arc<Semaphore>> = LazyLock::new(|| Semaphore::new(TOGETHER).into());

/// A whole body; the room it takes is free again when it is dropped.
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
    let mut whole = Whole { bytes: Vec::new(), _room: Vec::new() };
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::invalid(400, "the body broke off before its end; send it again"))?;
        if whole.bytes.len() + chunk.len() > LARGEST {
            return Err(too_large());
        }
        whole._room.push(room(chunk.len())?);
        whole.bytes.extend_from_slice(&chunk);
    }
    if gzip && !whole.bytes.is_empty() {
        let packed = std::mem::take(&mut whole.bytes);
        whole.bytes = if packed.len() > INLINE / 8 {
            tokio::task::spawn_blocking(move || unpack(&packed)).await.map_err(|_| broken())??
        } else {
            unpack(&packed)?
        };
        whole._room = vec![room(whole.bytes.len())?];
    }
    Ok(whole)
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

fn unpack(packed: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let limit = LARGEST as u64 + 1;
    flate2::read::MultiGzDecoder::new(packed).take(limit).read_to_end(&mut bytes).map_err(|_| broken())?;
    if bytes.len() > LARGEST { Err(too_large()) } else { Ok(bytes) }
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
