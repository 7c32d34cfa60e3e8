//! What the interlock answers for one call: every engaged switch that covers it counts, the strictest wins (protocol 3).

use sha2::{Digest, Sha256};

use super::{Call, Mode, Switch, SwitchState};
use crate::terms::{ActionClass, words};

words! {
    /// What the interlock answers; later words are stricter (protocol 3).
    Decision, "a decision" {
        /// Go on.
        Allow = "allow",
        /// Make a draft of it, do not act.
        Draft = "draft",
        /// Wait for a person.
        Hold = "hold",
        /// Do not.
        Deny = "deny",
    }
}

impl Call {
    /// Whether it acts on the world. Only the inventory's `read` makes a call one that merely looks; the caller's class
    /// may tighten that, never loosen it, and a tool whose class nobody stated acts (law 11).
    pub fn acts(&self) -> bool {
        let looks = self.declared_class.as_ref().is_some_and(|class| class.only_reads());
        !looks || self.claimed_class.as_ref().is_some_and(|class| !class.only_reads())
    }

    /// Whether it may reach somebody outside: customer communication, a document not known to be internal, or a call
    /// whose class no owner stated (law 11: in doubt it does).
    pub fn leaves(&self) -> bool {
        let internal = self.visible_to.as_deref() == Some("internal");
        let outward = |class: &ActionClass| class.speaks_to_customers() || (class.is_document() && !internal);
        self.declared_class.as_ref().is_none_or(outward) || self.claimed_class.as_ref().is_some_and(outward)
    }
}

/// Whether a canary of `percent` lets `run` through: the same for a run wherever it is asked. The first eight bytes of
/// the SHA-256 of the run's id, as a big-endian number, modulo 100.
pub fn in_canary(run: &str, percent: u8) -> bool {
    let digest = Sha256::digest(run.as_bytes());
    let head = digest.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    head % 100 < u64::from(percent)
}

impl Switch {
    /// What its mode answers for a call in scope: the one table (CON.2, CON.3).
    fn answer(&self, call: &Call) -> Decision {
        match self.mode {
            Mode::Halt | Mode::Fallback => Decision::Deny,
            Mode::ReadOnly if call.acts() => Decision::Deny,
            Mode::DraftOnly if call.acts() => Decision::Draft,
            Mode::Approval if call.acts() => Decision::Hold,
            Mode::Quarantine => Decision::Hold,
            Mode::FreezeOutbound if call.leaves() => Decision::Deny,
            Mode::NoNewRuns if call.run_began.is_none_or(|began| began > self.engaged_at) => Decision::Deny,
            Mode::Canary if !call.run.as_deref().is_some_and(|run| in_canary(run, self.percent.unwrap_or(0))) => {
                Decision::Hold
            }
            Mode::ReadOnly
            | Mode::DraftOnly
            | Mode::Approval
            | Mode::FreezeOutbound
            | Mode::NoNewRuns
            | Mode::Canary => Decision::Allow,
        }
    }

    /// What this switch alone answers for a call: allowed where it is lifted, or does not cover it.
    pub fn decide(&self, call: &Call) -> Decision {
        let excepted = call.agent.as_ref().is_some_and(|agent| self.except.contains(agent));
        if self.state == SwitchState::Engaged && !excepted && self.scope.covers(call) {
            self.answer(call)
        } else {
            Decision::Allow
        }
    }
}

