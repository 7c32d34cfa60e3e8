//! What the interlock answers for one call: every engaged switch that covers it counts, the strictest wins (protocol 3).

use super::{Call, Mode, Switch, SwitchState};
use crate::terms::words;

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
}

impl Mode {
    /// What this mode answers for a call in scope.
    pub fn decide(self, call: &Call) -> Decision {
        match self {
            Self::Halt => Decision::Deny,
            Self::ReadOnly if call.acts() => Decision::Deny,
            Self::DraftOnly if call.acts() => Decision::Draft,
            Self::Approval if call.acts() => Decision::Hold,
            Self::ReadOnly | Self::DraftOnly | Self::Approval => Decision::Allow,
        }
    }
}

impl Switch {
    /// What this switch alone answers for a call: allowed where it is lifted, or does not cover it.
    pub fn decide(&self, call: &Call) -> Decision {
        let excepted = call.agent.as_ref().is_some_and(|agent| self.except.contains(agent));
        if self.state == SwitchState::Engaged && !excepted && self.scope.covers(call) {
            self.mode.decide(call)
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
            engaged_at: Time::default(),
            recorded: true,
            by: Author::Person("dana".into()),
            why: None,
            incident: None,
            harm_at: None,
            expires_at: None,
            release: None,
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
        ] {
            for (call, answer) in calls.iter().zip(answers) {
                assert_eq!(mode.decide(call), answer, "{mode} {call:?}");
            }
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
                ..switch(1, mode, Scope { agent, class, workflow, subject, tool: None })
            },
        );
        proptest::collection::vec(one, 0..5)
    }

    proptest! {
        /// Law 11: whatever a caller says of its call beyond who it is and with what tool, the answer is never looser than
        /// what its owner's declaration alone gives.
        #[test]
        fn a_callers_claim_never_loosens(
            switches in switches(), declared in (agent(), class(), workflow()), claimed in (class(), workflow(), subject()),
            run in option::of("run-[0-9]"),
        ) {
            let silent = Call { agent: declared.0, declared_class: declared.1, declared_workflow: declared.2, ..Call::default() };
            let claims = Call {
                claimed_class: claimed.0, claimed_workflow: claimed.1, subject: claimed.2, run, ..silent.clone()
            };
            prop_assert!(decide(&switches, &claims).0 >= decide(&switches, &silent).0);
        }
    }
}
