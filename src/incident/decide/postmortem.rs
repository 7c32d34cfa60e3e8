//! The post-mortem: written, its cases and changes, filed once nothing is missing (PM.1–PM.8).

use std::collections::BTreeMap;

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Fact, Incident, IncidentCommand, NewEvent, Refusal, Status, Topic,
        postmortem::{
            CaseDropped, DeltaProposed, DeltaSettled, DeltaState, FilePostmortem, Missing, PostmortemFiled,
            PostmortemWritten, ProposeDelta, RegressionCase, SetPostmortem, SettleDelta, missing,
        },
    },
    runbook::nearest,
};

/// Cases and changes an incident may have.
const MOST: usize = 200;
/// The points of the detection chain between which a gap lies (PM.2).
const GAPS: [&str; 4] = ["action-signal", "signal-trigger", "trigger-page", "page-acknowledgement"];

pub(super) fn decide(case: &Case<'_>, incident: &Incident, ask: &IncidentCommand) -> Decided {
    let one = |fact| Ok(vec![case.fact(Topic::Incident(incident.id), fact)]);
    if incident.status == Status::Dismissed {
        return Err(conflict(format!("{} was dismissed: there is nothing to write a post-mortem of", incident.id)));
    }
    match ask {
        IncidentCommand::SetPostmortem(wanted) => write(case, incident, wanted),
        IncidentCommand::DropCase(dropped) => {
            let known = incident.postmortem.cases.iter().any(|known| known.name == dropped.name);
            if !known {
                return Err(unknown(format!("{} has no regression case of that name", incident.id)));
            }
            one(Fact::RegressionCaseDropped(CaseDropped { name: dropped.name.clone() }))
        }
        IncidentCommand::SettleDelta(settle) => settled(case, incident, settle),
        IncidentCommand::FilePostmortem(filing) => file(case, incident, filing),
        _ => Ok(Vec::new()),
    }
}

fn write(case: &Case<'_>, incident: &Incident, wanted: &SetPostmortem) -> Decided {
    let fact = |fact| case.fact(Topic::Incident(incident.id), fact);
    let mut facts: Vec<NewEvent> = Vec::new();
    let mut fields = BTreeMap::new();
    for (id, text) in &wanted.fields {
        let text = field(case, id, text)?;
        if incident.postmortem.said(id).unwrap_or_default() != text {
            fields.insert(id.clone(), text);
        }
    }
    if !fields.is_empty() {
        facts.push(fact(Fact::PostmortemWritten(PostmortemWritten { fields })));
    }
    for given in &wanted.cases {
        let given = regression(given)?;
        if !incident.postmortem.cases.contains(&given) {
            facts.push(fact(Fact::RegressionCaseAdded(given)));
        }
    }
    let mut next = incident.postmortem.deltas.iter().map(|delta| delta.number).max().unwrap_or(0);
    for given in &wanted.deltas {
        let stands = |delta: &&crate::incident::postmortem::Delta| {
            (delta.kind, delta.text.as_str()) == (given.kind, given.text.trim()) && delta.backtest == given.backtest
        };
        if incident.postmortem.deltas.iter().any(|delta| stands(&delta)) {
            continue;
        }
        next = next.saturating_add(1);
        facts.push(fact(Fact::DeltaProposed(proposal(next, given)?)));
    }
    let (cases, deltas) = (incident.postmortem.cases.len(), incident.postmortem.deltas.len());
    if cases + wanted.cases.len() > MOST || deltas + wanted.deltas.len() > MOST {
        return Err(invalid(format!("an incident takes at most {MOST} regression cases and {MOST} proposed changes")));
    }
    Ok(facts)
}

