//! What the cockpit asks of a backend, and hears from it. The client does it; tests play it.

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use uuid::Uuid;

pub use crate::client::{Heard, Sent};
use crate::{
    api::{
        Accepted, Ask, DrillStarted, RecordingView, RunbookView, StartDrill, State, TellWriting, Used, Writing, path,
    },
    client::{Client, ClientError, Target},
    drill::Outline,
    incident::{Command, Engage},
    telemetry::trace::Trace,
    terms::{AgentId, ChecklistId, DrillId, IncidentId, Time},
};

/// A step of a rollback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPlace {
    /// In which world.
    pub world: Option<DrillId>,
    /// Of which incident.
    pub incident: IncidentId,
    /// Of which checklist.
    pub checklist: ChecklistId,
    /// Which.
    pub step: String,
}

/// Why the backend did not do what was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LinkError {
    /// It answered no; the text says what to do.
    #[error("{0}")]
    Refused(String),
    /// It did not answer.
    #[error("{0}")]
    Unreachable(String),
    /// It did not answer, and what was asked waits until it does.
    #[error("{0}")]
    Kept(String),
}

/// A backend as the cockpit sees it. Every call may take long: only `effect` makes them.
pub trait Backend: Send + Sync + 'static {
    /// Everything to begin with, of one world.
    fn state(&self, world: Option<DrillId>) -> BoxFuture<'static, Result<State, LinkError>>;

    /// The log after a position, for ever: it reconnects by itself.
    fn events(&self, epoch: u32, after: u64, world: Option<DrillId>) -> BoxStream<'static, Heard>;

    /// Asks a command; the same id may be asked again.
    fn submit(
        &self,
        world: Option<DrillId>,
        id: Uuid,
        command: Command,
    ) -> BoxFuture<'static, Result<Accepted, LinkError>>;

    /// Sends what waits since the backend was not reached; answers what became of each.
    fn send_kept(&self) -> BoxFuture<'static, Vec<Sent>> {
        std::future::ready(Vec::new()).boxed()
    }

    /// How many commands wait.
    fn waiting(&self) -> usize {
        0
    }

    /// Plays a drill from its recording; answers its world.
    fn play(&self, name: String) -> BoxFuture<'static, Result<DrillId, LinkError>>;

    /// The recordings that can be played: those that ship, and this person's own.
    fn recordings(&self) -> BoxFuture<'static, Result<Vec<RecordingView>, LinkError>> {
        std::future::ready(Ok(Vec::new())).boxed()
    }

    /// What a facilitator sees of the recording that a drill plays.
    fn outline(&self, _: DrillId) -> BoxFuture<'static, Result<Outline, LinkError>> {
        std::future::ready(Err(LinkError::Refused("this backend plays no drills".into()))).boxed()
    }

    /// Tells others where this person writes, or that they do not any more.
    fn writing(&self, _: Option<DrillId>, _: Option<Writing>) -> BoxFuture<'static, ()> {
        std::future::ready(()).boxed()
    }

    /// Stops what this host may stop by itself while the backend is not reached (law 6); answers what was done.
    fn break_glass(&self, engage: Engage) -> BoxFuture<'static, Result<String, LinkError>>;

    /// Runs a step's command on this machine, keeps what it writes, and tells how it ended.
    fn run_step(&self, _: StepPlace, _: String) -> BoxFuture<'static, Result<String, LinkError>> {
        std::future::ready(Err(LinkError::Refused("this cockpit runs no commands".into()))).boxed()
    }

    /// The path from input to consequence of an incident.
    fn trace(&self, _: Option<DrillId>, _: IncidentId) -> BoxFuture<'static, Result<Trace, LinkError>> {
        std::future::ready(Err(LinkError::Refused("this backend keeps no telemetry".into()))).boxed()
    }

    /// What an agent used lately.
    fn used(&self, _: Option<DrillId>, _: AgentId) -> BoxFuture<'static, Result<Vec<Used>, LinkError>> {
        std::future::ready(Ok(Vec::new())).boxed()
    }

    /// A version of the runbook.
    fn runbook(&self, _: String) -> BoxFuture<'static, Result<RunbookView, LinkError>> {
        std::future::ready(Err(LinkError::Refused("this backend keeps no runbook".into()))).boxed()
    }

    /// How people know it: `team@jump1` or `only you`. `None` while the state says.
    fn place(&self) -> Option<String> {
        None
    }
}

