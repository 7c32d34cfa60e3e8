//! Drafts: filled, edited by several, agreed, sent, delivered (COM.1, COM.2, COM.4–COM.7).

use std::collections::BTreeMap;

use super::story::{Story, at, kinds, on};
use crate::{
    incident::{
        Clock, ClockState, Command, Fact, Fields, IncidentCommand as Ask, RefusalCode, Sent, clocks,
        communication::{
            Agreement, DeliveryState, DeliveryStep, Promise, Row, Subject, ledger,
            writing::{self, Manuscript},
        },
    },
    runbook::Runbook,
    terms::{Author, DraftId, IncidentId},
};

fn start(audience: &str) -> Command {
    on(Ask::StartDraft { audience: audience.into() })
}

fn send(draft: u32, channel: &str, to: &str) -> Command {
    on(Ask::SendDraft { draft: DraftId(draft), channel: channel.into(), to: to.into(), over: None })
}

fn agree(draft: u32, version: u64) -> Command {
    on(Ask::AgreeDraft(Agreement { draft: DraftId(draft), version }))
}

fn step(number: u32, state: DeliveryState) -> Command {
    on(Ask::RecordDelivery(DeliveryStep { draft: DraftId(1), number, state, status: format!("now {state}") }))
}

/// A story with channels that andon works itself.
fn with_channels(severity: &str) -> Story {
    let mut story = Story::declared(severity);
    let text = "[[channel]]\nname = \"hook\"\nkind = \"webhook\"\nwebhook = \"https://x\"\nsecret_file = \"s\"\nto = \"the page\"\n\
                [[channel]]\nname = \"mail\"\nkind = \"smtp\"\nhost = \"h\"\nfrom = \"a@b\"\naudiences = [\"customer\"]\n";
    let texts = BTreeMap::from([("channels.toml".to_owned(), text.to_owned())]);
    story.runbook = Runbook::from_texts(&texts).unwrap();
    story
}

fn sent(story: &Story, at: usize) -> Sent {
    story.incident(1).drafts[0].sent[at].clone()
}

fn rows(story: &Story) -> Vec<Row> {
    let (world, runbook) = (&story.worlds.real, &story.runbook);
    ledger(&Subject { incident: story.incident(1), world, runbook, now: story.context.now })
}

fn row(story: &Story, audience: &str) -> Row {
    rows(story).into_iter().find(|row| row.audience == audience).unwrap_or_else(|| panic!("no row for {audience}"))
}

/// Writes fields of draft 1.
fn write(story: &mut Story, change: impl FnOnce(&mut Fields)) -> Fields {
    let draft = story.incident(1).drafts[0].clone();
    let mut fields = draft.fields;
    change(&mut fields);
    story.writes(DraftId(1), &fields);
    fields
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
        assert!(draft.fields.before_restart.contains("2 people approve"), "{:?}", draft.fields);
    }
    story.refused(story.edit(DraftId(9), &Fields::default()), RefusalCode::Unknown, "DRAFT-9");
}

/// COM.5: what two people write at once is both kept; the same edit again is nothing; what is too long is refused.
#[test]
fn what_several_write_at_once_is_kept() {
    let mut story = Story::declared("SEV-2");
    story.done(start("customer"));
    let before = story.incident(1).drafts[0].clone();
    let write = |writer, change: &dyn Fn(&mut Fields)| {
        let mut fields = before.fields.clone();
        change(&mut fields);
        let edit = writing::edit_to(&before, writer, &fields).unwrap().unwrap();
        on(Ask::WriteDraft { draft: DraftId(1), edit })
    };
    let lee = write(2, &|fields| fields.body = "Keep both payments.".into());
    let kim = write(3, &|fields| (fields.body, fields.impact) = ("Sorry. ".into(), "41 people".into()));
    story.by("lee").at(5).done(lee.clone());
    story.by("kim").at(6).done(kim.clone());
    story.nothing(lee.clone());
    let draft = &story.incident(1).drafts[0];
    assert_eq!((draft.version, draft.authors.len(), draft.fields.impact.as_str()), (3, 3, "41 people"));
    assert!(
        ["Keep both payments.Sorry. ", "Sorry. Keep both payments."].contains(&draft.fields.body.as_str()),
        "{:?}",
        draft.fields.body
    );
    // In the other order the others read the same.
    let mut other = Story::declared("SEV-2");
    other.done(start("customer"));
    other.by("kim").at(5).done(kim);
    other.by("lee").at(6).done(lee);
    assert_eq!(other.incident(1).drafts[0].fields, draft.fields);
    let huge = Fields { impact: "x".repeat(64 * 1024 + 1), ..draft.fields.clone() };
    story.refused(story.edit(DraftId(1), &huge), RefusalCode::Invalid, "impact");
    let huge = Fields { body: "x".repeat((1 << 20) + 1), ..story.incident(1).drafts[0].fields.clone() };
    story.refused(story.edit(DraftId(1), &huge), RefusalCode::Invalid, "body");
}

