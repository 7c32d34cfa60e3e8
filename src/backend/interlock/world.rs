//! One world's interlock.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::{
    before::Lifted,
    breach::{Breach, Grant, key, slipped},
    heard::{Everybody, Lease, NotRenewed, TTL_S, Way},
    memory::Memory,
    proof::{Effect, proof},
    table::Table,
    watched::Watched,
};
use crate::{
    api::{AgentLive, CheckAnswer, CheckRequest, Decision, LeaseAnswer, LeaseRequest},
    backend::{
        clock::{Clock, Moment},
        core::Pulse,
    },
    incident::{
        Reach, World,
        containment::{AgentProof, Call, HaltProof, ProofState, Scope, Slipped, Switch},
    },
    runbook::TripwirePlan,
    telemetry::{Action, Status},
    terms::{ActionClass, AgentId, HoldId, SwitchId, Time, ToolName},
    tripwire::{Approvals, Before, FiringChange},
};

#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) everybody: Everybody,
    pub(super) effects: BTreeMap<SwitchId, Effect>,
    pub(super) breaches: BTreeMap<(SwitchId, AgentId), Breach>,
    /// Calls that a person approved, until their action is seen: they pass what held them once.
    pub(super) granted: Vec<Grant>,
    /// Tickets whose use the log told, where every node follows what all of them let through.
    pub(super) used: Option<BTreeSet<HoldId>>,
    /// Runs of agents whose stage is watched.
    watched: Watched,
    /// When the clients of holds last asked for them.
    asked: BTreeMap<HoldId, Time>,
}

/// The table of a world, and what is known of those it restrains.
pub struct Interlock {
    table: watch::Sender<Arc<Table>>,
    known: Mutex<Known>,
    pulse: Arc<Pulse>,
    steady: Clock,
    /// Whether anything is judged before it runs: where nothing is, a check takes no lock for it.
    pub(super) judges_before: AtomicBool,
    pub(super) before: Mutex<Before>,
    pub(super) approvals: Mutex<Approvals>,
    /// Seconds that a human review takes at least.
    pub(super) review_s: ArcSwap<f64>,
    /// Every node sees every action: none counts what another one saw.
    pub(super) sees_all: AtomicBool,
}

/// Why a lease is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoLease {
    /// Nobody else can be followed.
    #[error("too many agents or instances hold leases; stop, and ask again")]
    Full,
    /// Another identity took it, and holds it still.
    #[error("another identity holds this instance's lease: take one under another `instance` name")]
    Held,
    /// The log cannot be written.
    #[error("{BLIND}")]
    Blind,
}

impl From<NotRenewed> for NoLease {
    fn from(why: NotRenewed) -> Self {
        match why {
            NotRenewed::Full => Self::Full,
            NotRenewed::Held => Self::Held,
        }
    }
}

/// Approved calls, and holds asked for, remembered at most.
pub(super) const GRANTS: usize = 4_096;

/// What an agent is told while the log cannot be written.
const BLIND: &str = "andon cannot write its log: nobody may go on until it can. Look at its disk with `andon doctor`";

impl Interlock {
    /// With nothing engaged; answers as long as the log's `pulse` beats, measures leases by `steady`, judges by the team's
    /// rules in `plan`.
    pub fn new(pulse: Arc<Pulse>, steady: Clock, plan: &TripwirePlan) -> Self {
        Self {
            table: watch::Sender::new(Arc::default()),
            known: Mutex::default(),
            pulse,
            steady,
            judges_before: plan.rules.judge_before().into(),
            before: Mutex::new(Before::new(plan.rules.clone())),
            approvals: Mutex::default(),
            review_s: ArcSwap::from_pointee(plan.review_s),
            sees_all: AtomicBool::new(false),
        }
    }

    /// From now on it is shown every action, whichever node took it.
    pub fn sees_everything(&self) {
        self.sees_all.store(true, Ordering::Release);
    }

