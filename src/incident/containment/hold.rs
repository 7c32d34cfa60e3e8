//! A call that waits for a person: its ticket, its clock, and the word on it (CON.2, CON.12, protocol 3).

use serde::{Deserialize, Serialize};

use super::Call;
use crate::terms::{Author, HoldId, SwitchId, Time, words};

words! {
    /// Where a held call stands.
    HoldState, "a hold state" {
        /// Nobody has said anything yet.
        Waiting = "waiting",
        /// It may be called once, within a minute.
        Approved = "approved",
        /// It may not.
        Denied = "denied",
        /// Nobody said anything in time: denied; or nobody called within a minute of the approval.
        Expired = "expired",
        /// The client gave up: it is never released.
        Abandoned = "abandoned",
        /// It was approved, and called.
        Used = "used",
        /// What held it was lifted: the client asks anew.
        Lifted = "lifted",
    }
}

words! {
    /// How a hold ends without a person's word.
    HoldEnd, "a hold's end" {
        /// Its time ran out.
        Expired = "expired",
        /// Its client gave up.
        Abandoned = "abandoned",
        /// Its approval was used.
        Used = "used",
    }
}

impl From<HoldEnd> for HoldState {
    fn from(end: HoldEnd) -> Self {
        match end {
            HoldEnd::Expired => Self::Expired,
            HoldEnd::Abandoned => Self::Abandoned,
            HoldEnd::Used => Self::Used,
        }
    }
}

/// A person's word on a held call, and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HoldDecision {
    /// When.
    pub at: Time,
    /// Whose.
    pub by: Author,
    /// Approved, or denied.
    pub approved: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What the approver could see, as it was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saw: Option<String>,
    /// For how many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_s: Option<f64>,
}

/// One call that waits, or waited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Hold {
    /// `HOLD-3`.
    pub id: HoldId,
    /// Where it stands.
    pub state: HoldState,
    /// The call, as it was judged when it began to wait.
    #[serde(flatten)]
    pub call: Call,
    /// Its arguments; agent-written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<serde_json::Value>,
    /// They are longer than what is kept; the digest covers all of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub input_cut: bool,
    /// SHA-256 (hex) of the canonical (agent, tool, input): the ticket is for that call and no other.
    pub digest: String,
    /// The switch that holds it; an approval lifts only that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<SwitchId>,
    /// The team's rule that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why it waits, in words.
    pub reason: String,
    /// Since when.
    pub opened_at: Time,
    /// Milliseconds it may still wait, counted from `since`.
    pub left_ms: i64,
    /// When its clock began to run, or was stopped.
    pub since: Time,
    /// A halt stops its clock: it gets back exactly what was left (CON.12).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub frozen: bool,
    /// The person's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<HoldDecision>,
    /// When it was over without one, or was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
}

impl Hold {
    /// How long a call may wait, seconds.
    pub const TTL_S: u64 = 15 * 60;
    /// How long an approval may be used, milliseconds.
    pub const USABLE: i64 = Time::MINUTE;

    /// Milliseconds it may still wait at `now`; never below zero.
    pub fn left(&self, now: Time) -> i64 {
        let ran = if self.frozen { 0 } else { now.since(self.since).max(0) };
        (self.left_ms - ran).max(0)
    }

    /// Stops its clock at `at`, or lets it run on with what was left.
    pub fn freeze(&mut self, frozen: bool, at: Time) {
        if self.frozen != frozen {
            self.left_ms = self.left(at);
            self.since = at;
            self.frozen = frozen;
        }
    }

    /// Where it stands at `now`: time runs out before anybody writes it down.
    pub fn state_at(&self, now: Time) -> HoldState {
        match self.state {
            HoldState::Waiting if self.left(now) == 0 => HoldState::Expired,
            HoldState::Approved if !self.is_usable(now) => HoldState::Expired,
            state => state,
        }
    }

    /// Whether its approval may be used at `now`.
    pub fn is_usable(&self, now: Time) -> bool {
        let within = |decided: &HoldDecision| decided.approved && now.since(decided.at) < Self::USABLE;
        self.state == HoldState::Approved && self.decided.as_ref().is_some_and(within)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hold() -> Hold {
        let opened_at = Time::from_millis(1_795_183_200_000);
        Hold {
            id: HoldId(1),
            state: HoldState::Waiting,
            call: Call::default(),
            input: None,
            input_cut: false,
            digest: String::new(),
            switch: Some(SwitchId(1)),
            rule: None,
            reason: String::new(),
            opened_at,
            left_ms: 900_000,
            since: opened_at,
            frozen: false,
            decided: None,
            ended_at: None,
        }
    }

    proptest! {
        /// CON.12: however often halts freeze it, a hold waits exactly its time outside of them.
        #[test]
        fn a_frozen_clock_gets_back_exactly_what_was_left(spans in proptest::collection::vec((0_i64..200_000, any::<bool>()), 0..12)) {
            let (mut hold, mut now, mut ran) = (hold(), hold().opened_at, 0);
            for (span, frozen) in spans {
                hold.freeze(frozen, now);
                now = now.plus(span);
                ran += if frozen { 0 } else { span };
                prop_assert_eq!(hold.left(now), (900_000 - ran).max(0));
            }
        }
    }

    #[test]
    fn an_approval_is_good_for_a_minute() {
        let mut hold = hold();
        let at = hold.opened_at.plus(1_000);
        hold.state = HoldState::Approved;
        hold.decided = Some(HoldDecision {
            at,
            by: Author::Person("dana".into()),
            approved: true,
            why: None,
            saw: None,
            looked_s: None,
        });
        assert!(hold.is_usable(at.plus(59_999)) && !hold.is_usable(at.plus(60_000)));
        assert_eq!(hold.state_at(at.plus(60_000)), HoldState::Expired);
    }
}
