//! What `update` asks for, and the only place that starts work.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    link::{Backend, Heard, LinkError, StepPlace},
    message::Message,
};
use crate::{
    api::Writing,
    incident::{Command, Engage},
    terms::{AgentId, DraftId, DrillId, IncidentId},
};

/// Work to be done outside `update`.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Leave; what was asked before is still sent.
    Quit,
    /// Load a world and follow it.
    Follow {
        /// Which.
        world: Option<DrillId>,
        /// Number of this asking; older ones end.
        load: u64,
    },
    /// Ask the backend.
    Submit {
        /// In which world.
        world: Option<DrillId>,
        /// As the toast names it.
        what: String,
        /// What.
        command: Box<Command>,
    },
    /// Stop what this host may stop by itself: the backend is not reached.
    BreakGlass(Box<Engage>),
    /// Run a step's command on this machine, and keep what it writes.
    RunStep {
        /// Which.
        place: StepPlace,
        /// As it was shown.
        command: String,
    },
    /// Read an incident's trace.
    Trace {
        /// In which world.
        world: Option<DrillId>,
        /// Whose.
        incident: IncidentId,
    },
    /// Tell the others where this person writes.
    Writing {
        /// In which world.
        world: Option<DrillId>,
        /// Where; nowhere any more.
        writing: Option<Writing>,
    },
    /// Send what waits since the backend was not reached.
    SendKept,
    /// Read what an agent used lately.
    ReadUsed {
        /// In which world.
        world: Option<DrillId>,
        /// Whose.
        agent: AgentId,
    },
    /// Read a version of the runbook.
    ReadRunbook(String),
    /// Read what a facilitator sees of a drill's recording.
    ReadOutline(DrillId),
    /// Read which recordings there are.
    ReadRecordings,
    /// Play a drill as fast as its recording says.
    Play {
        /// The recording's name.
        name: String,
    },
    /// Hand a draft to `$EDITOR`; the loop does it, since it owns the terminal.
    Edit {
        /// Of which incident.
        incident: IncidentId,
        /// Which draft.
        draft: DraftId,
        /// Its text.
        text: String,
    },
    /// Put text on the clipboard (OSC 52).
    Copy(String),
    /// Stop the process until it is continued.
    Suspend,
    /// Paint everything anew.
    Repaint,
    /// Tell a person who looks elsewhere.
    Alert(String),
}

/// Runs the effects that need no terminal.
pub struct Runner {
    backend: Arc<dyn Backend>,
    messages: mpsc::Sender<Message>,
    following: CancellationToken,
    asking: Arc<AtomicUsize>,
}

/// Longest pause between two tries to load a world, in seconds.
const SLOWEST_RETRY_S: u64 = 5;

impl Runner {
    /// Runs effects against `backend`; what comes of them goes to `messages`.
    pub fn new(backend: Arc<dyn Backend>, messages: mpsc::Sender<Message>) -> Self {
        Self { backend, messages, following: CancellationToken::new(), asking: Arc::default() }
    }

