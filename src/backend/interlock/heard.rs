//! Who was heard of, how and when: leases, checks, refusals, clocks. The ground of reach and proof. Bounded.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use foldhash::fast::RandomState;

use crate::{
    api::LeaseRequest,
    backend::clock::Moment,
    incident::{OnBlind, Reach},
    telemetry::Action,
    terms::{AgentId, SwitchId, Time},
};

/// How long a lease lives without renewal.
pub const TTL_S: u64 = 5;
/// The same, in milliseconds.
pub(super) const TTL: i64 = TTL_S as i64 * Time::SECOND;
/// Agents followed at most; beyond it the least known ones are forgotten for new ones.
const AGENTS: usize = 1 << 16;
/// How many are forgotten at once, at most.
const FORGOTTEN: usize = AGENTS / 16;
/// Who is heard for longer than this is no passing name.
const PASSING: i64 = Time::MINUTE;
/// Instances followed at most, per agent.
const INSTANCES: usize = 1 << 10;
/// Sources followed at most.
const SOURCES: usize = 1 << 12;
/// Runs followed at most, per agent; a forgotten one counts as new.
const RUNS: usize = 1 << 10;
/// How long an expired lease is remembered.
const REMEMBERED: i64 = 10 * Time::MINUTE;

/// One instance's lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// When it ends without renewal, by the steady clock.
    pub until: Time,
    /// The newest version it acknowledged, and when it did first, in UTC.
    pub acknowledged: (u64, Time),
    /// What it does when blind.
    pub on_blind: OnBlind,
    /// Who took it, as authenticated; nobody knows after a restart.
    pub holder: Option<Arc<str>>,
    /// It is renewed at this node; another one's is told by that one.
    pub here: bool,
}

/// Why a lease is not renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRenewed {
    /// There is no room for another instance.
    Full,
    /// Somebody else holds it.
    Held,
}

impl Lease {
    /// Whether its holder is there at a time of the steady clock, for all that is known: it lives, or it ran out on one who
    /// goes on without.
    pub fn goes_on(&self, steady: Time) -> bool {
        steady < self.until || self.on_blind == OnBlind::Continue && steady.since(self.until) < Time::DAY
    }

    /// How long it is remembered once it ran out: who goes on when blind may be there for long.
    fn remembered(&self) -> i64 {
        if self.on_blind == OnBlind::Continue { Time::DAY } else { REMEMBERED }
    }
}

/// One agent.
#[derive(Debug, Default)]
pub struct Heard {
    /// Its newest action, check or lease.
    pub last: Option<Time>,
    /// Its newest action or check.
    pub acted: Option<Time>,
    /// Its first one since it is followed.
    pub first: Option<Time>,
    /// Its newest check by itself.
    pub checked: Option<Time>,
    /// Its newest check by something before its tools.
    pub gated: Option<Time>,
    /// When the newest thing it did began, by our clock.
    pub began: Option<Time>,
    /// Leases by instance.
    pub leases: BTreeMap<String, Lease>,
    /// The newest refusal by each switch.
    pub refused: BTreeMap<SwitchId, Time>,
    /// The least received − sent: how far its clock is behind ours, where it ever said when it sent.
    pub behind: Option<i64>,
    /// When each of its runs was first seen, the newest of them (CON.3).
    runs: HashMap<Box<str>, Time, RandomState>,
    /// Who delivered what it did last.
    source: Option<Arc<str>>,
}

/// By which way somebody asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It asks by itself.
    Check,
    /// Something before its tools asks.
    Gate,
}

impl Heard {
    /// Live leases now.
    pub fn live_leases(&self, now: Moment) -> usize {
        self.leases.values().filter(|lease| lease.until > now.steady).count()
    }

    /// How a switch reaches it (CON.16).
    pub fn reach(&self, now: Moment) -> Reach {
        let lately = |at: Option<Time>| at.is_some_and(|at| now.utc.since(at) < Time::DAY);
        if self.live_leases(now) > 0 {
            Reach::Leased
        } else if lately(self.gated) {
            Reach::Gated
        } else if lately(self.checked) {
            Reach::Checks
        } else {
            Reach::Observed
        }
    }

    /// When it last proved that a switch would reach it: each renewal of a lease that keeps up with `version` does, and each
    /// question (CON.13).
    pub fn proved_at(&self, version: u64, now: Moment) -> Option<Time> {
        let asked = self.checked.max(self.gated);
        let live: Vec<&Lease> = self.leases.values().filter(|lease| lease.until > now.steady).collect();
        if live.is_empty() {
            return asked;
        }
        let proof = |lease: &&Lease| {
            let renewed = now.utc.plus(-now.steady.since(lease.until.plus(-TTL)));
            // One that lags behind proves no more than what it acknowledged.
            if lease.acknowledged.0 < version { lease.acknowledged.1 } else { renewed }
        };
        live.iter().map(proof).min()
    }

