//! Pages that an incident asks for by itself (TEAM.3, TEAM.12).

use super::story::{Story, at};
use crate::{
    incident::{
        Command, Declare, IncidentCommand as Ask, RefusalCode,
        communication::DeliveryState,
        pages::{Occasion, RoundSent, StepSent},
        team::reminders,
    },
    runbook::{PageStep, Queue},
    terms::{Author, IncidentId},
};

/// A story whose runbook pages somebody for everything at a level that pages.
fn paging() -> Story {
    let mut story = Story::new();
    let step = PageStep { channel: "duty".into(), to: None, person: None, after_s: 0 };
    story.runbook.paging.queues = vec![Queue { name: "*".into(), steps: vec![step] }];
    story
}

fn declare(severity: &str) -> Command {
    Command::Declare(Declare { title: "refunds twice".into(), severity: Some(severity.into()), ..Declare::default() })
}

fn on(ask: Ask) -> Command {
    Command::OnIncident { incident: IncidentId(1), ask }
}

fn severity(level: &str) -> Command {
    on(Ask::SetSeverity { severity: level.into(), why: "it grew".into() })
}

fn rounds(story: &Story) -> Vec<(u32, Occasion, String, bool)> {
    let rounds = story.incident(1).paging.rounds.iter();
    rounds
        .map(|round| {
            let begun = &round.begun;
            (begun.round, begun.occasion, begun.severity.clone(), round.acked_at.is_some())
        })
        .collect()
}

/// TEAM.3: a level that pages does so when the incident is declared, and each time it is raised to one; lowered it says
/// nothing, and without a queue nobody is said to be paged.
#[test]
fn an_incident_pages_by_its_level() {
    let mut story = paging();
    story.done(declare("SEV-1"));
    assert_eq!(rounds(&story), [(1, Occasion::Declared, "SEV-1".into(), false)]);
    story.done(severity("SEV-3"));
    story.done(severity("SEV-2"));
    assert_eq!(rounds(&story).len(), 1, "SEV-2 pages nobody by itself");
    story.done(severity("SEV-1"));
    assert_eq!(rounds(&story)[1], (2, Occasion::Raised, "SEV-1".into(), false));
    let first = story.incident(1).paging.round(1).unwrap().clone();
    assert!(story.incident(1).paging.is_superseded(&first), "one queue is paged once at a time");

    let mut quiet = Story::new();
    quiet.done(declare("SEV-1"));
    assert!(rounds(&quiet).is_empty(), "no queue ships");
    let mut low = paging();
    low.done(declare("SEV-2"));
    assert!(rounds(&low).is_empty());
    low.refused(on(Ask::AckPages { round: None }), RefusalCode::Conflict, "paged nobody");
}

/// TEAM.12, PM.2: a person's word answers every round; a script's does not; confirming an incident is such a word. What
/// arrived first is its Page.
#[test]
fn a_persons_word_answers_every_round() {
    let mut story = paging();
    story.by("automation:alertmanager");
    let declare =
        Declare { title: "x".into(), severity: Some("SEV-1".into()), unconfirmed: true, ..Declare::default() };
    story.done(Command::Declare(declare));
    story.refused(on(Ask::AckPages { round: None }), RefusalCode::Forbidden, "only a person");
    let sent = |state| StepSent {
        step: 0,
        channel: "duty".into(),
        to: String::new(),
        state,
        status: "HTTP 202".into(),
        key: "andon-INC-1".into(),
    };
    let record = |state| on(Ask::RecordPage(RoundSent { round: 1, page: sent(state) }));
    story.by("andon:pager").at(3);
    story.done(record(DeliveryState::Accepted));
    story.nothing(record(DeliveryState::Accepted));
    assert_eq!((story.incident(1).mttd.page, story.incident(1).mttd.acknowledgement), (Some(at(3)), None));
    let calls = |story: &Story, now| -> Vec<String> {
        reminders(story.incident(1), &[], at(now)).into_iter().map(|reminder| reminder.id).collect()
    };
    assert_eq!((calls(&story, 299), calls(&story, 300)), (vec![], vec!["page 1".to_owned()]), "TEAM.4");
    story.by("dana").at(60);
    story.done(on(Ask::Confirm {}));
    assert!(calls(&story, 300).is_empty());
    let round = &story.incident(1).paging.rounds[0];
    assert_eq!((round.acked_at, &round.acked_by), (Some(at(60)), &Some(Author::Person("dana".into()))));
    assert_eq!(story.incident(1).mttd.acknowledgement, Some(at(60)));
    story.nothing(on(Ask::AckPages { round: None }));
    story.refused(on(Ask::AckPages { round: Some(9) }), RefusalCode::Unknown, "no round 9");
    let unknown = on(Ask::RecordPage(RoundSent { round: 9, page: sent(DeliveryState::Accepted) }));
    story.refused(unknown, RefusalCode::Unknown, "no round 9");
}

/// TEAM.12: whoever held the link in a page acknowledges that page, and can do nothing else.
#[test]
fn a_link_acknowledges_its_page_and_no_more() {
    let mut story = paging();
    story.by("automation:alertmanager");
    let declare =
        Declare { title: "x".into(), severity: Some("SEV-1".into()), unconfirmed: true, ..Declare::default() };
    story.done(Command::Declare(declare));
    story.by("link:duty@example.com").at(30);
    story.refused(on(Ask::Confirm {}), RefusalCode::Forbidden, "only a person");
    story.refused(severity("SEV-4"), RefusalCode::Forbidden, "only a person");
    story.done(on(Ask::AckPages { round: Some(1) }));
    let incident = story.incident(1);
    assert_eq!(incident.paging.rounds[0].acked_by, Some(Author::Link("duty@example.com".into())));
    assert_eq!(incident.mttd.acknowledgement, Some(at(30)));
    let last = &incident.timeline.last().unwrap().text;
    assert_eq!(last, "pages acknowledged by the link sent to duty@example.com");
    assert!(!incident.confirmed, "to confirm it takes a person with a name");
}
