//! What stands between a post-mortem and its filing: everything at once, each with what to do (PM.5).

use serde::{Deserialize, Serialize};

use super::{DeltaKind, DeltaState, Postmortem, wording};
use crate::{
    incident::{
        Incident, World,
        team::{Task, TaskFrom},
    },
    runbook::{Required, Runbook},
};

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What, in a few words.
    pub what: String,
    /// What to do.
    pub todo: String,
}

/// Fields in which a cause or a remedy is named.
const CAUSES: [&str; 6] =
    ["root-trigger", "condition", "failed-control", "safety-layer", "failure-class", "missing-tripwire"];
/// Fields in which remedies are named.
const REMEDIES: [&str; 3] = ["prevention", "guardrails", "release-gate"];

/// Evidence items that are named at most.
const SHOWN: usize = 6;

/// Everything that is missing from the post-mortem of `incident`.
pub fn missing(incident: &Incident, world: &World, runbook: &Runbook) -> Vec<Missing> {
    let filed = &incident.postmortem;
    let mut missing = fields(incident, world, runbook);
    for id in CAUSES {
        let title = runbook.postmortem.field(id).map_or(id, |field| field.title.as_str());
        if let Some((why, instead)) = filed.said(id).and_then(|text| wording::no_cause(runbook, text)) {
            missing.push(Missing { what: format!("{title}: {why}"), todo: instead });
        }
    }
    let plan = &runbook.postmortem.prompt_only;
    let remedies = REMEDIES.into_iter().filter_map(|id| filed.said(id));
    let controls = filed.deltas.iter().any(|delta| {
        !matches!(delta.kind, DeltaKind::Runbook | DeltaKind::Logging) && delta.state != DeltaState::Dropped
    });
    if !controls && wording::is_prompt_only(plan, remedies) {
        missing.push(Missing { what: "the only remedy is a better prompt".into(), todo: plan.instead.clone() });
    }
    if filed.cases.is_empty() {
        missing.push(Missing {
            what: "no regression case".into(),
            todo: format!(
                "`andon postmortem {} case add NAME --kind … --input … --expected …`: at least one",
                incident.id
            ),
        });
    }
    missing.extend(unproved(incident));
    missing
}

/// PM.4: evidence that was not sufficient, and no action item that answers for it.
fn unproved(incident: &Incident) -> Option<Missing> {
    let gaps: Vec<&str> = incident.evidence.gaps().map(|item| item.plan.id.as_str()).collect();
    let names = |text: &str| text.to_lowercase().contains("evidence") || gaps.iter().any(|gap| text.contains(gap));
    let answers = |task: &Task| matches!(task.from, TaskFrom::Evidence | TaskFrom::Postmortem) || names(&task.text);
    let task = incident.tasks.iter().any(answers);
    let logged = incident.postmortem.deltas.iter().any(|delta| delta.kind == DeltaKind::Logging);
    if gaps.is_empty() || task || logged {
        return None;
    }
    let id = incident.id;
    let shown: Vec<&str> = gaps.iter().copied().take(SHOWN).collect();
    let more = if gaps.len() > SHOWN { " …" } else { "" };
    Some(Missing {
        what: format!("{} evidence items are short, and no action item answers for them", gaps.len()),
        todo: format!(
            "settle them, give somebody the task to (`andon task add {id} \"evidence: …\"`), or propose what is logged from \
             now on (`andon postmortem {id} delta add logging …`). Short are {}{more}",
            shown.join(", ")
        ),
    })
}

/// Whether a field must be answered in the post-mortem of `incident`.
pub fn is_asked(required: Required, incident: &Incident, world: &World) -> bool {
    match required {
        Required::Always => true,
        Required::NoTripwire => knew_first(incident, world),
        Required::Gaps => incident.mttd.gaps().iter().any(|(_, millis)| *millis > 0),
        Required::Never => false,
    }
}

/// The runbook's fields that must be answered here and are not.
fn fields(incident: &Incident, world: &World, runbook: &Runbook) -> Vec<Missing> {
    let filed = &incident.postmortem;
    let unanswered = runbook.postmortem.fields.iter().filter(|field| {
        is_asked(field.required, incident, world) && filed.said(&field.id).is_none_or(|text| text.trim().is_empty())
    });
    unanswered
        .map(|field| {
            let proposed = match (field.id.as_str(), &incident.mttd.largest_gap) {
                ("gap", Some(gap)) => format!("; the largest is {gap}"),
                _ => String::new(),
            };
            Missing {
                what: format!("{} is not answered", field.title),
                todo: format!("`andon postmortem {} set {} …`: {}{proposed}", incident.id, field.id, field.asks),
            }
        })
        .collect()
}

/// Whether people knew before any tripwire fired: a complaint, a report, the press (DET.6).
pub(super) fn knew_first(incident: &Incident, world: &World) -> bool {
    let first = incident.firings.iter().filter_map(|id| world.firings.get(id)).map(|firing| firing.recorded_at).min();
    first.is_none_or(|at| at > incident.declared_at)
}

impl Postmortem {
    /// DET.6: the incident came from its consequence, no tripwire had fired.
    pub fn missed_by_tripwires(incident: &Incident, world: &World) -> bool {
        knew_first(incident, world)
    }
}
