//! Any sequence of commands at all: no panic, no half-done refusal, a chain that holds, a fold that a restart repeats.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::story::{Story, agent, at, key, opened, prove};
use crate::{
    incident::{
        Command, Declare, Engage, Event, IncidentCommand as Ask, OpenHold, Role, SetAuto, Worlds, chain,
        communication::{Agreement, writing::Manuscript},
        containment::{AutoScope, AutoStage, BacktestSeen, Call, HoldEnd, Mode, ProofState, Scope, Stage},
        postmortem::{
            CaseKind, DeltaKind, DeltaState, DropCase, FilePostmortem, ProposeDelta, RegressionCase, SetPostmortem,
            SettleDelta,
        },
    },
    terms::{ActionClass, ChecklistId, DraftId, DrillId, FiringId, HoldId, IncidentId, SwitchId, Time, TokenId},
    tripwire::{FiringChange, FiringKey, Tripwire},
};

/// Who may come along: people, scripts, andon itself, an agent.
const AUTHORS: [&str; 6] = ["dana", "lee", "automation:ci", "andon:interlock", "andon:clock", "agent:a"];

fn text() -> BoxedStrategy<String> {
    prop_oneof![4 => "[a-z]{1,6}", 1 => any::<String>(), 1 => Just(String::new()), 1 => Just("x".repeat(3_000))].boxed()
}

fn word(known: &'static [&'static str]) -> BoxedStrategy<String> {
    prop_oneof![6 => prop::sample::select(known).prop_map(str::to_owned), 1 => text()].boxed()
}

fn time() -> BoxedStrategy<Time> {
    prop_oneof![6 => (-90_000i64..90_000).prop_map(at), 1 => any::<i64>().prop_map(Time::from_millis)].boxed()
}

fn who() -> BoxedStrategy<crate::terms::AgentId> {
    prop::sample::select(&["a", "b", "c"][..]).prop_map(agent).boxed()
}

fn number() -> BoxedStrategy<u32> {
    prop_oneof![20 => 1u32..4, 1 => Just(u32::MAX)].boxed()
}

fn proof() -> BoxedStrategy<Vec<(&'static str, ProofState)>> {
    let states =
        [ProofState::Idle, ProofState::Requested, ProofState::Confirmed, ProofState::Confirmed, ProofState::Escaped];
    vec(prop::sample::select(states.to_vec()), 0..3)
        .prop_map(|states| ["a", "b"].into_iter().zip(states).collect())
        .boxed()
}

fn on_incident() -> BoxedStrategy<Ask> {
    let list = || number().prop_map(ChecklistId);
    let draft = || number().prop_map(DraftId);
    let step = || word(&["list-documents", "unpublish", "answer-old-address", "search-and-links", "read-back"]);
    let class = || {
        word(&["document"]).prop_map(|class| ActionClass::new(&class).unwrap_or(ActionClass::new("document").unwrap()))
    };
    let life = prop_oneof![
        Just(Ask::Confirm {}),
        text().prop_map(|why| Ask::Dismiss { why }),
        (word(&["SEV-1", "sev-4"]), text()).prop_map(|(severity, why)| Ask::SetSeverity { severity, why }),
        (word(&["commander", "scribe"]), option::of(text())).prop_map(|(role, who)| Ask::Assign {
            role,
            who,
            note: None
        }),
        (text(), option::of(time())).prop_map(|(text, at)| Ask::Note { text, at }),
        (0u64..9).prop_map(|seq| Ask::RetractNote { seq }),
        option::of(time()).prop_map(|at| Ask::ConfirmHarm { at }),
        time().prop_map(|at| Ask::SetEarliestAction { at }),
        text().prop_map(|why| Ask::DeclareContained { why }),
        (text(), option::of(text())).prop_map(|(note, over)| Ask::Resolve { note, over }),
        text().prop_map(|why| Ask::Reopen { why }),
        option::of(text()).prop_map(|over| Ask::Close { over }),
    ];
    let work = prop_oneof![
        (class(), word(&["page"])).prop_map(|(class, target)| Ask::OpenRollback { class, target }),
        (list(), step()).prop_map(|(checklist, step)| Ask::TickStep { checklist, step }),
        (list(), step()).prop_map(|(checklist, step)| Ask::UntickStep { checklist, step }),
        (list(), step(), text()).prop_map(|(checklist, step, substitute)| Ask::MarkImpossible {
            checklist,
            step,
            substitute,
            kind: None
        }),
        (list(), text()).prop_map(|(checklist, evidence)| Ask::VerifyRollback { checklist, evidence }),
        word(&["internal", "customer"]).prop_map(|audience| Ask::StartDraft { audience }),
        (draft(), text(), text()).prop_map(|(draft, before, body)| {
            let fields = |body| crate::incident::Fields { body, ..Default::default() };
            let (edit, more) = (Manuscript::beginning(&fields(before)), Manuscript::beginning(&fields(body)));
            Ask::WriteDraft { draft, edit: edit.and(&more).unwrap_or(edit) }
        }),
        (draft(), word(&["copy", "mail", "hook"]), text()).prop_map(|(draft, channel, to)| Ask::SendDraft {
            draft,
            channel,
            to,
            over: None,
        }),
        (draft(), 0u64..4).prop_map(|(draft, version)| Ask::AgreeDraft(Agreement { draft, version })),
    ];
    prop_oneof![life.boxed(), work.boxed(), postmortem()].boxed()
}