/// A script that merges nothing names the version it saw: it never writes over what it did not see.
#[test]
fn a_script_names_the_version_it_saw() {
    let mut story = Story::declared("SEV-2");
    story.done(start("customer"));
    let first = Fields { body: "one".into(), ..story.incident(1).drafts[0].fields.clone() };
    let second = Fields { body: "two".into(), ..first.clone() };
    let edit =
        |fields: &Fields, version| on(Ask::EditDraft { draft: DraftId(1), fields: Box::new(fields.clone()), version });
    story.by("automation:helper").at(5).done(edit(&first, 1));
    story.nothing(edit(&first, 1));
    story.refused(edit(&second, 1), RefusalCode::Conflict, "version 2");
    story.refused(edit(&second, 3), RefusalCode::Conflict, "version 2");
    story.by("lee").writes(DraftId(1), &Fields { impact: "41".into(), ..first });
    let now = story.incident(1).drafts[0].fields.clone();
    story.by("automation:helper").done(edit(&Fields { body: "two".into(), ..now }, 3));
    let draft = &story.incident(1).drafts[0];
    assert_eq!((draft.version, draft.fields.body.as_str(), draft.fields.impact.as_str()), (4, "two", "41"));
}

/// COM.5: the log tells in plain text what was written; many edits are kept as one, and late ones still fit.
#[test]
fn the_log_reads_without_what_merges() {
    let mut story = Story::declared("SEV-2");
    story.done(start("customer"));
    let before = story.incident(1).drafts[0].clone();
    let mut late = before.fields.clone();
    late.impact = "told late".into();
    let late = writing::edit_to(&before, 7, &late).unwrap().unwrap();
    let mut fields = before.fields.clone();
    for word in 0..300 {
        fields.body.push_str(&format!("wörd{word} "));
        story.at(word).writes(DraftId(1), &fields);
    }
    story.done(on(Ask::WriteDraft { draft: DraftId(1), edit: late }));
    let draft = &story.incident(1).drafts[0];
    assert!(draft.edits.len() < 60, "{} are kept", draft.edits.len());
    assert_eq!((draft.fields.body.as_str(), draft.fields.impact.as_str()), (fields.body.as_str(), "told late"));
    assert_eq!(Manuscript::of(draft, 9).unwrap().fields(), draft.fields, "both tell the same");
    let edits = story.incident(1).timeline.iter().filter(|entry| entry.kind == "draft-written").count();
    assert_eq!(edits, 1, "a sitting is one line");
}

/// COM.5, RST.5: a person marks it sent; who, when, what exactly, to whom is kept, whatever is edited after.
#[test]
fn the_exact_text_is_kept() {
    let mut story = Story::declared("SEV-2");
    story.done(start("customer"));
    let fields = Fields { body: "Keep <both> payments {{ id }}.".into(), ..story.incident(1).drafts[0].fields.clone() };
    story.writes(DraftId(1), &fields);
    story.by("automation:ci").refused(send(1, "mail", "all"), RefusalCode::Forbidden, "person");
    story.by("dana").refused(send(1, " ", "all"), RefusalCode::Invalid, "channel");
    story.refused(send(1, "mial", "all"), RefusalCode::Invalid, "did you mean mail?");
    story.refused(send(1, "mail", ""), RefusalCode::Invalid, "to whom");
    story.refused(send(2, "mail", "all"), RefusalCode::Unknown, "DRAFT-2");
    story.at(60).done(send(1, "mail", "those paid twice"));
    let kept = sent(&story, 0);
    assert_eq!(
        (kept.at, kept.by.name(), kept.channel.as_str(), kept.to.as_str()),
        (at(60), "dana", "mail", "those paid twice")
    );
    assert_eq!((kept.number, kept.told_at(), &kept.delivery), (1, Some(at(60)), &None));
    assert!(kept.text.contains("Keep <both> payments {{ id }}."), "{}", kept.text);
    story.writes(DraftId(1), &Fields { body: "other".into(), ..fields });
    story.done(send(1, "chat", "support"));
    let all = &story.incident(1).drafts[0].sent;
    assert_eq!((all.len(), &all[0], all[1].number), (2, &kept, 2));
    assert!(all[1].text.contains("other"));
}

