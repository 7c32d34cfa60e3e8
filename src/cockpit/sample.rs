//! Models to draw and drive in tests, made by the real rules: commands decided and folded, no fields set by hand.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    link::Link,
    message::Message,
    model::{Look, Model},
    sync,
    text::Zone,
    theme::{Theme, ThemeName},
    update::update,
};
use crate::{
    api::{AgentLive, BackendInfo, Live, RecordingView, State, You},
    incident::{
        Command, Context, Declare, Engage, Event, Fields, IncidentCommand, Reach, Worlds, chain,
        communication::writing,
        containment::{AgentProof, HaltProof, ProofHow, ProofState, Scope},
        decide,
        drilled::Harm,
    },
    runbook::Runbook,
    terms::{ActionClass, AgentId, Author, ChecklistId, DraftId, DrillId, IncidentId, SwitchId, Time},
    tripwire::{FiringChange, FiringKey, Tripwire},
};

/// 14:06:31 on the day the sketches play.
pub fn at(clock: &str) -> Time {
    format!("2026-11-20T{clock}Z").parse().expect("a clock time")
}

pub fn agent(name: &str) -> AgentId {
    AgentId::new(name).expect("an agent's name")
}

/// The shipped runbook with words of its own, so that a better wording there leaves the screens here alone.
pub fn runbook() -> Arc<Runbook> {
    let mut runbook = Runbook::shipped();
    for level in runbook.schemes.values_mut().flat_map(|scheme| &mut scheme.levels) {
        level.meaning = format!("what {} means", level.id);
    }
    for plan in &mut runbook.classes {
        plan.title = format!("Class {}", plan.class);
        plan.authorised = "the on-call for it".into();
        for (at, step) in plan.steps.iter_mut().enumerate() {
            step.text =
                format!("step {} of the procedure, told in a sentence long enough to be broken in a split", at + 1);
            step.command = (at == 1).then(|| "ledger list --since 14:01".into());
        }
    }
    Arc::new(runbook)
}

/// A world grown by commands.
pub struct Story {
    pub worlds: Worlds,
    pub runbook: Arc<Runbook>,
    pub drill: Option<DrillId>,
    /// Every event so far.
    pub events: Vec<Event>,
    position: u64,
    seqs: BTreeMap<String, (u64, String)>,
}

impl Story {
    pub fn new() -> Self {
        Self {
            worlds: Worlds::default(),
            runbook: runbook(),
            drill: None,
            events: Vec::new(),
            position: 0,
            seqs: BTreeMap::new(),
        }
    }

    /// Decides and folds one command; panics where the rules refuse it.
    pub fn ask(&mut self, clock: &str, by: &str, command: Command) -> &mut Self {
        let now = at(clock);
        let by: Author = by.parse().expect("an author");
        let context = Context { by: by.clone(), now, drill: self.drill, counted: Vec::new(), runs: None };
        let facts = decide(&self.worlds, &self.runbook, &context, &command).expect("the story keeps to the rules");
        for fact in facts {
            self.position += 1;
            let stream = fact.stream.to_string();
            let (seq, prev) = self.seqs.get(&stream).cloned().unwrap_or((0, "0".repeat(64)));
            let place = chain::Place {
                position: self.position,
                epoch: 1,
                seq: seq + 1,
                id: uuid::Uuid::from_u128(u128::from(self.position)),
                recorded_at: now,
                prev,
            };
            let event = chain::seal(fact, place).expect("a fact that seals");
            self.seqs.insert(stream, (seq + 1, event.hash.clone()));
            self.worlds.apply(&event);
            self.events.push(event);
        }
        self
    }

    /// Lee has a draft read as in `fields`.
    pub fn writes(&mut self, clock: &str, draft: DraftId, fields: &Fields) -> &mut Self {
        let known = &self.worlds.real.incidents[&IncidentId(1)].drafts;
        let of = known.iter().find(|one| one.id == draft).expect("a draft of the story");
        let edit = writing::edit_to(of, 100 + self.position, fields).expect("edits that read").expect("something new");
        self.on(clock, "lee", IncidentCommand::WriteDraft { draft, edit })
    }

    pub fn on(&mut self, clock: &str, by: &str, ask: IncidentCommand) -> &mut Self {
        self.ask(clock, by, Command::OnIncident { incident: IncidentId(1), ask })
    }

    pub fn fire(&mut self, clock: &str, key: (Tripwire, &str, &str), figures: (f64, f64, f64)) -> &mut Self {
        let opened = FiringChange::Opened {
            key: FiringKey { tripwire: key.0, agent: agent(key.1), detail: key.2.into() },
            at: at(clock),
            received_at: at(clock),
            window: (figures.0 > 0.0).then_some(figures.0),
            limit: (figures.1 > 0.0).then_some(figures.1),
            baseline: (figures.2 > 0.0).then_some(figures.2),
            note: None,
            run: None,
            workflow: None,
        };
        self.ask(clock, "andon:tripwires", Command::Fire { changes: vec![opened] })
    }

    /// What a backend would answer now.
    pub fn state(&self, live: Live) -> State {
        State {
            upkeep: crate::incident::upkeep::Upkeep::default(),
            epoch: 1,
            position: self.position,
            world: self.worlds.get(self.drill).cloned().unwrap_or_default(),
            drills: self.worlds.takes.values().cloned().collect(),
            you: You {
                name: Author::Person("dana".into()),
                may_act: true,
                may: crate::incident::Right::ALL.to_vec(),
                signs: true,
            },
            backend: BackendInfo {
                nodes: Vec::new(),
                version: "0.1.0".into(),
                shared: true,
                host: "jump1".into(),
                telemetry: Some("127.0.0.1:7420".into()),
                log_file: Some("/var/lib/andon/andon.log".into()),
                broker: None,
            },
            live,
        }
    }
}

