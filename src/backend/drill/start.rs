//! Starting drills, and what can be read of them.

use std::{path::Path, sync::Arc};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::player::Player;
use crate::{
    api::{DrillStarted, LONGEST_RECORDING, Problem, RecordingView, StartDrill},
    backend::app::Backend,
    drill::{Outline, Recording, RecordingError, Replay, SHIPPED, shipped},
    incident::{Command, Drill, Fact},
    terms::Author,
};

/// Every recording that ships.
pub fn recordings() -> Vec<RecordingView> {
    let read = |name: &str| Some(RecordingView::of(name, &shipped(name).ok()?));
    SHIPPED.iter().filter_map(|(name, _)| read(name)).collect()
}

/// What a facilitator reads of the recording that a drill plays, or of a shipped one that it played.
pub async fn outline(backend: &Backend, take: &Drill) -> Option<Outline> {
    if let Some(outline) = backend.playing.outline(take.id) {
        return Some(Outline::clone(&outline));
    }
    let name = take.name.clone();
    tokio::task::spawn_blocking(move || shipped(&name).ok().map(|recording| Outline::of(&recording))).await.ok()?
}

/// Starts a drill's world, declares its agents there, and plays.
///
/// # Errors
/// No such recording, a speed nobody can follow, or what the log says.
pub async fn start(backend: &Arc<Backend>, by: Author, id: Uuid, asked: StartDrill) -> Result<DrillStarted, Problem> {
    let StartDrill { name, recording, speed, seed } = asked;
    let recording = Arc::new(match recording {
        None => shipped(&name).map_err(Problem::unknown)?,
        Some(text) => own(backend, &name, text).await?,
    });
    let speed = speed.unwrap_or(recording.speed());
    let replay = Replay::new(recording.clone(), (backend.clock)(), speed, seed);
    let lasts_s = replay.map_err(|error| Problem::invalid(422, error.to_string()))?.lasts_ms() as f64 / 1_000.0;
    let title = recording.title.clone();
    let course = Box::new(recording.course());
    let armed = Box::new(backend.live(None).proof());
    let command = Command::StartDrill { name, title: title.clone(), seed, speed, course, armed };
    let accepted = backend.core.submit(None, id, by, command).await?;
    let begun = accepted.events.iter().find_map(|event| match &event.fact {
        Fact::DrillStarted { drill, .. } => Some((*drill, event.position)),
        _ => None,
    });
    let Some((drill, position)) = begun else {
        return Err(Problem::unavailable("no drill began; ask again with another id"));
    };
    Player::begin(backend.clone(), drill, recording, position).await?;
    Ok(DrillStarted { id: drill, title, lasts_s })
}

/// From how many bytes on a recording is indexed instead of being held whole.
const LARGE: usize = 8 << 20;

/// A recording that came with the request.
async fn own(backend: &Backend, name: &str, text: String) -> Result<Recording, Problem> {
    if SHIPPED.iter().any(|(known, _)| *known == name) {
        return Err(Problem::invalid(422, format!("`name`: {name} ships with andon; give yours another name")));
    }
    if text.len() > LONGEST_RECORDING {
        let most = LONGEST_RECORDING >> 20;
        return Err(Problem::invalid(422, format!("`recording`: at most {most} MiB are played; split it")));
    }
    let folder = backend.blobs.beside("recordings");
    let read = tokio::task::spawn_blocking(move || match text.len() < LARGE {
        true => Recording::parse(&text),
        false => opened(&folder, text.into()),
    });
    let read = read.await;
    let read = read.map_err(|_| Problem::unavailable("the recording was not read; ask again"))?;
    read.map_err(|why| Problem::invalid(422, why.to_string()))
}

/// A large recording by its index, which is kept by the text's digest: it is read whole only the first time.
fn opened(folder: &Path, text: Arc<str>) -> Result<Recording, RecordingError> {
    let place = folder.join(format!("{}.index", hex::encode(Sha256::digest(text.as_bytes()))));
    let known = std::fs::read(&place).ok().and_then(|index| Recording::with_index(text.clone(), &index));
    if let Some(recording) = known {
        return Ok(recording);
    }
    let (recording, index) = Recording::indexed(text)?;
    let half = place.with_extension(Uuid::now_v7().to_string());
    let kept = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&half, index))
        .and_then(|()| std::fs::rename(&half, &place));
    if let Err(why) = kept {
        tracing::warn!(%why, "the index of a recording is not kept: it is read whole again the next time");
    }
    Ok(recording)
}
