//! Plays a recording into a drill's world (DRL.1, law 8): the world's own intake and interlock, never the real ones.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::Instant,
};
use uuid::Uuid;

use super::{
    app::Backend,
    intake::{Intake, Source},
    interlock::Way,
};
use crate::{
    api::{CheckAnswer, CheckRequest, DrillStarted, LONGEST_RECORDING, Problem, RecordingView, StartDrill},
    drill::{Conduct, Harm, Item, Mark, Pace, Recording, Replay, SHIPPED, injected, shipped},
    incident::{
        Command, Event, Fact, IncidentCommand,
        containment::{Scope, Switch, SwitchState},
        drilled::{HarmCount, Played, Steer},
    },
    telemetry::Action,
    terms::{AgentId, Author, DrillId, IncidentId, Time},
};

/// Actions of the history that are fed at once.
const BATCH: usize = 1_000;
/// What an action is taken to weigh in the store, in bytes.
const WEIGHT: usize = 512;

/// The drills that are being played: a request sent twice plays once.
#[derive(Default)]
pub struct Playing(Mutex<BTreeMap<DrillId, HarmCount>>);

impl Playing {
    fn begin(&self, drill: DrillId, course: Harm) -> bool {
        let new = HarmCount { course, ..HarmCount::default() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(drill, new).is_none()
    }

    /// What a drill came to up to now, where it is played here (DRL.3).
    pub fn harm(&self, drill: DrillId) -> Option<HarmCount> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&drill).copied()
    }

    fn count(&self, drill: DrillId, change: impl FnOnce(&mut HarmCount)) {
        if let Some(harm) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&drill) {
            change(harm);
        }
    }
}

/// Every recording that can be played.
pub fn recordings() -> Vec<RecordingView> {
    let read = |name: &str| {
        let Recording { title, modelled_on, .. } = shipped(name).ok()?;
        Some(RecordingView { name: name.to_owned(), title, modelled_on })
    };
    SHIPPED.iter().filter_map(|(name, _)| read(name)).collect()
}

/// Starts a drill's world, declares its agents there, and plays.
///
/// # Errors
/// No such recording, a speed nobody can follow, or what the log says.
pub async fn start(backend: &Arc<Backend>, by: Author, id: Uuid, asked: StartDrill) -> Result<DrillStarted, Problem> {
    let StartDrill { name, recording, speed, seed } = asked;
    let recording = match recording {
        None => shipped(&name).map_err(Problem::unknown)?,
        Some(text) => own(&name, text).await?,
    };
    let speed = speed.unwrap_or(recording.speed());
    let begins = (backend.clock)();
    let recording = Arc::new(recording);
    let replay = Replay::new(recording.clone(), begins, speed, seed);
    let replay = replay.map_err(|error| Problem::invalid(422, error.to_string()))?;
    let title = recording.title.clone();
    let course = Box::new(recording.course());
    let armed = Box::new(backend.live(None).proof());
    let command = Command::StartDrill { name, title: title.clone(), seed, speed, course, armed };
    let accepted = backend.core.submit(None, id, by, command).await?;
    let begun = accepted.events.iter().find_map(|event| match &event.fact {
        Fact::DrillStarted { drill, .. } => Some(*drill),
        _ => None,
    });
    let Some(drill) = begun else { return Err(Problem::unavailable("no drill began; ask again with another id")) };
    let lasts_s = replay.lasts_ms() as f64 / 1000.0;
    if backend.playing.begin(drill, recording.harm()) {
        let player = Player::open(backend.clone(), drill, &recording).await?;
        tokio::spawn(async move {
            let stop = player.backend.stop.clone();
            let _ = stop.run_until_cancelled_owned(player.play(replay, speed)).await;
        });
    }
    Ok(DrillStarted { id: drill, title, lasts_s })
}

/// A recording that came with the request.
async fn own(name: &str, text: String) -> Result<Recording, Problem> {
    if SHIPPED.iter().any(|(known, _)| *known == name) {
        return Err(Problem::invalid(422, format!("`name`: {name} ships with andon; give yours another name")));
    }
    if text.len() > LONGEST_RECORDING {
        let most = LONGEST_RECORDING >> 20;
        return Err(Problem::invalid(422, format!("`recording`: at most {most} MiB are played; split it")));
    }
    let read = tokio::task::spawn_blocking(move || Recording::parse(&text)).await;
    let read = read.map_err(|_| Problem::unavailable("the recording was not read; ask again"))?;
    read.map_err(|why| Problem::invalid(422, why.to_string()))
}

