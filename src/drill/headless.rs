//! A recording played without a backend and without people: what it comes to, and what it would have with one halt at a given
//! moment. The same recording, seed, speed and halt give the same events, byte for byte (protocol 6).

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Harm, Item, Recording, Replay, Score, SpeedError, Timed, is_over_tool, score};
use crate::{
    incident::{
        Command, Context, Engage, Event, IncidentCommand, Refusal, Stream, World, Worlds, chain,
        containment::{Call, decide as answer},
        decide,
        drilled::{HarmCount, Played, event_id},
    },
    runbook::Runbook,
    telemetry::Action,
    terms::{Author, DrillId, IncidentId, Time},
    tripwire::{Engine, FiringChange, FiringLine},
};

/// The drill that a recording is played in.
const DRILL: DrillId = DrillId(1);

/// Why nothing was played.
#[derive(Debug, thiserror::Error)]
pub enum HeadlessError {
    /// The speed.
    #[error(transparent)]
    Speed(#[from] SpeedError),
    /// What was decided.
    #[error("what the recording does is refused: {}", .0.detail)]
    Refused(Refusal),
    /// A figure that JSON cannot write.
    #[error("an event cannot be written: {0}")]
    Unwritten(#[from] serde_json::Error),
}

/// What a recording came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Headless {
    /// The recording's name.
    pub name: String,
    /// Seed of its ids.
    pub seed: u64,
    /// What fired.
    pub firings: Vec<FiringLine>,
    /// What was harmed and prevented.
    pub harm: HarmCount,
    /// The score; nobody took part but who halted.
    pub score: Score,
    /// How many events.
    pub events: usize,
    /// SHA-256 (hex) over the events, one line each, without position and the time of recording.
    pub digest: String,
}

/// How a recording is played without anybody.
#[derive(Debug, Clone, Default)]
pub struct Staging {
    /// Its name.
    pub name: String,
    /// How many times faster than recorded.
    pub speed: f64,
    /// Seed of its ids.
    pub seed: u64,
    /// Everything is halted so many milliseconds of the recording after its zero.
    pub halt_ms: Option<i64>,
}

/// Plays `recording`; every event is handed to `each` as it is made.
///
/// # Errors
/// A speed nobody can follow; what the rules refuse.
pub fn headless(
    recording: &Arc<Recording>,
    runbook: &Runbook,
    asked: &Staging,
    mut each: impl FnMut(&Event),
) -> Result<Headless, HeadlessError> {
    let begins = recording.starts;
    let replay = Replay::new(recording.clone(), begins, asked.speed, asked.seed)?;
    let mut stage = Stage::new(recording, runbook, asked, &mut each);
    stage.begin(recording, asked)?;
    for action in replay.history() {
        stage.judge(&action)?;
    }
    let mut halt = asked.halt_ms;
    for timed in (0..replay.len()).filter_map(|number| replay.get(number)) {
        if let Some(at) = halt.take_if(|at| *at <= timed.recorded_ms) {
            stage.halt(begins.plus((at as f64 / asked.speed) as i64))?;
        }
        stage.happens(recording, timed)?;
    }
    stage.end(asked, begins.plus(replay.lasts_ms()))
}

/// A world of its own, and what was made of it.
struct Stage<'a, F> {
    worlds: Worlds,
    runbook: &'a Runbook,
    engine: Engine,
    changes: Vec<FiringChange>,
    firings: Vec<FiringLine>,
    heads: BTreeMap<Stream, (u64, String)>,
    seed: u64,
    harm: HarmCount,
    /// Marks that wait for an incident to be noted on.
    waiting: Vec<(Time, String)>,
    hash: Sha256,
    each: &'a mut F,
}

impl<'a, F: FnMut(&Event)> Stage<'a, F> {
    fn new(recording: &Recording, runbook: &'a Runbook, asked: &Staging, each: &'a mut F) -> Self {
        let mut engine = Engine::new(runbook.tripwires.clone());
        recording.agents.iter().for_each(|agent| engine.declare(agent));
        Self {
            worlds: Worlds::default(),
            runbook,
            engine,
            changes: Vec::new(),
            firings: Vec::new(),
            heads: BTreeMap::new(),
            seed: asked.seed,
            harm: HarmCount { course: recording.harm(), ..HarmCount::default() },
            waiting: Vec::new(),
            hash: Sha256::new(),
            each,
        }
    }

    fn ask(&mut self, drill: Option<DrillId>, by: Author, now: Time, command: &Command) -> Result<(), HeadlessError> {
        let context = Context { by, now, drill, counted: Vec::new(), runs: None };
        let decided = decide(&self.worlds, self.runbook, &context, command).map_err(HeadlessError::Refused)?;
        for new in decided {
            let (seq, prev) = self.heads.get(&new.stream).cloned().unwrap_or((0, chain::GENESIS.to_owned()));
            let (seq, position) = (seq + 1, self.worlds.position + 1);
            let id = event_id(self.seed, &new.stream, seq, now);
            let event = chain::seal(new, chain::Place { position, epoch: 1, seq, id, recorded_at: now, prev })?;
            self.heads.insert(event.stream.clone(), (seq, event.hash.clone()));
            self.worlds.apply(&event);
            self.hash.update(without_place(&event)?);
            (self.each)(&event);
        }
        Ok(())
    }

