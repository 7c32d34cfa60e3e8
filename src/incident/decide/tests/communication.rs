//! Drafts: filled, edited by several, marked sent (COM.1, COM.2, COM.5).

use super::story::{Story, at, on};
use crate::{
    incident::{Command, Fields, IncidentCommand as Ask, RefusalCode},
    terms::DraftId,
};

fn start(audience: &str) -> Command {
    on(Ask::StartDraft { audience: audience.into() })
}

fn edit(draft: u32, fields: &Fields, version: u64) -> Command {
    on(Ask::EditDraft { draft: DraftId(draft), fields: fields.clone(), version })
}

fn send(draft: u32, channel: &str, to: &str) -> Command {
    on(Ask::SendDraft { draft: DraftId(draft), channel: channel.into(), to: to.into() })
}

/// COM.2: the audiences are the runbook's.
#[test]
fn a_draft_is_begun_for_a_known_audience() {
    let mut story = Story::declared("SEV-2");
    story.refused(start("everybody"), RefusalCode::Unknown, "status-page");
    for (audience, id) in
        ["internal", "executive", "customer", "partner", "regulator", "board", "status-page"].into_iter().zip(1..)
    {
        story.done(start(audience));
        let draft = story.incident(1).drafts.last().unwrap();
        assert_eq!((draft.id, draft.audience.as_str(), draft.version), (DraftId(id), audience, 1));
        assert_eq!(draft.fields.contained, "nothing is stopped yet");
    }
    story.refused(edit(9, &Fields::default(), 1), RefusalCode::Unknown, "DRAFT-9");
}

/// COM.5: two editors never overwrite one another unseen; the same text again is nothing.
#[test]
fn an_edit_names_the_version_it_saw() {
    let mut story = Story::declared("SEV-2");
    story.done(start("customer"));
    let first = Fields { body: "one".into(), ..story.incident(1).drafts[0].fields.clone() };
    let second = Fields { body: "two".into(), ..first.clone() };
    story.by("lee").at(5).done(edit(1, &first, 1));
    story.nothing(edit(1, &first, 1));
    story.refused(edit(1, &second, 1), RefusalCode::Conflict, "version 2");
    story.refused(edit(1, &second, 3), RefusalCode::Conflict, "version 2");
    let huge = Fields { impact: "x".repeat(64 * 1024 + 1), ..first };
    story.refused(edit(1, &huge, 2), RefusalCode::Invalid, "impact");
    story.by("automation:helper").done(edit(1, &second, 2));
    let draft = &story.incident(1).drafts[0];
    assert_eq!((draft.version, draft.fields.body.as_str(), draft.authors.len()), (3, "two", 3));
}

/// COM.5, RST.5: a person marks it sent; who, when, what exactly, to whom is kept, whatever is edited after.
#[test]
fn the_exact_text_is_kept() {
    let mut story = Story::declared("SEV-2");
    story.done(start("customer"));
    let fields = Fields { body: "Keep <both> payments {{ id }}.".into(), ..story.incident(1).drafts[0].fields.clone() };
    story.done(edit(1, &fields, 1));
    story.by("automation:ci").refused(send(1, "mail", "all"), RefusalCode::Forbidden, "person");
    story.by("dana").refused(send(1, " ", "all"), RefusalCode::Invalid, "channel");
    story.refused(send(1, "mail", ""), RefusalCode::Invalid, "to whom");
    story.refused(send(2, "mail", "all"), RefusalCode::Unknown, "DRAFT-2");
    story.at(60).done(send(1, "mail", "those paid twice"));
    let kept = story.incident(1).drafts[0].sent[0].clone();
    assert_eq!(
        (kept.at, kept.by.name(), kept.channel.as_str(), kept.to.as_str()),
        (at(60), "dana", "mail", "those paid twice")
    );
    assert!(kept.text.contains("Keep <both> payments {{ id }}."), "{}", kept.text);
    story.done(edit(1, &Fields { body: "other".into(), ..fields }, 2));
    story.done(send(1, "chat", "support"));
    let sent = &story.incident(1).drafts[0].sent;
    assert_eq!((sent.len(), &sent[0]), (2, &kept));
    assert!(sent[1].text.contains("other"));
}
