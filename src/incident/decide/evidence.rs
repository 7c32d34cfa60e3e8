//! Freezing, the state of each item, legal holds, the register, and the gate on what would change the state (EVI).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Fact, Incident, IncidentCommand, NewEvent, Refusal, RefusalCode, Topic,
        evidence::{
            AddAffected, AffectedAdded, AffectedChanged, AffectedState, AppendEvidence, EvidenceAppended,
            EvidenceFrozen, EvidenceHeld, EvidenceItemSet, EvidenceLifted, EvidenceLost, EvidenceOverridden,
            FreezeEvidence, Item, ItemState, LoseEvidence, Occasion, SetAffected, SetEvidence, Source,
        },
    },
    runbook::nearest,
    telemetry::Amount,
    terms::{AffectedId, FreezeId},
};

/// Rows the register takes.
const ROWS: usize = 10_000;

pub(super) fn decide(case: &Case<'_>, incident: &Incident, ask: &IncidentCommand) -> Decided {
    match ask {
        IncidentCommand::FreezeEvidence(ask) => freeze(case, incident, ask),
        IncidentCommand::AppendEvidence(ask) => append(case, incident, ask),
        IncidentCommand::LoseEvidence(ask) => lose(case, incident, ask),
        IncidentCommand::SetEvidence(ask) => set(case, incident, ask),
        IncidentCommand::OverrideEvidence { why } => go_on(case, incident, why),
        IncidentCommand::HoldEvidence { why } => hold(case, incident, why),
        IncidentCommand::LiftEvidence { why } => lift(case, incident, why),
        IncidentCommand::AddAffected(ask) => add(case, incident, ask),
        IncidentCommand::SetAffected(ask) => change(case, incident, ask),
        _ => Ok(Vec::new()),
    }
}

/// EVI.1: what changes the state — rollback, data fixes, prompt changes — waits for the freeze, or for a person's
/// recorded reason to go on without it. `what` is the work, in words that follow “to”.
///
/// # Errors
/// Neither.
pub(super) fn evidence_gate(incident: &Incident, what: &str) -> Result<(), Refusal> {
    if incident.evidence.is_frozen() || !incident.evidence.overrides.is_empty() {
        return Ok(());
    }
    Err(conflict(format!(
        "the evidence of {id} is not frozen, and to {what} changes what it would show: `andon evidence freeze {id}` takes \
         a second; or go on without it, with a reason: `andon evidence override {id} WHY`",
        id = incident.id
    )))
}

/// Lets work go on before the freeze.
fn go_on(case: &Case<'_>, incident: &Incident, why: &str) -> Decided {
    case.person("go on before the evidence is frozen")?;
    let why = checks::reason("go on before the evidence is frozen", why)?;
    if incident.evidence.is_frozen() {
        return Err(conflict(format!("the evidence of {} is frozen: nothing waits for it", incident.id)));
    }
    let what = "change the state".to_owned();
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::EvidenceOverridden(EvidenceOverridden { what, why }))])
}

/// An incident from before there were items gets the runbook's when its evidence is first worked on.
fn planned(case: &Case<'_>, incident: &Incident) -> Vec<NewEvent> {
    if !incident.evidence.items.is_empty() {
        return Vec::new();
    }
    vec![case.fact(Topic::Incident(incident.id), Fact::EvidencePlanned(case.runbook.evidence.planned()))]
}

fn freeze(case: &Case<'_>, incident: &Incident, ask: &FreezeEvidence) -> Decided {
    let Some(pinned) = &ask.pinned else {
        return Err(invalid(format!(
            "a freeze pins stored telemetry first: ask for it by POST /v1/incidents/{}/commands, or `andon evidence freeze {}`",
            incident.id, incident.id
        )));
    };
    let id = incident.evidence.freezes.last().map_or(FreezeId(1), |freeze| freeze.id.next());
    let mut facts = planned(case, incident);
    let frozen = EvidenceFrozen {
        freeze: id,
        occasion: ask.occasion.unwrap_or(Occasion::Asked),
        pin: pinned.pin.clone(),
        predicate: pinned.predicate.clone(),
        manifest: pinned.manifest.clone(),
        beside: ask.beside.clone(),
    };
    facts.push(case.fact(Topic::Incident(incident.id), Fact::EvidenceFrozen(frozen)));
    for fill in &pinned.items {
        if incident.evidence.item(&fill.item).is_none_or(|item| may_fill(item, fill.state)) {
            let fill = EvidenceItemSet { source: fill.source.clone().map(|source| source.of(id)), ..fill.clone() };
            facts.push(case.fact(Topic::Incident(incident.id), Fact::EvidenceItemSet(fill)));
        }
    }
    Ok(facts)
}