/// The strictest decision of all `switches`, and the switch that is named for it: among equals the widest scope, then the
/// oldest.
pub fn decide<'s>(switches: impl IntoIterator<Item = &'s Switch>, call: &Call) -> (Decision, Option<&'s Switch>) {
    let mut strictest: (Decision, Option<&Switch>) = (Decision::Allow, None);
    for switch in switches {
        let decision = switch.decide(call);
        let wider = strictest.1.is_none_or(|named| (switch.scope.named(), switch.id) < (named.scope.named(), named.id));
        if decision > strictest.0 || (decision == strictest.0 && decision != Decision::Allow && wider) {
            strictest = (decision, Some(switch));
        }
    }
    strictest
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*, sample::select};

    use super::*;
    use crate::{
        incident::containment::{HaltProof, Scope},
        terms::{ActionClass, AgentId, Author, SwitchId, Time, ToolName, Workflow},
    };

    fn switch(id: u32, mode: Mode, scope: Scope) -> Switch {
        Switch {
            id: SwitchId(id),
            scope,
            except: Vec::new(),
            mode,
            state: SwitchState::Engaged,
            engaged_at: Time::from_millis(1_000),
            lane: None,
            percent: Some(50),
            stage: None,
            watch_until: None,
            recorded: true,
            by: Author::Person("dana".into()),
            why: None,
            incident: None,
            harm_at: None,
            expires_at: None,
            release: None,
            actuators: Vec::new(),
            halt: HaltProof::default(),
        }
    }

    fn call(agent: &str, declared: Option<&str>, claimed: Option<&str>) -> Call {
        let class = |class: Option<&str>| class.map(|class| ActionClass::new(class).unwrap());
        Call {
            agent: Some(AgentId::new(agent).unwrap()),
            tool: Some(ToolName::new("crm.find").unwrap()),
            declared_class: class(declared),
            claimed_class: class(claimed),
            ..Call::default()
        }
    }

    /// CON.2, CON.3: each mode for looking and acting calls, by who says which class.
    #[test]
    fn modes_decide_by_what_a_call_does_and_a_caller_only_tightens() {
        use Decision::{Allow, Deny, Draft, Hold};
        let calls = [
            call("a", Some("read"), None),
            call("a", Some("read"), Some("read")),
            call("a", Some("read"), Some("document")),
            call("a", Some("document"), Some("read")),
            call("a", None, Some("read")),
            call("a", None, None),
        ];
        for (mode, answers) in [
            (Mode::Halt, [Deny; 6]),
            (Mode::ReadOnly, [Allow, Allow, Deny, Deny, Deny, Deny]),
            (Mode::DraftOnly, [Allow, Allow, Draft, Draft, Draft, Draft]),
            (Mode::Approval, [Allow, Allow, Hold, Hold, Hold, Hold]),
            (Mode::Quarantine, [Hold; 6]),
            // What no owner stated may leave; a document is denied unless it is known to be internal.
            (Mode::FreezeOutbound, [Allow, Allow, Deny, Deny, Deny, Deny]),
            // None of these names a run.
            (Mode::NoNewRuns, [Deny; 6]),
            (Mode::Fallback, [Deny; 6]),
            (Mode::Canary, [Hold; 6]),
        ] {
            for (call, answer) in calls.iter().zip(answers) {
                assert_eq!(switch(1, mode, Scope::all()).decide(call), answer, "{mode} {call:?}");
            }
        }
        let modes: std::collections::BTreeSet<_> = Mode::ALL.iter().collect();
        assert_eq!(modes.len(), 9, "each mode has its row above");
    }

    /// CON.3: what is frozen leaves for nobody outside; the caller's word only tightens.
    #[test]
    fn freezing_outbound_lets_only_what_is_known_to_stay_inside_pass() {
        let frozen = switch(1, Mode::FreezeOutbound, Scope::all());
        for (declared, claimed, visible_to, answer) in [
            (Some("customer-communication"), None, Some("internal"), Decision::Deny),
            (Some("document"), None, Some("customer"), Decision::Deny),
            (Some("document"), None, Some("internal"), Decision::Allow),
            (Some("document"), Some("customer-communication"), Some("internal"), Decision::Deny),
            (Some("database-write"), None, None, Decision::Allow),
            (Some("database-write"), Some("document"), None, Decision::Deny),
            (None, Some("database-write"), None, Decision::Deny),
        ] {
            let call = Call { visible_to: visible_to.map(str::to_owned), ..call("a", declared, claimed) };
            assert_eq!(frozen.decide(&call), answer, "{call:?}");
        }
    }

    /// CON.3: runs in course go on, new ones do not begin, and a call without a run counts as new.
    #[test]
    fn no_new_runs_lets_the_old_ones_end() {
        let closed = switch(1, Mode::NoNewRuns, Scope::all());
        for (began, answer) in [
            (Some(999), Decision::Allow),
            (Some(1_000), Decision::Allow),
            (Some(1_001), Decision::Deny),
            (None, Decision::Deny),
        ] {
            let call = Call { run_began: began.map(Time::from_millis), ..call("a", Some("read"), None) };
            assert_eq!(closed.decide(&call), answer, "{began:?}");
        }
    }

    /// CON.3: a canary decides by the run, the same everywhere, and lets about its share through.
    #[test]
    fn a_canary_lets_its_share_of_the_runs_through() {
        let through = |percent| (0..2_000).filter(|run| in_canary(&format!("run-{run}"), percent)).count();
        assert_eq!((through(0), through(100)), (0, 2_000));
        assert!((800..1_200).contains(&through(50)), "{}", through(50));
        // Fixed vectors: another implementation must agree.
        assert_eq!([50, 95, 96].map(|percent| in_canary("run-81", percent)), [false, false, true]);
        let canary = switch(1, Mode::Canary, Scope::all());
        for run in ["run-1", "run-2", "run-3", "run-4"] {
            let call = Call { run: Some(run.into()), ..call("a", None, None) };
            let answer = if in_canary(run, 50) { Decision::Allow } else { Decision::Hold };
            assert_eq!(canary.decide(&call), answer, "{run}");
        }
    }

    /// CON.2: an exact revision and a delegation subject are scopes; a revision left out counts as the stopped one.
    #[test]
    fn a_revision_and_a_subject_are_scopes() {
        let revision = switch(1, Mode::Halt, Scope { revision: Some("v12".into()), ..Scope::default() });
        for (stated, answer) in [(Some("v12"), Decision::Deny), (Some("v13"), Decision::Allow), (None, Decision::Deny)]
        {
            let call = Call { revision: stated.map(str::to_owned), ..call("a", None, None) };
            assert_eq!(revision.decide(&call), answer, "{stated:?}");
        }
        let subject = switch(1, Mode::Halt, Scope { subject: Some("user-7".into()), ..Scope::default() });
        for (stated, answer) in
            [(Some("user-7"), Decision::Deny), (Some("user-8"), Decision::Allow), (None, Decision::Allow)]
        {
            let call = Call { subject: stated.map(str::to_owned), ..call("a", None, None) };
            assert_eq!(subject.decide(&call), answer, "{stated:?}");
        }
    }

    /// CON.12: broad and narrow halts coexist; lifting one keeps the other; an exception is for one switch only.
    #[test]
    fn the_strictest_wins_and_the_widest_is_named() {
        let agent = AgentId::new("a").unwrap();
        let mut wide = switch(2, Mode::Halt, Scope::all());
        let narrow = switch(1, Mode::Halt, Scope::agent(agent.clone()));
        let drafts = switch(3, Mode::DraftOnly, Scope::all());
        let named = |switches: &[&Switch], agent: &str| {
            let (decision, by) = decide(switches.iter().copied(), &call(agent, None, None));
            (decision, by.map(|switch| switch.id.0))
        };
        assert_eq!(named(&[], "a"), (Decision::Allow, None));
        assert_eq!(named(&[&drafts, &narrow, &wide], "a"), (Decision::Deny, Some(2)));
        assert_eq!(named(&[&drafts, &narrow], "b"), (Decision::Draft, Some(3)));
        wide.except.push(agent);
        assert_eq!(named(&[&drafts, &wide], "a"), (Decision::Draft, Some(3)));
        assert_eq!(named(&[&narrow, &wide], "a"), (Decision::Deny, Some(1)));
        wide.state = SwitchState::Released;
        assert_eq!(named(&[&wide], "new-agent"), (Decision::Allow, None));
    }

    fn class() -> impl Strategy<Value = Option<ActionClass>> {
        option::of(
            select(vec!["read", "document", "customer-communication"]).prop_map(|it| ActionClass::new(it).unwrap()),
        )
    }

    fn workflow() -> impl Strategy<Value = Option<Workflow>> {
        option::of(select(vec!["refunds", "mail"]).prop_map(|it| Workflow::new(it).unwrap()))
    }

    fn agent() -> impl Strategy<Value = Option<AgentId>> {
        option::of(select(vec!["a", "b"]).prop_map(|it| AgentId::new(it).unwrap()))
    }

    fn subject() -> impl Strategy<Value = Option<String>> {
        option::of(select(vec!["user-7".to_owned(), "user-8".to_owned()]))
    }

    fn switches() -> impl Strategy<Value = Vec<Switch>> {
        let one = (select(Mode::ALL.to_vec()), agent(), class(), workflow(), subject(), agent()).prop_map(
            |(mode, agent, class, workflow, subject, except)| Switch {
                except: except.into_iter().collect(),
                ..switch(1, mode, Scope { agent, class, workflow, subject, ..Scope::default() })
            },
        );
        proptest::collection::vec(one, 0..5)
    }

    proptest! {
        /// Law 11: whatever a caller says of its call beyond who it is, with what tool and in which run, the answer is never
        /// looser than what its owner's declaration alone gives.
        #[test]
        fn a_callers_claim_never_loosens(
            switches in switches(), declared in (agent(), class(), workflow()), claimed in (class(), workflow(), subject()),
            run in option::of("run-[0-9]"),
        ) {
            let silent = Call {
                agent: declared.0, declared_class: declared.1, declared_workflow: declared.2, run, ..Call::default()
            };
            let claims = Call {
                claimed_class: claimed.0, claimed_workflow: claimed.1, subject: claimed.2, ..silent.clone()
            };
            prop_assert!(decide(&switches, &claims).0 >= decide(&switches, &silent).0);
        }
    }
}
