//! What the incident knows, in the words that a message takes from it (COM.2). What is absent is said to be so.

use crate::{
    incident::{
        Incident, StepState, World,
        containment::{Switch, SwitchState},
        evidence::AffectedKind,
    },
    runbook::{OwedBy, Runbook, Template},
    terms::Time,
};

/// How many of a kind are named before the rest is counted.
const NAMED: usize = 5;

/// What a message is about, at one moment.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// Its world.
    pub world: &'a World,
    /// The runbook it runs by.
    pub runbook: &'a Runbook,
    /// Now.
    pub now: Time,
}

/// `14:05 UTC` on the day of `now`, else with its date.
pub(super) fn minute(at: Time, now: Time) -> String {
    super::promise::said(at, now)
}

/// `a, b, c and 4 more`.
fn several(mut all: Vec<String>) -> String {
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    let listed = all.join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

impl<'a> Subject<'a> {
    fn switches(&self) -> impl Iterator<Item = &'a Switch> {
        self.incident.switches.iter().filter_map(|id| self.world.switches.get(id)).map(AsRef::as_ref)
    }

    /// What is stopped, and how far that is proved.
    pub fn contained(&self) -> String {
        let engaged = self.switches().filter(|switch| switch.state == SwitchState::Engaged);
        let parts: Vec<String> = engaged
            .map(|switch| {
                let proof = &switch.halt;
                let since = minute(switch.engaged_at, self.now);
                let (mode, scope) = (switch.mode, &switch.scope);
                format!("{mode} on {scope} since {since} ({} of {} confirmed)", proof.confirmed, proof.counted)
            })
            .collect();
        if parts.is_empty() { "nothing is stopped yet".into() } else { parts.join("; ") }
    }

    /// What was engaged, lifted ones too.
    pub fn all_switches(&self) -> String {
        let said = self.switches().map(|switch| format!("{} {} on {}", switch.id, switch.mode, switch.scope));
        let all: Vec<String> = said.collect();
        if all.is_empty() { "none".into() } else { several(all) }
    }

    /// What the agent did, as the firings saw it, and what slipped by a switch.
    pub fn actions(&self) -> String {
        let firings = self.incident.firings.iter().filter_map(|id| self.world.firings.get(id));
        let mut all: Vec<String> = firings
            .map(|firing| {
                let key = &firing.key;
                let what = if key.detail.is_empty() { String::new() } else { format!(" {}", key.detail) };
                let times = if firing.count > 1 { format!(", {} times", firing.count) } else { String::new() };
                format!("{}: {}{what} since {}{times}", key.agent, key.tripwire, minute(firing.at, self.now))
            })
            .collect();
        let slipped: usize = self.switches().map(|switch| switch.halt.slipped.len()).sum();
        if slipped > 0 {
            all.push(format!("{slipped} actions went on after harm was known"));
        }
        if all.is_empty() { String::new() } else { several(all) }
    }

    /// Which systems were touched: what is rolled back, and what slipped by.
    pub fn systems(&self) -> String {
        let mut all: Vec<String> = Vec::new();
        let records = self.incident.register.rows.iter().filter(|row| row.kind == AffectedKind::Record);
        let targets = self.incident.checklists.iter().map(|list| list.target.clone());
        let targets = targets.chain(records.map(|row| row.what.clone()));
        let slipped = self.switches().flat_map(|switch| switch.halt.slipped.iter().map(|one| one.what.clone()));
        for one in targets.chain(slipped) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        several(all)
    }

    /// How far the undoing has come.
    pub fn rollback(&self) -> String {
        let said = self.incident.checklists.iter().map(|list| {
            let done = list.steps.iter().filter(|step| step.state != StepState::Open).count();
            let state = match (&list.verified, list.due_at) {
                (Some(verified), _) => format!("verified at {}", minute(verified.at, self.now)),
                (None, Some(due)) => format!("{done} of {} steps, due {}", list.steps.len(), minute(due, self.now)),
                (None, None) => format!("{done} of {} steps, its time runs from containment", list.steps.len()),
            };
            format!("{} ({}): {state}", list.title, list.target)
        });
        let all: Vec<String> = said.collect();
        if all.is_empty() { "no rollback is open".into() } else { all.join("; ") }
    }

    /// What must come true before the agent runs again.
    pub fn restart(&self) -> String {
        let open = self.incident.checklists.iter().filter(|list| list.verified.is_none()).count();
        let persons = self.runbook.schemes.get(&self.incident.scheme);
        let persons =
            persons.and_then(|scheme| scheme.level(&self.incident.severity)).map(|level| level.restart_persons);
        let mut all = Vec::new();
        if self.incident.contained_at.is_none() {
            all.push("containment is proved".to_owned());
        }
        if open > 0 {
            all.push(format!("{open} rollbacks are verified"));
        }
        match persons {
            Some(persons @ 2..) => all.push(format!("{persons} people approve it")),
            _ => all.push("its severity owner approves it".into()),
        }
        all.join("; ")
    }

    /// How many may be affected: those of the register, or the estimate where that is higher.
    pub fn affected(&self) -> Option<f64> {
        let counted = Some(self.incident.register.count(AffectedKind::Person)).filter(|count| *count > 0);
        let estimated = self.incident.blast.as_ref().map(|blast| blast.affected);
        [counted.map(|count| count as f64), estimated].into_iter().flatten().reduce(f64::max)
    }

    /// The register in words, its unknowns counted; the estimate while nothing is in it; empty where there is neither.
    pub fn register(&self) -> String {
        let register = &self.incident.register;
        let kinds =
            [(AffectedKind::Person, "people"), (AffectedKind::Record, "records"), (AffectedKind::Money, "payments")];
        let mut all: Vec<String> = kinds
            .iter()
            .map(|(kind, word)| (register.count(*kind), word))
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        match register.unknown() {
            0 => {}
            unknown => all.push(format!("{unknown} more of which it is not known how many")),
        }
        match (all.is_empty(), &self.incident.blast) {
            (true, Some(blast)) => format!("up to {:.0} affected, as estimated", blast.affected),
            (true, None) => String::new(),
            (false, _) => all.join(", "),
        }
    }

    /// What was decided, in words; empty while nothing is.
    pub fn decision(&self) -> String {
        String::new()
    }

    /// When a threshold of this template was crossed first, and which.
    pub fn threshold(&self, template: &Template) -> Option<(Time, String)> {
        let owed = template.owed.as_ref().filter(|owed| owed.by == OwedBy::Threshold)?;
        let level = self.incident.severities.iter().find(|set| owed.severities.contains(&set.severity));
        let level = level.map(|set| (set.at, format!("it is {}", set.severity)));
        let many = owed.affected.zip(self.affected()).filter(|(limit, affected)| affected >= limit);
        let many = many.and_then(|(_, affected)| {
            let estimate = self.incident.timeline.iter().rev().find(|entry| entry.kind == "blast-estimated")?;
            Some((estimate.at, format!("up to {affected:.0} are affected")))
        });
        [level, many].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}
