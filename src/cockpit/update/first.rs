//! Forms of the first minutes: the seven facts, factors, the decision, what is affected (TEN.1, SEV.5, DEC.1, EVI.8).

use crate::{
    cockpit::{
        commands::Do,
        form::{Ask, Field, Form},
        model::Model,
    },
    incident::{
        Incident, IncidentCommand,
        decision::{Choice, ChooseMove, advise},
        evidence::{AddAffected, AffectedKind},
        first_minutes::{AnswerFact, FirstFact, WeighFactor},
    },
    runbook::Runbook,
    telemetry::Amount,
    terms::IncidentId,
};

/// The form of one of these commands.
pub fn form(model: &Model, does: Do) -> Option<Form> {
    let (incident, runbook) = (model.incident()?, model.runbook.as_ref()?);
    Some(match does {
        Do::AnswerFact => fact(incident),
        Do::WeighFactor => factor(incident, runbook),
        Do::DecideMove => decision(incident, runbook),
        Do::AddAffected => affected(incident),
        _ => return None,
    })
}

/// The first that nobody answered is offered.
fn fact(incident: &Incident) -> Form {
    let known = |fact: FirstFact| incident.facts.get(fact).and_then(|fact| fact.answer.clone());
    let facts = FirstFact::ALL.iter().filter(|fact| **fact != FirstFact::Severity);
    let options: Vec<(String, String)> =
        facts.clone().map(|fact| (fact.to_string(), known(*fact).unwrap_or_else(|| "not known yet".into()))).collect();
    let at = facts.clone().position(|fact| known(*fact).is_none()).unwrap_or(0);
    let fields = vec![
        Field::choice("fact", options, at),
        Field::text("answer", "what is known: “no, stopped before any mail left”", ""),
        Field::text("doubt", "instead, why what stands is doubted", ""),
    ];
    Form::new(format!("First facts of {}", incident.id), Ask::AnswerFact(incident.id), fields)
        .about("Seven facts in ten minutes; S sets the severity, which is the seventh.")
}

/// Every answer of every factor; the first of a factor that nobody weighed is offered.
fn factor(incident: &Incident, runbook: &Runbook) -> Form {
    let all = runbook.factors.iter().flat_map(|factor| factor.answer.iter().map(move |answer| (factor, answer)));
    let options: Vec<(String, String)> =
        all.clone().map(|(factor, answer)| (format!("{}={}", factor.id, answer.id), answer.means.clone())).collect();
    let at = all.clone().position(|(factor, _)| incident.factors.get(&factor.id).is_none()).unwrap_or(0);
    Form::new(format!("Weigh {}", incident.id), Ask::WeighFactor(incident.id), vec![Field::choice("factor", options, at)])
        .about("Severity follows from factors, never from how odd the output looks. `andon severity INC` says what is advised.")
}

fn decision(incident: &Incident, runbook: &Runbook) -> Form {
    let advice = advise(&runbook.decision, incident);
    let options: Vec<(String, String)> = Choice::ALL.iter().map(|choice| (choice.to_string(), String::new())).collect();
    let at = Choice::ALL.iter().position(|choice| *choice == advice.advised).unwrap_or(0);
    let fields =
        vec![Field::choice("choice", options, at), Field::text("why", "needed where the criteria point elsewhere", "")];
    let because = match advice.because.is_empty() {
        true => "no criterion holds so far".to_owned(),
        false => advice.because.join(", "),
    };
    Form::new(format!("Decide {}", incident.id), Ask::DecideMove(incident.id), fields)
        .about(format!("The criteria point to {}: {because}", advice.advised))
        .about("`andon decide INC --yes CRITERION` answers one of them.")
}

fn affected(incident: &Incident) -> Form {
    let kinds = AffectedKind::ALL.iter().map(|kind| (kind.to_string(), String::new())).collect();
    let fields = vec![
        Field::choice("kind", kinds, 0),
        Field::text("what", "rows of orders, customers who got the mail", ""),
        Field::text("how many", "a number; empty is not known", ""),
        Field::text("money", "120.50 USD, where it is money", ""),
    ];
    Form::new(format!("Affected by {}", incident.id), Ask::AddAffected(incident.id), fields)
}

/// What a filled form asks.
pub fn asked(form: &Form) -> Option<Result<(IncidentId, String, IncidentCommand), String>> {
    let (id, what, asked) = match &form.ask {
        Ask::AnswerFact(id) => (id, "fact recorded", answer(form)),
        Ask::WeighFactor(id) => (id, "factor weighed", weigh(form)),
        Ask::DecideMove(id) => (id, "decided", choose(form)),
        Ask::AddAffected(id) => (id, "entered in the register", enter(form)),
        _ => return None,
    };
    Some(asked.map(|asked| (*id, what.to_owned(), asked)))
}

fn answer(form: &Form) -> Result<IncidentCommand, String> {
    let (answer, dispute) = (form.given("answer"), form.given("doubt"));
    if answer.is_none() && dispute.is_none() {
        return Err("answer it, or say why what stands is doubted".into());
    }
    let fact = form.get("fact").parse()?;
    Ok(IncidentCommand::AnswerFact(AnswerFact { fact, answer, unknown: false, dispute, settle: None }))
}

fn weigh(form: &Form) -> Result<IncidentCommand, String> {
    let picked = form.get("factor");
    let (factor, answer) = picked.split_once('=').ok_or("the runbook holds no factors")?;
    Ok(IncidentCommand::WeighFactor(WeighFactor { factor: factor.into(), answer: Some(answer.into()) }))
}

fn choose(form: &Form) -> Result<IncidentCommand, String> {
    Ok(IncidentCommand::ChooseMove(ChooseMove { choice: form.get("choice").parse()?, why: form.given("why") }))
}

fn enter(form: &Form) -> Result<IncidentCommand, String> {
    let number = |text: String| text.parse::<u64>().map_err(|_| format!("{text:?} is no number: how many?"));
    let money = |text: String| {
        let (value, currency) = text.split_once(' ').ok_or("money is written 120.50 USD")?;
        let value = value.parse::<f64>().map_err(|_| format!("{value:?} is no amount: 120.50 USD"))?;
        Ok::<Amount, String>(Amount { value, currency: currency.trim().to_owned() })
    };
    Ok(IncidentCommand::AddAffected(AddAffected {
        kind: form.get("kind").parse()?,
        what: form.need("what")?,
        count: form.given("how many").map(number).transpose()?,
        amount: form.given("money").map(money).transpose()?,
        from_telemetry: false,
    }))
}
