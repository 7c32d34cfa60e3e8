//! Keeps the log's freezes and the store's pins together: once a second, and whatever happened while nobody looked.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::{
    backend::{
        app::Backend,
        intake::{HotStore, Pin, StoreError},
    },
    incident::{
        Command, Incident, IncidentCommand, Status, World,
        evidence::{AppendEvidence, Freeze, FreezeEvidence, LoseEvidence, Occasion},
    },
    runbook::{ActuatorMove, Runbook},
    terms::{AgentId, Author, DrillId, IncidentId, Time},
};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long a pin stays that no freeze names: the backend may have been killed between the two.
const ORPHAN: i64 = Time::DAY;
/// Between two addenda of a freeze at least; each doubles it, up to an hour.
const ADDENDUM: i64 = 30 * Time::SECOND;
/// A move fired so long before a restart needs no snapshot any more.
const RECENT: i64 = 10 * Time::MINUTE;
/// Where an incident's runbook says nothing.
const KEEP_DAYS: u32 = 365;

/// What is remembered between two looks.
#[derive(Default)]
pub struct Keeper {
    /// By pin: the matches that the last addendum covered, and when it was.
    appended: HashMap<String, (u64, Option<Time>)>,
    /// Freezes that were compared with the store since the backend began.
    compared: HashSet<String>,
    /// Incidents whose look back fed the register since the backend began.
    fed: HashSet<(Option<DrillId>, IncidentId)>,
}

/// Looks as long as it is polled.
pub async fn keep(backend: Arc<Backend>, runbook: Arc<ArcSwap<Runbook>>) {
    let mut keeper = Keeper::default();
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        keeper.look(&backend, &runbook.load()).await;
    }
}

/// A pin that the log wants, and whose it is.
struct Wanted<'w> {
    pin: Pin,
    incident: &'w Incident,
    freeze: &'w Freeze,
}

impl Keeper {
    /// One look at every world.
    pub async fn look(&mut self, backend: &Backend, runbook: &Runbook) {
        let worlds = backend.core.worlds();
        let now = (backend.clock)();
        let drills = worlds.drills.iter().map(|(drill, world)| (Some(*drill), world));
        for (drill, world) in std::iter::once((None, &worlds.real)).chain(drills) {
            let Some(intake) = backend.rooms.intakes.get().and_then(|intakes| intakes.existing(drill)) else {
                continue;
            };
            let store = intake.store();
            let wanted = wanted(world, now);
            if let Err(error) = bring_together(store, &wanted, now).await {
                tracing::warn!(%error, "pins of evidence wait for the telemetry store");
            }
            // Each node pins what it stores; one of them writes down what joined.
            if !backend.nodes.leads() {
                continue;
            }
            for wanted in &wanted {
                if let Err(error) = self.follow(backend, drill, store, wanted, now).await {
                    tracing::warn!(%error, freeze = %wanted.freeze.id, "what joined a freeze is not recorded yet");
                }
            }
            for (incident, ask) in needed(world, runbook, now) {
                let by = Author::Andon("evidence".into());
                if let Err(problem) = super::freeze(backend, drill, Uuid::now_v7(), by, incident, ask).await {
                    tracing::warn!(%incident, %problem, "a freeze beside a move waits");
                }
            }
            self.feed(backend, drill, world, now).await;
        }
    }

