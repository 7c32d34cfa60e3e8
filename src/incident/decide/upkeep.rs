//! A new version of the runbook, and reports on it (GOV.1, GOV.6).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Fact, NewEvent, Stream, Topic,
        upkeep::{BookTaken, Fault, FaultReported, FaultSettled, ReportFault, SettleFault, TakeRunbook},
    },
    runbook::Book,
    terms::FaultId,
};

impl Case<'_> {
    /// The runbook is one for every world: what a drill finds wrong with it is wrong.
    fn upkeep(&self, fact: Fact) -> Vec<NewEvent> {
        let stream = Stream::new(None, Topic::Runbook);
        vec![NewEvent { stream, occurred_at: self.context.now, by: self.context.by.clone(), fact }]
    }
}

/// Brings texts into force; the ones in force already change nothing.
pub(super) fn take(case: &Case<'_>, ask: &TakeRunbook) -> Decided {
    if case.context.drill.is_some() {
        return Err(conflict("a drill works by the real runbook: leave the drill to change it"));
    }
    let book = Book::of(&ask.own).map_err(|why| invalid(format!("{why}; nothing was changed")))?;
    let upkeep = &case.worlds.upkeep;
    let current = upkeep.in_force.as_ref().and_then(|version| upkeep.versions.get(version));
    if current.is_some_and(|current| current.digest == book.digest) {
        return Ok(Vec::new());
    }
    let same = upkeep.versions.iter().find(|(_, version)| version.digest == book.digest);
    let named = &book.runbook.version;
    let version = match same {
        Some((version, _)) => version.clone(),
        // Other texts under a name that was taken: incidents that began with those keep them.
        None if upkeep.versions.contains_key(named) => format!("{named}+{}", &book.digest[..8]),
        None => named.clone(),
    };
    let taken = BookTaken { version, digest: book.digest, own: book.own, texts: book.texts };
    Ok(case.upkeep(Fact::RunbookTaken(Box::new(taken))))
}

/// Anyone says what is wrong (GOV.6); it has an owner from its first moment.
pub(super) fn report(case: &Case<'_>, ask: &ReportFault) -> Decided {
    let what = checks::reason("report what is wrong", &ask.what)?;
    if let Some(incident) = ask.incident {
        case.incident(incident)?;
    }
    let about = ask.about.as_deref().map(str::trim).filter(|about| !about.is_empty());
    let owner = match ask.owner.as_deref().map(str::trim).filter(|owner| !owner.is_empty()) {
        Some(owner) => checks::name("the owner", owner)?,
        None => case.runbook.owner.clone(),
    };
    let last = case.worlds.upkeep.faults.last().map_or(0, |fault| fault.reported.fault.0);
    let reported = FaultReported {
        fault: FaultId(last).next(),
        what,
        about: about.map(|about| checks::name("what it is about", about)).transpose()?,
        incident: ask.incident,
        drill: case.context.drill,
        version: case.runbook.version.clone(),
        owner,
    };
    Ok(case.upkeep(Fact::FaultReported(Box::new(reported))))
}

/// A report ends with a reason, or goes to somebody else.
pub(super) fn settle(case: &Case<'_>, ask: &SettleFault) -> Decided {
    case.person("settle what was reported of the runbook")?;
    let found = |fault: &&std::sync::Arc<Fault>| fault.reported.fault == ask.fault;
    let Some(fault) = case.worlds.upkeep.faults.iter().find(found) else {
        return Err(unknown(format!("there is no {}; `andon runbook reports` lists them", ask.fault)));
    };
    if let Some(settled) = &fault.settled {
        return Err(conflict(format!("{} was {} by {} already", ask.fault, settled.end, settled.by)));
    }
    let owner = ask.owner.as_deref().map(|owner| checks::name("the owner", owner)).transpose()?;
    let why = ask.why.as_deref().map(|why| checks::reason("settle it", why)).transpose()?;
    match (ask.end, &why, &owner) {
        (Some(_), None, _) => return Err(invalid("say how it was mended, or why it stays")),
        (None, _, None) => return Err(invalid("say how it ends, or who is to see to it")),
        _ => {}
    }
    Ok(case.upkeep(Fact::FaultSettled(Box::new(FaultSettled { fault: ask.fault, end: ask.end, why, owner }))))
}
