//! `andon evidence` and `andon affected`: freeze, items, legal hold, look back, the register (EVI).

use clap::{Args, Subcommand};

use super::{
    bundle, exhibits,
    incidents::{self, One},
    print::{self, Failed},
    reach::Reach,
    when,
};
use crate::{
    api::{FreezeCheck, path},
    incident::{
        Command, Fact, IncidentCommand,
        evidence::{
            AddAffected, AffectedKind, AffectedState, FreezeEvidence, Item, ItemState, LookBack, Register, SetAffected,
            SetEvidence, Touched,
        },
    },
    telemetry::Amount,
    terms::{AffectedId, AgentId, IncidentId, Time},
};

/// `andon evidence`.
#[derive(Debug, Subcommand)]
pub enum Evidence {
    /// Pin stored telemetry: the incident's agents from a day before harm to its closing, unless said otherwise.
    Freeze(Freeze),
    /// List what must be kept, and where each item stands.
    List(One),
    /// Say where an item stands.
    Set(Set),
    /// Keep a file, or a command's output, as what shows an item.
    Add(exhibits::Add),
    /// Show what an item holds, secrets masked; or write a file of it out whole.
    Show(exhibits::Show),
    /// Go on before the evidence is frozen, with a reason.
    Override(incidents::Why),
    /// The path from input to consequence as a tree: times, cost, look-ups, hand-offs.
    Trace(bundle::Traced),
    /// Write everything into one file that anyone can check without this backend.
    Export(bundle::Export),
    /// Check such a file, offline: the first broken link by name.
    Verify(bundle::Verify),
    /// Place a legal hold: what is pinned outlives closing.
    Hold(incidents::Why),
    /// Lift a legal hold; whoever holds the named role may.
    Lift(incidents::Why),
    /// Compare what each freeze pinned with what the store holds now.
    Check(One),
    /// Everything touched from the first suspect action to containment, and the worst where telemetry is silent.
    Lookback(Lookback),
}

/// `andon evidence freeze`.
#[derive(Debug, Args)]
pub struct Freeze {
    /// INC-7.
    incident: IncidentId,
    /// Only this run.
    #[arg(long, conflicts_with = "agent")]
    run: Option<String>,
    /// Only this agent.
    #[arg(long)]
    agent: Option<AgentId>,
    /// From when (RFC 3339).
    #[arg(long, value_name = "T")]
    from: Option<Time>,
    /// Until when (RFC 3339).
    #[arg(long, value_name = "T")]
    to: Option<Time>,
}

/// `andon evidence set`.
#[derive(Debug, Args)]
pub struct Set {
    /// INC-7.
    incident: IncidentId,
    /// An item by its short name; several with commas; `rest` is every one that is still unknown.
    item: String,
    /// unknown, held, claimed-only, confirmed, disproved, expiring, missing, not-applicable.
    state: ItemState,
    /// Why.
    #[arg(long)]
    why: Option<String>,
    /// When an expiring one is gone: 36h, 2d from now, or RFC 3339.
    #[arg(long, value_name = "T", value_parser = when::later)]
    expires: Option<Time>,
}

/// `andon evidence lookback`.
#[derive(Debug, Args)]
pub struct Lookback {
    /// INC-7.
    incident: IncidentId,
    /// Enter what it shows in the register of what is affected.
    #[arg(long)]
    register: bool,
}

pub async fn evidence(reach: &Reach, asked: Evidence) -> Result<(), Failed> {
    match asked {
        Evidence::Freeze(asked) => freeze(reach, asked).await,
        Evidence::List(asked) => list(reach, asked.incident).await,
        Evidence::Set(asked) => set(reach, asked).await,
        Evidence::Add(asked) => exhibits::add(reach, asked).await,
        Evidence::Show(asked) => exhibits::show(reach, asked).await,
        Evidence::Override(asked) => {
            reach.ask(asked.incident, IncidentCommand::OverrideEvidence { why: asked.why }).await
        }
        Evidence::Trace(asked) => bundle::trace(reach, asked).await,
        Evidence::Export(asked) => bundle::export(reach, asked).await,
        Evidence::Verify(asked) => bundle::verify(reach, asked).await,
        Evidence::Hold(asked) => reach.ask(asked.incident, IncidentCommand::HoldEvidence { why: asked.why }).await,
        Evidence::Lift(asked) => reach.ask(asked.incident, IncidentCommand::LiftEvidence { why: asked.why }).await,
        Evidence::Check(asked) => check(reach, asked.incident).await,
        Evidence::Lookback(asked) => lookback(reach, &asked).await,
    }
}