    fn begin(&mut self, recording: &Recording, asked: &Staging) -> Result<(), HeadlessError> {
        let course = Box::new(recording.course());
        let (title, seed, speed) = (recording.title.clone(), asked.seed, asked.speed);
        let start = Command::StartDrill { name: asked.name.clone(), title, seed, speed, course, armed: Box::default() };
        self.ask(None, author("drill"), recording.starts, &start)?;
        if recording.agents.is_empty() {
            return Ok(());
        }
        let declare = Command::DeclareAgents { agents: recording.agents.clone() };
        self.ask(Some(DRILL), author("drill"), recording.starts, &declare)
    }

    fn judge(&mut self, action: &Action) -> Result<(), HeadlessError> {
        self.engine.judge(action, &mut self.changes);
        if self.changes.is_empty() {
            return Ok(());
        }
        let changes = std::mem::take(&mut self.changes);
        for change in &changes {
            if let FiringChange::Opened { key, at, .. } = change {
                let (agent, detail) = (key.agent.clone(), key.detail.clone());
                self.firings.push(FiringLine { at: *at, agent, tripwire: key.tripwire, detail });
            }
        }
        self.ask(Some(DRILL), author("tripwires"), action.at, &Command::Fire { changes })
    }

    fn halt(&mut self, at: Time) -> Result<(), HeadlessError> {
        let incident = self.incident();
        let engage = Engage { incident, why: Some("as asked beforehand".into()), ..Engage::default() };
        self.ask(Some(DRILL), author("drill"), at, &Command::Engage(engage))
    }

    fn happens(&mut self, recording: &Recording, timed: Timed) -> Result<(), HeadlessError> {
        let Timed { recorded_ms, item, harm, .. } = timed;
        match item {
            Item::Action(action) => self.act(recording, &action, harm, recorded_ms)?,
            Item::Mark(mark) => {
                self.harm.harms(harm, mark.at, recorded_ms);
                // What nobody hears, nobody notes.
                if !mark.deaf {
                    self.waiting.push((mark.at, format!("{}: {}", mark.mark, mark.text)));
                }
            }
        }
        let Some(incident) = self.incident().filter(|_| !self.waiting.is_empty()) else { return Ok(()) };
        for (at, text) in std::mem::take(&mut self.waiting) {
            let ask = IncidentCommand::Note { text, at: Some(at) };
            self.ask(Some(DRILL), author("drill"), at, &Command::OnIncident { incident, ask })?;
        }
        Ok(())
    }

    /// An agent acts, if its conduct lets it under what is engaged (DRL.3).
    fn act(
        &mut self,
        recording: &Recording,
        action: &Action,
        harm: Harm,
        recorded_ms: i64,
    ) -> Result<(), HeadlessError> {
        let conduct = recording.conduct_of(&action.agent);
        let world = self.worlds.drills.get(&DRILL);
        let stopped = world.filter(|world| !world.switches.is_empty() && !conduct.beyond_reach).is_some_and(|world| {
            let switches = || world.switches.values().map(AsRef::as_ref);
            let (decision, _) = answer(switches(), &call(world, action));
            !conduct.acts(decision, action.tool.as_ref(), is_over_tool(switches(), action))
        });
        if stopped {
            self.harm.stops(harm);
            return Ok(());
        }
        self.harm.harms(harm, action.at, recorded_ms);
        self.judge(action)
    }

    fn incident(&self) -> Option<IncidentId> {
        let incidents = &self.worlds.drills.get(&DRILL)?.incidents;
        incidents.values().rev().find(|incident| incident.is_open()).map(|incident| incident.id)
    }

    fn end(mut self, asked: &Staging, at: Time) -> Result<Headless, HeadlessError> {
        let played = Command::RecordPlayed(Played { drill: DRILL, harm: self.harm, whole: true });
        self.ask(None, author("drill"), at, &played)?;
        self.ask(None, author("drill"), at, &Command::EndDrill { drill: DRILL })?;
        let Worlds { takes, drills, position, .. } = &self.worlds;
        let (take, world) = takes.get(&DRILL).zip(drills.get(&DRILL)).unzip();
        let none = World::default();
        let score = take.map(|take| score(take, world.unwrap_or(&none), self.runbook, None, at));
        let score = score.ok_or_else(|| serde::ser::Error::custom("no drill began"));
        Ok(Headless {
            name: asked.name.clone(),
            seed: asked.seed,
            score: score.map_err(HeadlessError::Unwritten)?,
            firings: self.firings,
            harm: self.harm,
            events: usize::try_from(*position).unwrap_or(usize::MAX),
            digest: hex::encode(self.hash.finalize()),
        })
    }
}

fn author(part: &str) -> Author {
    Author::Andon(part.to_owned())
}

/// The call as the interlock would see it, with what the inventory says of the tool.
fn call(world: &World, action: &Action) -> Call {
    let declared = world.agents.get(&action.agent).map(|agent| &agent.declared);
    let item = declared.zip(action.tool.as_ref()).and_then(|(agent, tool)| agent.item(tool));
    Call {
        agent: Some(action.agent.clone()),
        tool: action.tool.clone(),
        claimed_class: action.class.clone(),
        declared_class: item.and_then(|item| item.class().cloned()),
        claimed_workflow: action.workflow.clone(),
        declared_workflow: declared.and_then(|agent| agent.workflow.clone()),
        subject: action.on_behalf_of.clone(),
        run: action.run.clone(),
        ..Call::default()
    }
}

/// An event as a line, without what a log adds to it.
fn without_place(event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    let mut value = serde_json::to_value(event)?;
    if let serde_json::Value::Object(fields) = &mut value {
        for name in ["position", "epoch", "recorded_at", "hash", "prev"] {
            fields.remove(name);
        }
    }
    let mut line = serde_json_canonicalizer::to_vec(&value)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
#[path = "headless_tests.rs"]
mod tests;
