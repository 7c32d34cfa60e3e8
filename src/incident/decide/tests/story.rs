//! A log in memory: commands go through decide → seal → apply, as in the backend; every step is checked.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{
    incident::{
        Command, Context, Declare, Engage, Event, Fact, Fields, Incident, IncidentCommand, NewEvent, Refusal,
        RefusalCode, Stream, Worlds, chain,
        communication::writing::{self, Manuscript},
        containment::{AgentProof, HaltProof, ProofState, Switch},
        decide,
        restart::ApproveRestart,
    },
    runbook::Runbook,
    terms::{AgentId, Author, DraftId, DrillId, FiringId, IncidentId, SwitchId, Time},
    tripwire::{FiringChange, FiringKey, Tripwire},
};

/// The moment every story begins.
pub(super) const ZERO: i64 = 1_772_460_300_000;

/// `seconds` after the story's beginning.
pub(super) fn at(seconds: i64) -> Time {
    Time::from_millis(ZERO).plus(seconds * Time::SECOND)
}

pub(super) fn agent(id: &str) -> AgentId {
    AgentId::new(id).unwrap()
}

/// One world's log, and who asks next.
pub(super) struct Story {
    pub worlds: Worlds,
    pub events: Vec<Event>,
    pub runbook: Runbook,
    pub context: Context,
    heads: BTreeMap<Stream, (u64, String)>,
}

impl Story {
    /// Dana asks, at the beginning, in the real world; nothing has happened.
    pub fn new() -> Self {
        let by = Author::Person("dana".into());
        Self {
            worlds: Worlds::default(),
            events: Vec::new(),
            runbook: Runbook::shipped(),
            context: Context { by, now: at(0), drill: None, counted: Vec::new(), runs: None },
            heads: BTreeMap::new(),
        }
    }

    /// The same with one incident of `severity`, INC-1.
    pub fn declared(severity: &str) -> Self {
        let mut story = Self::new();
        story.done(declare("paid twice", severity));
        story
    }

    pub fn by(&mut self, author: &str) -> &mut Self {
        self.context.by = author.parse().unwrap();
        self
    }

    /// The clock now stands `seconds` after the beginning.
    pub fn at(&mut self, seconds: i64) -> &mut Self {
        self.context.now = at(seconds);
        self
    }

    pub fn in_drill(&mut self, drill: Option<u32>) -> &mut Self {
        self.context.drill = drill.map(DrillId);
        self
    }

    /// Whom a switch engaged next counts, and as what.
    pub fn counting(&mut self, agents: &[(&str, ProofState)]) -> &mut Self {
        self.context.counted = proofs(agents, self.context.now);
        self
    }

    /// Asks; what was decided is sealed and folded.
    pub fn ask(&mut self, command: Command) -> Result<Vec<Fact>, Refusal> {
        let decided = decide(&self.worlds, &self.runbook, &self.context, &command)?;
        Ok(decided.into_iter().map(|new| self.append(new)).collect())
    }

    /// What makes a draft of INC-1 read as in `fields`; what others write meanwhile stays.
    pub fn edit(&self, draft: DraftId, fields: &Fields) -> Command {
        let known = &self.incident(1).drafts;
        let of = known.iter().find(|one| one.id == draft).unwrap_or(&known[0]);
        // A number of its own for each: nobody writes twice under one.
        let writer = 100 + self.events.len() as u64;
        let edit = writing::edit_to(of, writer, fields).unwrap().unwrap_or_else(|| Manuscript::beginning(fields));
        on(IncidentCommand::WriteDraft { draft, edit })
    }

    /// Has a draft of INC-1 read as in `fields`.
    pub fn writes(&mut self, draft: DraftId, fields: &Fields) -> Vec<Fact> {
        self.done(self.edit(draft, fields))
    }

    fn append(&mut self, new: NewEvent) -> Fact {
        let position = self.events.len() as u64 + 1;
        let (seq, prev) = self.heads.get(&new.stream).cloned().unwrap_or((0, chain::GENESIS.to_owned()));
        let place = chain::Place {
            position,
            epoch: 1,
            seq: seq + 1,
            id: Uuid::from_u128(u128::from(position)),
            recorded_at: self.context.now,
            prev,
        };
        let event = chain::seal(new, place).unwrap();
        self.heads.insert(event.stream.clone(), (event.seq, event.hash.clone()));
        self.worlds.apply(&event);
        let fact = event.fact.clone();
        self.events.push(event);
        fact
    }

    /// Records a fact that no command makes.
    pub fn record(&mut self, stream: &str, fact: Fact) {
        let (stream, by) = (stream.parse().unwrap(), self.context.by.clone());
        self.append(NewEvent { stream, occurred_at: self.context.now, by, fact });
    }

    /// Asks what must be taken; the facts it made.
    #[track_caller]
    pub fn done(&mut self, command: Command) -> Vec<Fact> {
        match self.ask(command.clone()) {
            Ok(facts) => facts,
            Err(refusal) => panic!("{command:?} was refused: {refusal}"),
        }
    }