    /// Losses, what the store holds no more, and what joined since.
    async fn follow(
        &mut self,
        backend: &Backend,
        drill: Option<DrillId>,
        store: &HotStore,
        wanted: &Wanted<'_>,
        now: Time,
    ) -> Result<(), StoreError> {
        let (pin, freeze) = (&wanted.pin.id, wanted.freeze);
        let say = |ask| submit(backend, drill, wanted.incident.id, ask);
        let shed = store.lost(pin);
        if shed > 0 {
            let why = "the disk did not keep up, and the room for what is pinned was used up too".to_owned();
            let lose = LoseEvidence { freeze: freeze.id, count: shed, why, was_kept: false };
            if say(IncidentCommand::LoseEvidence(lose)).await {
                store.told_lost(pin, shed);
            }
        }
        if !self.compared.contains(pin) {
            let gone = gone(store, wanted).await?;
            let why = "the telemetry store does not hold them any more; a store that was set aside may".to_owned();
            let lose = LoseEvidence { freeze: freeze.id, count: gone, why, was_kept: true };
            if gone == 0 || say(IncidentCommand::LoseEvidence(lose)).await {
                self.compared.insert(pin.clone());
            }
        }
        let matched = store.matched(pin);
        let (covered, last) = self.appended.get(pin).copied().unwrap_or((u64::MAX, None));
        let pause = ADDENDUM << freeze.addenda.len().min(7);
        let soon = last.is_some_and(|last| now.since(last) < pause.min(Time::HOUR));
        if matched == covered || (soon && wanted.incident.closed_at.is_none()) {
            return Ok(());
        }
        store.flush().await?;
        let read_to = store.newest_kept().await?;
        let manifest = super::manifest(store, &wanted.pin.predicate, freeze.read_to(), read_to, |_, _| {}).await?;
        let found = manifest.count > 0;
        let append = AppendEvidence { freeze: freeze.id, manifest };
        if !found || say(IncidentCommand::AppendEvidence(append)).await {
            self.appended.insert(pin.clone(), (matched, found.then_some(now).or(last)));
        }
        Ok(())
    }

    /// EVI.8: what telemetry shows of a contained incident goes into the register once.
    async fn feed(&mut self, backend: &Backend, drill: Option<DrillId>, world: &World, now: Time) {
        for incident in world.incidents.values().filter(|incident| incident.is_open()) {
            let due = incident.contained_at.is_some() && incident.evidence.is_frozen();
            if !due || self.fed.contains(&(drill, incident.id)) {
                continue;
            }
            let looked = match super::look_back(backend, drill, incident, world, now).await {
                Ok(looked) => looked,
                Err(problem) => {
                    tracing::warn!(incident = %incident.id, %problem, "the look back waits");
                    continue;
                }
            };
            for row in looked.rows() {
                submit(backend, drill, incident.id, IncidentCommand::AddAffected(row)).await;
            }
            self.fed.insert((drill, incident.id));
        }
    }
}

async fn submit(backend: &Backend, drill: Option<DrillId>, incident: IncidentId, ask: IncidentCommand) -> bool {
    let command = Command::OnIncident { incident, ask };
    let answer = backend.core.submit(drill, Uuid::now_v7(), Author::Andon("evidence".into()), command).await;
    if let Err(problem) = &answer {
        tracing::warn!(%incident, %problem, "a fact of evidence waits to be recorded");
    }
    answer.is_ok()
}

/// Every pin that the log wants: of each freeze, until the incident is closed for as long as it is kept, or under a
/// legal hold (EVI.5).
fn wanted(world: &World, now: Time) -> Vec<Wanted<'_>> {
    let mut wanted = Vec::new();
    for (id, incident) in world.incidents.iter().filter(|(_, incident)| is_kept(incident, now)) {
        for freeze in &incident.evidence.freezes {
            let predicate = freeze.until(incident.closed_at);
            let pin = Pin { id: freeze.pin.clone(), incident: *id, predicate, made_at: freeze.at };
            wanted.push(Wanted { pin, incident, freeze });
        }
    }
    wanted
}

fn is_kept(incident: &Incident, now: Time) -> bool {
    let evidence = &incident.evidence;
    let ended = incident.closed_at.or_else(|| {
        let dismissed = incident.status == Status::Dismissed;
        dismissed.then(|| incident.timeline.last().map_or(now, |entry| entry.at))
    });
    let days = i64::from(evidence.keep_days.unwrap_or(KEEP_DAYS));
    evidence.legal_hold().is_some() || ended.is_none_or(|ended| now.since(ended) <= days * Time::DAY)
}

