//! A call judged before it runs: by the inventory and by team rules, each at its stage (DET.12).
//!
//! Remembers what was let through here, and whom executed actions dealt with; bounded. Decides nothing about switches.

use std::{cell::OnceCell, collections::HashMap, sync::Arc};

use serde_json::Value;

use super::{
    asked::AskedFirings,
    firing::{FiringChange, FiringKey, Tripwire},
    recall::Recall,
    rules::{Deed, weigh},
};
use crate::{
    incident::AgentDeclaration,
    runbook::{Asks, BeforeStage, Rule, Rules},
    telemetry::{Action, Status},
    terms::{ActionClass, AgentId, Time, ToolName, Workflow},
};

/// Agents whose calls are remembered at most; calls of one more are judged without a past.
const AGENTS: usize = 1 << 14;

/// A call that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct AskedCall<'a> {
    /// Who asks.
    pub agent: &'a AgentId,
    /// What its owner declared, if anything.
    pub declared: Option<&'a AgentDeclaration>,
    /// The tool, by any of its names.
    pub tool: Option<&'a ToolName>,
    /// The class it claims.
    pub class: Option<&'a ActionClass>,
    /// The workflow it claims.
    pub workflow: Option<&'a Workflow>,
    /// Its run.
    pub run: Option<&'a str>,
    /// Its arguments.
    pub input: Option<&'a Value>,
    /// When it is asked for.
    pub at: Time,
}

/// What speaks against a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Objection {
    /// Which tripwire would fire.
    pub tripwire: Tripwire,
    /// The rule's name, or `authorisation`.
    pub name: String,
    /// What follows.
    pub stage: BeforeStage,
    /// What is wrong, in words; quotes what agents wrote.
    pub note: String,
    /// The figure, and the limit it is over.
    pub figures: (Option<f64>, Option<f64>),
}

/// Judges the calls of one world before they run.
#[derive(Debug)]
pub struct Before {
    rules: Arc<Rules>,
    recall: HashMap<AgentId, Recall>,
    pub(super) firings: AskedFirings,
}

impl<'a> AskedCall<'a> {
    fn deed(&self) -> Deed<'a> {
        Deed {
            agent: self.agent,
            tool: self.tool,
            item: self.declared.zip(self.tool).and_then(|(declared, tool)| declared.item(tool)),
            endpoint: None,
            class: self.class,
            workflows: [self.workflow, self.declared.and_then(|declared| declared.workflow.as_ref())],
            run: self.run,
            amount: None,
            counterparty: None,
            input: self.input,
            at: self.at,
            dated: true,
            asked: true,
            digest: OnceCell::new(),
        }
    }
}

/// The rules that judge calls before they run.
fn judging(rules: &Rules) -> impl Iterator<Item = &Rule> {
    rules.rules.iter().filter(|rule| rule.before != BeforeStage::Off)
}