/// COM.3, COM.4: what cannot be kept, holds a gap, or turns the reader's eye is not sent; nothing is lost by that.
#[test]
fn what_must_not_leave_is_refused_before_it_does() {
    let mut story = Story::declared("SEV-2");
    story.done(start("internal"));
    for (field, text, says) in [
        ("next_update", "soon", "15:00 UTC"),
        ("next_update", "", "+30m"),
        ("body", "ask [[whom]] first", "[[whom]]"),
        ("body", "a \u{1b}[2J b", "U+001B"),
        ("impact", "paid \u{202e}eciwt", "U+202E"),
        ("workflow", "re\u{7}funds", "U+0007"),
    ] {
        let before = story.incident(1).drafts[0].fields.clone();
        write(&mut story, |fields| assert!(fields.set(field, text.into())));
        story.refused(send(1, "copy", "all"), RefusalCode::Invalid, says);
        write(&mut story, |fields| *fields = before);
    }
    story.refused(send(1, "copy", "a\u{202e}b"), RefusalCode::Invalid, "hidden");
    write(&mut story, |fields| fields.body = "zero\u{200b}width is only flagged".into());
    story.done(send(1, "copy", "all"));
    assert!(sent(&story, 0).text.contains("zero\u{200b}width"), "exactly as written");
}

/// COM.4: the promise that a message makes is a clock of its own, until the next message to the same audience.
#[test]
fn the_next_update_counts_once_it_is_promised() {
    let mut story = Story::declared("SEV-2");
    let clock = |story: &Story, seconds: i64| -> Clock {
        let all = clocks(story.incident(1), &story.worlds.real, at(seconds));
        all.into_iter().find(|clock| clock.name == "update").unwrap()
    };
    assert_eq!(clock(&story, 5).state, ClockState::Waiting, "nothing is promised yet");
    story.done(start("internal"));
    write(&mut story, |fields| fields.next_update = "+30m".into());
    assert_eq!(clock(&story, 5).state, ClockState::Waiting, "a draft promises nothing");
    story.done(send(1, "copy", "the team"));
    let Some(Promise::By(due)) = sent(&story, 0).promise else { panic!("{:?}", sent(&story, 0).promise) };
    assert!(
        sent(&story, 0).text.contains(&due.to_chrono().format("%H:%M UTC").to_string()),
        "{}",
        sent(&story, 0).text
    );
    assert!(!sent(&story, 0).text.contains("+30m"), "a reader could not place it");
    let seconds = |time: crate::terms::Time| time.since(at(0)) / 1_000;
    assert_eq!((clock(&story, 5).state, clock(&story, 5).due_at), (ClockState::Running, Some(due)));
    let late = clock(&story, seconds(due) + 60);
    assert_eq!((late.state, late.left_s), (ClockState::Missed, Some(-60.0)), "overdue goes on counting");
    story.at(600).done(start("customer"));
    story.done(on(Ask::SendDraft { draft: DraftId(2), channel: "copy".into(), to: "all".into(), over: None }));
    assert_eq!(clock(&story, 601).due_at, Some(due), "the earliest promise of all audiences");
    write(&mut story, |fields| fields.next_update = "none".into());
    story.at(900).done(send(1, "copy", "the team"));
    assert!(clock(&story, 901).due_at > Some(due), "kept: the customers' is next");
    assert!(sent(&story, 1).text.contains("no further update is planned"));
    let drafts = story.incident(1).drafts.len();
    assert_eq!(drafts, 2);
}

/// COM.6: one statement per audience; a draft that says something else is marked, and is sent only with a reason.
#[test]
fn one_statement_holds_for_an_audience() {
    let mut story = Story::declared("SEV-2");
    story.done(start("customer"));
    write(&mut story, |fields| fields.impact = "38 customers were paid twice".into());
    story.by("automation:ci").refused(agree(1, 2), RefusalCode::Forbidden, "person");
    story.by("dana").refused(agree(1, 1), RefusalCode::Conflict, "version 2");
    assert_eq!(kinds(&story.done(agree(1, 2))), ["draft-agreed"]);
    story.nothing(agree(1, 2));
    assert!(row(&story, "customer").contradicts.is_empty());
    story.by("lee").done(start("customer"));
    let fields = Fields { impact: "41 customers were paid twice".into(), ..story.incident(1).drafts[1].fields.clone() };
    story.writes(DraftId(2), &fields);
    let marked = row(&story, "customer");
    assert_eq!(marked.contradicts.len(), 1);
    assert_eq!(
        marked.contradicts[0].differs[0].to_string(),
        "impact says 41 customer, agreed is 38 customer",
        "what differs is said"
    );
    story.refused(send(2, "copy", "all"), RefusalCode::Conflict, "41 customer");
    let over = Some("the register grew".to_owned());
    story.done(on(Ask::SendDraft { draft: DraftId(2), channel: "copy".into(), to: "all".into(), over: over.clone() }));
    assert_eq!(story.incident(1).drafts[1].sent[0].over, over);
    story.done(agree(2, 2));
    let now = row(&story, "customer");
    assert_eq!(now.agreed.as_ref().map(|agreed| (agreed.draft, agreed.by.name())), Some((DraftId(2), "lee")));
    assert_eq!(now.contradicts[0].draft, DraftId(1), "a new agreement takes the old one's place");
}