/// A field's text as it is kept; empty takes the field back.
fn field(case: &Case<'_>, id: &str, text: &str) -> Result<String, Refusal> {
    let plan = &case.runbook.postmortem;
    if plan.field(id).is_none() {
        let known = || plan.fields.iter().map(|field| field.id.as_str());
        let given: String = id.chars().take(60).collect();
        let hint = nearest(&given, known()).map(|word| format!("; did you mean {word}?")).unwrap_or_default();
        let known: Vec<&str> = known().collect();
        return Err(unknown(format!("{given:?} is no field of a post-mortem: one of {}{hint}", known.join(", "))));
    }
    let text = checks::bounded(id, text.trim())?;
    match id {
        "gap" if !text.is_empty() && !GAPS.contains(&text.as_str()) => {
            Err(invalid(format!("{:?} is no gap of the detection chain: one of {}", cut(&text), GAPS.join(", "))))
        }
        "due" if !text.is_empty() => date(&text).map(|()| text),
        _ => Ok(text),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

fn date(text: &str) -> Result<(), Refusal> {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map(|_| ())
        .map_err(|_| invalid(format!("{:?} is no date like 2026-12-04", cut(text))))
}

fn regression(given: &RegressionCase) -> Result<RegressionCase, Refusal> {
    Ok(RegressionCase {
        name: checks::name("a case's name", &given.name)?,
        kind: given.kind,
        input: checks::text("the case's input", &given.input)?,
        expected: checks::text("what the case expects", &given.expected)?,
        grader: checks::bounded("the case's grader", given.grader.trim())?,
        source: given.source.as_deref().map(|source| checks::name("the case's source", source)).transpose()?,
    })
}

fn proposal(delta: u32, given: &ProposeDelta) -> Result<DeltaProposed, Refusal> {
    given.due.as_deref().map(date).transpose()?;
    Ok(DeltaProposed {
        delta,
        kind: given.kind,
        text: checks::reason("propose a change: say what changes", &given.text)?,
        owner: checks::name("the change's owner", &given.owner)?,
        due: given.due.clone(),
        backtest: given.backtest.clone(),
    })
}

fn settled(case: &Case<'_>, incident: &Incident, settle: &SettleDelta) -> Decided {
    let deltas = &incident.postmortem.deltas;
    let Some(delta) = deltas.iter().find(|delta| delta.number == settle.delta) else {
        let known: Vec<String> = deltas.iter().map(|delta| delta.number.to_string()).collect();
        return Err(unknown(format!("{} has no change {}; it has {}", incident.id, settle.delta, known.join(", "))));
    };
    let note = checks::bounded("the note", settle.note.trim())?;
    if settle.state == DeltaState::Dropped && note.is_empty() {
        return Err(invalid("a reason is needed to drop a change"));
    }
    if (delta.state, &delta.note) == (settle.state, &note) {
        return Ok(Vec::new());
    }
    let fact = Fact::DeltaSettled(DeltaSettled { delta: settle.delta, state: settle.state, note });
    Ok(vec![case.fact(Topic::Incident(incident.id), fact)])
}

fn file(case: &Case<'_>, incident: &Incident, filing: &FilePostmortem) -> Decided {
    // RST.5: a script may gather and draft, a person files.
    case.person("file a post-mortem")?;
    let over = filing.over.as_deref().map(|why| checks::reason("file over what is missing", why)).transpose()?;
    let missing = missing(incident, case.world, case.runbook);
    let known = incident.postmortem.filed.as_ref();
    if known.is_some() && !incident.postmortem.changed_since() && missing.is_empty() && over.is_none() {
        return Ok(Vec::new());
    }
    if !missing.is_empty() && over.is_none() {
        return Err(conflict(format!("{} cannot be filed yet:{}", incident.id, list(&missing))));
    }
    let over = over.filter(|_| !missing.is_empty());
    let missing = missing.into_iter().map(|missing| missing.what).collect();
    let fact = Fact::PostmortemFiled(PostmortemFiled { over, missing });
    Ok(vec![case.fact(Topic::Incident(incident.id), fact)])
}

/// Each missing thing with what to do.
fn list(missing: &[Missing]) -> String {
    let lines: Vec<String> = missing.iter().map(|one| format!("\n- {}: {}", one.what, one.todo)).collect();
    format!("{}\nOr give a reason to file over that", lines.concat())
}

/// PM.7: why the incident cannot be closed without a post-mortem; nothing where its severity asks for none.
pub(super) fn unfiled(case: &Case<'_>, incident: &Incident) -> Option<String> {
    let asked = incident.clock_plan.postmortem_s.is_some() && incident.postmortem.filed.is_none();
    asked.then(|| {
        let missing = missing(incident, case.world, case.runbook);
        let words: Vec<&str> = missing.iter().map(|one| one.what.as_str()).collect();
        let lacks = if words.is_empty() { String::new() } else { format!(" (missing: {})", words.join("; ")) };
        format!("a {} needs a post-mortem, and none is filed{lacks}", incident.severity)
    })
}