/// A freeze fills what is open and never takes back what a person found.
fn may_fill(item: &Item, with: ItemState) -> bool {
    match item.state {
        ItemState::Unknown => true,
        ItemState::ClaimedOnly | ItemState::Expiring | ItemState::Missing => with.is_held(),
        // Whoever asked for an earlier freeze did not set what it filled.
        ItemState::Held => with.is_held() && (filled(item) || item.by.as_ref().is_none_or(|by| !by.is_person())),
        ItemState::Confirmed | ItemState::Disproved | ItemState::NotApplicable => false,
    }
}

fn filled(item: &Item) -> bool {
    matches!(item.sources.last(), Some(Source::Freeze { .. }))
}

fn known_freeze(incident: &Incident, id: FreezeId) -> Result<(), Refusal> {
    match incident.evidence.freeze(id) {
        Some(_) => Ok(()),
        None => Err(unknown(format!("{} has no {id}; `andon evidence list {}` shows them", incident.id, incident.id))),
    }
}

fn append(case: &Case<'_>, incident: &Incident, ask: &AppendEvidence) -> Decided {
    known_freeze(incident, ask.freeze)?;
    let read = incident.evidence.freeze(ask.freeze).map_or(0, |freeze| freeze.read_to());
    if ask.manifest.count == 0 || ask.manifest.read_to <= read {
        return Ok(Vec::new());
    }
    let appended = EvidenceAppended { freeze: ask.freeze, manifest: ask.manifest.clone() };
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::EvidenceAppended(appended))])
}

/// EVI.3: each loss is an item, and so one of the post-mortem.
fn lose(case: &Case<'_>, incident: &Incident, ask: &LoseEvidence) -> Decided {
    known_freeze(incident, ask.freeze)?;
    if ask.count == 0 {
        return Ok(Vec::new());
    }
    let lost = incident.evidence.freeze(ask.freeze).map_or(0, |freeze| freeze.losses.len()) + 1;
    let item = EvidenceItemSet {
        item: format!("lost-{}-{lost}", ask.freeze.to_string().to_lowercase()),
        state: ItemState::Missing,
        why: Some(format!("{} actions of {} are not kept: {}", ask.count, ask.freeze, ask.why)),
        expires_at: None,
        source: None,
    };
    let loss = EvidenceLost { freeze: ask.freeze, count: ask.count, why: ask.why.clone(), was_kept: ask.was_kept };
    let topic = Topic::Incident(incident.id);
    Ok(vec![case.fact(topic, Fact::EvidenceLost(loss)), case.fact(topic, Fact::EvidenceItemSet(item))])
}

fn set(case: &Case<'_>, incident: &Incident, ask: &SetEvidence) -> Decided {
    let mut facts = planned(case, incident);
    let plan = &case.runbook.evidence.items;
    let planned = plan.iter().map(|item| item.id.as_str());
    let ids: Vec<&str> = incident.evidence.items.iter().map(|item| item.plan.id.as_str()).collect();
    let ids = if ids.is_empty() { planned.collect() } else { ids };
    if !ids.contains(&ask.item.as_str()) {
        let given: String = ask.item.chars().take(60).collect();
        let hint = nearest(&given, ids.iter().copied()).map(|word| format!("; did you mean {word}?"));
        return Err(unknown(format!(
            "{} has no item of evidence {given:?}{}; `andon evidence list {}` names them",
            incident.id,
            hint.unwrap_or_default(),
            incident.id
        )));
    }
    let why = ask.why.as_deref().map(str::trim).filter(|why| !why.is_empty());
    let why = why.map(|why| checks::reason("set an item", why)).transpose()?;
    if why.is_none() && matches!(ask.state, ItemState::Missing | ItemState::NotApplicable | ItemState::Disproved) {
        return Err(invalid(format!("{} needs a reason: say why with --why", ask.state)));
    }
    let expires_at = match (ask.state, ask.expires_at) {
        (ItemState::Expiring, None) => {
            return Err(invalid("expiring needs the time it is gone: --expires 2026-11-30T00:00:00Z, or 36h"));
        }
        (ItemState::Expiring, Some(at)) => Some(at),
        (_, Some(_)) => return Err(invalid("only an expiring item has a time at which it is gone")),
        (_, None) => None,
    };
    if let Some(Source::Blob(blob)) = &ask.source {
        checks::name("the name of what is kept", &blob.name)?;
        if !ask.state.is_held() {
            return Err(invalid(format!(
                "what is kept shows an item to be held, confirmed or disproved, not {}",
                ask.state
            )));
        }
    }
    if let Some(item) = incident.evidence.item(&ask.item)
        && (item.state, &item.why, item.expires_at) == (ask.state, &why, expires_at)
        && ask.source.as_ref().is_none_or(|source| item.sources.contains(source))
    {
        return Ok(Vec::new());
    }
    let set = EvidenceItemSet { item: ask.item.clone(), state: ask.state, why, expires_at, source: ask.source.clone() };
    facts.push(case.fact(Topic::Incident(incident.id), Fact::EvidenceItemSet(set)));
    Ok(facts)
}

