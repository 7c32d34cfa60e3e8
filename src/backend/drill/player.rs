//! One drill being played: what comes when, what its agents may, what its participants hear.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{ear::Ear, pager};
use crate::{
    api::{CheckAnswer, CheckRequest, DrillPlace, Problem},
    backend::{
        app::Backend,
        intake::{Intake, Source},
        interlock::Way,
    },
    drill::{Harm, Item, Mark, MarkKind, Outline, Pace, Recording, Replay, Timed, injected, is_over_tool},
    incident::{
        Command, Fact, IncidentCommand,
        drilled::{Played, Rewound, Steer, Told, Word},
    },
    telemetry::Action,
    terms::{Author, DrillId, IncidentId, Time},
};

/// Actions of the history that are fed at once.
const BATCH: usize = 1_000;
/// What an action is taken to weigh in the store, in bytes.
const WEIGHT: usize = 512;
/// How long a recording that is over can be taken back without being sent anew.
const LINGERS: Duration = Duration::from_secs(3_600);

/// What ends a wait.
enum Woken {
    /// It is time for what comes next.
    Time,
    /// A facilitator does something.
    Steered(Steer),
    /// The drill is taken back: somebody else goes on.
    Back(Rewound, u64),
    /// The drill ended.
    Ended,
}

/// One drill being played.
pub(super) struct Player {
    backend: Arc<Backend>,
    drill: DrillId,
    recording: Arc<Recording>,
    intake: Intake,
    source: Source,
    ear: Ear,
    pace: Pace,
    zero: Instant,
    /// Hints of the recording that were passed.
    passed: usize,
    /// Marks that wait for an incident to be noted on.
    waiting: Vec<Mark>,
}

pub(super) fn author() -> Author {
    Author::Andon("drill".into())
}