impl Before {
    /// One that let nothing through yet.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self { rules, recall: HashMap::new(), firings: AskedFirings::default() }
    }

    /// Judges by other rules from now on; what rules of the same name remember stays.
    pub fn retune(&mut self, rules: Arc<Rules>) {
        self.recall.values_mut().for_each(|recall| recall.keep_only(&rules));
        self.rules = rules;
    }

    /// The stage of authorisation.
    pub fn authorisation(&self) -> BeforeStage {
        self.rules.authorisation
    }

    /// What speaks against a call, the strictest first; changes nothing.
    pub fn objections(&self, asked: &AskedCall<'_>) -> Vec<Objection> {
        let deed = asked.deed();
        let nothing = Recall::default();
        let recall = self.recall.get(asked.agent).unwrap_or(&nothing);
        let mut found: Vec<Objection> = self.undeclared(asked, &deed).into_iter().collect();
        for rule in judging(&self.rules).filter(|rule| deed.fits(&rule.only)) {
            found.extend(weigh(rule, &deed, recall).map(|finding| Objection {
                tripwire: Tripwire::Rule,
                name: rule.name.clone(),
                stage: rule.before,
                note: finding.note,
                figures: (finding.met.window, finding.met.limit),
            }));
        }
        found.sort_by_key(|objection| std::cmp::Reverse(objection.stage));
        found
    }

    /// DET.5, before the act: an agent nobody declared, or a tool outside its inventory.
    fn undeclared(&self, asked: &AskedCall<'_>, deed: &Deed<'_>) -> Option<Objection> {
        if self.rules.authorisation == BeforeStage::Off {
            return None;
        }
        let note = match (asked.declared, asked.tool) {
            (None, _) => "nobody declared this agent".to_owned(),
            (Some(_), Some(tool)) if deed.item.is_none() => format!("{tool} is not in its inventory"),
            (Some(_), _) => return None,
        };
        let name = Tripwire::Authorisation.as_str().to_owned();
        let stage = self.rules.authorisation;
        Some(Objection { tripwire: Tripwire::Authorisation, name, stage, note, figures: (None, None) })
    }

    /// Counts a call and what spoke against it; from warn on, that is a firing.
    pub fn count<'o>(&mut self, asked: &AskedCall<'_>, objections: impl IntoIterator<Item = &'o Objection>) {
        let deed = asked.deed();
        let looked = judging(&self.rules).filter(|rule| deed.fits(&rule.only)).map(|rule| rule.name.as_str());
        let authorised = (self.rules.authorisation != BeforeStage::Off).then_some(Tripwire::Authorisation.as_str());
        for name in authorised.into_iter().chain(looked) {
            self.firings.judged(name);
        }
        for objection in objections {
            self.firings.met(asked, objection);
        }
    }

    /// A call was let through: loops and runs go on from it.
    pub fn let_through(&mut self, asked: &AskedCall<'_>) {
        let deed = asked.deed();
        let rules = self.rules.clone();
        let looks_back = |rule: &&Rule| matches!(rule.asks, Asks::CallsPerRun(_) | Asks::Loop { .. });
        for rule in judging(&rules).filter(looks_back).filter(|rule| deed.fits(&rule.only)) {
            if let Some(recall) = self.of(asked.agent) {
                recall.learn(rule, &deed);
            }
        }
    }

    /// An action was executed: its counterparty is new no more.
    pub fn saw(&mut self, action: &Action, declared: Option<&AgentDeclaration>) {
        if action.status == Status::Denied {
            return;
        }
        let rules = self.rules.clone();
        let parties = |rule: &&Rule| matches!(rule.asks, Asks::NewCounterparty { .. });
        let mut rules = judging(&rules).filter(parties).peekable();
        if rules.peek().is_none() {
            return;
        }
        let item = declared.zip(action.tool.as_ref()).and_then(|(declared, tool)| declared.item(tool));
        let mut deed = Deed::of(action, item, declared.and_then(|declared| declared.workflow.as_ref()));
        deed.at = action.at.min(action.received_at);
        for rule in rules.filter(|rule| deed.fits(&rule.only)) {
            if let Some(recall) = self.of(&action.agent) {
                recall.learn(rule, &deed);
            }
        }
    }

    /// Goes on from what the engine learned before a restart.
    pub fn recall(&mut self, learned: Vec<(AgentId, Recall)>) {
        for (agent, mut recall) in learned {
            recall.keep_only(&self.rules);
            if self.recall.len() < AGENTS {
                self.recall.entry(agent).or_insert(recall);
            }
        }
    }

    fn of(&mut self, agent: &AgentId) -> Option<&mut Recall> {
        if self.recall.len() >= AGENTS && !self.recall.contains_key(agent) {
            return None;
        }
        Some(self.recall.entry(agent.clone()).or_default())
    }
}

/// How the detail of a firing begins that is of a call which was only asked for.
const ASKED: &str = "asked: ";

impl Objection {
    /// Its firing; the rule's own name is of calls that ran.
    pub fn key(&self, agent: &AgentId) -> FiringKey {
        FiringKey { tripwire: self.tripwire, agent: agent.clone(), detail: format!("{ASKED}{}", self.name) }
    }
}

impl FiringKey {
    /// The tool it is about, where it is one.
    pub fn tool(&self, rules: &Rules) -> Option<ToolName> {
        match self.tripwire {
            // An undeclared agent, and an endpoint, are no tools.
            Tripwire::Authorisation if !self.detail.contains(' ') => ToolName::new(&self.detail).ok(),
            Tripwire::Rule => rules.named(&self.detail)?.only.tool.clone(),
            _ => None,
        }
    }

    /// The rule or tripwire by name, where it is of a call that was only asked for.
    pub fn asked(&self) -> Option<&str> {
        self.detail.strip_prefix(ASKED)
    }
}

impl Before {
    /// What is to be recorded of calls that were asked for; told again until [`Before::told`].
    pub fn changes(&self, now: Time) -> Vec<FiringChange> {
        self.firings.changes(now)
    }

    /// The log took these.
    pub fn told(&mut self, changes: &[FiringChange], now: Time) {
        self.firings.told(changes, now);
    }

    /// Firings that were open before a restart close in their time.
    pub fn reopen<'a>(&mut self, firings: impl IntoIterator<Item = &'a super::Firing>) {
        self.firings.reopen(firings);
    }

    /// How often each rule looked, and objected, since the backend began.
    pub fn tallies(&self) -> Vec<super::Tally> {
        let authorisation = (Tripwire::Authorisation, Tripwire::Authorisation.as_str(), self.rules.authorisation);
        let rules = self.rules.rules.iter().map(|rule| (Tripwire::Rule, rule.name.as_str(), rule.before));
        let all = std::iter::once(authorisation).chain(rules);
        all.map(|(tripwire, name, stage)| self.firings.tally(tripwire, name, stage)).collect()
    }
}