async fn freeze(reach: &Reach, asked: Freeze) -> Result<(), Failed> {
    let Freeze { incident, run, agent, from, to } = asked;
    let ask = IncidentCommand::FreezeEvidence(FreezeEvidence { run, agent, from, to, ..FreezeEvidence::default() });
    let accepted = reach.submit(Command::OnIncident { incident, ask }).await?;
    if reach.json {
        return print::json(&accepted);
    }
    for event in &accepted.events {
        let Fact::EvidenceFrozen(frozen) = &event.fact else { continue };
        let manifest = &frozen.manifest;
        match (manifest.from, manifest.to) {
            (Some(from), Some(to)) => print::line(format!(
                "{} pins {} actions of {} agents, {} to {}, sha256 {}",
                frozen.freeze,
                manifest.count,
                manifest.agents.len(),
                print::clock(from),
                print::clock(to),
                manifest.digest
            ))?,
            _ => print::line(format!(
                "{} is recorded, and pins nothing: no stored action matches. What matches later joins it",
                frozen.freeze
            ))?,
        }
    }
    let view = incidents::view(reach, incident).await?;
    let kept = &view.incident.evidence;
    print::line(format!(
        "{} of {} items are held, {} are unknown: `andon evidence list {incident}`",
        kept.held, kept.total, kept.unknown
    ))
}

async fn list(reach: &Reach, incident: IncidentId) -> Result<(), Failed> {
    let view = incidents::view(reach, incident).await?;
    let kept = &view.incident.evidence;
    reach.show(&kept.items, |items| {
        let frozen = match kept.freezes.last() {
            Some(freeze) => format!("{} pins {} actions", freeze.id, freeze.count()),
            None => format!("not frozen: `andon evidence freeze {incident}`"),
        };
        let hold = kept.legal_hold().map(|hold| format!("; legal hold by {}", hold.by)).unwrap_or_default();
        let clock = view.clocks.iter().find(|clock| clock.name == "evidence");
        let left = match clock.and_then(|clock| clock.left_s.map(|left| (clock, left))) {
            Some((clock, left)) if left < 0.0 => format!("; {}, {} over", clock.state, print::span(left)),
            Some((clock, left)) => format!("; {}, {} left", clock.state, print::span(left)),
            None => String::new(),
        };
        let head = format!("{}/{} held; {frozen}{hold}{left}", kept.held, kept.total);
        print::line(print::clean(head).as_str())?;
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        print::table(&["ITEM", "STATE", "BY", "TITLE", "WHY"], &rows)
    })
}

fn row(item: &Item) -> Vec<String> {
    let by = item.by.as_ref().map_or_else(|| "–".to_owned(), ToString::to_string);
    let gone = item.expires_at.map(|at| format!("gone at {}. ", print::clock(at))).unwrap_or_default();
    let why = item.why.clone().unwrap_or_else(|| format!("needs {}", item.plan.satisfied_by));
    vec![item.plan.id.clone(), item.state.to_string(), by, item.plan.title.clone(), format!("{gone}{why}")]
}

async fn set(reach: &Reach, asked: Set) -> Result<(), Failed> {
    let view = incidents::view(reach, asked.incident).await?;
    let unknown = view.incident.evidence.items.iter().filter(|item| item.state == ItemState::Unknown);
    let items: Vec<String> = match asked.item.as_str() {
        "rest" => unknown.map(|item| item.plan.id.clone()).collect(),
        some => some.split(',').map(|item| item.trim().to_owned()).collect(),
    };
    if items.is_empty() {
        return print::line("nothing left to do: no item is unknown");
    }
    for item in items {
        let ask =
            SetEvidence { item, state: asked.state, why: asked.why.clone(), expires_at: asked.expires, source: None };
        reach.ask(asked.incident, IncidentCommand::SetEvidence(ask)).await?;
    }
    Ok(())
}

async fn check(reach: &Reach, incident: IncidentId) -> Result<(), Failed> {
    let checked: Vec<FreezeCheck> = reach.get(path::incident_evidence(incident)).await?;
    reach.show(&checked, |checked| {
        if checked.is_empty() {
            return print::line(format!("nothing is frozen: `andon evidence freeze {incident}`"));
        }
        let word = |check: &FreezeCheck| if check.whole { "whole" } else { "not as recorded" };
        checked.iter().try_for_each(|check| {
            print::line(format!(
                "{}: {}, {} of {} actions are there, {} are known to be lost",
                check.freeze,
                word(check),
                check.found,
                check.recorded,
                check.lost
            ))
        })
    })?;
    match checked.iter().find(|check| !check.whole) {
        Some(check) => Err(format!("what {} pinned is not as it was recorded", check.freeze).into()),
        None => Ok(()),
    }
}

