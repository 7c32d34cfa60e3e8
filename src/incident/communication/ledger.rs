//! Who was told, when, by whom, with which text; and who is owed word by when (COM.4, COM.7).

use serde::{Deserialize, Serialize};

use super::{Agreed, Contradiction, DeliveryState, RegulatoryClock, Subject, contradictions};
use crate::{
    incident::{Clock, ClockState, Draft, Sent, clocks},
    runbook::{OwedBy, Template},
    terms::{Author, DraftId, Time},
};

/// By when somebody is owed word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Duty {
    /// The clock: its due time, where it stands, what is left.
    #[serde(flatten)]
    pub clock: Clock,
    /// Why it is owed.
    pub why: String,
}

/// One message to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Which draft.
    pub draft: DraftId,
    /// Its number among the draft's messages.
    pub number: u32,
    /// When it was asked for, or carried by hand.
    pub asked_at: Time,
    /// When they had it; absent while it is on its way, or did not arrive.
    pub told_at: Option<Time>,
    /// Who sent it.
    pub by: Author,
    /// By which channel.
    pub channel: String,
    /// To whom.
    pub to: String,
    /// How far it came; absent where a person carried it.
    pub state: Option<DeliveryState>,
    /// How often it was tried.
    pub tries: usize,
    /// What was said of the last try.
    pub status: String,
    /// Exactly what.
    pub text: String,
}

/// One recipient's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// `customer`, `regulator` …
    pub audience: String,
    /// Who that is, in words.
    pub recipient: String,
    /// By when they are owed word; absent where they are not.
    pub owed: Option<Duty>,
    /// Every message to them, oldest first.
    pub told: Vec<Told>,
    /// The statement that holds for them.
    pub agreed: Option<Statement>,
    /// Drafts for them that contradict it.
    pub contradicts: Vec<Contradicting>,
}

/// What is agreed, by whom, since when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// Whose words.
    pub draft: DraftId,
    /// As of which version.
    pub version: u64,
    /// Who agreed.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// A draft that says something else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contradicting {
    /// Which.
    pub draft: DraftId,
    /// In what.
    pub differs: Vec<Contradiction>,
}

impl Row {
    /// Whether a message to them was taken.
    pub fn is_told(&self) -> bool {
        self.told.iter().any(|told| told.told_at.is_some())
    }

    /// Whether somebody should act: word is overdue, or a message did not arrive.
    pub fn wants_care(&self) -> bool {
        let overdue = self.owed.as_ref().is_some_and(|duty| duty.clock.state == ClockState::Missed) && !self.is_told();
        overdue || self.told.iter().any(|told| told.state.is_some_and(DeliveryState::is_dead))
    }
}

/// Everybody who is owed word, was told, or has a draft begun for them; in the templates' order.
pub fn ledger(subject: &Subject<'_>) -> Vec<Row> {
    let clocks = clocks(subject.incident, subject.world, subject.now);
    subject.runbook.templates.iter().flat_map(|template| rows(subject, template, &clocks)).collect()
}

/// A row of an audience; of regulators one for each duty that is on.
fn rows(subject: &Subject<'_>, template: &Template, clocks: &[Clock]) -> Vec<Row> {
    let plain = row(subject, template, clocks);
    let duties = &subject.incident.clock_plan.regulatory;
    if duties.is_empty() || template.owed.as_ref().is_none_or(|owed| owed.by != OwedBy::Regulatory) {
        return plain.into_iter().collect();
    }
    let plain = plain.unwrap_or_else(|| empty(template));
    let one = |(at, duty): (usize, &RegulatoryClock)| {
        let clock = clocks.iter().find(|clock| clock.name == duty.name()).cloned();
        let owed = clock.map(|clock| Duty { clock, why: duty.applies.clone() });
        // What was sent to regulators stands once, with the first of them.
        let told = if at == 0 { plain.told.clone() } else { Vec::new() };
        let recipient = format!("{} ({})", duty.to, duty.name());
        Row { recipient, owed, told, ..plain.clone() }
    };
    duties.iter().enumerate().map(one).collect()
}

fn empty(template: &Template) -> Row {
    Row {
        audience: template.audience.clone(),
        recipient: template.title.clone(),
        owed: None,
        told: Vec::new(),
        agreed: None,
        contradicts: Vec::new(),
    }
}

fn row(subject: &Subject<'_>, template: &Template, clocks: &[Clock]) -> Option<Row> {
    let of_them = |draft: &&Draft| draft.audience == template.audience;
    let drafts: Vec<&Draft> = subject.incident.drafts.iter().filter(of_them).collect();
    let mut told: Vec<Told> =
        drafts.iter().flat_map(|draft| draft.sent.iter().map(|sent| message(draft, sent))).collect();
    told.sort_by_key(|told| told.asked_at);
    let owed = owed(subject, template, clocks, &told);
    if owed.is_none() && drafts.is_empty() {
        return None;
    }
    let agreed = subject.incident.communication.agreed.get(&template.audience);
    Some(Row {
        audience: template.audience.clone(),
        recipient: template.title.clone(),
        owed,
        told,
        contradicts: drafts.iter().filter_map(|draft| contradicting(subject, agreed?, draft)).collect(),
        agreed: agreed.map(|agreed| Statement {
            draft: agreed.draft,
            version: agreed.version,
            by: agreed.by.clone(),
            at: agreed.at,
        }),
    })
}

fn contradicting(subject: &Subject<'_>, agreed: &Agreed, draft: &Draft) -> Option<Contradicting> {
    let differs = contradictions(&subject.runbook.claims, &agreed.fields, &draft.fields);
    (!differs.is_empty()).then_some(Contradicting { draft: draft.id, differs })
}

fn message(draft: &Draft, sent: &Sent) -> Told {
    let delivery = sent.delivery.as_ref();
    Told {
        draft: draft.id,
        number: sent.number,
        asked_at: sent.at,
        told_at: sent.told_at(),
        by: sent.by.clone(),
        channel: sent.channel.clone(),
        to: sent.to.clone(),
        state: delivery.map(|delivery| delivery.state),
        tries: delivery.map_or(0, |delivery| delivery.tries()),
        status: delivery
            .and_then(|delivery| delivery.attempts.last())
            .map(|last| last.status.clone())
            .unwrap_or_default(),
        text: sent.text.clone(),
    }
}

/// By when they are owed word, and why.
fn owed(subject: &Subject<'_>, template: &Template, clocks: &[Clock], told: &[Told]) -> Option<Duty> {
    let named = |name: &str| clocks.iter().find(|clock| clock.name == name).cloned();
    let first = told.iter().filter_map(|told| told.told_at).min();
    match template.owed.as_ref()?.by {
        OwedBy::Coordination => Some(Duty { clock: named("coordination")?, why: "everybody who works on it".into() }),
        OwedBy::Users => {
            let clock = named("users")?;
            let why = match (subject.incident.harm_at, clock.state) {
                (Some(_), _) => "harm happened",
                (None, ClockState::Waiting) => "nobody felt it, as far as is known",
                (None, _) => "harm may have happened: nobody has ruled it out",
            };
            // One clock for those affected, met by a notice or by the status page.
            Some(Duty { clock, why: why.into() })
        }
        OwedBy::Threshold => {
            let (at, which) = subject.threshold(template)?;
            let within = template.owed.as_ref()?.within_s?;
            let clock = Clock::running_from(&template.audience, at, within, first, subject.now);
            Some(Duty { clock, why: which })
        }
        OwedBy::Regulatory => None,
    }
}