    /// Whether a switch that engages now counts it. A lease that ran out counts where its holder goes on all the same.
    pub fn is_counted(&self, now: Moment) -> bool {
        self.acted.is_some_and(|at| now.utc.since(at) < Time::DAY)
            || self.leases.values().any(|lease| lease.goes_on(now.steady))
    }

    /// When `run` was first seen: at `now`, where it is new.
    pub fn run(&mut self, run: &str, now: Time) -> Option<Time> {
        if let Some(began) = self.runs.get(run) {
            return Some(*began);
        }
        if self.runs.len() >= RUNS {
            // The older half makes room: a run lives minutes, not weeks.
            let mut times: Vec<Time> = self.runs.values().copied().collect();
            let (_, middle, _) = times.select_nth_unstable(RUNS / 2);
            let middle = *middle;
            self.runs.retain(|_, began| *began > middle);
        }
        self.runs.insert(run.into(), now);
        Some(now)
    }

    /// It was heard at `now`, and says it sent at `sent`.
    fn hear(&mut self, sent: Option<Time>, now: Time) {
        self.last = Some(now);
        self.first.get_or_insert(now);
        if let Some(sent) = sent {
            let behind = now.since(sent);
            self.behind = Some(self.behind.map_or(behind, |least| least.min(behind)));
        }
    }

    /// It asked.
    pub fn check(&mut self, way: Way, sent: Option<Time>, now: Time) {
        self.hear(sent, now);
        self.acted = self.acted.max(Some(now));
        match way {
            Way::Check => self.checked = Some(now),
            Way::Gate => self.gated = Some(now),
        }
    }

    /// It renewed by the word of `holder`, and enforces `asked.version`; says whether that is a lease nobody knew. Expired
    /// ones that `matter` are not forgotten.
    ///
    /// # Errors
    /// When somebody else took it, whose word this is not; or when too many instances are followed already.
    pub fn renew(
        &mut self,
        asked: &LeaseRequest,
        holder: &str,
        now: Moment,
        matters: impl Fn(&Lease) -> bool,
    ) -> Result<bool, NotRenewed> {
        let LeaseRequest { instance, version, on_blind, sent_at, .. } = asked;
        let (version, on_blind) = (*version, *on_blind);
        let other = |lease: &&Lease| lease.holder.as_deref().is_some_and(|before| before != holder);
        let before = self.leases.get(instance).filter(other);
        if before.is_some_and(|lease| lease.until > now.steady || matters(lease)) {
            return Err(NotRenewed::Held);
        }
        self.hear(*sent_at, now.utc);
        self.leases.retain(|_, lease| now.steady.since(lease.until) < lease.remembered() || matters(lease));
        if !self.leases.contains_key(instance) && self.leases.len() >= INSTANCES {
            // The longest gone makes room, unless somebody's proof would go with it.
            let gone = self.leases.iter().filter(|(_, lease)| lease.until <= now.steady && !matters(lease));
            let oldest = gone.min_by_key(|(_, lease)| lease.until).map(|(name, _)| name.clone());
            let oldest = oldest.ok_or(NotRenewed::Full)?;
            self.leases.remove(&oldest);
        }
        let before = self.leases.get(instance);
        let acknowledged = match before {
            Some(lease) if lease.acknowledged.0 >= version => lease.acknowledged,
            _ => (version, now.utc),
        };
        let known = before.and_then(|lease| lease.holder.clone()).filter(|before| **before == *holder);
        let holder = Some(known.unwrap_or_else(|| holder.into()));
        let renewed = Lease { until: now.steady.plus(TTL), acknowledged, on_blind, holder, here: true };
        let before = self.leases.insert(instance.to_owned(), renewed);
        Ok(before.is_none_or(|before| before.on_blind != on_blind))
    }
}

/// What one source delivered last: by whom and when received; and the same of the newest other agent.
type Delivered = [Option<(AgentId, Time)>; 2];

/// Every agent heard of, and every source that reports for them.
#[derive(Debug, Default)]
pub struct Everybody {
    /// By agent.
    pub agents: HashMap<AgentId, Heard, RandomState>,
    /// Rises whenever somebody new is heard of, or takes a lease.
    pub revision: u64,
    sources: HashMap<Arc<str>, Delivered>,
}

impl Everybody {
    /// The line of `agent`, unless there are too many.
    pub fn of(&mut self, agent: &AgentId) -> Option<&mut Heard> {
        if !self.agents.contains_key(agent) {
            if self.agents.len() >= AGENTS {
                return None;
            }
            self.agents.insert(agent.clone(), Heard::default());
            self.revision += 1;
        }
        self.agents.get_mut(agent)
    }

