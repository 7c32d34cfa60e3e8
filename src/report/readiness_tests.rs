use std::sync::Arc;

use super::*;
use crate::{
    api::{AgentLive, BackendInfo, Live, You},
    incident::{Agent, World, upkeep::Upkeep},
    terms::Author,
};

fn state(agents: &str, seen: &[(&str, Option<Reach>)]) -> State {
    let declared: Vec<AgentDeclaration> = serde_json::from_str(agents).unwrap();
    let now = Time::from_millis(1_795_183_200_000);
    let mut world = World::default();
    for declared in declared {
        let by = Author::Person("dana".into());
        let agent = Agent { declared: declared.clone(), version: 1, declared_at: now, declared_by: by };
        world.agents.insert(declared.id, Arc::new(agent));
    }
    let mut live = Live { now, ..Live::default() };
    for (name, reach) in seen {
        let seen = AgentLive { reach: *reach, last_seen: Some(now), ..AgentLive::default() };
        live.agents.insert((*name).to_owned(), seen);
    }
    State {
        epoch: 1,
        position: 1,
        world,
        drills: Vec::new(),
        upkeep: Upkeep::default(),
        you: You {
            name: Author::Person("dana".into()),
            may_act: true,
            may: crate::incident::Right::ALL.to_vec(),
            signs: true,
        },
        backend: BackendInfo {
            nodes: Vec::new(),
            version: "0".into(),
            shared: false,
            host: "here".into(),
            telemetry: None,
            log_file: None,
            broker: None,
        },
        live,
    }
}

fn open(lines: &[Line], code: &str) -> Vec<String> {
    let open = lines.iter().filter(|line| line.code == code && line.state == Ready::Open);
    open.map(|line| format!("{}: {}", line.what, line.detail)).collect()
}

const REFUNDS: &str = r#"[{"id":"refund-bot","owner":"kim","workflow":"refunds","inventory":[{"tool":"pay","class":"external-api-call"}],
    "undo":{"external-api-call":["idempotency-key","reversal","reference"]}}]"#;

/// GOV.2, GOV.4, GOV.5: what is open says what to do, and what is there is met.
#[test]
fn what_is_open_before_an_incident_is_said_with_what_to_do() {
    let runbook = Runbook::shipped();
    let lines = readiness(&state(REFUNDS, &[("refund-bot", Some(Reach::Leased)), ("ghost", None)]), &runbook);
    assert_eq!(lines.iter().filter(|line| line.code == "GOV.2").count(), 6);
    assert!(open(&lines, "GOV.2")[0].contains("andon token make"), "{lines:#?}");
    assert_eq!(open(&lines, "GOV.3"), [""; 0], "every shipped tripwire has a purpose, a page and an owner");
    let owned = &open(&lines, "GOV.4")[0];
    assert!(owned.contains("agent ghost") && owned.contains("workflow refunds"), "{owned}");
    assert!(open(&lines, "GOV.5")[0].contains("severity table"), "{lines:#?}");
}

/// GOV.5: a workflow that could be stopped, undone and looked into is ready; one link less and it is not.
#[test]
fn a_workflow_is_ready_when_it_could_be_paused_reversed_and_audited() {
    let plan = |links: &str| {
        let text = format!(
            "[[workflow]]\nid = 'refunds'\nowner = 'the head of payments'\nagreed = '2026-10-02'\ndefault = {{ sev4 = 'SEV-2' }}\nlinks = {{ {links} }}"
        );
        Runbook::from_texts(&[("workflows.toml".to_owned(), text)].into())
    };
    let all: Vec<String> =
        WorkflowPlan::LINKS.iter().map(|link| format!("{link} = 'https://wiki.example/{link}'")).collect();
    let runbook = plan(&all.join(", ")).unwrap();
    let needed = runbook.classes.iter().find(|plan| plan.class.as_str() == "external-api-call").unwrap();
    let mut state = state(REFUNDS, &[("refund-bot", Some(Reach::Leased))]);
    let (id, agent) = state.world.agents.iter().next().map(|(id, agent)| (id.clone(), agent.clone())).unwrap();
    let mut agent = (*agent).clone();
    agent.declared.undo = [(needed.class.clone(), needed.ready.iter().map(|need| need.id.clone()).collect())].into();
    state.world.agents.insert(id, Arc::new(agent));
    assert_eq!(open(&readiness(&state, &runbook), "GOV.5"), [""; 0]);
    let fewer = plan(&all[1..].join(", ")).unwrap();
    assert!(open(&readiness(&state, &fewer), "GOV.5")[0].contains("a link to its history"));
    state.live.agents.get_mut("refund-bot").unwrap().reach = Some(Reach::Observed);
    assert!(open(&readiness(&state, &runbook), "GOV.5")[0].contains("a switch that reaches every agent"));
    let why = plan("traces = '', recovry = ''").unwrap_err();
    assert!(why.what.contains("did you mean recovery?"), "{why}");
}