    /// Loads `world` and follows it, in place of what was followed before.
    pub fn follow(&mut self, world: Option<DrillId>, load: u64) {
        self.following.cancel();
        self.following = CancellationToken::new();
        let (backend, messages, ended) = (self.backend.clone(), self.messages.clone(), self.following.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = follow(backend, messages, world, load) => {}
            }
        });
    }

    /// Asks `command`; one id, so that asking again is safe (law 2).
    pub fn submit(&self, world: Option<DrillId>, what: String, command: Command) {
        let (messages, asking, backend) = (self.messages.clone(), self.asking.clone(), self.backend.clone());
        let answer = self.backend.submit(world, Uuid::now_v7(), command);
        asking.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            let result = answer.await;
            asking.fetch_sub(1, Ordering::SeqCst);
            let waits = matches!(result, Err(LinkError::Kept(_)));
            messages.send(Message::Answered { what, result }).await.ok();
            if waits {
                messages.send(Message::SentKept { sent: Vec::new(), waiting: backend.waiting() }).await.ok();
            }
        });
    }

    /// Breaks the glass.
    pub fn break_glass(&self, engage: Engage) {
        let (messages, asking) = (self.messages.clone(), self.asking.clone());
        let answer = self.backend.break_glass(engage);
        asking.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            let done = answer.await;
            asking.fetch_sub(1, Ordering::SeqCst);
            messages.send(Message::BrokeGlass(done)).await.ok();
        });
    }

    /// Runs a step's command.
    pub fn run_step(&self, place: StepPlace, command: String) {
        let (messages, asking) = (self.messages.clone(), self.asking.clone());
        let answer = self.backend.run_step(place, command);
        asking.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            let done = answer.await;
            asking.fetch_sub(1, Ordering::SeqCst);
            messages.send(Message::Ran(done)).await.ok();
        });
    }

    /// Reads a trace.
    pub fn trace(&self, world: Option<DrillId>, incident: IncidentId) {
        let messages = self.messages.clone();
        let answer = self.backend.trace(world, incident);
        tokio::spawn(async move {
            let trace = answer.await.map(Box::new);
            messages.send(Message::Traced { incident, trace }).await.ok();
        });
    }

    /// Sends what waits.
    pub fn send_kept(&self) {
        if self.backend.waiting() == 0 {
            return;
        }
        let (messages, backend) = (self.messages.clone(), self.backend.clone());
        tokio::spawn(async move {
            let sent = backend.send_kept().await;
            messages.send(Message::SentKept { sent, waiting: backend.waiting() }).await.ok();
        });
    }

    /// Tells where this person writes.
    pub fn writing(&self, world: Option<DrillId>, writing: Option<Writing>) {
        tokio::spawn(self.backend.writing(world, writing));
    }

    /// Reads what an agent used lately.
    pub fn read_used(&self, world: Option<DrillId>, agent: AgentId) {
        let messages = self.messages.clone();
        let answer = self.backend.used(world, agent.clone());
        tokio::spawn(async move {
            messages.send(Message::Used { agent, used: answer.await }).await.ok();
        });
    }

    /// Reads a version of the runbook.
    pub fn read_runbook(&self, version: String) {
        let messages = self.messages.clone();
        let answer = self.backend.runbook(version.clone());
        tokio::spawn(async move {
            let view = answer.await.map(Box::new);
            messages.send(Message::Book { version, view }).await.ok();
        });
    }

    /// Plays a drill.
    pub fn play(&self, name: String) {
        let messages = self.messages.clone();
        let answer = self.backend.play(name);
        tokio::spawn(async move {
            messages.send(Message::Playing(answer.await)).await.ok();
        });
    }

    /// Reads the outline of a drill's recording.
    pub fn read_outline(&self, drill: DrillId) {
        let messages = self.messages.clone();
        let answer = self.backend.outline(drill);
        tokio::spawn(async move {
            let outline = answer.await.map(Box::new);
            messages.send(Message::Outline { drill, outline }).await.ok();
        });
    }

    /// Reads which recordings there are.
    pub fn read_recordings(&self) {
        let messages = self.messages.clone();
        let answer = self.backend.recordings();
        tokio::spawn(async move {
            messages.send(Message::Recordings(answer.await)).await.ok();
        });
    }

    /// Commands asked and not yet answered.
    pub fn asking(&self) -> usize {
        self.asking.load(Ordering::SeqCst)
    }

    /// Ends what is followed.
    pub fn stop(&self) {
        self.following.cancel();
    }
}

async fn follow(backend: Arc<dyn Backend>, messages: mpsc::Sender<Message>, world: Option<DrillId>, load: u64) {
    let mut pause = 1;
    loop {
        let state = backend.state(world).await;
        let place = state.as_ref().ok().map(|state| (state.epoch, state.position));
        if messages.send(Message::Loaded { load, state: state.map(Box::new) }).await.is_err() {
            return;
        }
        let Some((epoch, position)) = place else {
            tokio::time::sleep(std::time::Duration::from_secs(pause)).await;
            pause = (pause * 2).min(SLOWEST_RETRY_S);
            continue;
        };
        pause = 1;
        let mut stream = backend.events(epoch, position, world);
        while let Some(heard) = stream.next().await {
            let again = heard == Heard::Resync;
            if messages.send(Message::Heard { load, heard }).await.is_err() {
                return;
            }
            if again {
                break;
            }
        }
    }
}