async fn lookback(reach: &Reach, asked: &Lookback) -> Result<(), Failed> {
    let looked: LookBack = reach.get(path::look_back(asked.incident)).await?;
    if asked.register {
        for row in looked.rows() {
            reach
                .submit(Command::OnIncident { incident: asked.incident, ask: IncidentCommand::AddAffected(row) })
                .await?;
        }
    }
    reach.show(&looked, |looked| {
        let end = if looked.contained { "containment" } else { "now, not contained" };
        print::line(format!("{} to {} ({end})", print::clock(looked.from), print::clock(looked.to)))?;
        for did in &looked.agents {
            let agent = print::clean(did.agent.as_str());
            print::line(format!("{agent}: {} actions, {} of them acting", did.actions, did.acting))?;
        }
        touched("runs", &looked.runs)?;
        touched("tools", &looked.tools)?;
        touched("records", &looked.records)?;
        touched("recipients", &looked.recipients)?;
        touched("effects", &looked.effects)?;
        for moved in &looked.money {
            let currency = print::clean(&moved.currency);
            let (sum, largest) = (moved.sum, moved.largest);
            print::line(format!("money: {sum:.2} {currency} in {} payments, {largest:.2} at most", moved.count))?;
        }
        for gap in &looked.gaps {
            let (agent, from) = (print::clean(gap.agent.as_str()), print::clock(gap.from));
            let lasts = print::span(gap.lasts_s);
            print::line(format!("silent: {agent} for {lasts} from {from}; at worst {} actions", gap.may_be))?;
        }
        if looked.shed + looked.lost > 0 {
            print::line(format!("not kept: {} shed by the backend, {} lost of freezes", looked.shed, looked.lost))?;
        }
        let worst = &looked.worst;
        print::line(format!(
            "at worst: {} actions, {} recipients, {} records{}",
            worst.actions,
            worst.recipients,
            worst.records,
            worst.money.iter().map(|(of, sum)| format!(", {sum:.2} {}", print::clean(of))).collect::<String>()
        ))
    })
}

fn touched(what: &str, touched: &Touched) -> Result<(), Failed> {
    if touched.count == 0 {
        return Ok(());
    }
    let at_least = if touched.at_least { "at least " } else { "" };
    let listed = touched.listed.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if touched.count > 8 { " …" } else { "" };
    print::line(print::clean(format!("{what}: {at_least}{} · {listed}{more}", touched.count)).as_str())
}

/// `andon affected`.
#[derive(Debug, Args)]
pub struct Affected {
    /// INC-7.
    incident: IncidentId,
    /// What to do; the list where nothing is said.
    #[command(subcommand)]
    what: Option<OnRegister>,
}

/// What is done with the register.
#[derive(Debug, Subcommand)]
pub enum OnRegister {
    /// What is affected.
    List,
    /// Enter something.
    Add {
        /// record, person, money, regulatory.
        kind: AffectedKind,
        /// What, in a line.
        what: String,
        /// How many.
        #[arg(long, value_name = "N")]
        count: Option<u64>,
        /// How many is not known.
        #[arg(long, conflicts_with = "count")]
        unknown: bool,
        /// How much money: "120.50 USD".
        #[arg(long, value_name = "MONEY", value_parser = amount)]
        amount: Option<Amount>,
    },
    /// Change what is known of a row.
    Set {
        /// AFF-2.
        id: AffectedId,
        /// unknown, identified, notified, repaired.
        state: Option<AffectedState>,
        /// How many.
        #[arg(long, value_name = "N")]
        count: Option<u64>,
        /// How much money: "120.50 USD".
        #[arg(long, value_name = "MONEY", value_parser = amount)]
        amount: Option<Amount>,
        /// Why.
        #[arg(long)]
        why: Option<String>,
    },
}

/// `120.50 USD`.
fn amount(text: &str) -> Result<Amount, String> {
    let wrong = || format!("{text:?} is no amount: write \"120.50 USD\"");
    let (value, currency) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let value = value.parse().map_err(|_| wrong())?;
    Ok(Amount { value, currency: currency.trim().to_owned() })
}

pub async fn affected(reach: &Reach, asked: Affected) -> Result<(), Failed> {
    let Affected { incident, what } = asked;
    match what {
        None | Some(OnRegister::List) => {
            let view = incidents::view(reach, incident).await?;
            reach.show(&view.incident.register.rows, |_| register(&view.incident.register, incident))
        }
        // One or the other: whoever says neither has not thought of it.
        Some(OnRegister::Add { count: None, unknown: false, amount: None, .. }) => {
            Err("say how many with --count N, or that it is not known with --unknown".into())
        }
        Some(OnRegister::Add { kind, what, count, amount, .. }) => {
            let add = AddAffected { kind, what, count, amount, from_telemetry: false };
            reach.ask(incident, IncidentCommand::AddAffected(add)).await
        }
        Some(OnRegister::Set { id, state, count, amount, why }) => {
            let set = SetAffected { id, state, count, amount, why };
            reach.ask(incident, IncidentCommand::SetAffected(set)).await
        }
    }
}

fn register(register: &Register, incident: IncidentId) -> Result<(), Failed> {
    if register.rows.is_empty() {
        return print::line(format!("nothing is entered: `andon affected {incident} add KIND WHAT`"));
    }
    let rows: Vec<Vec<String>> = register
        .rows
        .iter()
        .map(|row| {
            let count = row.count.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
            let amount = row.amount.as_ref().map(|amount| format!("{:.2} {}", amount.value, amount.currency));
            let from = if row.from_telemetry { "telemetry".to_owned() } else { row.by.to_string() };
            let amount = amount.unwrap_or_default();
            vec![row.id.to_string(), row.kind.to_string(), row.state.to_string(), count, amount, from, row.what.clone()]
        })
        .collect();
    print::table(&["ID", "KIND", "STATE", "COUNT", "AMOUNT", "FROM", "WHAT"], &rows)?;
    print::line(format!("{} rows are not counted", register.unknown()))
}