/// Two payment bots, one seen only from outside.
pub fn live() -> Live {
    let one = |reach, leases| AgentLive {
        reach: Some(reach),
        leases,
        last_seen: Some(at("14:06:20")),
        baseline_hours: 30,
        median_calls: Some(40.0),
        ..AgentLive::default()
    };
    Live {
        now: at("14:06:31"),
        agents: BTreeMap::from([
            ("refund-bot".into(), one(Reach::Leased, 3)),
            ("mail-bot".into(), one(Reach::Checks, 0)),
            ("old-scraper".into(), one(Reach::Observed, 0)),
        ]),
        present: vec!["dana".into(), "kim".into()],
        spend_per_minute: (0..60).map(|minute| if minute > 50 { 0.9 } else { 0.1 }).collect(),
        ..Live::default()
    }
}

/// The story of the sketches: a bot pays twice, is halted, a checklist and a draft are under way.
pub fn paying_twice() -> Story {
    let mut story = Story::new();
    story
        .fire("14:03:10", (Tripwire::CostRate, "refund-bot", ""), (41.2, 24.2, 12.1))
        .ask(
            "14:04:00",
            "dana",
            Command::Declare(Declare {
                title: "refund-bot paying twice".into(),
                severity: Some("SEV-2".into()),
                workflow: Some("refunds".into()),
                agents: vec![agent("refund-bot")],
                ..Declare::default()
            }),
        )
        .fire("14:05:41", (Tripwire::Authorisation, "refund-bot", "stripe.payout"), (0.0, 0.0, 0.0))
        .on("14:05:50", "dana", IncidentCommand::SetSeverity { severity: "SEV-1".into(), why: "money leaves".into() })
        .on("14:05:58", "dana", IncidentCommand::ConfirmHarm { at: Some(at("14:05:58")) })
        .ask(
            "14:06:00",
            "dana",
            Command::Engage(Engage {
                scope: Scope::agent(agent("refund-bot")),
                why: Some("pays twice".into()),
                incident: Some(IncidentId(1)),
                harm_at: Some(at("14:05:58")),
                ..Engage::default()
            }),
        )
        .ask("14:06:09", "andon:interlock", Command::Prove { switch: SwitchId(1), halt: proof() })
        .on(
            "14:06:12",
            "dana",
            IncidentCommand::Assign { role: "commander".into(), who: Some("dana".into()), note: None },
        )
        .on(
            "14:06:14",
            "kim",
            IncidentCommand::OpenRollback {
                class: ActionClass::new("external-api-call").expect("a class"),
                target: "payouts since 14:01".into(),
            },
        );
    let first = story.worlds.real.incidents[&IncidentId(1)].checklists[0].steps[0].plan.id.clone();
    story
        .on("14:06:20", "kim", IncidentCommand::TickStep { checklist: ChecklistId(1), step: first })
        .on("14:06:22", "lee", IncidentCommand::StartDraft { audience: "customer".into() })
        .on("14:06:25", "lee", IncidentCommand::Note { text: "processor confirms 41 duplicates".into(), at: None });
    story
}

fn proof() -> HaltProof {
    HaltProof {
        counted: 1,
        confirmed: 1,
        confirmed_in_s: Some(11.4),
        agents: vec![AgentProof {
            id: agent("refund-bot"),
            state: ProofState::Confirmed,
            how: Some(ProofHow::Acknowledged),
            at: at("14:06:09"),
        }],
        ..HaltProof::default()
    }
}

/// A cockpit that has not heard from its backend yet.
pub fn blank(size: (u16, u16)) -> Model {
    let look = Look { theme: Theme::shipped(ThemeName::Dark), colours: true, ascii: false, zone: Zone::Utc };
    let mut model = Model::new(at("14:06:31"), size, look);
    model.runbook = Some(runbook());
    model.recordings = vec![RecordingView {
        name: "refund-loop".into(),
        title: "A refund bot pays twice".into(),
        modelled_on: None,
        speed: 60.0,
        length_s: 3_600.0,
        harm: Harm { people: 41, ..Harm::NONE },
    }];
    sync::follow(&mut model, None);
    model
}

/// A cockpit that shows `story`.
pub fn showing(story: &Story, live: Live, size: (u16, u16)) -> Model {
    let mut model = blank(size);
    sync::follow(&mut model, story.drill);
    let (load, now) = (model.load, model.now);
    update(&mut model, now, Message::Loaded { load, state: Ok(Box::new(story.state(live))) });
    model.link = Link::Live;
    model
}

/// The sketches' cockpit.
pub fn model(size: (u16, u16)) -> Model {
    showing(&paying_twice(), live(), size)
}

/// Agents, tools, notes and titles written to harm a terminal.
pub fn hostile() -> Story {
    const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}evil\u{200b}日本語\r\nSEV-4 all fine";
    let mut story = Story::new();
    story
        .fire("14:03:10", (Tripwire::Authorisation, "bot\u{202e}tob", EVIL), (0.0, 0.0, 0.0))
        .ask("14:04:00", "dana", Command::Declare(Declare { title: EVIL.replace("\r\n", ""), ..Declare::default() }))
        .on("14:06:25", "lee", IncidentCommand::Note { text: EVIL.into(), at: None })
        .on("14:06:26", "lee", IncidentCommand::StartDraft { audience: "customer".into() });
    let draft = story.worlds.real.incidents[&IncidentId(1)].drafts[0].clone();
    let mut fields = draft.fields;
    fields.body = EVIL.into();
    story.writes("14:06:27", DraftId(1), &fields);
    story
}