    /// Asks what must be refused for `code`, in words that hold `says`; nothing may change.
    #[track_caller]
    pub fn refused(&mut self, command: Command, code: RefusalCode, says: &str) {
        let before = self.worlds.clone();
        let refusal = self.ask(command.clone()).expect_err(&format!("{command:?} was taken"));
        assert_eq!(refusal.code, code, "{command:?}: {refusal}");
        assert!(refusal.detail.contains(says), "{command:?} says {:?}, not {says:?}", refusal.detail);
        assert_eq!(before, self.worlds);
    }

    /// Asks what makes nothing new.
    #[track_caller]
    pub fn nothing(&mut self, command: Command) {
        assert_eq!(self.done(command), []);
    }

    /// Lifts a switch of INC-1 over the gate, as two persons may (RST.4); whoever asked before asks again after.
    #[track_caller]
    pub fn freed(&mut self, switch: u32) -> Vec<Fact> {
        let before = self.context.by.clone();
        self.by("lee").done(on(IncidentCommand::Assign {
            role: "severity-owner".into(),
            who: Some("lee".into()),
            note: None,
        }));
        self.by("kim").done(on(IncidentCommand::ApproveRestart(ApproveRestart { second: true, why: "seen".into() })));
        let over = Some("nothing it could do".into());
        let Command::Release { switch, why, agent, to, .. } = release(switch, "narrower") else { return Vec::new() };
        let made = self.by("lee").done(Command::Release { switch, why, agent, to, over });
        self.context.by = before;
        made
    }

    #[track_caller]
    pub fn incident(&self, id: u32) -> &Incident {
        &self.worlds.get(self.context.drill).unwrap().incidents[&IncidentId(id)]
    }

    #[track_caller]
    pub fn switch(&self, id: u32) -> &Switch {
        &self.worlds.get(self.context.drill).unwrap().switches[&SwitchId(id)]
    }

    #[track_caller]
    pub fn firing(&self, id: u32) -> &crate::tripwire::Firing {
        &self.worlds.get(self.context.drill).unwrap().firings[&FiringId(id)]
    }

    /// The interlock tells of switch `id`; the kinds of the facts that made.
    #[track_caller]
    pub fn proves(&mut self, id: u32, agents: &[(&str, ProofState)]) -> Vec<String> {
        let by = std::mem::replace(&mut self.context.by, Author::Andon("interlock".into()));
        let facts = self.done(prove(id, agents, self.context.now));
        self.context.by = by;
        kinds(&facts)
    }

    /// The engine tells of its changes; the kinds of the facts that made.
    #[track_caller]
    pub fn fires(&mut self, changes: Vec<FiringChange>) -> Vec<String> {
        let by = std::mem::replace(&mut self.context.by, Author::Andon("tripwires".into()));
        let facts = self.done(Command::Fire { changes });
        self.context.by = by;
        kinds(&facts)
    }
}

pub(super) fn kinds(facts: &[Fact]) -> Vec<String> {
    facts.iter().map(Fact::kind).collect()
}

fn proofs(agents: &[(&str, ProofState)], at: Time) -> Vec<AgentProof> {
    agents.iter().map(|(id, state)| AgentProof { id: agent(id), state: *state, how: None, at }).collect()
}

pub(super) fn prove(id: u32, agents: &[(&str, ProofState)], at: Time) -> Command {
    let of = |wanted: ProofState| agents.iter().filter(|(_, state)| *state == wanted).count() as u32;
    let counted = agents.len() as u32 - of(ProofState::Idle);
    let halt = HaltProof {
        counted,
        confirmed: of(ProofState::Confirmed),
        escaped: of(ProofState::Escaped),
        agents: proofs(agents, at),
        ..HaltProof::default()
    };
    Command::Prove { switch: SwitchId(id), halt }
}

pub(super) fn declare(title: &str, severity: &str) -> Command {
    let severity = Some(severity.to_owned());
    Command::Declare(Declare { title: title.into(), severity, ..Declare::default() })
}

/// Asks something of INC-1.
pub(super) fn on(ask: IncidentCommand) -> Command {
    Command::OnIncident { incident: IncidentId(1), ask }
}

/// A bare halt of everything.
pub(super) fn halt() -> Engage {
    Engage::default()
}

pub(super) fn release(id: u32, why: &str) -> Command {
    Command::Release { switch: SwitchId(id), why: why.into(), agent: None, to: None, over: None }
}

pub(super) fn key(tripwire: Tripwire, of: &str, detail: &str) -> FiringKey {
    FiringKey { tripwire, agent: agent(of), detail: detail.into() }
}

/// The condition of `key` was met first, at `seconds`, and received 2 s later.
pub(super) fn opened(key: FiringKey, seconds: i64) -> FiringChange {
    FiringChange::Opened {
        key,
        at: at(seconds),
        received_at: at(seconds + 2),
        window: Some(0.3),
        limit: Some(0.1),
        baseline: None,
        note: None,
        run: None,
        workflow: None,
    }
}