/// Puts in force what is wanted, and takes off what is not.
async fn bring_together(store: &HotStore, wanted: &[Wanted<'_>], now: Time) -> Result<(), StoreError> {
    let there = store.pins();
    for wanted in wanted {
        let same = |pin: &Pin| pin.id == wanted.pin.id && pin.predicate == wanted.pin.predicate;
        if !there.iter().any(same) {
            store.pin(wanted.pin.clone()).await?;
        }
    }
    for pin in there {
        if wanted.iter().all(|wanted| wanted.pin.id != pin.id) && now.since(pin.made_at) > ORPHAN {
            store.unpin(&pin.id).await?;
        }
    }
    Ok(())
}

/// How many actions of a freeze the store holds no more, beyond what was told.
async fn gone(store: &HotStore, wanted: &Wanted<'_>) -> Result<u64, StoreError> {
    let freeze = wanted.freeze;
    let told: u64 = freeze.losses.iter().filter(|loss| loss.was_kept).map(|loss| loss.count).sum();
    let expected = freeze.count().saturating_sub(told);
    if expected == 0 {
        return Ok(0);
    }
    let found = super::manifest(store, &wanted.pin.predicate, 0, freeze.read_to(), |_, _| {}).await?.count;
    Ok(expected.saturating_sub(found))
}

/// Freezes that nobody has to ask for: beside a move that destroys evidence, and for an agent that joined later (EVI.1).
fn needed(world: &World, runbook: &Runbook, now: Time) -> Vec<(IncidentId, FreezeEvidence)> {
    let mut needed = Vec::new();
    for incident in world.incidents.values().filter(|incident| incident.is_open()) {
        for beside in moves(incident, world, runbook, now) {
            let ask =
                FreezeEvidence { occasion: Some(Occasion::Move), beside: Some(beside), ..FreezeEvidence::default() };
            needed.push((incident.id, ask));
        }
        for agent in joined(incident) {
            let ask = FreezeEvidence {
                occasion: Some(Occasion::Joined),
                agent: Some(agent.clone()),
                ..FreezeEvidence::default()
            };
            needed.push((incident.id, ask));
        }
    }
    needed
}

/// Moves of an incident that destroy evidence and have no snapshot yet.
fn moves(incident: &Incident, world: &World, runbook: &Runbook, now: Time) -> Vec<String> {
    let destroys = |name: &str| {
        let plan = runbook.actuators.iter().find(|plan| plan.name == name);
        plan.is_some_and(|plan| {
            matches!(
                plan.does,
                ActuatorMove::RollBackRelease | ActuatorMove::RollBackPrompt | ActuatorMove::RemoveSource
            )
        })
    };
    let mut moves = Vec::new();
    for switch in incident.switches.iter().filter_map(|id| world.switches.get(id)) {
        for run in switch.actuators.iter().filter(|run| now.since(run.fired_at) < RECENT && destroys(&run.name)) {
            let beside = format!("{} {}", switch.id, run.name);
            let taken = |freeze: &Freeze| freeze.beside.as_ref() == Some(&beside) && freeze.at >= run.fired_at;
            if !incident.evidence.freezes.iter().any(taken) {
                moves.push(beside);
            }
        }
    }
    moves
}

/// Agents of a frozen incident that no freeze of it pins until it is closed.
fn joined(incident: &Incident) -> Vec<&AgentId> {
    let until_closing: Vec<_> = incident
        .evidence
        .freezes
        .iter()
        .map(|freeze| &freeze.predicate)
        .filter(|predicate| predicate.to.is_none() && predicate.runs.is_empty())
        .collect();
    if until_closing.is_empty() || until_closing.iter().any(|predicate| predicate.agents.is_empty()) {
        return Vec::new();
    }
    let pinned = |agent: &AgentId| until_closing.iter().any(|predicate| predicate.agents.contains(agent));
    incident.agents.iter().filter(|agent| !pinned(agent)).collect()
}
