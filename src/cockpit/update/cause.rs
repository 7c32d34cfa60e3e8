//! Forms of the search for the cause, and of the way back (INV, RST).

use crate::{
    cockpit::{
        commands::Do,
        form::{Ask, Field, Form},
        model::{Model, Pane},
        rows::RowId,
    },
    incident::{
        IncidentCommand,
        investigation::{AddChange, AddFinding, AddRerun, JudgeChange, RetractFinding, SkipLayer, Verdict},
        restart::{AcceptCondition, AddCorrection, ApproveRestart, What},
    },
    runbook::LayersPlan,
    terms::IncidentId,
};

fn words(list: &[String]) -> Vec<(String, String)> {
    list.iter().map(|word| (word.clone(), String::new())).collect()
}

/// The form a command opens.
pub fn form(model: &Model, does: Do) -> Option<Form> {
    let (id, runbook) = (model.incident()?.id, model.runbook.as_ref()?);
    let plan = &runbook.layers;
    Some(match does {
        Do::AddFinding => finding(model, plan, id),
        Do::AddChange => {
            let fields = vec![
                Field::choice("kind", words(&plan.changes.list), 0),
                Field::text("what", "which one, from what to what; or that nothing did", ""),
                Field::text("at", "14:02, 3h (ago); empty where nobody knows", ""),
            ];
            Form::new("What changed shortly before", Ask::AddChange(id), fields)
        }
        Do::JudgeChange => {
            let RowId::Change(number) = model.rows.of(Pane::Investigation).chosen()? else { return None };
            let verdicts = [Verdict::Confirmed, Verdict::RuledOut].iter();
            let verdicts = verdicts.map(|verdict| (verdict.to_string(), String::new())).collect();
            let fields = vec![Field::choice("verdict", verdicts, 0), Field::text("why", "what shows it", "")];
            Form::new(format!("Change {number}"), Ask::JudgeChange(id, *number), fields)
        }
        Do::AddRerun => {
            let fields = vec![
                Field::text("runs", "how many", ""),
                Field::text("failed", "in how many it happened again", "0"),
                Field::text("conditions", "same input, version, sampling, sources?", ""),
            ];
            Form::new("Run again", Ask::AddRerun(id), fields).about("A clean re-run does not exonerate.")
        }
        Do::SkipLayer => {
            let layer = layer_here(model)?;
            let fields = vec![Field::text("why", "why nobody needs to look there", "")];
            Form::new(format!("Skip {layer}"), Ask::SkipLayer(id, layer), fields)
        }
        Do::RetractFinding => {
            let number = model.selected_finding()?;
            let fields = vec![Field::text("why", "why it does not hold", "")];
            Form::new(format!("Take finding {number} back"), Ask::RetractFinding(id, number), fields)
        }
        Do::Accept => {
            let RowId::Condition(condition) = model.rows.of(Pane::Restart).chosen()? else { return None };
            let fields = vec![Field::text("why", "why it may stay as it is", "")];
            Form::new(format!("Accept as it is: {condition}"), Ask::Accept(id, condition.clone()), fields)
        }
        Do::ApproveRestart => {
            let roles = vec![
                ("severity owner".to_owned(), "whoever answers for the severity".to_owned()),
                ("second person".to_owned(), "somebody else, where the severity asks for two".to_owned()),
            ];
            let fields = vec![Field::choice("as", roles, 0), Field::text("why", "why it is safe now", "")];
            Form::new(format!("Approve the restart of {id}"), Ask::ApproveRestart(id), fields)
                .about("It lets nobody go by itself: a release does, stage by stage.")
        }
        Do::Correct => {
            let kinds = What::ALL.iter().map(|what| (what.to_string(), String::new())).collect();
            let fields = vec![
                Field::choice("what", kinds, 1),
                Field::text("change", "what is different now", ""),
                Field::text("from", "the version before", ""),
                Field::text("to", "the version now", ""),
                Field::text("shadow", "shadow tasks that it passed", ""),
                Field::text("checks", "deterministic checks that it passed", ""),
                Field::text("rollout", "how it reaches everybody", ""),
            ];
            Form::new("Record a correction", Ask::Correct(id), fields)
        }
        _ => return None,
    })
}

/// The layer of the selected row.
fn layer_here(model: &Model) -> Option<String> {
    let layer = match model.rows.of(Pane::Investigation).chosen()? {
        RowId::Layer(layer) | RowId::Question(layer, _) => layer.clone(),
        RowId::Finding(number) => {
            let findings = &model.incident()?.investigation.findings;
            findings.iter().find(|finding| finding.number == *number)?.said.layer.clone()
        }
        _ => return None,
    };
    Some(layer)
}

