//! `/v1/blobs`, `/v1/incidents/ID/blobs/DIGEST`, `/v1/secrets`: what is kept by its content, streamed both ways (EVI.3).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{RawPathParams, Request, State},
    http::{Uri, header},
    response::{IntoResponse, Response},
};

use super::{
    extract::{Id, InWorld, typed_parameter},
    incidents::find,
    reply::{Reply, world, worlds},
};
use crate::{
    api::{Problem, StoredBlob},
    backend::{
        app::Backend,
        blobs::{BlobError, Digest},
        identity::Identity,
        rights::Right,
    },
    incident::{Incident, evidence::Source},
    runbook::SecretPattern,
    terms::IncidentId,
};

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        let detail = error.to_string();
        match error {
            BlobError::BrokenOff(_) => Self::invalid(400, detail),
            BlobError::Unwritable(_) | BlobError::Unreadable(..) => Self::unavailable(detail),
            BlobError::Unknown(_) => Self::unknown(format!("{detail}; `andon evidence add` keeps a file")),
        }
    }
}

/// Keeps what is sent, whatever its length; the answer names it. A command then says what it shows.
pub async fn put(State(backend): State<Arc<Backend>>, identity: Identity, request: Request) -> Reply<StoredBlob> {
    identity.demand(Right::Work)?;
    Ok(axum::Json(backend.blobs.put(request.into_body().into_data_stream()).await?))
}

/// A blob of an incident, its secrets masked; as it is with `?raw=true`, for those who may work the incident.
pub async fn show(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
    params: RawPathParams,
    uri: Uri,
) -> Result<Response, Problem> {
    let raw = typed_parameter::<bool>(&uri, "raw")?.unwrap_or(false);
    if raw {
        identity.demand(Right::Work)?;
    }
    let digest = params.iter().nth(1).map(|(_, text)| text).unwrap_or_default();
    let digest: Digest = digest.parse().map_err(|why: String| Problem::invalid(422, why))?;
    let all = worlds(&backend, drill)?;
    let incident = find(world(&all, drill)?, id)?;
    if !names(incident, &digest) {
        return Err(Problem::unknown(format!("{id} holds nothing of digest {digest}; `andon evidence list {id}`")));
    }
    let reading = backend.blobs.open(&digest)?;
    let secrets = (!raw).then(|| backend.runbook.load().secrets.clone());
    let kind = if raw { "application/octet-stream" } else { "text/plain; charset=utf-8" };
    Ok(([(header::CONTENT_TYPE, kind)], Body::from_stream(reading.stream(secrets))).into_response())
}

/// Whether an item of evidence is shown by this blob, or a step's command wrote it.
fn names(incident: &Incident, digest: &Digest) -> bool {
    let digest = digest.to_string();
    let mut sources = incident.evidence.items.iter().flat_map(|item| &item.sources);
    let mut runs = incident.checklists.iter().flat_map(|list| &list.work.runs);
    sources.any(|source| matches!(source, Source::Blob(blob) if blob.digest == digest))
        || runs.any(|run| run.output.digest == digest)
}

/// What looks like a secret, as the runbook in force has it.
pub async fn secrets(State(backend): State<Arc<Backend>>) -> axum::Json<Vec<SecretPattern>> {
    axum::Json(backend.runbook.load().secrets.patterns().to_vec())
}
