//! Looking for the cause: layers in order, a root that names what failed, changes, repeated runs (INV).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Fact, Incident, IncidentCommand, Refusal, Topic,
        communication::says,
        investigation::{
            AddChange, AddFinding, AddRerun, FindingAdded, JudgeChange, NumberedChange, SkipLayer, Verdict,
        },
    },
    runbook::LayerPlan,
};

/// Most findings, and most changes, that one incident takes.
const MOST: usize = 1_000;

pub(super) fn decide(case: &Case<'_>, incident: &Incident, ask: &IncidentCommand) -> Decided {
    let one = |fact| Ok(vec![case.fact(Topic::Incident(incident.id), fact)]);
    match ask {
        IncidentCommand::AddFinding(ask) => one(Fact::FindingAdded(finding(case, incident, ask)?)),
        IncidentCommand::RetractFinding(ask) => {
            let why = checks::reason("take a finding back", &ask.why)?;
            match incident.investigation.findings.iter().find(|known| known.number == ask.finding) {
                None => Err(unknown(format!(
                    "{} has no finding {}; `andon investigate` lists them",
                    incident.id, ask.finding
                ))),
                Some(known) if known.retracted.is_some() => Ok(Vec::new()),
                Some(_) => one(Fact::FindingRetracted(crate::incident::investigation::RetractFinding {
                    finding: ask.finding,
                    why,
                })),
            }
        }
        IncidentCommand::SkipLayer(ask) => {
            let layer = layer(case, &ask.layer)?.id.clone();
            let why = checks::reason("skip a layer", &ask.why)?;
            one(Fact::LayerSkipped(SkipLayer { layer, why }))
        }
        IncidentCommand::AddChange(ask) => one(Fact::ChangeNamed(change(case, incident, ask)?)),
        IncidentCommand::JudgeChange(ask) => judge(case, incident, ask),
        IncidentCommand::AddRerun(ask) => {
            let conditions = checks::reason("record runs: their conditions", &ask.conditions)?;
            if ask.runs == 0 || ask.failed > ask.runs {
                return Err(invalid("runs are one at least, and no more of them failed than were run"));
            }
            one(Fact::RerunRecorded(AddRerun { conditions, ..*ask }))
        }
        _ => Ok(Vec::new()),
    }
}

fn layer<'a>(case: &Case<'a>, id: &str) -> Result<&'a LayerPlan, Refusal> {
    let layers = &case.runbook.layers;
    layers.layer(id).ok_or_else(|| {
        let known: Vec<&str> = layers.layers.iter().map(|layer| layer.id.as_str()).collect();
        let given: String = id.chars().take(40).collect();
        unknown(format!("{given:?} is no layer: one of {}", known.join(", ")))
    })
}

fn finding(case: &Case<'_>, incident: &Incident, ask: &AddFinding) -> Result<FindingAdded, Refusal> {
    let known = &incident.investigation.findings;
    if known.len() >= MOST {
        return Err(conflict(format!("{} has {MOST} findings already; write the rest into a document", incident.id)));
    }
    let layer = layer(case, &ask.layer)?;
    let text = checks::text("the finding", ask.text.trim())?;
    let question = ask.question.as_deref().map(str::trim);
    if let Some(question) = question.filter(|id| !layer.questions.iter().any(|one| one.id == *id)) {
        let asked: Vec<&str> = layer.questions.iter().map(|one| one.id.as_str()).collect();
        let given: String = question.chars().take(40).collect();
        return Err(unknown(format!("{} asks no {given:?}: one of {}", layer.title, asked.join(", "))));
    }
    let points = &case.runbook.layers.points;
    let point = match ask.point.as_deref() {
        None => None,
        Some(given) => Some(points.find(given).map(str::to_owned).ok_or_else(|| {
            let given: String = given.chars().take(40).collect();
            invalid(format!("{given:?} is no point of failure: one of {}", points.list.join(", ")))
        })?),
    };
    if ask.root {
        // RST.5: an agent gathers, a person decides what the cause is.
        case.person("name a root cause")?;
        if point.is_none() {
            return Err(invalid(format!("a root cause names its point of failure: one of {}", points.list.join(", "))));
        }
        let refused = &case.runbook.layers.refused;
        if let Some(phrase) = refused.phrases.iter().find(|phrase| says(&text, phrase)) {
            return Err(invalid(format!("“{phrase}” is no root cause (INV.1): {}", refused.instead)));
        }
    }
    let evidence = ask.evidence.as_deref().map(checks::title).transpose()?;
    let question = question.map(str::to_owned);
    let said = AddFinding { layer: layer.id.clone(), text, question, root: ask.root, point, evidence };
    let early = incident.contained_at.is_none() || incident.containment_broken;
    Ok(FindingAdded { number: number(known.len()), finding: said, early })
}

fn number(known: usize) -> u32 {
    u32::try_from(known).unwrap_or(u32::MAX).saturating_add(1)
}

fn change(case: &Case<'_>, incident: &Incident, ask: &AddChange) -> Result<NumberedChange, Refusal> {
    let known = &incident.investigation.changes;
    if known.len() >= MOST {
        return Err(conflict(format!("{} has {MOST} changes already", incident.id)));
    }
    let kinds = &case.runbook.layers.changes;
    let kind = kinds.find(&ask.kind).ok_or_else(|| {
        let given: String = ask.kind.chars().take(40).collect();
        invalid(format!("{given:?} is no kind of change: one of {}", kinds.list.join(", ")))
    })?;
    let what = checks::text("what changed", ask.what.trim())?;
    let at = ask.at.map(|at| case.past("when it changed", at)).transpose()?;
    Ok(NumberedChange { number: number(known.len()), change: AddChange { kind: kind.to_owned(), what, at } })
}

fn judge(case: &Case<'_>, incident: &Incident, ask: &JudgeChange) -> Decided {
    let why = checks::reason("judge a change", &ask.why)?;
    let Some(known) = incident.investigation.changes.iter().find(|change| change.number == ask.change) else {
        return Err(unknown(format!("{} has no change {}; `andon investigate` lists them", incident.id, ask.change)));
    };
    if ask.verdict == Verdict::Open {
        return Err(invalid("a change is confirmed or ruled-out"));
    }
    if known.verdict == ask.verdict && known.why.as_deref() == Some(&why) {
        return Ok(Vec::new());
    }
    let fact = Fact::ChangeJudged(JudgeChange { change: ask.change, verdict: ask.verdict, why });
    Ok(vec![case.fact(Topic::Incident(incident.id), fact)])
}
