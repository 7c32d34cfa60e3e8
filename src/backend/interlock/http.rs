//! The interlock's routes: check, lease, stream; the gateway's and OFREP's beside them.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    routing::{any, get, post},
};

use super::{Interlock, InterlockWorlds, NoLease, Way, gate, holds, ofrep, stream};
use crate::{
    api::{CheckAnswer, CheckRequest, LeaseAnswer, LeaseRequest, Problem, path},
    backend::{
        app::Backend,
        http::extract::{InWorld, Json as Body},
        identity::Identity,
    },
    terms::{AgentId, DrillId},
};

/// The longest name of an instance.
const LONGEST_INSTANCE: usize = 256;

/// What every route here works with.
#[derive(Clone)]
pub struct Ways {
    /// Everything that runs.
    pub backend: Arc<Backend>,
    /// Every world's interlock.
    pub interlocks: Arc<InterlockWorlds>,
}

impl Ways {
    /// Those of `backend`.
    pub fn of(backend: &Arc<Backend>) -> Self {
        Self { backend: backend.clone(), interlocks: backend.rooms.interlocks.clone() }
    }

    /// A world's interlock.
    ///
    /// # Errors
    /// 404 for a drill nobody started.
    pub fn interlock(&self, drill: Option<DrillId>) -> Result<Arc<Interlock>, Problem> {
        self.interlocks.get(drill).ok_or_else(|| {
            Problem::unknown(
                "no such drill; `andon drill list` shows what there is, without `world` it is the real one",
            )
        })
    }
}

/// Everything under `/v1/interlock`, and OFREP. The door has put the [`Identity`] into the request before.
pub fn router<S: Clone + Send + Sync + 'static>(backend: Arc<Backend>) -> Router<S> {
    Router::new()
        .route(path::CHECK, post(check))
        .route(path::LEASE, post(lease))
        .route(path::STREAM, get(stream::open))
        .route(path::AUTHZ, any(gate::authz))
        .route(&format!("{}/{{*rest}}", path::AUTHZ), any(gate::authz))
        .route(path::OFREP, post(ofrep::all))
        .route(&format!("{}/{{*key}}", path::OFREP), post(ofrep::one))
        .route(path::OFREP_STREAM, get(ofrep::open))
        .with_state(Ways::of(&backend))
}

/// Refuses a token that is another agent's.
///
/// # Errors
/// 403.
pub fn for_itself(identity: &Identity, agent: &AgentId) -> Result<(), Problem> {
    if identity.speaks_for(agent) {
        return Ok(());
    }
    let own = identity.agent.as_ref().map_or_else(|| "no agent".to_owned(), ToString::to_string);
    Err(Problem::forbidden(format!(
        "this identity speaks for {own}, not for {agent}; use the token made for that agent"
    )))
}

async fn check(
    State(ways): State<Ways>,
    identity: Identity,
    InWorld(drill): InWorld,
    Body(asked): Body<CheckRequest>,
) -> Result<Json<CheckAnswer>, Problem> {
    for_itself(&identity, &asked.agent)?;
    if asked.look {
        return Ok(Json(ways.interlock(drill)?.ask(&asked, Way::Check, (ways.backend.clock)())));
    }
    holds::judge(&ways, drill, &asked, Way::Check).await.map(Json)
}

async fn lease(
    State(ways): State<Ways>,
    identity: Identity,
    InWorld(drill): InWorld,
    Body(asked): Body<LeaseRequest>,
) -> Result<Json<LeaseAnswer>, Problem> {
    for_itself(&identity, &asked.agent)?;
    if asked.instance.is_empty() || asked.instance.len() > LONGEST_INSTANCE {
        return Err(Problem::invalid(422, "`instance`: one process of the agent by a name of 1 to 256 bytes"));
    }
    // An agent is itself by whichever of its tokens, or by descent.
    let (holder, now) = (identity.author.to_string(), (ways.backend.clock)());
    ways.interlock(drill)?.lease(&asked, &holder, now).map(Json).map_err(|why| match why {
        NoLease::Held => Problem::new(409, "held", "Somebody else's lease", why.to_string()),
        NoLease::Full => Problem::new(503, "busy", "Too many instances", why.to_string()),
        NoLease::Blind => Problem::unavailable(why.to_string()),
    })
}
