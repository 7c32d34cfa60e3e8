//! The writer's task: takes what waits, decides in order, appends it in one transaction, publishes, answers.

use std::{sync::Arc, time::Duration};

use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{
    handle::{Options, Shared},
    sealing::Tail,
};
use crate::{
    api::{Accepted, Problem},
    backend::log::{Append, Log, LogError, Remembered},
    incident::{Command, Context, Event, Fact, Stream, Topic, Worlds, containment::Scope, decide, drilled::event_id},
    terms::{Author, DrillId, Time},
    tripwire::FiringChange,
};

/// How many commands share one transaction.
const BATCH: usize = 256;
/// How often a halt that the disk refused is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How many events are read at a time at start.
const PAGE: usize = 10_000;

/// A command on its way to the writer.
pub(super) struct Request {
    pub drill: Option<DrillId>,
    pub id: Uuid,
    pub by: Author,
    pub command: Command,
    /// When the writer saw it first; a halt tried again keeps it.
    pub at: Option<Time>,
    pub answer: Option<oneshot::Sender<Result<Accepted, Problem>>>,
}

impl Request {
    fn answer(self, answer: Result<Accepted, Problem>) {
        if let Some(channel) = self.answer {
            // Nobody waits any more: the command is done all the same, and its id answers when asked again.
            let _ = channel.send(answer);
        }
    }
}

/// The log, folded.
pub(super) struct State {
    pub worlds: Worlds,
    pub tail: Tail,
}

/// Reads and folds the whole log.
pub(super) async fn fold<L: Log>(log: &L) -> Result<State, LogError> {
    let mut state = State { worlds: Worlds::default(), tail: Tail::new(log.epoch()) };
    state.worlds.epoch = log.epoch();
    loop {
        let page = log.read(state.tail.position, PAGE).await?;
        for event in &page {
            state.tail.follow(event);
            state.worlds.apply(event);
        }
        if page.len() < PAGE {
            return Ok(state);
        }
    }
}

/// A batch being decided: what the state will be once it is durable.
#[derive(Default)]
struct Staged {
    worlds: Worlds,
    appends: Vec<Append>,
    taken: Vec<(Request, Accepted)>,
    /// Asked again within the batch: answered as the one of `taken` they repeat, when that is durable.
    repeats: Vec<(Request, usize)>,
}

impl Staged {
    /// Events sealed in this batch.
    fn sealed(&self) -> u64 {
        self.appends.iter().map(|append| append.events.len() as u64).sum()
    }
}

enum Outcome {
    Append(Append, Accepted),
    Answer(Result<Accepted, Problem>),
    /// The same as an earlier one of the batch.
    Repeat(usize),
}

/// How commands that were asked before are found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// By the log's refusal to take their id twice: nearly every command is new.
    After,
    /// Each by a look into the log first.
    Before,
}

pub(super) struct Writer<L> {
    log: Arc<L>,
    state: State,
    shared: Arc<Shared>,
    options: Options,
    /// Halts in force that the disk refused (law 5): first in every batch until it takes them.
    unrecorded: Vec<Request>,
    /// Their facts, as they stand beside the log.
    in_force: Vec<Arc<Event>>,
}

impl<L: Log> Writer<L> {
    pub fn new(log: Arc<L>, state: State, shared: Arc<Shared>, options: Options) -> Self {
        Self { log, state, shared, options, unrecorded: Vec::new(), in_force: Vec::new() }
    }

    pub async fn run(mut self, mut halts: mpsc::Receiver<Request>, mut requests: mpsc::Receiver<Request>) {
        loop {
            let mut batch = std::mem::take(&mut self.unrecorded);
            let retrying = !batch.is_empty() || self.options.pulse.is_failing();
            let alone = !self.log.is_shared();
            tokio::select! {
                biased;
                Some(halt) = halts.recv() => batch.push(halt),
                Some(request) = requests.recv() => batch.push(request),
                () = self.log.changed() => {
                    self.catch_up().await;
                    self.unrecorded = batch;
                    continue;
                }
                () = tokio::time::sleep(RETRY), if retrying || !alone => {}
                else => return,
            }
            while batch.len() < BATCH {
                match halts.try_recv().or_else(|_| requests.try_recv()) {
                    Ok(request) => batch.push(request),
                    Err(_) => break,
                }
            }
            self.write(batch).await;
        }
    }