fn postmortem() -> BoxedStrategy<Ask> {
    let case = (word(&["twice", "late"]), select(CaseKind::ALL.to_vec()), text()).prop_map(|(name, kind, input)| {
        RegressionCase { name, kind, expected: input.clone(), input, grader: String::new(), source: None }
    });
    let delta = (select(DeltaKind::ALL.to_vec()), text(), option::of(word(&["2026-12-04"])))
        .prop_map(|(kind, text, due)| ProposeDelta { kind, owner: text.clone(), text, due, backtest: None });
    let fields = word(&["impact", "gap", "due", "owner", "prevention", "no-such"]);
    let set = (prop::collection::btree_map(fields, text(), 0..3), vec(case, 0..2), vec(delta, 0..2))
        .prop_map(|(fields, cases, deltas)| Ask::SetPostmortem(SetPostmortem { fields, cases, deltas }));
    let settle = (number(), select(DeltaState::ALL.to_vec()), text())
        .prop_map(|(delta, state, note)| Ask::SettleDelta(SettleDelta { delta, state, note }));
    prop_oneof![
        4 => set,
        1 => settle,
        1 => word(&["twice"]).prop_map(|name| Ask::DropCase(DropCase { name })),
        1 => option::of(text()).prop_map(|over| Ask::FilePostmortem(FilePostmortem { over })),
    ]
    .boxed()
}

fn change() -> BoxedStrategy<FiringChange> {
    let kinds = [Tripwire::CostRate, Tripwire::Outcome, Tripwire::Breach];
    let key = (prop::sample::select(kinds.to_vec()), who(), word(&["SW-1", "email"]))
        .prop_map(|(tripwire, of, detail)| FiringKey { detail, ..key(tripwire, of.as_str(), "") });
    let figure = || option::of(any::<f64>());
    (key, 0u8..4, time(), figure(), figure(), any::<u64>())
        .prop_map(|(key, kind, when, figure, other, count)| match kind {
            0 => FiringChange::Counted { key, count: count % 100, peak: figure, last_at: when },
            1 => FiringChange::Closed { key, at: when },
            _ => match opened(key, 0) {
                FiringChange::Opened { key, received_at, note, run, workflow, .. } => FiringChange::Opened {
                    key,
                    at: when,
                    received_at,
                    window: figure,
                    limit: other,
                    baseline: other,
                    note,
                    run,
                    workflow,
                },
                other => other,
            },
        })
        .boxed()
}

fn switches() -> BoxedStrategy<Command> {
    let engage = (
        option::of(who()),
        option::of(number().prop_map(IncidentId)),
        option::of(time()),
        option::weighted(0.2, time()),
        any::<bool>(),
        option::of(text()),
        (select(Mode::ALL.to_vec()), option::weighted(0.1, time()), option::of(0_u8..=120)),
    )
        .prop_map(|(agent, incident, harm_at, expires_at, declare, why, (mode, starts_at, percent))| {
            let scope = Scope { agent, ..Scope::all() };
            let percent = percent.filter(|_| mode == Mode::Canary);
            let lane = (mode == Mode::Fallback).then(|| "human".to_owned());
            let rest = Engage { declare, starts_at, lane, percent, ..Engage::default() };
            Command::Engage(Engage { scope, mode, why, incident, harm_at, expires_at, ..rest })
        });
    let switch = || number().prop_map(SwitchId);
    prop_oneof![
        engage,
        (switch(), option::of(text()), option::of(time()), option::of(number().prop_map(IncidentId)))
            .prop_map(|(switch, why, harm_at, incident)| Command::Annotate { switch, why, harm_at, incident }),
        (switch(), text(), option::of(who()), option::of(select(Stage::ALL.to_vec())))
            .prop_map(|(switch, why, agent, to)| Command::Release { switch, why, agent, to, over: None }),
        switch().prop_map(|switch| Command::Begin { switch }),
        (number(), proof(), time()).prop_map(|(id, proof, at)| prove(id, &proof, at)),
    ]
    .boxed()
}

fn holds() -> BoxedStrategy<Command> {
    let ids = || vec(number().prop_map(HoldId), 0..3);
    let open = (who(), number().prop_map(SwitchId), word(&["a", "b"])).prop_map(|(agent, switch, digest)| {
        Command::OpenHold(Box::new(OpenHold {
            call: Call { agent: Some(agent), ..Call::default() },
            input: Some(serde_json::json!({"amount": 120.5})),
            input_cut: false,
            digest,
            switch: Some(switch),
            rule: None,
            reason: "held".into(),
        }))
    });
    prop_oneof![
        3 => open,
        2 => (ids(), any::<bool>(), option::of(text()), option::of(any::<f64>())).prop_map(
            |(holds, approve, why, looked_s)| Command::DecideHolds { holds, approve, saw: why.clone(), why, looked_s }
        ),
        1 => ids().prop_map(|holds| Command::UseHolds { holds }),
        1 => (ids(), select(HoldEnd::ALL.to_vec())).prop_map(|(holds, how)| Command::EndHolds { holds, how }),
    ]
    .boxed()
}