/// How the cockpit stands with its backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The first answer has not come.
    Connecting,
    /// What is shown is what is.
    Live,
    /// The stream stands again, what was missed is being read.
    CatchingUp,
    /// No word since then.
    Offline {
        /// Since when.
        since: Time,
        /// Why, in words.
        why: String,
    },
}

impl From<ClientError> for LinkError {
    fn from(error: ClientError) -> Self {
        if error.is_lost() { Self::Unreachable(error.to_string()) } else { Self::Refused(error.to_string()) }
    }
}

impl Backend for Client {
    fn state(&self, world: Option<DrillId>) -> BoxFuture<'static, Result<State, LinkError>> {
        let client = self.clone();
        async move { Ok(Client::state(&client, world).await?) }.boxed()
    }

    fn events(&self, epoch: u32, after: u64, world: Option<DrillId>) -> BoxStream<'static, Heard> {
        Client::events(self, world, epoch, after).boxed()
    }

    fn submit(
        &self,
        world: Option<DrillId>,
        id: Uuid,
        command: Command,
    ) -> BoxFuture<'static, Result<Accepted, LinkError>> {
        let client = self.clone();
        async move { Ok(Client::submit(&client, world, id, command).await?) }.boxed()
    }

    fn writing(&self, world: Option<DrillId>, writing: Option<Writing>) -> BoxFuture<'static, ()> {
        let client = self.clone();
        let path = format!("{}{}", path::WRITING, path::in_world(world));
        // Nothing hangs on it: it is told again, or forgotten.
        async move { drop(client.post::<_, ()>(&path, &TellWriting { writing }).await) }.boxed()
    }

    fn play(&self, name: String) -> BoxFuture<'static, Result<DrillId, LinkError>> {
        let client = self.clone();
        let ask = Ask { id: Uuid::now_v7(), command: StartDrill { name, recording: None, speed: None, seed: 0 } };
        async move { Ok(client.post::<_, DrillStarted>(path::DRILLS, &ask).await?.id) }.boxed()
    }

    fn recordings(&self) -> BoxFuture<'static, Result<Vec<RecordingView>, LinkError>> {
        let client = self.clone();
        async move { Ok(client.get(&format!("{}/recordings", path::DRILLS)).await?) }.boxed()
    }

    fn outline(&self, drill: DrillId) -> BoxFuture<'static, Result<Outline, LinkError>> {
        let client = self.clone();
        async move { Ok(client.get(&path::drill_outline(drill)).await?) }.boxed()
    }

    fn trace(&self, world: Option<DrillId>, incident: IncidentId) -> BoxFuture<'static, Result<Trace, LinkError>> {
        let client = self.clone();
        async move { Ok(client.get(&path::trace(incident, None, world)).await?) }.boxed()
    }

    fn used(&self, world: Option<DrillId>, agent: AgentId) -> BoxFuture<'static, Result<Vec<Used>, LinkError>> {
        let client = self.clone();
        async move { Ok(client.get(&format!("{}{}", path::used(&agent), path::in_world(world))).await?) }.boxed()
    }

    fn runbook(&self, version: String) -> BoxFuture<'static, Result<RunbookView, LinkError>> {
        let client = self.clone();
        async move { Ok(client.get(&path::runbook(&version)).await?) }.boxed()
    }

    fn break_glass(&self, _: Engage) -> BoxFuture<'static, Result<String, LinkError>> {
        let why = "this client knows no host to break the glass of; use `andon halt --break-glass`";
        std::future::ready(Err(LinkError::Refused(why.into()))).boxed()
    }

    fn place(&self) -> Option<String> {
        match self.target() {
            Target::Socket(_) => None,
            Target::Url { .. } => Some(self.target().place()),
        }
    }
}