/// One drill being played.
struct Player {
    backend: Arc<Backend>,
    drill: DrillId,
    intake: Intake,
    source: Source,
    /// How those of its agents behave that do not ask and obey.
    conduct: BTreeMap<AgentId, Conduct>,
    /// Marks that wait for an incident to be noted on.
    waiting: Vec<Mark>,
}

impl Player {
    async fn open(backend: Arc<Backend>, drill: DrillId, recording: &Recording) -> Result<Self, Problem> {
        if !recording.agents.is_empty() {
            let declare = Command::DeclareAgents { agents: recording.agents.clone() };
            backend.core.submit(Some(drill), Uuid::now_v7(), author(), declare).await?;
        }
        let intakes = backend.rooms.intakes.get();
        let intakes = intakes.ok_or_else(|| Problem::unavailable("the backend is starting; ask again in a second"))?;
        let intake = intakes.get(Some(drill)).await?;
        let source = Source { name: format!("drill:{drill}").into(), agent: None };
        Ok(Self { backend, drill, intake, source, conduct: recording.conduct.clone(), waiting: Vec::new() })
    }

    async fn play(mut self, replay: Replay, speed: f64) {
        let mut heard = self.backend.core.subscribe();
        let (zero, mut pace) = (Instant::now(), Pace::new(speed));
        let mut history = replay.history();
        loop {
            let batch: Vec<Action> = history.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            self.feed(batch).await;
        }
        for timed in (0..replay.len()).filter_map(|number| replay.get(number)) {
            while let Some(how) = self.steered(&mut heard, pace.until(timed.offset_ms, zero.elapsed())).await {
                pace.steer(&how, zero.elapsed());
                if let Steer::Inject { line } = how {
                    let recorded_ms = pace.position_ms(zero.elapsed()) * speed;
                    self.put_in(&line, recorded_ms as i64).await;
                }
            }
            if !self.runs() {
                return self.came_to(false).await;
            }
            let drift = pace.drift_ms(timed.offset_ms, zero.elapsed());
            pace.played(timed.offset_ms, zero.elapsed());
            self.happens(timed.item.later(drift), timed.harm, timed.recorded_ms).await;
        }
        let at = (self.backend.clock)();
        let text = format!(
            "the recording is over; {} actions were not executed because a switch stood in their way",
            self.backend.playing.harm(self.drill).unwrap_or_default().stopped
        );
        self.note(at, text).await;
        self.came_to(true).await;
    }

    /// What it came to is a fact from here on.
    async fn came_to(&self, whole: bool) {
        let harm = self.backend.playing.harm(self.drill).unwrap_or_default();
        let command = Command::RecordPlayed(Played { drill: self.drill, harm, whole });
        if let Err(problem) = self.backend.core.submit(None, Uuid::now_v7(), author(), command).await {
            tracing::warn!(drill = %self.drill, %problem, "what a drill came to was not recorded");
        }
    }