    async fn write(&mut self, mut batch: Vec<Request>) {
        let now = (self.options.clock)();
        let mut look = Look::After;
        loop {
            let staged = self.stage(batch, now, look).await;
            let pulse = self.options.pulse.clone();
            if staged.appends.is_empty() {
                return self.feel_pulse().await;
            }
            pulse.begin();
            match self.log.append(self.state.tail.position - staged.sealed(), &staged.appends).await {
                Ok(()) => {
                    pulse.beat();
                    return self.publish(staged);
                }
                Err(LogError::Repeated) if look == Look::After => {
                    self.state.tail.unseal(0);
                    let repeated = staged.repeats.into_iter().map(|(request, _)| request);
                    batch = staged.taken.into_iter().map(|(request, _)| request).chain(repeated).collect();
                    look = Look::Before;
                }
                Err(LogError::Behind) => {
                    pulse.beat();
                    self.state.tail.unseal(0);
                    let repeated = staged.repeats.into_iter().map(|(request, _)| request);
                    batch = staged.taken.into_iter().map(|(request, _)| request).chain(repeated).collect();
                    self.catch_up().await;
                }
                Err(error) => return self.refuse(staged, &error),
            }
        }
    }

    /// Nobody asks anything: a log that failed is tried again, and one that others share is felt for.
    async fn feel_pulse(&mut self) {
        let pulse = self.options.pulse.clone();
        if !pulse.is_failing() && !self.log.is_shared() {
            return;
        }
        pulse.begin();
        match self.log.probe().await {
            Ok(()) => pulse.beat(),
            Err(error) => {
                tracing::warn!(%error, "the log does not answer");
                pulse.miss(&error);
            }
        }
    }