    /// Judges by the rules and limits of another runbook from now on.
    pub fn retune(&self, plan: &TripwirePlan) {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).retune(plan.rules.clone());
        self.judges_before.store(plan.rules.judge_before(), Ordering::Release);
        self.review_s.store(Arc::new(plan.review_s));
    }

    /// Told when the log falls sick, and when it is well again.
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// The table in force.
    pub fn table(&self) -> Arc<Table> {
        self.table.borrow().clone()
    }

    /// Hears every swap.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Table>> {
        self.table.subscribe()
    }

    pub(super) fn moment(&self, utc: Time) -> Moment {
        Moment { utc, steady: (self.steady)() }
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, with a place for `agent`: neither a proof nor a declared agent gives way to a name that somebody made up.
    fn known_with(&self, table: &Table, agent: &AgentId, now: Time) -> MutexGuard<'_, Known> {
        let mut known = self.known();
        if known.everybody.is_full_for(agent) {
            let proved = table.engaged.values().flat_map(|switch| &switch.halt.agents).map(|agent| &agent.id);
            let proved: HashSet<&AgentId> = proved.collect();
            known
                .everybody
                .make_room(self.moment(now), |agent| proved.contains(agent) || table.agents.contains_key(agent));
        }
        known
    }

    /// Swaps the table for the world as it is now. The version rises only when an answer may have changed.
    pub fn publish(&self, world: &World, position: u64, now: Time) {
        let before = self.table();
        self.see_approvals(world, now);
        let mut table = Table::of(world, before.version);
        let changed = !table.answers_like(&before);
        // The same number at every node: it follows from the log alone.
        table.version = before.version.max(world.answers_at);
        if changed && table.version == before.version {
            table.version = (before.version + 1).max(position);
        }
        let changed = changed || table.version > before.version;
        let mut known = self.known();
        if before.version == 0 {
            known.recall_breaches(world);
            self.reopen_asked(world.firings.values().map(AsRef::as_ref));
            self.approvals().reopen(world.firings.values().map(AsRef::as_ref));
        }
        known.effects.retain(|id, _| table.engaged.contains_key(id));
        if self.sees_all.load(Ordering::Acquire) {
            known.follow_used(&world.holds);
        }
        known.watched.follow(table.engaged.values().map(AsRef::as_ref));
        let now = self.moment(now);
        for (id, switch) in &table.engaged {
            let version = table.version;
            known.effects.entry(*id).or_insert_with(|| Effect::new(switch, version, now));
        }
        drop(known);
        self.table.send_if_modified(|current| {
            *current = Arc::new(table);
            changed
        });
    }

    /// Answers one call, and remembers that it was asked.
    pub fn check(&self, asked: &CheckRequest, way: Way, now: Time) -> CheckAnswer {
        let table = self.table();
        let call = self.heard(&table, asked, table.call(asked), way, now);
        self.unless_blind(self.judged_before(&table, asked, table.answer(&call), now))
    }

    /// The same for what is known to look only, though it names no tool.
    pub fn check_looking(&self, asked: &CheckRequest, way: Way, now: Time) -> CheckAnswer {
        let table = self.table();
        let call = Call { declared_class: Some(ActionClass::read()), ..table.call(asked) };
        let call = self.heard(&table, asked, call, way, now);
        self.unless_blind(self.judged_before(&table, asked, table.answer(&call), now))
    }

    /// What one call would be answered: nobody is told, nothing counts.
    pub fn look(&self, asked: &CheckRequest, now: Time) -> CheckAnswer {
        let table = self.table();
        let answer = table.answer(&self.call(&table, asked, now));
        self.unless_blind(self.judged_but(&table, asked, answer, &[], now))
    }

    /// The same for somebody who asks: they were told, but a question is no call, and no rule counts it.
    pub fn ask(&self, asked: &CheckRequest, way: Way, now: Time) -> CheckAnswer {
        let table = self.table();
        self.heard(&table, asked, table.call(asked), way, now);
        self.look(asked, now)
    }

    /// A call as `table` judges it, with what is known of its run.
    pub fn call(&self, table: &Table, asked: &CheckRequest, now: Time) -> Call {
        let mut call = table.call(asked);
        call.run_began = asked
            .run
            .as_deref()
            .and_then(|run| self.known_with(table, &asked.agent, now).everybody.of(&asked.agent)?.run(run, now));
        call
    }

    /// The answer as if `lifted` did not hold.
    pub fn check_but(
        &self,
        table: &Table,
        asked: &CheckRequest,
        call: &Call,
        lifted: &Lifted,
        now: Time,
    ) -> CheckAnswer {
        let answer = table.answer_but(call, &lifted.switches);
        self.unless_blind(self.judged_but(table, asked, answer, &lifted.rules, now))
    }

    /// Answers a call by somebody whom nobody vouches for.
    pub fn check_stranger(&self, claimed: Option<AgentId>, tool: Option<ToolName>, now: Time) -> CheckAnswer {
        let table = self.table();
        let answer = table.strictest(claimed.clone(), tool.clone());
        let answer = match claimed {
            Some(agent) => {
                let asked = CheckRequest { tool, ..CheckRequest::by(agent) };
                self.judged_before(&table, &asked, answer, now)
            }
            None => self.nobody_before(answer),
        };
        self.unless_blind(answer)
    }

    /// A person approved `call`, and it was let through: its action is no breach of `switches`.
    pub fn grant(&self, call: &Call, switches: Vec<SwitchId>, now: Time) {
        // Where telemetry is shared the log tells every node, this one too.
        if !self.sees_all.load(Ordering::Acquire) {
            let grant = Grant { agent: call.agent.clone(), tool: call.tool.clone(), switches, at: now };
            self.known().grant(grant);
        }
    }

    /// The client of a hold asked for it.
    pub fn hold_asked(&self, hold: HoldId, now: Time) {
        let asked = &mut self.known().asked;
        asked.insert(hold, now);
        while asked.len() > GRANTS {
            asked.pop_first();
        }
    }

    /// Every hold that its client asked for within the time one may wait.
    pub fn holds_asked(&self, now: Time) -> BTreeMap<HoldId, Time> {
        let asked = &mut self.known().asked;
        asked.retain(|_, at| now.since(*at) < 15 * Time::MINUTE);
        asked.clone()
    }

    /// When it last did.
    pub fn hold_asked_at(&self, hold: HoldId) -> Option<Time> {
        self.known().asked.get(&hold).copied()
    }

    fn unless_blind(&self, answer: CheckAnswer) -> CheckAnswer {
        if answer.decision == Decision::Deny || !self.pulse.is_sick() {
            return answer;
        }
        CheckAnswer::denied(BLIND, answer.version)
    }

    /// A call as it was heard: with what is known of its run, and who asked for it noted.
    fn heard(&self, table: &Table, asked: &CheckRequest, mut call: Call, way: Way, now: Time) -> Call {
        let mut known = self.known_with(table, &asked.agent, now);
        known.watched.saw(&asked.agent, asked.run.as_deref());
        let Some(heard) = known.everybody.of(&asked.agent) else { return call };
        call.run_began = asked.run.as_deref().and_then(|run| heard.run(run, now));
        heard.check(way, asked.sent_at, now);
        heard.refused.retain(|id, _| table.engaged.contains_key(id));
        for (id, switch) in &table.engaged {
            if switch.decide(&call) != Decision::Allow {
                heard.refused.insert(*id, now);
            }
        }
        call
    }

    /// Renews a lease: it acknowledges a version, never one that is still to come.
    ///
    /// # Errors
    /// While the log cannot be written, when somebody else holds it, or when nobody else can be followed.
    pub fn lease(&self, asked: &LeaseRequest, holder: &str, now: Time) -> Result<LeaseAnswer, NoLease> {
        if self.pulse.is_sick() {
            return Err(NoLease::Blind);
        }
        let table = self.table();
        let mut known = self.known_with(&table, &asked.agent, now);
        // A version that is still to come was told by nobody: it acknowledges nothing.
        let version = if asked.version <= table.version { asked.version } else { 0 };
        let asked = LeaseRequest { version, ..asked.clone() };
        let Known { everybody, effects, .. } = &mut *known;
        let heard = everybody.of(&asked.agent).ok_or(NoLease::Full)?;
        let matters = |lease: &Lease| effects.values().any(|effect| effect.rests_on(lease));
        let new = heard.renew(&asked, holder, self.moment(now), matters)?;
        known.everybody.revision += u64::from(new);
        Ok(LeaseAnswer { ttl_s: TTL_S, view: table.view(&asked.agent) })
    }

    /// What must outlive the process, and its revision.
    pub fn memory(&self, now: Time) -> (u64, Memory) {
        let known = self.known();
        let matters = |lease: &Lease| known.rests_on(lease);
        (known.everybody.revision, Memory::of(&known.everybody, self.moment(now), matters))
    }

    /// Rises when there is more to remember.
    pub fn revision(&self) -> u64 {
        self.known().everybody.revision
    }

    /// Remembers whom an earlier process heard; each of their leases counts as live for one ttl from `now`.
    pub fn recall(&self, memory: Memory, now: Time) {
        memory.recall(&mut self.known().everybody, self.moment(now));
    }

    /// How a switch reaches an agent now (CON.16).
    pub fn reach(&self, agent: &AgentId, now: Time) -> Reach {
        self.known().everybody.agents.get(agent).map_or(Reach::Observed, |heard| heard.reach(self.moment(now)))
    }

    /// Adds what is known here to an agent's figures; agents never figured on appear too.
    pub fn add_figures(&self, agents: &mut BTreeMap<String, AgentLive>, now: Time) {
        let known = self.known();
        let now = self.moment(now);
        for (agent, heard) in &known.everybody.agents {
            let live = agents.entry(agent.to_string()).or_default();
            live.last_seen = live.last_seen.max(heard.last);
        }
        for agent in self.table().agents.keys() {
            agents.entry(agent.to_string()).or_default();
        }
        let version = self.table().version;
        for (name, live) in agents {
            let heard = known.everybody.agents.get(name.as_str());
            live.reach = Some(heard.map_or(Reach::Observed, |heard| heard.reach(now)));
            live.proved_at = heard.and_then(|heard| heard.proved_at(version, now));
            live.leases = heard.map_or(0, |heard| u32::try_from(heard.live_leases(now)).unwrap_or(u32::MAX));
        }
    }

    /// Whom a switch over `scope` counts now: the live ones as requested, declared others as idle (protocol 3).
    pub fn counted(&self, scope: &Scope, now: Time) -> Vec<AgentProof> {
        let table = self.table();
        let known = self.known();
        let moment = self.moment(now);
        let mut lines: BTreeMap<AgentId, ProofState> =
            table.agents.keys().map(|agent| (agent.clone(), ProofState::Idle)).collect();
        for (agent, heard) in &known.everybody.agents {
            if heard.is_counted(moment) {
                lines.insert(agent.clone(), ProofState::Requested);
            }
        }
        lines.retain(|agent, _| table.is_in(scope, agent));
        lines.into_iter().map(|(id, state)| AgentProof { id, state, how: None, at: now }).collect()
    }

    /// An executed action under an engaged switch that would not have allowed it: slipped, in flight, or a breach (DET.9).
    pub fn observe(&self, action: &Action, source: &str, now: Time) -> Vec<FiringChange> {
        let table = self.table();
        let mut known = self.known_with(&table, &action.agent, now);
        let began = known.everybody.saw(action, source, now);
        if action.status == Status::Denied {
            return Vec::new();
        }
        known.watched.saw(&action.agent, action.run.as_deref());
        self.executed(&table, action);
        self.ran(&table, action);
        let mut call = table.call_of(action);
        call.run_began = action.run.as_deref().and_then(|run| known.everybody.of(&action.agent)?.run(run, now));
        let against: Vec<_> = table.engaged.values().filter(|switch| switch.decide(&call) != Decision::Allow).collect();
        let approved = if against.is_empty() { Vec::new() } else { known.take_grant(&call) };
        let against = against.into_iter().filter(|switch| !approved.contains(&switch.id));
        against.filter_map(|switch| known.went_past(switch, action, began)).collect()
    }

    /// Runs of `agent` seen since the stage that holds it began (RST.3).
    pub fn runs(&self, agent: &AgentId) -> u32 {
        self.known().watched.runs(agent)
    }

    /// Switches whose harm is older than what was seen of it, and from when on the stored actions tell (CON.10).
    pub fn to_look_back(&self) -> Vec<(Arc<Switch>, Time)> {
        let (table, known) = (self.table(), self.known());
        let unseen = |switch: &Arc<Switch>| {
            let from = switch.harm_at.filter(|harm_at| *harm_at < switch.engaged_at)?;
            let looked_back = known.effects.get(&switch.id)?.looked_back;
            (looked_back != Some(from)).then(|| (switch.clone(), from))
        };
        table.engaged.values().filter_map(unseen).collect()
    }

    /// Takes what the store holds since `from` of what `switch` would not have allowed.
    pub fn look_back(&self, switch: SwitchId, from: Time, found: Vec<Slipped>) {
        if let Some(effect) = self.known().effects.get_mut(&switch) {
            effect.look_back(from, found);
        }
    }

    /// An executed action as one that slipped by `switch`, if it would not have allowed it.
    pub fn slipped(&self, switch: &Switch, action: &Action) -> Option<Slipped> {
        let past = action.status != Status::Denied && switch.decide(&self.table().call_of(action)) != Decision::Allow;
        past.then(|| slipped(action))
    }

    /// The proofs that changed since the log took them, and the breaches that closed.
    pub fn proofs(&self, now: Time) -> Vec<(SwitchId, HaltProof)> {
        let table = self.table();
        if table.engaged.is_empty() {
            return Vec::new();
        }
        let known = self.known();
        let now = self.moment(now);
        let proved = table.engaged.values().filter_map(|switch| {
            let effect = known.effects.get(&switch.id)?;
            let halt = proof(switch, effect, &known.everybody, now);
            (switch.recorded && halt != switch.halt).then_some((switch.id, halt))
        });
        proved.collect()
    }

    /// Breaches that nobody committed again for an hour.
    pub fn closed_breaches(&self, now: Time) -> Vec<FiringChange> {
        let mut closed = Vec::new();
        self.known().breaches.retain(|(switch, agent), breach| {
            let at = breach.last_at.plus(Time::HOUR);
            if at <= now {
                closed.push(FiringChange::Closed { key: key(*switch, agent), at });
            }
            at > now
        });
        closed
    }
}