impl Player {
    /// Plays `recording` into the world of `drill`, which began at `position` of the log; once, however often it is asked.
    ///
    /// # Errors
    /// What the log says, or the intake.
    pub fn begin(
        backend: Arc<Backend>,
        drill: DrillId,
        recording: Arc<Recording>,
        position: u64,
    ) -> BoxFuture<'static, Result<(), Problem>> {
        // One that is taken back begins the next: such a circle needs a box.
        Self::spawn(backend, drill, recording, position).boxed()
    }

    async fn spawn(
        backend: Arc<Backend>,
        drill: DrillId,
        recording: Arc<Recording>,
        position: u64,
    ) -> Result<(), Problem> {
        let read = recording.clone();
        let outline = tokio::task::spawn_blocking(move || Outline::of(&read)).await;
        let outline = outline.map_err(|_| Problem::unavailable("the recording was not read; ask again"))?;
        if !backend.playing.begin(drill, &recording, Arc::new(outline)) {
            return Ok(());
        }
        let player = match Self::open(backend.clone(), drill, recording, position).await {
            Ok(player) => player,
            Err(problem) => {
                backend.playing.forget(drill);
                return Err(problem);
            }
        };
        tokio::spawn(async move {
            let (stop, ended) = (player.backend.stop.clone(), CancellationToken::new());
            let pages = ended.clone().run_until_cancelled_owned(pager::page(player.backend.clone(), drill));
            tokio::spawn(pages);
            let _ended = ended.drop_guard();
            let _ = stop.run_until_cancelled_owned(player.play()).await;
        });
        Ok(())
    }

    async fn open(
        backend: Arc<Backend>,
        drill: DrillId,
        recording: Arc<Recording>,
        position: u64,
    ) -> Result<Self, Problem> {
        if !recording.agents.is_empty() {
            let declare = Command::DeclareAgents { agents: recording.agents.clone() };
            backend.core.submit(Some(drill), Uuid::now_v7(), author(), declare).await?;
        }
        let intakes = backend.rooms.intakes.get();
        let intakes = intakes.ok_or_else(|| Problem::unavailable("the backend is starting; ask again in a second"))?;
        let intake = intakes.get(Some(drill)).await?;
        let source = Source { name: format!("drill:{drill}").into(), agent: None };
        let (ear, zero) = (Ear::after(&backend.core, position), Instant::now());
        let pace = Pace::new(1.0);
        Ok(Self { backend, drill, recording, intake, source, ear, pace, zero, passed: 0, waiting: Vec::new() })
    }

    async fn play(mut self) {
        let drill = self.drill;
        let went = self.run().await;
        let whole = matches!(went, Woken::Time);
        self.came_to(whole).await;
        let went = if whole { self.linger().await } else { went };
        if let Woken::Back(rewound, position) = went
            && let Err(problem) =
                Self::begin(self.backend.clone(), rewound.next, self.recording.clone(), position).await
        {
            tracing::warn!(%drill, %problem, "a drill that was taken back does not go on");
        }
        self.backend.playing.forget(drill);
    }

    /// Plays what there is; what ended it.
    async fn run(&mut self) -> Woken {
        let Some(take) = self.backend.core.worlds().takes.get(&self.drill).cloned() else { return Woken::Ended };
        let from_s = take.goes_on.map_or(0.0, |goes_on| goes_on.at_s);
        // Held as it was where it is taken back; what was said since it began is heard from the log.
        self.pace = Pace::from(take.speed, from_s, take.goes_on.is_some() && take.paused);
        let begins = (self.backend.clock)().plus(-(from_s * 1_000.0 / take.speed) as i64);
        let replay = match Replay::new(self.recording.clone(), begins, take.speed, take.seed) {
            Ok(replay) => replay,
            Err(problem) => {
                tracing::warn!(drill = %self.drill, %problem, "a drill is not played");
                return Woken::Ended;
            }
        };
        let mut history = replay.history();
        loop {
            let batch: Vec<Action> = history.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            self.feed(batch).await;
        }
        let first = replay.first_from((from_s * 1_000.0) as i64);
        self.catch_up((0..first).filter_map(|number| replay.get(number))).await;
        self.zero = Instant::now();
        self.tell_place(false);
        for timed in (first..replay.len()).filter_map(|number| replay.get(number)) {
            let mut woken = self.woken(self.pace.until(timed.offset_ms, self.zero.elapsed())).await;
            while let Woken::Steered(how) = woken {
                self.steer(how).await;
                woken = self.woken(self.pace.until(timed.offset_ms, self.zero.elapsed())).await;
            }
            if !matches!(woken, Woken::Time) {
                return woken;
            }
            let drift = self.pace.drift_ms(timed.offset_ms, self.zero.elapsed());
            self.pace.played(timed.offset_ms, self.zero.elapsed());
            self.happens(timed.item.later(drift), timed.harm, timed.recorded_ms).await;
            self.tell_place(false);
        }
        let at = (self.backend.clock)();
        let stopped = self.backend.playing.harm(self.drill).unwrap_or_default().stopped;
        let text =
            format!("the recording is over; {stopped} actions were not executed because a switch stood in their way");
        self.note(at, text).await;
        self.tell_place(true);
        Woken::Time
    }

    /// What lies before the second that it was taken back to: at once, by nobody stopped.
    async fn catch_up(&mut self, before: impl Iterator<Item = Timed>) {
        let (mut actions, mut asks) = (Vec::new(), BTreeMap::new());
        for Timed { item, harm, recorded_ms, .. } in before {
            let harmed = |at| self.backend.playing.count(self.drill, |count| count.harms(harm, at, recorded_ms));
            match item {
                Item::Action(action) => {
                    harmed(action.at);
                    // Whoever asks before a call is known to: a switch reaches them.
                    if !self.recording.conduct_of(&action.agent).beyond_reach {
                        asks.insert(action.agent.clone(), CheckRequest::by(action.agent.clone()));
                    }
                    actions.push(*action);
                }
                Item::Mark(mark) => {
                    harmed(mark.at);
                    if !mark.deaf {
                        self.waiting.push(mark);
                    }
                }
            }
            if actions.len() == BATCH {
                self.feed(std::mem::take(&mut actions)).await;
            }
        }
        self.feed(actions).await;
        let now = (self.backend.clock)();
        if let Some(interlock) = self.backend.rooms.interlocks.get(Some(self.drill)) {
            asks.values().for_each(|asked| drop(interlock.check(asked, Way::Check, now)));
        }
        let at_s = self.pace.position_s(Duration::ZERO);
        self.passed = self.recording.hints.iter().take_while(|hint| self.recording.second(hint.at) < at_s).count();
        self.note_marks().await;
    }

    /// It is over, and may be taken back still.
    async fn linger(&mut self) -> Woken {
        let until = Instant::now() + LINGERS;
        loop {
            match self.woken(Some(until.saturating_duration_since(Instant::now()))).await {
                Woken::Steered(how) => self.steer(how).await,
                woken => return woken,
            }
        }
    }

    /// What it came to is a fact from here on.
    async fn came_to(&self, whole: bool) {
        let harm = self.backend.playing.harm(self.drill).unwrap_or_default();
        self.ask(None, Command::RecordPlayed(Played { drill: self.drill, harm, whole })).await;
    }

    /// Waits until it is time, or a facilitator does something, or the drill ends; what they do comes first.
    async fn woken(&mut self, until: Option<Duration>) -> Woken {
        let time = async {
            match until {
                Some(until) => tokio::time::sleep(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(time);
        loop {
            let hint = self.next_hint();
            tokio::select! {
                biased;
                event = self.ear.next() => {
                    let Some(event) = event else { return Woken::Ended };
                    match &event.fact {
                        Fact::DrillSteered(steered) if steered.drill == self.drill => {
                            return Woken::Steered(steered.how.clone());
                        }
                        Fact::DrillRewound(rewound) if rewound.drill == self.drill => {
                            return Woken::Back(**rewound, event.position);
                        }
                        Fact::DrillEnded { drill } if *drill == self.drill => return Woken::Ended,
                        _ => {}
                    }
                }
                () = &mut time => return Woken::Time,
                () = hint => self.pass_hint().await,
            }
        }
    }

    /// Ends when the next hint is due.
    fn next_hint(&self) -> impl Future<Output = ()> + use<> {
        let next = self.recording.hints.get(self.passed).map(|hint| self.recording.second(hint.at));
        let (at_s, goes) = (self.pace.position_s(self.zero.elapsed()), self.pace.goes());
        let due = next.filter(|next| goes > 0.0 || *next <= at_s).map(|next| ((next - at_s) / goes.max(0.1)).max(0.0));
        async move {
            match due.and_then(|due| Duration::try_from_secs_f64(due).ok()) {
                Some(due) => tokio::time::sleep(due).await,
                None => std::future::pending().await,
            }
        }
    }

    async fn pass_hint(&mut self) {
        let hint = self.recording.hints.get(self.passed).map(|hint| hint.text.clone());
        self.passed += 1;
        let shown = self.backend.core.worlds().takes.get(&self.drill).is_some_and(|take| take.hints_shown);
        if let Some(text) = hint.filter(|_| shown) {
            self.tell(Word::Hint, text, (self.backend.clock)()).await;
        }
    }

    async fn steer(&mut self, how: Steer) {
        let passed = self.zero.elapsed();
        self.pace.steer(&how, passed);
        self.tell_place(false);
        match how {
            Steer::Inject { line } => self.put_in(&line).await,
            Steer::Deafen {} => self.backend.playing.deafen(self.drill),
            // Whoever is helped late is helped by what helps now.
            Steer::Hints { shown: true } => {
                let last = self.passed.checked_sub(1).and_then(|last| self.recording.hints.get(last));
                if let Some(text) = last.map(|hint| hint.text.clone()) {
                    self.tell(Word::Hint, text, (self.backend.clock)()).await;
                }
            }
            _ => {}
        }
    }

    fn tell_place(&self, over: bool) {
        let (passed, at) = (self.zero.elapsed(), (self.backend.clock)());
        let place = DrillPlace { at, at_s: self.pace.position_s(passed), goes: self.pace.goes(), over };
        // What goes on as it went is known already.
        let known = self.backend.playing.place(self.drill).unwrap_or_default();
        let same = known.goes == place.goes && known.over == over;
        if !same || (known.now_s(at) - place.at_s).abs() > place.goes.max(0.1) / 2.0 {
            self.backend.playing.is_at(self.drill, place);
        }
    }

    async fn put_in(&mut self, line: &str) {
        match injected(line, (self.backend.clock)()) {
            Ok(moment) => {
                let deaf = matches!(&moment.item, Item::Mark(mark) if mark.deaf);
                if deaf {
                    self.backend.playing.deafen(self.drill);
                }
                let recorded_ms = (self.pace.position_s(self.zero.elapsed()) * 1_000.0) as i64;
                self.happens(moment.item, moment.harm, recorded_ms).await;
            }
            Err(why) => tracing::warn!(drill = %self.drill, %why, "what is put into a drill does not read"),
        }
    }

    async fn happens(&mut self, item: Item, harm: Harm, recorded_ms: i64) {
        match item {
            Item::Action(action) => self.act(*action, harm, recorded_ms).await,
            Item::Mark(mark) => {
                self.backend.playing.count(self.drill, |count| count.harms(harm, mark.at, recorded_ms));
                // What nobody hears is on no screen; the pager takes it from there.
                if !mark.deaf {
                    let word = match mark.mark {
                        MarkKind::Signal => Word::Signal,
                        MarkKind::Page => Word::Page,
                        MarkKind::Report => Word::Report,
                        MarkKind::Consequence => Word::Consequence,
                    };
                    self.tell(word, mark.text.clone(), mark.at).await;
                    self.waiting.push(mark);
                }
            }
        }
        self.note_marks().await;
    }

    async fn tell(&self, word: Word, text: String, at: Time) {
        self.ask(None, Command::TellDrill(Told { drill: self.drill, word, text, at })).await;
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
        let conduct = self.recording.conduct_of(&action.agent);
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

    /// Whether a switch of the drill's world names the action's tool.
    fn tool_is_switched(&self, action: &Action) -> bool {
        let worlds = self.backend.core.worlds();
        let world = worlds.get(Some(self.drill));
        world.is_some_and(|world| is_over_tool(world.switches.values().map(AsRef::as_ref), action))
    }

    async fn feed(&self, actions: Vec<Action>) {
        if actions.is_empty() {
            return;
        }
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
        let note = Command::OnIncident { incident, ask: IncidentCommand::Note { text, at: Some(at) } };
        self.ask(Some(self.drill), note).await;
    }

    async fn ask(&self, world: Option<DrillId>, command: Command) {
        if let Err(problem) = self.backend.core.submit(world, Uuid::now_v7(), author(), command).await {
            tracing::warn!(drill = %self.drill, %problem, "part of a drill was not recorded");
        }
    }
}