    /// Waits until it is time, or a facilitator does something, or the drill ends; what they do comes first.
    async fn steered(&self, heard: &mut Receiver<Arc<Event>>, until: Option<Duration>) -> Option<Steer> {
        let time = async {
            match until {
                Some(until) => tokio::time::sleep(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(time);
        loop {
            tokio::select! {
                biased;
                event = heard.recv() => match event.as_deref().map(|event| &event.fact) {
                    Ok(Fact::DrillSteered(steered)) if steered.drill == self.drill => return Some(steered.how.clone()),
                    Ok(Fact::DrillEnded { drill }) if *drill == self.drill => return None,
                    Ok(_) => {}
                    // What was missed may have been a pause: as the log has it now.
                    Err(RecvError::Lagged(_)) => return Some(self.as_it_stands()),
                    Err(RecvError::Closed) => return None,
                },
                () = &mut time => return None,
            }
        }
    }

    fn as_it_stands(&self) -> Steer {
        let paused = self.backend.core.worlds().takes.get(&self.drill).is_some_and(|take| take.paused);
        if paused { Steer::Pause {} } else { Steer::Resume {} }
    }

    async fn put_in(&mut self, line: &str, recorded_ms: i64) {
        match injected(line, (self.backend.clock)()) {
            Ok(moment) => self.happens(moment.item, moment.harm, recorded_ms).await,
            Err(why) => tracing::warn!(drill = %self.drill, %why, "what was put into a drill does not read"),
        }
    }

    async fn happens(&mut self, item: Item, harm: Harm, recorded_ms: i64) {
        match item {
            Item::Action(action) => self.act(*action, harm, recorded_ms).await,
            Item::Mark(mark) => {
                self.backend.playing.count(self.drill, |count| count.harms(harm, mark.at, recorded_ms));
                self.waiting.push(mark);
            }
        }
        self.note_marks().await;
    }

    fn runs(&self) -> bool {
        self.backend.core.worlds().takes.get(&self.drill).is_some_and(|take| take.ended_at.is_none())
    }

    /// An agent acts, if the drill's own interlock lets it: what is refused is prevented harm.
    async fn act(&mut self, action: Action, harm: Harm, recorded_ms: i64) {
        let now = (self.backend.clock)();
        let asked = CheckRequest {
            tool: action.tool.clone(),
            class: action.class.clone(),
            run: action.run.clone(),
            workflow: action.workflow.clone(),
            subject: action.on_behalf_of.clone(),
            sent_at: Some(now),
            ..CheckRequest::by(action.agent.clone())
        };
        let conduct = self.conduct.get(&action.agent).cloned().unwrap_or_default();
        let interlock = self.backend.rooms.interlocks.get(Some(self.drill)).filter(|_| !conduct.beyond_reach);
        let answer = interlock.map(|interlock| interlock.check(&asked, Way::Check, now));
        if let Some(CheckAnswer { decision, .. }) = answer {
            let over_tool = !conduct.cut_at.is_empty() && self.tool_is_switched(&action);
            if !conduct.acts(decision, action.tool.as_ref(), over_tool) {
                self.backend.playing.count(self.drill, |count| count.stops(harm));
                return;
            }
        }
        self.backend.playing.count(self.drill, |count| count.harms(harm, now, recorded_ms));
        self.feed(vec![Action { received_at: now, ..action }]).await;
    }

    /// Whether a switch of the drill's world names the action's tool in its scope.
    fn tool_is_switched(&self, action: &Action) -> bool {
        let worlds = self.backend.core.worlds();
        let over = |switch: &Switch| {
            let Scope { tool, agent, .. } = &switch.scope;
            let engaged = switch.state == SwitchState::Engaged && tool.is_some() && *tool == action.tool;
            engaged && agent.as_ref().is_none_or(|agent| *agent == action.agent)
        };
        worlds.get(Some(self.drill)).is_some_and(|world| world.switches.values().any(|switch| over(switch)))
    }

    async fn feed(&self, actions: Vec<Action>) {
        let bytes = actions.len() * WEIGHT;
        if let Err(problem) = self.intake.actions(actions, &self.source, bytes).await {
            tracing::warn!(drill = %self.drill, %problem, "part of a drill was not taken");
        }
    }

    /// Marks become notes on the drill's newest open incident, once there is one.
    async fn note_marks(&mut self) {
        if self.waiting.is_empty() || self.incident().is_none() {
            return;
        }
        for mark in std::mem::take(&mut self.waiting) {
            self.note(mark.at, format!("{}: {}", mark.mark, mark.text)).await;
        }
    }

    fn incident(&self) -> Option<IncidentId> {
        let worlds = self.backend.core.worlds();
        let incidents = &worlds.get(Some(self.drill))?.incidents;
        incidents.values().rev().find(|incident| incident.is_open()).map(|incident| incident.id)
    }

    async fn note(&self, at: Time, text: String) {
        let Some(incident) = self.incident() else { return };
        let command = Command::OnIncident { incident, ask: IncidentCommand::Note { text, at: Some(at) } };
        if let Err(problem) = self.backend.core.submit(Some(self.drill), Uuid::now_v7(), author(), command).await {
            tracing::warn!(drill = %self.drill, %problem, "a drill's mark was not noted");
        }
    }
}

fn author() -> Author {
    Author::Andon("drill".into())
}