    /// Takes what other nodes appended: the same fold, the same tables, the same telling (law 3).
    async fn catch_up(&mut self) {
        loop {
            let page = match self.log.read(self.state.tail.position, PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "what other nodes did is not known yet");
                    return;
                }
            };
            let more = page.len() == PAGE;
            let events: Vec<Arc<Event>> = page.into_iter().map(Arc::new).collect();
            if events.is_empty() {
                return;
            }
            for event in &events {
                self.state.tail.follow(event);
                self.state.worlds.apply(event);
            }
            self.options.follow(&self.state.worlds);
            self.show(&events);
            for event in events {
                let _ = self.shared.published.send(event);
            }
            if !more {
                return;
            }
        }
    }

    async fn stage(&mut self, batch: Vec<Request>, now: Time, look: Look) -> Staged {
        let mut staged = Staged { worlds: self.state.worlds.clone(), ..Staged::default() };
        for mut request in batch {
            request.at.get_or_insert(now);
            match self.decide(&mut staged, &request, now, look).await {
                Outcome::Append(append, accepted) => {
                    staged.appends.push(append);
                    staged.taken.push((request, accepted));
                }
                Outcome::Repeat(first) => staged.repeats.push((request, first)),
                Outcome::Answer(answer) => request.answer(answer),
            }
        }
        staged
    }

    async fn decide(&mut self, staged: &mut Staged, request: &Request, now: Time, look: Look) -> Outcome {
        let body_hash = match body_hash(request) {
            Ok(hash) => hash,
            Err(error) => return Outcome::Answer(Err(Problem::invalid(422, error.to_string()))),
        };
        let twin = |append: &Append| append.id == request.id && append.author == request.by;
        if let Some(first) = staged.appends.iter().position(twin) {
            let same = staged.appends[first].remembered.body_hash == body_hash;
            return if same { Outcome::Repeat(first) } else { Outcome::Answer(Err(Problem::reused_id())) };
        }
        if look == Look::Before
            && let Some(answer) = self.first_answer(request, &body_hash).await
        {
            return Outcome::Answer(answer);
        }
        let context = self.context(request, request.at.unwrap_or(now));
        // One batch may bring a runbook into force, and declare by it.
        let taken = staged.worlds.upkeep.now().map(|book| book.runbook.clone());
        let runbook = taken.unwrap_or_else(|| self.options.runbook.load_full());
        let facts = match decide(&staged.worlds, &runbook, &context, &request.command) {
            Ok(facts) => facts,
            // What was done already is refused now: the first answer still stands.
            Err(refusal) => {
                let first = if look == Look::After { self.first_answer(request, &body_hash).await } else { None };
                return Outcome::Answer(first.unwrap_or(Err(refusal.into())));
            }
        };
        let mark = self.state.tail.mark();
        let mut events = Vec::with_capacity(facts.len());
        for fact in facts {
            // A drill's ids follow from its seed (protocol 6).
            let take = fact.stream.drill.and_then(|drill| staged.worlds.takes.get(&drill));
            let seq = self.state.tail.seq(&fact.stream) + 1;
            let id = take.map_or_else(Uuid::now_v7, |take| event_id(take.seed, &fact.stream, seq, now));
            match self.state.tail.seal(fact, id, now) {
                Ok(event) => events.push(event),
                Err(error) => {
                    self.state.tail.unseal(mark);
                    return Outcome::Answer(Err(Problem::invalid(422, error.to_string())));
                }
            }
        }
        for event in &events {
            staged.worlds.apply(event);
        }
        let state_version = self.state.tail.seq(&about(request, &events));
        let remembered = Remembered {
            body_hash,
            first_position: events.first().map_or(0, |event| event.position),
            last_position: events.last().map_or(0, |event| event.position),
            state_version,
        };
        let accepted =
            Accepted { events: events.iter().map(|event| (**event).clone()).collect(), state_version, recorded: true };
        Outcome::Append(Append { author: request.by.clone(), id: request.id, remembered, events }, accepted)
    }

    fn context(&self, request: &Request, now: Time) -> Context {
        let interlocks = &self.options.interlocks;
        let counted = match &request.command {
            Command::Engage(engage) => interlocks.counted(request.drill, &engage.scope, now),
            Command::Release { agent: Some(agent), to: Some(_), .. } => {
                interlocks.counted(request.drill, &Scope::agent(agent.clone()), now)
            }
            Command::Begin { switch } => {
                let world = self.state.worlds.get(request.drill);
                let scope = world.and_then(|world| world.switches.get(switch)).map(|switch| &switch.scope);
                scope.map(|scope| interlocks.counted(request.drill, scope, now)).unwrap_or_default()
            }
            // What a firing engages by itself counts like what a person engages (RST.3, CON.14).
            Command::Fire { changes } if changes.iter().any(|it| matches!(it, FiringChange::Opened { .. })) => {
                interlocks.counted(request.drill, &Scope::all(), now)
            }
            _ => Vec::new(),
        };
        let runs = match &request.command {
            Command::Release { agent: Some(agent), .. } => interlocks.runs(request.drill, agent),
            Command::Release { switch, .. } => {
                let world = self.state.worlds.get(request.drill);
                let agent = world.and_then(|world| world.switches.get(switch)?.scope.agent.clone());
                agent.and_then(|agent| interlocks.runs(request.drill, &agent))
            }
            _ => None,
        };
        Context { by: request.by.clone(), now, drill: request.drill, counted, runs }
    }

    /// What the command's id answered first, if it was ever asked (law 2).
    async fn first_answer(&self, request: &Request, body_hash: &str) -> Option<Result<Accepted, Problem>> {
        let unavailable = |error: LogError| Some(Err(Problem::unavailable(error.to_string())));
        let first = match self.log.remembered(&request.by, request.id).await {
            Ok(first) => first?,
            // A log that cannot even be read stops nobody from stopping an agent (law 5).
            Err(_) if matches!(request.command, Command::Engage(_)) => return None,
            Err(error) => return unavailable(error),
        };
        if first.body_hash != body_hash {
            return Some(Err(Problem::reused_id()));
        }
        let mut events = Vec::new();
        if first.first_position > 0 {
            let many = usize::try_from(first.last_position - first.first_position + 1).unwrap_or(BATCH);
            match self.log.read(first.first_position - 1, many).await {
                Ok(read) => events = read,
                Err(error) => return unavailable(error),
            }
        }
        Some(Ok(Accepted { events, state_version: first.state_version, recorded: true }))
    }

    /// The batch is on disk: swap the tables, tell everybody, answer.
    fn publish(&mut self, staged: Staged) {
        self.state.tail.keep();
        self.state.worlds = staged.worlds;
        self.options.follow(&self.state.worlds);
        let events: Vec<Arc<Event>> = staged.appends.into_iter().flat_map(|append| append.events).collect();
        self.in_force.clear();
        self.show(&events);
        for event in events {
            // Without a listener there is nobody to tell.
            let _ = self.shared.published.send(event);
        }
        for (request, first) in staged.repeats {
            request.answer(Ok(staged.taken[first].1.clone()));
        }
        for (request, accepted) in staged.taken {
            request.answer(Ok(accepted));
        }
    }

    /// The disk refused the batch: halts are in force all the same, the rest is as if it had never been asked.
    fn refuse(&mut self, staged: Staged, error: &LogError) {
        tracing::error!(%error, "the log refused a batch");
        self.options.pulse.miss(error);
        self.state.tail.unseal(0);
        self.in_force.clear();
        for (request, _) in staged.repeats {
            // Asked again it finds the halt in force, or the room it lacks now.
            request.answer(Err(Problem::unavailable(error.to_string())));
        }
        for ((request, mut accepted), append) in staged.taken.into_iter().zip(staged.appends) {
            if !stops(&request.command, &append) {
                request.answer(Err(Problem::unavailable(error.to_string())));
                continue;
            }
            self.in_force.extend(append.events);
            accepted.recorded = false;
            let Request { drill, id, by, command, at, answer } = request;
            self.unrecorded.push(Request { drill, id, by: by.clone(), command: command.clone(), at, answer: None });
            Request { drill, id, by, command, at, answer }.answer(Ok(accepted));
        }
        self.show(&[]);
    }

    /// Shows the state, with what is in force and not recorded; the worlds that `events` touched are published.
    fn show(&self, events: &[Arc<Event>]) {
        let recorded = Arc::new(self.state.worlds.clone());
        let worlds = if self.in_force.is_empty() { recorded.clone() } else { Arc::new(self.with_what_is_in_force()) };
        let mut changed: Vec<Option<DrillId>> = Vec::new();
        for event in events.iter().chain(&self.in_force) {
            let touches = matches!(event.stream.topic, Topic::Switches | Topic::Holds | Topic::Agents | Topic::Drills);
            if touches && !changed.contains(&event.stream.drill) {
                changed.push(event.stream.drill);
            }
        }
        if !changed.is_empty() {
            self.options.interlocks.publish(&worlds, &changed);
        }
        self.shared.recorded.store(recorded);
        self.shared.worlds.store(worlds);
    }

    fn with_what_is_in_force(&self) -> Worlds {
        let mut worlds = self.state.worlds.clone();
        for event in &self.in_force {
            worlds.apply(event);
        }
        worlds.mark_unrecorded(&self.in_force);
        // A reader goes on after what is in the log: another fact may take this place yet (law 3).
        worlds.position = self.state.worlds.position;
        worlds
    }
}

/// Whether a command stops somebody: a person's halt, or a firing that engages what a person approved before (CON.14).
fn stops(command: &Command, append: &Append) -> bool {
    let engages = |event: &Arc<Event>| matches!(event.fact, Fact::SwitchEngaged { .. });
    match command {
        Command::Engage(_) => true,
        Command::Fire { .. } => append.events.iter().any(engages),
        _ => false,
    }
}

/// The stream a command was about: its incident's, else that of its last event.
fn about(request: &Request, events: &[Arc<Event>]) -> Stream {
    match (&request.command, events.last()) {
        (Command::OnIncident { incident, .. }, _) => Stream::new(request.drill, Topic::Incident(*incident)),
        (_, Some(event)) => event.stream.clone(),
        (_, None) => Stream::new(request.drill, Topic::Switches),
    }
}

fn body_hash(request: &Request) -> Result<String, serde_json::Error> {
    let body = serde_json_canonicalizer::to_vec(&(request.drill, &request.command))?;
    Ok(hex::encode(Sha256::digest(body)))
}
