//! The severity that is advised, and why (SEV.5): from factors, never from how wrong or embarrassing it looks. A person
//! sets it.

use serde::{Deserialize, Serialize};

use crate::{
    incident::{Incident, World},
    runbook::{Factor, FactorPlan, Runbook, Scheme, SeenPlan},
    telemetry::Touched,
    terms::words,
    tripwire::Firing,
};

words! {
    /// Where an answer comes from.
    From, "where an answer comes from" {
        /// A person said it.
        Person = "person",
        /// Telemetry or a firing shows it; nobody has said otherwise.
        Seen = "seen",
        /// It was agreed for the workflow before it launched (SEV.8).
        Agreed = "agreed",
    }
}

/// One reason for a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Which factor; `workflow` for what was agreed.
    pub factor: String,
    /// In words.
    pub title: String,
    /// Which answer.
    pub answer: String,
    /// What it means.
    pub means: String,
    /// The level it points to; absent where the scheme is not weighed by it.
    pub level: Option<String>,
    /// Where it comes from.
    pub from: From,
    /// Who said it, or what shows it.
    pub by: String,
}

/// One example of a workflow's own table (SEV.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// What happens.
    pub when: String,
    /// How severe that is here.
    pub level: String,
}

/// The advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// The scheme it is in.
    pub scheme: String,
    /// The level now.
    pub now: String,
    /// The level advised; absent while nothing is known.
    pub level: Option<String>,
    /// What it rests on, gravest first.
    pub reasons: Vec<Reason>,
    /// Factors that nothing is known of.
    pub open: Vec<String>,
    /// Examples agreed for the workflow.
    pub examples: Vec<Example>,
}

impl Advice {
    /// In a line: the level, and what it rests on most.
    pub fn line(&self) -> String {
        match &self.level {
            None => "no advice yet: nothing is known of any factor".into(),
            Some(level) => {
                let grave = self.reasons.iter().filter(|reason| reason.level.as_ref() == Some(level));
                let why: Vec<String> = grave.map(|reason| format!("{}: {}", reason.title, reason.means)).collect();
                format!("{level} is advised · {}", why.join("; "))
            }
        }
    }
}

/// What the system itself can see of an incident.
struct Seen<'a> {
    touched: &'a Touched,
    firings: Vec<&'a Firing>,
}

impl Seen<'_> {
    /// What shows that `plan` holds, in words.
    fn shows(&self, plan: &SeenPlan) -> Option<String> {
        let touched = self.touched;
        if plan.money && touched.payments > 0 {
            let sums: Vec<String> =
                touched.money.iter().map(|(currency, sum)| format!("{currency} {sum:.2}")).collect();
            return Some(format!("{} payments, {}", touched.payments, sums.join(" + ")));
        }
        if let Some(least) = plan.recipients.filter(|least| touched.recipients >= *least) {
            return Some(format!("{} recipients, {least} or more", touched.recipients));
        }
        if let Some(class) = plan.classes.iter().find(|class| touched.classes.contains(*class)) {
            return Some(format!("{class} was used"));
        }
        let firing = self.firings.iter().find(|firing| plan.tripwires.contains(&firing.key.tripwire));
        firing.map(|firing| format!("{} ({})", firing.id, firing.key.tripwire))
    }
}

/// How grave a level is in `scheme`: 0 is the worst; what the scheme does not have is mildest.
fn rank(scheme: &Scheme, level: Option<&String>) -> usize {
    let is = |known: &crate::runbook::Level| level.is_some_and(|level| known.id.eq_ignore_ascii_case(level));
    scheme.levels.iter().position(is).unwrap_or(usize::MAX)
}

/// What is known of a factor: a person's word, else the gravest answer that shows.
fn known<'f>(factor: &'f Factor, incident: &Incident, seen: &Seen<'_>) -> Option<(&'f FactorPlan, From, String)> {
    let said = incident.factors.get(&factor.id);
    if let Some((said, plan)) = said.and_then(|said| Some((said, factor.answer(&said.answer)?))) {
        return Some((plan, From::Person, said.by.to_string()));
    }
    let shown = factor.answer.iter().rev().filter_map(|plan| Some((plan, seen.shows(plan.seen.as_ref()?)?)));
    shown.map(|(plan, shows)| (plan, From::Seen, shows)).next()
}

/// Weighs an incident by its runbook's factors: what people answered, and what telemetry and firings show.
pub fn advise(runbook: &Runbook, incident: &Incident, world: &World, touched: &Touched) -> Advice {
    let scheme = runbook.schemes.get(&incident.scheme);
    let firings = incident.firings.iter().filter_map(|id| world.firings.get(id)).map(AsRef::as_ref);
    let seen = Seen { touched, firings: firings.filter(|firing: &&Firing| !firing.expected).collect() };
    let (mut reasons, mut open) = (Vec::new(), Vec::new());
    for factor in &runbook.factors {
        match known(factor, incident, &seen) {
            Some((plan, from, by)) => reasons.push(Reason {
                factor: factor.id.clone(),
                title: factor.title.clone(),
                answer: plan.id.clone(),
                means: plan.means.clone(),
                level: plan.level.get(&incident.scheme).cloned(),
                from,
                by,
            }),
            None => open.push(factor.id.clone()),
        }
    }
    let agreed = incident.workflow.as_deref().and_then(|workflow| runbook.workflow(workflow));
    let mut examples = Vec::new();
    if let Some(plan) = agreed {
        reasons.extend(plan.default.get(&incident.scheme).map(|level| Reason {
            factor: "workflow".into(),
            title: format!("Workflow {}", plan.id),
            answer: level.clone(),
            means: "the level agreed before it launched".into(),
            level: Some(level.clone()),
            from: From::Agreed,
            by: format!("{}, {}", plan.owner, plan.agreed),
        }));
        let of = |case: &crate::runbook::WorkflowCase| {
            Some(Example { when: case.when.clone(), level: case.level.get(&incident.scheme)?.clone() })
        };
        examples.extend(plan.cases.iter().filter_map(of));
    }
    let level = scheme.and_then(|scheme| {
        reasons.sort_by_key(|reason| rank(scheme, reason.level.as_ref()));
        let gravest = reasons.first()?.level.as_ref()?;
        scheme.level(gravest).map(|level| level.id.clone())
    });
    Advice { scheme: incident.scheme.clone(), now: incident.severity.clone(), level, reasons, open, examples }
}