fn auto() -> BoxedStrategy<Command> {
    let of = (select(Tripwire::ALL.to_vec()), option::weighted(0.2, text()), option::weighted(0.2, text()));
    let what = (select(AutoStage::ALL.to_vec()), select(AutoScope::ALL.to_vec()), select(Mode::ALL.to_vec()));
    (of, what, any::<bool>())
        .prop_map(|((tripwire, rule, why), (stage, scope, mode), shown)| {
            let seen = BacktestSeen { digest: "0a".repeat(32), days: 7, actions: 1, engagements: 1 };
            let backtest = shown.then_some(seen);
            Command::SetAuto(SetAuto { tripwire, rule, stage, scope, mode, why, backtest })
        })
        .boxed()
}

fn command() -> BoxedStrategy<Command> {
    let declare = (text(), word(&["SEV-1", "SEV-3"]), option::of(number()), vec(who(), 0..3), option::of(time()))
        .prop_map(|(title, severity, firing, agents, harm_at)| {
            let (severity, firing) = (Some(severity), firing.map(FiringId));
            Command::Declare(Declare { title, severity, agents, firing, harm_at, ..Declare::default() })
        });
    let token = (text(), option::of(who())).prop_map(|(name, agent)| {
        let role = if agent.is_some() { Role::Agent } else { Role::Viewer };
        Command::MakeToken { name, role, agent, hash: "0a".repeat(32) }
    });
    prop_oneof![
        3 => declare,
        12 => (number(), on_incident()).prop_map(|(id, ask)| Command::OnIncident { incident: IncidentId(id), ask }),
        8 => switches(),
        4 => holds(),
        3 => vec(change(), 0..4).prop_map(|changes| Command::Fire { changes }),
        1 => vec(who(), 0..3).prop_map(|ids| {
            super::agents::declared(&ids.iter().map(|id| id.as_str()).collect::<Vec<_>>())
        }),
        1 => (number(), any::<bool>()).prop_map(|(id, expected)| Command::AckFiring { firing: FiringId(id), expected }),
        3 => auto(),
        1 => token,
        1 => number().prop_map(|id| Command::RevokeToken { token: TokenId(id) }),
        1 => (text(), any::<f64>()).prop_map(|(name, speed)| {
            Command::StartDrill { title: name.clone(), name, seed: 7, speed: if speed < 0.0 { speed } else { 1.5 }, course: Box::default(), armed: Box::default() }
        }),
        1 => number().prop_map(|id| Command::EndDrill { drill: DrillId(id) }),
    ]
    .boxed()
}

/// One step: who asks, how many seconds after the step before, in which world, what, and whom a switch would count.
type Step = (usize, i64, Option<u32>, Command, Vec<(&'static str, ProofState)>);

fn steps() -> BoxedStrategy<Vec<Step>> {
    let author = prop_oneof![8 => 0usize..2, 1 => 0..AUTHORS.len()];
    vec((author, 0i64..600, option::weighted(0.15, 1u32..3), command(), proof()), 0..40).boxed()
}

fn through_json<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// EVI.4, law 1, RST.5.
    #[test]
    fn any_sequence_of_commands_leaves_a_log_that_holds(steps in steps()) {
        let mut story = Story::new();
        let mut seconds = 0;
        for (author, later, drill, command, counted) in steps {
            seconds += later;
            story.at(seconds).by(AUTHORS[author]).in_drill(drill).counting(&counted);
            let command = through_json(&command);
            let (before, length) = (story.worlds.clone(), story.events.len());
            match story.ask(command) {
                Ok(facts) => {
                    prop_assert!(facts.is_empty() || !AUTHORS[author].starts_with("agent:"));
                    prop_assert_eq!(story.events.len(), length + facts.len());
                }
                Err(refusal) => {
                    prop_assert!(!refusal.detail.is_empty());
                    prop_assert_eq!(story.events.len(), length);
                    prop_assert_eq!(&before, &story.worlds);
                }
            }
        }
        prop_assert_eq!(chain::verify(&story.events), Ok(story.events.len() as u64));
        let read: Vec<Event> = story.events.iter().map(through_json).collect();
        prop_assert_eq!(chain::verify(&read), Ok(read.len() as u64));
        let mut again = Worlds::default();
        read.iter().for_each(|event| again.apply(event));
        prop_assert_eq!(&again, &story.worlds);
        for token in again.tokens.values_mut() {
            token.hash.clear();
        }
        prop_assert_eq!(through_json(&again), again);
    }
}
