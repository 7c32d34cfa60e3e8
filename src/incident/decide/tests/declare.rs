//! Declaring: the words of schemes, titles, firings (SEV.1, SEV.6, DET.6).

use super::story::{Story, agent, at, declare, key, kinds, on, opened};
use crate::{
    incident::{Command, Declare, IncidentCommand, RefusalCode, Status},
    terms::FiringId,
    tripwire::Tripwire,
};

fn from(firing: u32) -> Command {
    Command::Declare(Declare { firing: Some(FiringId(firing)), ..Declare::default() })
}

#[test]
fn a_title_is_one_line_of_at_most_200_characters() {
    for (title, kept) in [
        ("paid twice", Some("paid twice")),
        ("  paid\n\ttwice ", Some("paid twice")),
        ("é", Some("é")),
        ("", None),
        (" \n ", None),
    ] {
        let mut story = Story::new();
        match kept {
            Some(kept) => {
                story.done(declare(title, "SEV-2"));
                assert_eq!(story.incident(1).title, kept);
            }
            None => story.refused(declare(title, "SEV-2"), RefusalCode::Invalid, "a title is needed"),
        }
    }
    let mut story = Story::new();
    story.done(declare(&"é".repeat(200), "SEV-2"));
    story.refused(declare(&"é".repeat(201), "SEV-2"), RefusalCode::Invalid, "at most 200");
}

/// SEV.1, SEV.6: three schemes; levels in any case, spelled as the scheme does; the mildest where none is named.
#[test]
fn schemes_and_levels_are_words_of_the_runbook() {
    let ask = |scheme: Option<&str>, severity: Option<&str>| {
        Command::Declare(Declare {
            title: "paid twice".into(),
            scheme: scheme.map(str::to_owned),
            severity: severity.map(str::to_owned),
            ..Declare::default()
        })
    };
    for (scheme, severity, kept) in [
        (None, Some("sev-1"), ("sev4", "SEV-1")),
        (None, None, ("sev4", "SEV-4")),
        (Some("s3"), Some("S2"), ("s3", "S2")),
        (Some("critical4"), Some("high"), ("critical4", "High")),
        (Some("critical4"), None, ("critical4", "Low")),
    ] {
        let mut story = Story::new();
        story.done(ask(scheme, severity));
        let incident = story.incident(1);
        assert_eq!((incident.scheme.as_str(), incident.severity.as_str()), kept);
        assert_eq!((incident.status, incident.confirmed), (Status::Declared, true));
        assert_eq!(incident.severities.len(), 1);
    }
    let mut story = Story::new();
    story.refused(ask(Some("sev9"), None), RefusalCode::Invalid, "sev4");
    story.refused(ask(Some("s3"), Some("SEV-1")), RefusalCode::Invalid, "S1");
}

/// SEV.6, PM.7: severity sets the clocks, at the start and when it changes.
#[test]
fn the_post_mortem_is_due_as_the_level_says() {
    for (level, due) in [("SEV-1", Some(172_800)), ("SEV-2", Some(172_800)), ("SEV-3", None), ("SEV-4", None)] {
        let mut story = Story::declared(level);
        assert_eq!(story.incident(1).clock_plan.postmortem_s, due, "declared {level}");
        let other = if due.is_some() { "SEV-4" } else { "SEV-2" };
        for (to, due) in [(other, due.xor(Some(172_800))), (level, due)] {
            let ask = IncidentCommand::SetSeverity { severity: to.into(), why: "seen more".into() };
            story.done(on(ask));
            assert_eq!(story.incident(1).clock_plan.postmortem_s, due, "set to {to}");
        }
    }
}

#[test]
fn a_workflow_and_the_agents_are_kept_tidy() {
    let ask = |workflow: String| {
        let agents = vec![agent("refund-bot"), agent("mailer"), agent("refund-bot")];
        Command::Declare(Declare { title: "x".into(), workflow: Some(workflow), agents, ..Declare::default() })
    };
    let mut story = Story::new();
    story.refused(ask("w".repeat(201)), RefusalCode::Invalid, "workflow");
    story.done(ask(" refunds ".into()));
    assert_eq!(story.incident(1).workflow.as_deref(), Some("refunds"));
    assert_eq!(story.incident(1).agents, [agent("refund-bot"), agent("mailer")]);
    story.done(ask("  ".into()));
    assert_eq!(story.incident(2).workflow, None);
}

#[test]
fn harm_declared_at_once_starts_the_halt_clock_and_never_lies_in_the_future() {
    let ask =
        |seconds| Command::Declare(Declare { title: "x".into(), harm_at: Some(at(seconds)), ..Declare::default() });
    let mut story = Story::new();
    story.refused(ask(2), RefusalCode::Invalid, "future");
    assert_eq!(kinds(&story.done(ask(-40))), ["incident-declared", "harm-confirmed"]);
    assert_eq!(story.incident(1).harm_at, Some(at(-40)));
    // A second of grace for the asker's clock; never later than now.
    story.done(ask(1));
    assert_eq!(story.incident(2).harm_at, Some(at(0)));
}

/// DET.6: a firing becomes an incident once; its agent and its points of the MTTD chain come along.
#[test]
fn a_firing_becomes_one_incident() {
    let mut story = Story::new();
    story.fires(vec![opened(key(Tripwire::CostRate, "refund-bot", ""), -10)]);
    story.refused(from(9), RefusalCode::Unknown, "TW-9");
    let made = story.done(from(1));
    assert_eq!(kinds(&made), ["incident-declared", "firing-joined", "firing-linked"]);
    let incident = story.incident(1);
    assert_eq!(incident.title, "cost-rate: refund-bot");
    assert_eq!(
        (incident.agents.as_slice(), incident.firings.as_slice()),
        (&[agent("refund-bot")][..], &[FiringId(1)][..])
    );
    let chain = &incident.mttd;
    assert_eq!((chain.action, chain.signal, chain.trigger), (Some(at(-10)), Some(at(-8)), Some(at(0))));
    assert_eq!(story.firing(1).incident, Some(incident.id));
    story.refused(from(1), RefusalCode::Conflict, "INC-1");
    story.done(on(IncidentCommand::Resolve { note: String::new(), over: None }));
    story.done(from(1));
    assert_eq!(story.firing(1).incident.map(|id| id.0), Some(2));
}

/// Law 11, RST.5: an agent declares nothing; a script may.
#[test]
fn an_agent_asks_nothing_at_all() {
    let mut story = Story::new();
    story.by("agent:refund-bot");
    story.refused(declare("x", "SEV-1"), RefusalCode::Forbidden, "a person asks this");
    story.by("automation:ci").done(declare("x", "SEV-1"));
    story.in_drill(Some(4));
    story.refused(declare("x", "SEV-1"), RefusalCode::Unknown, "no such drill");
}