/// COM.5: sending by a channel of andon's own is asked by a person, once for each recipient; only what is accepted is told.
#[test]
fn a_message_is_told_once_it_is_accepted() {
    let mut story = with_channels("SEV-2");
    story.done(start("customer"));
    story.refused(send(1, "mail", "nobody"), RefusalCode::Invalid, "no mail address");
    story.refused(send(1, "mail", "a@b, a@@b"), RefusalCode::Invalid, "no mail address");
    story.refused(send(1, "hook", "x\ny"), RefusalCode::Invalid, "one line");
    let facts = story.done(send(1, "mail", "kim@example.com, lee@example.com,kim@example.com"));
    assert_eq!(kinds(&facts), ["draft-sending", "draft-sending"], "each recipient once");
    assert_eq!((sent(&story, 0).to.as_str(), sent(&story, 1).to.as_str()), ("kim@example.com", "lee@example.com"));
    assert_eq!(row(&story, "customer").told[0].state, Some(DeliveryState::Waiting));
    assert!(!row(&story, "customer").is_told());
    story.done(send(1, "hook", ""));
    assert_eq!((sent(&story, 2).to.as_str(), sent(&story, 2).number), ("the page", 3));
    story.context.by = Author::Andon("outward".into());
    story.at(10).done(step(1, DeliveryState::Sending));
    story.at(12).done(step(1, DeliveryState::Retrying));
    story.at(20).done(step(1, DeliveryState::Sending));
    story.at(21).done(step(1, DeliveryState::Accepted));
    story.nothing(step(1, DeliveryState::Failed));
    story.at(30).done(step(2, DeliveryState::Failed));
    story.refused(step(9, DeliveryState::Failed), RefusalCode::Unknown, "message 9");
    let row = row(&story, "customer");
    assert_eq!((row.told[0].told_at, row.told[0].tries, row.told[1].told_at), (Some(at(21)), 2, None));
    assert!(row.wants_care(), "a dead letter is shown");
    assert_eq!(sent(&story, 0).delivery.unwrap().attempts.len(), 4, "each step is kept");
    story.by("dana").done(start("board"));
    story.refused(
        on(Ask::SendDraft { draft: DraftId(2), channel: "mail".into(), to: "a@b".into(), over: None }),
        RefusalCode::Invalid,
        "takes no message for board",
    );
}

/// DRL.1, law 8: in a drill a sending is rehearsed, and counts there as told.
#[test]
fn a_drill_rehearses_sending() {
    let mut story = with_channels("SEV-2");
    let begun = Command::StartDrill {
        name: "x".into(),
        title: "x".into(),
        seed: 1,
        speed: 1.0,
        course: Box::default(),
        armed: Box::default(),
    };
    story.done(begun);
    story.in_drill(Some(1)).done(super::story::declare("paid twice", "SEV-2"));
    story.done(start("customer"));
    story.done(send(1, "mail", "kim@example.com"));
    let sent = sent(&story, 0);
    assert!(sent.text.starts_with("DRILL") && sent.told_at().is_some());
    assert_eq!(sent.delivery.unwrap().state, DeliveryState::Rehearsed);
    assert_eq!(story.incident(1).id, IncidentId(1));
}