fn finding(model: &Model, plan: &LayersPlan, id: IncidentId) -> Form {
    let here = layer_here(model);
    let layers: Vec<(String, String)> =
        plan.layers.iter().map(|layer| (layer.id.clone(), layer.title.clone())).collect();
    let at = layers.iter().position(|(layer, _)| Some(layer) == here.as_ref()).unwrap_or(0);
    let question = match model.rows.of(Pane::Investigation).chosen() {
        Some(RowId::Question(_, question)) => question.clone(),
        _ => String::new(),
    };
    let mut points = words(&plan.points.list);
    points.insert(0, ("–".to_owned(), "not the root cause".to_owned()));
    let fields = vec![
        Field::text("finding", "what was seen, and where", ""),
        Field::choice("layer", layers, at),
        Field::text("question", "which question it answers", question),
        Field::choice("root cause", points, 0),
        Field::text("evidence", "what shows it: an item, a run, an action", ""),
    ];
    let form = Form::new("Record a finding", Ask::AddFinding(id), fields);
    let contained = model.incident().is_some_and(|one| one.contained_at.is_some() && !one.containment_broken);
    if contained {
        form
    } else {
        form.about("Not contained yet: contain before you diagnose. It is recorded that this came first.")
    }
}

/// What the filled form asks.
pub fn asked(form: &Form, model: &Model) -> Option<Result<(IncidentId, String, IncidentCommand), String>> {
    Some(match &form.ask {
        Ask::AddFinding(id) => add_finding(form).map(|ask| (*id, "finding recorded".into(), ask)),
        Ask::AddChange(id) => change(form, model).map(|ask| (*id, "change named".into(), ask)),
        Ask::JudgeChange(id, number) => judge(form, *number).map(|ask| (*id, "change judged".into(), ask)),
        Ask::AddRerun(id) => rerun(form).map(|ask| (*id, "runs recorded".into(), ask)),
        Ask::SkipLayer(id, layer) => form.need("why").map(|why| {
            (*id, format!("{layer} skipped"), IncidentCommand::SkipLayer(SkipLayer { layer: layer.clone(), why }))
        }),
        Ask::RetractFinding(id, number) => form.need("why").map(|why| {
            let ask = IncidentCommand::RetractFinding(RetractFinding { finding: *number, why });
            (*id, format!("finding {number} taken back"), ask)
        }),
        Ask::Accept(id, condition) => form.need("why").map(|why| {
            let ask = AcceptCondition { condition: condition.clone(), why };
            (*id, format!("{condition} accepted"), IncidentCommand::AcceptCondition(ask))
        }),
        Ask::ApproveRestart(id) => form.need("why").map(|why| {
            let ask = ApproveRestart { second: form.choice("as") == Some(1), why };
            (*id, "restart approved".into(), IncidentCommand::ApproveRestart(ask))
        }),
        Ask::Correct(id) => correction(form).map(|ask| (*id, "correction recorded".into(), ask)),
        _ => return None,
    })
}

fn add_finding(form: &Form) -> Result<IncidentCommand, String> {
    let point = form.choice("root cause").filter(|at| *at > 0).map(|_| form.get("root cause"));
    Ok(IncidentCommand::AddFinding(AddFinding {
        layer: form.get("layer"),
        text: form.need("finding")?,
        question: form.given("question"),
        root: point.is_some(),
        point,
        evidence: form.given("evidence"),
    }))
}

fn change(form: &Form, model: &Model) -> Result<IncidentCommand, String> {
    let at = super::submit::time(form, "at", model)?;
    Ok(IncidentCommand::AddChange(AddChange { kind: form.get("kind"), what: form.need("what")?, at }))
}

fn judge(form: &Form, change: u32) -> Result<IncidentCommand, String> {
    let (verdict, why) = (form.get("verdict").parse()?, form.need("why")?);
    Ok(IncidentCommand::JudgeChange(JudgeChange { change, verdict, why }))
}

fn rerun(form: &Form) -> Result<IncidentCommand, String> {
    let number = |label: &str| form.need(label)?.parse::<u32>().map_err(|_| format!("{label} is a number"));
    let (runs, failed) = (number("runs")?, number("failed")?);
    Ok(IncidentCommand::AddRerun(AddRerun { runs, failed, conditions: form.need("conditions")? }))
}

fn correction(form: &Form) -> Result<IncidentCommand, String> {
    Ok(IncidentCommand::AddCorrection(AddCorrection {
        what: form.get("what").parse()?,
        text: form.need("change")?,
        from: form.given("from"),
        to: form.given("to"),
        shadow: form.given("shadow"),
        checks: form.given("checks"),
        rollout: form.given("rollout"),
    }))
}
