//! A team's work: tasks, reminders, hand-over, links, kin (TEAM.1, TEAM.2, TEAM.4, TEAM.8, TEAM.10, TEAM.11, DET.6).

use super::story::{Story, agent, at, halt, key, kinds, on, opened};
use crate::{
    incident::{
        Command, Declare, IncidentCommand as Ask, RefusalCode, Status, clocks,
        team::{
            AddLink, AddTask, ChangeTask, EndTask, Kinship, LinkKind, MarkEvent, Merge, Relate, ReopenTask, SetField,
            Snooze, Source, Split, TaskFrom, TaskState, reminders,
        },
    },
    terms::{FiringId, IncidentId, SwitchId, TaskId},
    tripwire::Tripwire,
};

fn add(text: &str, owner: Option<&str>, due_s: Option<i64>) -> Command {
    let plan = AddTask {
        text: text.into(),
        owner: owner.map(str::to_owned),
        due_at: due_s.map(at),
        from: TaskFrom::Person,
        blocks: true,
    };
    on(Ask::AddTask(plan))
}

fn end(task: u32, how: TaskState, note: Option<&str>) -> Command {
    on(Ask::EndTask(EndTask { task: TaskId(task), how, note: note.map(str::to_owned) }))
}

fn calls(story: &Story) -> Vec<String> {
    let incident = story.incident(1);
    let now = story.context.now;
    let clocks = clocks(incident, &story.worlds.real, now);
    reminders(incident, &clocks, now).into_iter().filter(|one| one.calls(now)).map(|one| one.id).collect()
}

/// TEAM.2: a task has an owner and a due date, and the incident is not closed before it is ended.
#[test]
fn an_open_task_keeps_an_incident_from_being_closed() {
    let mut story = Story::declared("SEV-3");
    story.done(add(" ask finance for  the sum ", Some("lee"), Some(600)));
    let task = &story.incident(1).tasks[0];
    assert_eq!(
        (task.id, task.text.as_str(), task.owner.as_deref()),
        (TaskId(1), "ask finance for the sum", Some("lee"))
    );
    story.refused(add(" ", None, None), RefusalCode::Invalid, "a line");
    story.refused(add("stop it", Some("agent:refund-bot"), None), RefusalCode::Forbidden, "agent");
    story.done(on(Ask::ChangeTask(ChangeTask {
        task: TaskId(1),
        text: None,
        owner: Some(String::new()),
        due_at: None,
    })));
    assert_eq!(story.incident(1).tasks[0].owner, None);
    story.nothing(on(Ask::ChangeTask(ChangeTask { task: TaskId(1), text: None, owner: None, due_at: None })));

    story.done(on(Ask::Resolve { note: "over".into(), over: None }));
    story.refused(on(Ask::Close { over: None }), RefusalCode::Conflict, "TASK-1 is open");
    story.refused(end(1, TaskState::Dropped, None), RefusalCode::Invalid, "reason");
    story.refused(end(2, TaskState::Done, None), RefusalCode::Unknown, "TASK-2");
    story.done(end(1, TaskState::Done, Some("4,310 EUR")));
    story.nothing(end(1, TaskState::Done, None));
    story.refused(end(1, TaskState::Dropped, Some("no")), RefusalCode::Conflict, "reopen");
    story.done(on(Ask::ReopenTask(ReopenTask { task: TaskId(1) })));
    story.done(end(1, TaskState::Dropped, Some("finance has it")));
    story.done(on(Ask::Close { over: None }));
}

/// TEAM.4: a role nobody took for ten minutes, a task overdue, a clock run out; each put off by itself.
#[test]
fn reminders_call_until_they_are_heard_or_put_off() {
    let mut story = Story::declared("SEV-2");
    story.done(add("call the bank", Some("lee"), Some(1_200)));
    story.at(599);
    assert_eq!(calls(&story), [""; 0]);
    story.at(600);
    assert_eq!(calls(&story), ["role commander"]);
    story.refused(snooze("role commander", 10_000_000), RefusalCode::Invalid, "seven days");
    story.done(snooze("role commander", 2_000));
    story.done(snooze("clock facts", 20_000));
    story.at(1_201);
    assert_eq!(calls(&story), ["clock evidence", "task TASK-1"]);
    story.at(2_000);
    assert_eq!(calls(&story), ["role commander", "clock evidence", "task TASK-1"]);
    story.done(on(Ask::Assign { role: "commander".into(), who: Some("dana".into()), note: Some("lee sleeps".into()) }));
    story.done(end(1, TaskState::Done, None));
    story.at(3_601);
    assert_eq!(calls(&story), ["clock evidence", "clock coordination"]);
    let handed = &story.incident(1).team.handovers[0];
    assert_eq!((handed.to.as_deref(), handed.note.as_deref()), (Some("dana"), Some("lee sleeps")));
}

fn snooze(reminder: &str, until: i64) -> Command {
    on(Ask::Snooze(Snooze { reminder: reminder.into(), until: at(until) }))
}

/// TEAM.8: key events are marked, and links lead to where people talk; an address is one, nothing else.
#[test]
fn key_events_and_links() {
    let mut story = Story::declared("SEV-3");
    story.done(on(Ask::MarkEvent(MarkEvent { seq: 1, key: true })));
    assert!(story.incident(1).timeline[0].key);
    story.nothing(on(Ask::MarkEvent(MarkEvent { seq: 1, key: true })));
    story.refused(on(Ask::MarkEvent(MarkEvent { seq: 99, key: true })), RefusalCode::Unknown, "99");
    let link = |url: &str| on(Ask::AddLink(AddLink { kind: LinkKind::Chat, url: url.into(), title: None }));
    for wrong in ["", "https://", "javascript:alert(1)", "file:///etc/passwd", "https://a b", "https://a\u{1b}[2J"] {
        story.refused(link(wrong), RefusalCode::Invalid, "a link begins with");
    }
    story.done(link("https://chat.example/inc-1"));
    story.nothing(link("https://chat.example/inc-1"));
    assert_eq!(story.incident(1).team.links.len(), 1);
}