    /// Whether following `agent` takes a place that is not there.
    pub fn is_full_for(&self, agent: &AgentId) -> bool {
        self.agents.len() >= AGENTS && !self.agents.contains_key(agent)
    }

    /// Forgets some of those who hold no lease and are not to `stay`: first those whom no switch would count, then mere
    /// names, the longest silent first. Whoever makes names up drives out what he made up, not those who were there before.
    pub fn make_room(&mut self, now: Moment, stay: impl Fn(&AgentId) -> bool) {
        let goes = |(agent, heard): &(&AgentId, &Heard)| heard.live_leases(now) == 0 && !stay(agent);
        let rank = |heard: &Heard| {
            let known = heard.first.zip(heard.last).is_some_and(|(first, last)| last.since(first) >= PASSING);
            (heard.is_counted(now), known, heard.last)
        };
        let mut going: Vec<_> =
            self.agents.iter().filter(goes).map(|(agent, heard)| (rank(heard), agent.clone())).collect();
        if going.len() > FORGOTTEN {
            going.select_nth_unstable(FORGOTTEN);
            going.truncate(FORGOTTEN);
        }
        for (_, agent) in going {
            self.agents.remove(&agent);
        }
    }

    /// `source` delivered an action; answers when it began by our clock: the sender's error is taken out.
    pub fn saw(&mut self, action: &Action, source: &str, now: Time) -> Time {
        self.deliver(source, action);
        let began = action.started.unwrap_or(action.at);
        let Some(heard) = self.of(&action.agent) else { return began };
        let began = began.plus(heard.behind.unwrap_or_default());
        if let Some(run) = &action.run {
            heard.run(run, now);
        }
        heard.last = heard.last.max(Some(action.at.min(now)));
        heard.acted = heard.acted.max(Some(action.at.min(now)));
        heard.first.get_or_insert(now);
        heard.began = heard.began.max(Some(began));
        if heard.source.as_deref() != Some(source) {
            heard.source = Some(source.into());
        }
        began
    }

    fn deliver(&mut self, source: &str, action: &Action) {
        if !self.sources.contains_key(source) {
            if self.sources.len() >= SOURCES {
                return;
            }
            self.sources.insert(source.into(), Delivered::default());
        }
        let Some(delivered) = self.sources.get_mut(source) else { return };
        if delivered[0].as_ref().is_some_and(|(agent, _)| *agent != action.agent) {
            delivered.swap(0, 1);
        }
        match &mut delivered[0] {
            Some((agent, at)) if *agent == action.agent => *at = (*at).max(action.received_at),
            newest => *newest = Some((action.agent.clone(), action.received_at)),
        }
    }