/// COM.4, COM.6, COM.7: who is owed word, by which clock and why; the board once a threshold is crossed.
#[test]
fn the_ledger_says_who_is_owed_word() {
    let mut story = Story::declared("SEV-3");
    let audiences = |story: &Story| rows(story).into_iter().map(|row| row.audience).collect::<Vec<_>>();
    assert_eq!(audiences(&story), ["internal", "customer", "status-page"]);
    assert!(row(&story, "customer").owed.unwrap().why.contains("may have happened"));
    story.done(on(Ask::ConfirmHarm { at: None }));
    assert_eq!(row(&story, "customer").owed.unwrap().why, "harm happened");
    story.at(100).done(on(Ask::SetSeverity { severity: "SEV-1".into(), why: "money".into() }));
    let board = row(&story, "board").owed.unwrap();
    assert_eq!((board.why.as_str(), board.clock.due_at), ("it is SEV-1", Some(at(100 + 86_400))));
    story.at(200).done(start("board"));
    assert!(story.done(send(1, "copy", "the board")).iter().any(|fact| matches!(fact, Fact::DraftSent { .. })));
    let board = row(&story, "board");
    assert_eq!((board.owed.unwrap().clock.state, board.told.len()), (ClockState::Met, 1));
    assert!(board.told[0].text.contains("You are told because it is SEV-1."), "{}", board.told[0].text);
    assert!(!rows(&story).iter().any(Row::wants_care));
    story.at(4_000);
    assert!(row(&story, "internal").wants_care(), "an hour is over and nobody was told");
}

/// COM.7: a regulator's clock is off until the organisation turns it on; an incident keeps those that were on; each report to its
/// recipient does one duty.
#[test]
fn regulators_have_clocks_of_their_own() {
    let shipped = Runbook::shipped();
    assert!(shipped.clocks.regulatory.len() >= 6 && shipped.clocks.regulatory.iter().all(|clock| !clock.on));
    let mut story = Story::new();
    for clock in &mut story.runbook.clocks.regulatory {
        clock.on = clock.regime == "gdpr" || clock.regime == "nis2";
    }
    story.done(super::story::declare("records shown to strangers", "SEV-1"));
    story.runbook = Runbook::shipped();
    let duties = |story: &Story| -> Vec<(String, Option<ClockState>, usize)> {
        let all = rows(story).into_iter().filter(|row| row.audience == "regulator");
        all.map(|row| (row.recipient, row.owed.map(|duty| duty.clock.state), row.told.len())).collect()
    };
    use ClockState::{Met, Missed, Running};
    let expected = |one, two, three, told| {
        vec![
            ("data protection authority (gdpr notification)".to_owned(), Some(one), told),
            ("national CSIRT (nis2 early warning)".to_owned(), Some(two), 0),
            ("national CSIRT (nis2 notification)".to_owned(), Some(three), 0),
        ]
    };
    assert_eq!(duties(&story), expected(Running, Running, Running, 0));
    story.done(start("regulator"));
    write(&mut story, |fields| fields.next_update = "+20h".into());
    story.at(3_600).done(send(1, "copy", "National CSIRT, by its portal"));
    assert_eq!(duties(&story), expected(Running, Met, Running, 1));
    write(&mut story, |fields| fields.next_update = "2026-03-30 09:00 UTC".into());
    story.at(80 * 3_600).done(send(1, "copy", "the authority for gdpr"));
    assert_eq!(duties(&story), expected(Missed, Met, Missed, 2), "late is late");
}

/// COM.6: a notice is owed when harm happened or may have; once it is found that nobody felt it, it waits.
#[test]
fn a_notice_is_owed_until_harm_is_ruled_out() {
    use crate::incident::first_minutes::{AnswerFact, FirstFact};
    let mut story = Story::declared("SEV-3");
    let state = |story: &Story| row(story, "customer").owed.unwrap().clock.state;
    assert_eq!(state(&story), ClockState::Running);
    let answer = |text: &str| {
        let (fact, answer) = (FirstFact::Impact, Some(text.to_owned()));
        on(Ask::AnswerFact(AnswerFact { fact, answer, unknown: false, dispute: None, settle: None }))
    };
    story.done(answer("no, caught before it was sent"));
    assert_eq!(state(&story), ClockState::Waiting);
    story.done(on(Ask::ConfirmHarm { at: None }));
    assert_eq!(state(&story), ClockState::Running, "confirmed harm outweighs it");
}

/// TEAM.10, COM.5: a message on its way when its incident is merged is sent once.
#[test]
fn a_merge_copies_no_message_on_its_way() {
    use crate::incident::team::Merge;
    let mut story = with_channels("SEV-2");
    story.done(super::story::declare("the same again", "SEV-2"));
    story.done(start("customer"));
    story.done(send(1, "hook", ""));
    story.done(on(Ask::Merge(Merge { into: IncidentId(2) })));
    let copy = story.incident(2).drafts[0].sent[0].delivery.clone().unwrap();
    assert!(!copy.state.is_open() && copy.attempts[0].status.contains("INC-1 DRAFT-1"), "{copy:?}");
    assert!(sent(&story, 0).delivery.unwrap().state.is_open(), "the first one goes on");
    story.context.by = Author::Andon("outward".into());
    story.done(step(1, DeliveryState::Accepted));
}