fn hold(case: &Case<'_>, incident: &Incident, why: &str) -> Decided {
    case.person("place a legal hold")?;
    let why = checks::reason("place a legal hold", why)?;
    if incident.evidence.legal_hold().is_some() {
        return Err(conflict(format!("{} is under a legal hold already", incident.id)));
    }
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::EvidenceHeld(EvidenceHeld { why }))])
}

/// EVI.5: a named role lifts it.
fn lift(case: &Case<'_>, incident: &Incident, why: &str) -> Decided {
    case.person("lift a legal hold")?;
    let why = checks::reason("lift a legal hold", why)?;
    if incident.evidence.legal_hold().is_none() {
        return Err(conflict(format!("{} is under no legal hold", incident.id)));
    }
    let roles = &case.runbook.evidence.hold_lifted_by;
    let named = roles.iter().filter_map(|role| incident.roles.get(role)).any(|who| who == case.context.by.name());
    if !named {
        return Err(Refusal::new(
            RefusalCode::Forbidden,
            format!(
                "a legal hold is lifted by whoever is {}; {} is not. `andon assign {} {} WHO` names one",
                roles.join(" or "),
                case.context.by,
                incident.id,
                roles.first().map_or("severity-owner", String::as_str)
            ),
        ));
    }
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::EvidenceLifted(EvidenceLifted { why }))])
}

fn amount(given: Option<&Amount>) -> Result<Option<Amount>, Refusal> {
    let Some(amount) = given else { return Ok(None) };
    let word = amount.currency.len() == 3 && amount.currency.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !amount.value.is_finite() || !word {
        return Err(invalid("an amount is a number and a currency of three letters, as 120.50 USD"));
    }
    Ok(Some(Amount { value: amount.value, currency: amount.currency.to_ascii_uppercase() }))
}

/// Known which and how many, or not.
fn known(count: Option<u64>) -> AffectedState {
    if count.is_some() { AffectedState::Identified } else { AffectedState::Unknown }
}

fn add(case: &Case<'_>, incident: &Incident, ask: &AddAffected) -> Decided {
    let what = checks::name("what is affected", &ask.what)?;
    let amount = amount(ask.amount.as_ref())?;
    let rows = &incident.register.rows;
    let twin = rows.iter().find(|row| row.kind == ask.kind && row.what == what);
    if let Some(row) = twin {
        if !ask.from_telemetry {
            return Err(conflict(format!("{} is in the register as {}; change that row", row.what, row.id)));
        }
        // What telemetry shows may only grow: what a person counted beyond it stays.
        let grown = ask.count.filter(|count| row.count.is_none_or(|known| *count > known) && row.from_telemetry);
        if grown.is_none() {
            return Ok(Vec::new());
        }
        let state = (row.state == AffectedState::Unknown).then_some(AffectedState::Identified);
        let changed = AffectedChanged { id: row.id, state, count: grown, amount, why: None };
        return Ok(vec![case.fact(Topic::Incident(incident.id), Fact::AffectedChanged(changed))]);
    }
    if rows.len() >= ROWS {
        return Err(conflict(format!(
            "the register holds {ROWS} rows; sum up what is alike in one row with its count"
        )));
    }
    let id = rows.last().map_or(AffectedId(1), |row| row.id.next());
    let added = AffectedAdded {
        id,
        kind: ask.kind,
        what,
        count: ask.count,
        amount,
        state: known(ask.count),
        from_telemetry: ask.from_telemetry,
    };
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::AffectedAdded(added))])
}

fn change(case: &Case<'_>, incident: &Incident, ask: &SetAffected) -> Decided {
    let Some(row) = incident.register.row(ask.id) else {
        return Err(unknown(format!(
            "{} has no {} in its register; `andon affected {} list` shows it",
            incident.id, ask.id, incident.id
        )));
    };
    let amount = amount(ask.amount.as_ref())?;
    let why = ask.why.as_deref().map(|why| checks::reason("change a row", why)).transpose()?;
    let mut state = ask.state;
    if state.is_none() && row.state == AffectedState::Unknown && ask.count.is_some() {
        state = Some(AffectedState::Identified);
    }
    if matches!(state, Some(state) if state != AffectedState::Unknown) && ask.count.or(row.count).is_none() {
        return Err(invalid(format!(
            "{} is not counted yet: say how many with --count, or that it is unknown",
            row.id
        )));
    }
    let same = state.is_none_or(|state| state == row.state)
        && ask.count.is_none_or(|count| Some(count) == row.count)
        && amount.as_ref().is_none_or(|amount| Some(amount) == row.amount.as_ref())
        && why.as_ref().is_none_or(|why| Some(why) == row.why.as_ref());
    if same {
        return Ok(Vec::new());
    }
    let changed = AffectedChanged { id: ask.id, state, count: ask.count, amount, why };
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::AffectedChanged(changed))])
}