    /// When the source that reports for `agent` last delivered something of somebody else.
    pub fn went_on_without(&self, agent: &AgentId) -> Option<Time> {
        let source = self.agents.get(agent)?.source.as_ref()?;
        let others = self.sources.get(source)?.iter().flatten().filter(|(other, _)| other != agent);
        others.map(|(_, at)| *at).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(steady: i64) -> Moment {
        Moment { utc: Time::from_millis(1_795_183_200_000 + steady), steady: Time::from_millis(steady) }
    }

    fn asked(instance: impl ToString, on_blind: OnBlind) -> LeaseRequest {
        let agent = AgentId::new("refund-bot").unwrap();
        LeaseRequest { agent, instance: instance.to_string(), version: 1, on_blind, revision: None, sent_at: None }
    }

    /// CON.10: counted are live leases, what acted or asked within a day, and who goes on without a lease.
    #[test]
    fn who_ended_by_itself_is_idle() {
        for (on_blind, later, counted) in [
            (OnBlind::Stop, TTL - 1, true),
            (OnBlind::Stop, TTL, false),
            (OnBlind::Continue, TTL, true),
            (OnBlind::Continue, TTL + Time::DAY, false),
        ] {
            let mut heard = Heard::default();
            heard.renew(&asked("one", on_blind), "dana", at(0), |_| false).unwrap();
            assert_eq!(heard.is_counted(at(later)), counted, "{on_blind} {later}");
            heard.check(Way::Check, None, at(0).utc);
            assert_eq!(heard.is_counted(at(later)), later < Time::DAY, "it asked");
        }
    }

    /// CON.13: what proves a switch is the oldest renewal among its live leases, never what telemetry said of the agent.
    #[test]
    fn a_proof_is_as_old_as_the_oldest_live_lease() {
        let mut everybody = Everybody::default();
        let heard = everybody.of(&agent("refund-bot")).unwrap();
        assert_eq!(heard.proved_at(1, at(0)), None);
        heard.renew(&asked("one", OnBlind::Stop), "dana", at(1_000), |_| false).unwrap();
        heard.renew(&asked("two", OnBlind::Stop), "dana", at(2_000), |_| false).unwrap();
        heard.hear(None, at(3_000).utc);
        assert_eq!(heard.proved_at(1, at(3_500)), Some(at(1_000).utc));
        heard.renew(&asked("one", OnBlind::Stop), "dana", at(4_000), |_| false).unwrap();
        assert_eq!(heard.proved_at(1, at(4_000)), Some(at(2_000).utc));
        assert_eq!(heard.proved_at(2, at(4_000)), Some(at(1_000).utc), "both lag behind: what they took first");
        assert_eq!(heard.proved_at(1, at(2_000 + TTL)), Some(at(4_000).utc), "the other one ran out");
    }

    #[test]
    fn a_new_instance_takes_the_room_of_one_long_gone() {
        let mut heard = Heard::default();
        for instance in 0..INSTANCES {
            let now = at(i64::try_from(instance).unwrap());
            assert_eq!(heard.renew(&asked(instance, OnBlind::Continue), "dana", now, |_| false), Ok(true));
        }
        let mut new = |at, matters: bool| heard.renew(&asked("new", OnBlind::Stop), "dana", at, |_| matters);
        assert_eq!(new(at(TTL - 1), false), Err(NotRenewed::Full), "all of them live");
        assert_eq!(new(at(2 * TTL), true), Err(NotRenewed::Full), "proofs rest on them");
        assert_eq!(new(at(2 * TTL), false), Ok(true));
        assert!(!heard.leases.contains_key("0") && heard.leases.contains_key("1") && heard.leases.len() == INSTANCES);
    }

    /// Law 11: whoever did not take a lease renews it not, and acknowledges nothing in its name.
    #[test]
    fn a_lease_is_its_holders() {
        let mut heard = Heard::default();
        let mut renew = |holder, steady, matters: bool| {
            let renewed = heard.renew(&asked("one", OnBlind::Continue), holder, at(steady), |_| matters);
            renewed.map(|_| heard.leases["one"].until)
        };
        assert_eq!(renew("refund-bot", 0, false), Ok(Time::from_millis(TTL)));
        assert_eq!(renew("loopback", 1, false), Err(NotRenewed::Held));
        assert_eq!(renew("refund-bot", 2, false), Ok(Time::from_millis(TTL + 2)));
        assert_eq!(renew("loopback", 2 * TTL, true), Err(NotRenewed::Held), "a proof rests on the first holder's word");
        assert_eq!(renew("loopback", 2 * TTL, false), Ok(Time::from_millis(3 * TTL)), "it had ended");
        assert_eq!(renew("refund-bot", 2 * TTL + 1, false), Err(NotRenewed::Held));
    }

    fn agent(name: impl std::fmt::Display) -> AgentId {
        AgentId::new(&name.to_string()).unwrap()
    }

    /// Names without end drive out each other: not who was there before, holds a lease, or waits for a proof.
    #[test]
    fn made_up_names_blind_nobody() {
        let mut everybody = Everybody::default();
        let heard = |everybody: &mut Everybody, name: &str, when: i64| {
            everybody.of(&agent(name)).unwrap().check(Way::Check, None, at(when).utc);
        };
        heard(&mut everybody, "long-ago", -2 * Time::DAY);
        heard(&mut everybody, "waited-for", -2 * Time::DAY);
        heard(&mut everybody, "regular", -2 * PASSING);
        heard(&mut everybody, "regular", 0);
        let asked = LeaseRequest { agent: agent("leased"), ..asked("one", OnBlind::Stop) };
        everybody.of(&asked.agent).unwrap().renew(&asked, "leased", at(0), |_| false).unwrap();
        for name in 0..3 * AGENTS {
            let name = agent(format!("name-{name}"));
            if everybody.is_full_for(&name) {
                everybody.make_room(at(1_000), |agent| agent.as_str() == "waited-for");
            }
            everybody.of(&name).unwrap().check(Way::Check, None, at(1_000).utc);
        }
        assert!(everybody.agents.len() <= AGENTS);
        for (name, stays) in [("waited-for", true), ("regular", true), ("leased", true), ("long-ago", false)] {
            assert_eq!(everybody.agents.contains_key(name), stays, "{name}");
        }
        assert!(!everybody.is_full_for(&agent("regular")), "whoever is followed needs no place");
        // When all have a reason to stay, new ones are answered and not followed.
        while !everybody.is_full_for(&agent("new")) {
            everybody.of(&agent(format!("other-{}", everybody.agents.len())));
        }
        everybody.make_room(at(1_000), |_| true);
        assert!(everybody.of(&agent("new")).is_none());
    }
}