/// TEAM.11, DET.6: a template brings severity and tasks; fields are the runbook's; who noticed is kept, and a consequence
/// that surfaced is the detection clock's zero.
#[test]
fn a_template_begins_an_incident() {
    let mut story = Story::new();
    let declare = Declare {
        template: Some("wrong-payment".into()),
        source: Some(Source::Customer),
        surfaced_at: Some(at(-600)),
        ..Declare::default()
    };
    story.refused(
        Command::Declare(Declare { template: Some("nope".into()), ..declare.clone() }),
        RefusalCode::Unknown,
        "wrong-message",
    );
    story.done(Command::Declare(declare));
    let incident = story.incident(1);
    assert_eq!((incident.severity.as_str(), incident.tasks.len()), ("SEV-1", 2));
    assert_eq!(incident.tasks[0].due_at, Some(at(3_600)));
    assert_eq!(incident.team.source, Some(Source::Customer));
    let clocks = clocks(incident, &story.worlds.real, at(0));
    let detection = clocks.iter().find(|clock| clock.name == "detection").unwrap();
    assert_eq!(detection.due_at, Some(at(-600 + 14_400)));
    story.refused(
        on(Ask::SetField(SetField { field: "region".into(), value: "EU".into() })),
        RefusalCode::Unknown,
        "fields",
    );
}

/// TEAM.10: what is merged ends; the other takes in its firings, switches, tasks and checklists, and the earliest zeros.
#[test]
fn a_merge_keeps_everything_and_the_earliest_zeros() {
    let mut story = Story::new();
    let declare = Declare { title: "paid twice".into(), agents: vec![agent("refund-bot")], ..Declare::default() };
    story.done(Command::Declare(declare));
    story.done(Command::Fire { changes: vec![opened(key(Tripwire::Breach, "refund-bot", "x"), 0)] });
    story.done(Command::Engage(halt()));
    story.done(add("first", None, None));
    story.at(60).done(Command::Declare(Declare { title: "the same, seen elsewhere".into(), ..Declare::default() }));
    story.done(on_other(Ask::AddTask(AddTask {
        text: "second".into(),
        owner: None,
        due_at: None,
        from: TaskFrom::Person,
        blocks: false,
    })));
    story.refused(on(Ask::Merge(Merge { into: IncidentId(1) })), RefusalCode::Invalid, "itself");
    story.refused(on(Ask::Merge(Merge { into: IncidentId(9) })), RefusalCode::Unknown, "INC-9");
    let before = story.incident(1).clone();
    assert_eq!((before.firings.len(), before.switches.len()), (1, 1));
    story.done(on(Ask::Merge(Merge { into: IncidentId(2) })));
    let (gone, whole) = (story.incident(1), story.incident(2));
    assert_eq!((gone.status, gone.team.merged_into), (Status::Merged, Some(IncidentId(2))));
    assert_eq!(whole.declared_at, before.declared_at);
    assert_eq!((whole.firings.clone(), whole.switches.clone()), (before.firings.clone(), before.switches.clone()));
    let tasks: Vec<_> = whole.tasks.iter().map(|task| (task.id, task.text.as_str())).collect();
    assert_eq!(tasks, [(TaskId(1), "second"), (TaskId(2), "first")]);
    for switch in &whole.switches {
        assert_eq!(story.worlds.real.switches[switch].incident, Some(IncidentId(2)));
    }
    for firing in &whole.firings {
        assert_eq!(story.worlds.real.firings[firing].incident, Some(IncidentId(2)));
    }
    story.refused(on(Ask::Note { text: "here".into(), at: None }), RefusalCode::Conflict, "merged");
}

fn on_other(ask: Ask) -> Command {
    Command::OnIncident { incident: IncidentId(2), ask }
}

/// TEAM.10: a part goes its own way with what belongs to it; both know of each other.
#[test]
fn a_split_takes_its_part_along() {
    let mut story = Story::declared("SEV-2");
    story.done(Command::Engage(halt()));
    let part = |switch: u32, firing: Option<u32>| {
        on(Ask::Split(Split {
            title: "the other agent".into(),
            firings: firing.map(FiringId).into_iter().collect(),
            agents: Vec::new(),
            switches: vec![SwitchId(switch)],
        }))
    };
    story.refused(part(7, None), RefusalCode::Unknown, "SW-7");
    story.refused(part(1, Some(3)), RefusalCode::Unknown, "TW-3");
    story.at(300);
    let made = story.done(part(1, None));
    assert!(kinds(&made).contains(&"split-off".to_owned()));
    let (old, new) = (story.incident(1), story.incident(2));
    assert_eq!((old.switches.len(), new.switches.as_slice()), (0, [SwitchId(1)].as_slice()));
    assert_eq!((new.declared_at, new.severity.as_str()), (old.declared_at, "SEV-2"));
    assert_eq!((old.team.related[0].how, new.team.related[0].how), (Kinship::SplitInto, Kinship::SplitFrom));
    let relate = |to, how| on(Ask::Relate(Relate { to: IncidentId(to), how }));
    story.refused(relate(1, Kinship::Related), RefusalCode::Invalid, "itself");
    story.done(relate(2, Kinship::Causes));
    assert_eq!(story.incident(2).team.related[0].how, Kinship::CausedBy);
}
