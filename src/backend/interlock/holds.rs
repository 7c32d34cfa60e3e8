//! A call that must wait: its ticket is opened here, used up here, and waited on at `/v1/holds/ID` (CON.2, CON.12).

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Interlock, Way, before::Lifted, http::Ways};
use crate::{
    api::{CheckAnswer, CheckRequest, Decision, HoldView, Problem},
    incident::{
        Command, OpenHold,
        containment::{Call, Hold, HoldEnd, HoldState},
    },
    terms::{AgentId, Author, DrillId, HoldId, Time, ToolName},
};

/// The longest input an approver is shown, in bytes of JSON.
const SHOWN: usize = 16 << 10;
/// The longest a client may wait in one request.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The largest integer that a double holds exactly.
const EXACT: f64 = 9_007_199_254_740_991.0;

/// Judges a call all the way: what must wait gets a ticket, and an approved ticket is used up for exactly one call.
///
/// # Errors
/// 404 for a drill nobody started.
pub async fn judge(
    ways: &Ways,
    drill: Option<DrillId>,
    asked: &CheckRequest,
    way: Way,
) -> Result<CheckAnswer, Problem> {
    let interlock = ways.interlock(drill)?;
    let now = (ways.backend.clock)();
    let answer = interlock.check(asked, way, now);
    if answer.decision != Decision::Hold {
        return Ok(answer);
    }
    let waiting = Waiting { ways, drill, interlock: &interlock, digest: digest(asked), now };
    waiting.settle(asked, answer).await
}

/// One call on its way through its tickets.
struct Waiting<'a> {
    ways: &'a Ways,
    drill: Option<DrillId>,
    interlock: &'a Interlock,
    digest: String,
    now: Time,
}

impl Waiting<'_> {
    async fn settle(&self, asked: &CheckRequest, held: CheckAnswer) -> Result<CheckAnswer, Problem> {
        let mut approved = Vec::new();
        if let Some(id) = asked.hold {
            match self.shown(asked, id) {
                Ok(HoldState::Approved) => approved = self.approved(),
                Ok(_) => {}
                Err(reason) => return Ok(denied(held, reason)),
            }
        }
        let table = self.interlock.table();
        let call = self.interlock.call(&table, asked, self.now);
        let lifted = Lifted {
            switches: approved.iter().filter_map(|hold| hold.switch).collect(),
            rules: approved.iter().filter_map(|hold| hold.rule.clone()).collect(),
        };
        let answer = self.interlock.check_but(&table, asked, &call, &lifted, self.now);
        match answer.decision {
            Decision::Deny => Ok(answer),
            Decision::Hold => self.open(asked, call, answer).await,
            Decision::Allow | Decision::Draft => self.use_up(approved, asked, &call, answer).await,
        }
    }

    /// Where the ticket that was shown stands.
    ///
    /// # Errors
    /// Why it lets nobody through.
    fn shown(&self, asked: &CheckRequest, id: HoldId) -> Result<HoldState, String> {
        let worlds = self.ways.backend.core.worlds();
        let Some(hold) = worlds.get(self.drill).and_then(|world| world.holds.get(&id)) else {
            return Err(self.forged(asked, id, "there is no such ticket"));
        };
        if hold.digest != self.digest {
            return Err(self.forged(asked, id, "it is for another call"));
        }
        match hold.state_at(self.now) {
            HoldState::Denied => {
                let decided = hold.decided.as_ref();
                let by = decided.map(|decided| format!(" by {}", decided.by)).unwrap_or_default();
                let why = decided.and_then(|decided| decided.why.as_ref()).map(|why| format!(": {why}"));
                Err(format!("{id} was denied{by}{}", why.unwrap_or_default()))
            }
            HoldState::Expired => Err(format!("{id} ran out: nobody approved it in time, or it was used too late")),
            HoldState::Abandoned => Err(format!("{id} was given up by its client: it is never released")),
            HoldState::Used => Err(format!("{id} was used already: a ticket is good for one call")),
            state => Ok(state),
        }
    }

    /// A ticket that is none for this call: refused, and told at once (DET.13).
    fn forged(&self, asked: &CheckRequest, id: HoldId, what: &str) -> String {
        self.interlock.forged(&asked.agent, id, what, self.now);
        format!("{id}: {what}; ask again without it")
    }

    /// Every approved ticket for this very call: two switches may hold it, each approval lifts one.
    fn approved(&self) -> Vec<Hold> {
        let worlds = self.ways.backend.core.worlds();
        let holds = worlds.get(self.drill).into_iter().flat_map(|world| world.holds.values());
        let usable = holds.filter(|hold| hold.digest == self.digest && hold.is_usable(self.now));
        usable.map(|hold| Hold::clone(hold)).collect()
    }

    /// A ticket lets one call through once its use is on disk: a crash in between denies, it never allows twice.
    async fn use_up(
        &self,
        approved: Vec<Hold>,
        asked: &CheckRequest,
        call: &Call,
        answer: CheckAnswer,
    ) -> Result<CheckAnswer, Problem> {
        let ids: Vec<HoldId> = approved.iter().map(|hold| hold.id).collect();
        if ids.is_empty() {
            return Ok(answer);
        }
        let hold = ids.first().copied();
        match self.ask(Command::UseHolds { holds: ids }).await {
            Ok(()) => {
                self.interlock.approved_before(&self.interlock.table(), asked, self.now);
                self.interlock.grant(call, approved.iter().filter_map(|hold| hold.switch).collect(), self.now);
                Ok(CheckAnswer { hold, ..answer })
            }
            Err(problem) => Ok(denied(answer, problem.detail)),
        }
    }

    /// A ticket for a call that waits; the same call asked again waits on with the one it has.
    async fn open(&self, asked: &CheckRequest, call: Call, answer: CheckAnswer) -> Result<CheckAnswer, Problem> {
        let (input, input_cut) = shown(asked.input.as_ref());
        let reason = answer.reason.clone().unwrap_or_default();
        let hold = OpenHold {
            call,
            input,
            input_cut,
            digest: self.digest.clone(),
            switch: answer.switch,
            rule: answer.rule.clone(),
            reason,
        };
        if let Some(id) = self.open_already(&answer) {
            self.interlock.hold_asked(id, self.now);
            return Ok(CheckAnswer { hold: Some(id), ..answer });
        }
        match self.ask(Command::OpenHold(Box::new(hold))).await {
            Ok(()) => match self.open_already(&answer) {
                Some(id) => {
                    self.interlock.hold_asked(id, self.now);
                    Ok(CheckAnswer { hold: Some(id), ..answer })
                }
                None => Ok(denied(answer, "what held this call has just changed: ask again".into())),
            },
            Err(problem) => Ok(denied(answer, problem.detail)),
        }
    }

    fn open_already(&self, answer: &CheckAnswer) -> Option<HoldId> {
        let worlds = self.ways.backend.core.worlds();
        let now = (self.ways.backend.clock)();
        let mut holds = worlds.get(self.drill)?.holds.values().rev();
        let same = |hold: &Hold| {
            hold.state_at(now) == HoldState::Waiting
                && hold.digest == self.digest
                && (hold.switch, &hold.rule) == (answer.switch, &answer.rule)
        };
        holds.find(|hold| same(hold)).map(|hold| hold.id)
    }

    async fn ask(&self, command: Command) -> Result<(), Problem> {
        let by = Author::Andon("interlock".to_owned());
        self.ways.backend.core.submit(self.drill, Uuid::now_v7(), by, command).await.map(|_| ())
    }
}

fn denied(answer: CheckAnswer, reason: String) -> CheckAnswer {
    CheckAnswer { decision: Decision::Deny, reason: Some(reason), hold: None, ..answer }
}

/// What a ticket is bound to: the SHA-256 of the canonical (agent, tool, input).
pub fn digest(asked: &CheckRequest) -> String {
    digest_of(&asked.agent, asked.tool.as_ref(), asked.input.as_ref())
}

/// The same of a call in its parts.
pub(super) fn digest_of(agent: &AgentId, tool: Option<&ToolName>, input: Option<&Value>) -> String {
    let bound = json!({ "agent": agent, "tool": tool, "input": input.map(exact) });
    // Every value that was read as JSON can be written as JSON.
    hex::encode(Sha256::digest(serde_json_canonicalizer::to_vec(&bound).unwrap_or_default()))
}

/// The same value with every number that canonical JSON would round as its digits: two inputs that differ have two
/// digests.
fn exact(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let digits = number.to_string();
            let kept = number.as_f64().is_some_and(|double| {
                if number.is_i64() || number.is_u64() {
                    double.abs() <= EXACT
                } else {
                    serde_json::Number::from_f64(double).is_some_and(|same| same.to_string() == digits)
                }
            });
            if kept { value.clone() } else { Value::String(digits) }
        }
        Value::Array(items) => items.iter().map(exact).collect(),
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), exact(field))).collect(),
        other => other.clone(),
    }
}

/// An input as an approver sees it, and whether it was cut.
fn shown(input: Option<&Value>) -> (Option<Value>, bool) {
    // As the digest takes it: the log's own hash covers every digit of it.
    let Some(input) = input.map(exact) else { return (None, false) };
    let text = input.to_string();
    if text.len() <= SHOWN {
        return (Some(input), false);
    }
    let end = (0..=SHOWN).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    (Some(Value::String(text[..end].to_owned())), true)
}

/// Waits until `hold` no longer waits, at most `wait`; then tells where it stands.
///
/// # Errors
/// 404 when there is none in this world.
pub async fn wait(ways: &Ways, drill: Option<DrillId>, id: HoldId, wait: Duration) -> Result<HoldView, Problem> {
    let interlock = ways.interlock(drill)?;
    let mut events = ways.backend.core.subscribe();
    let deadline = Instant::now() + wait.min(LONGEST_WAIT);
    loop {
        let now = (ways.backend.clock)();
        interlock.hold_asked(id, now);
        let view = view(ways, drill, id)?;
        let left = Duration::from_millis(u64::try_from(view.hold.left(now)).unwrap_or(0));
        if view.hold.state != HoldState::Waiting || Instant::now() >= deadline {
            return Ok(view);
        }
        let until = deadline.min(Instant::now() + left + Duration::from_millis(1));
        tokio::select! {
            () = ways.backend.stop.cancelled() => return Ok(view),
            () = tokio::time::sleep_until(until) => {}
            // Whatever came, the fold is read again; one that lagged has read less than it missed.
            _ = events.recv() => {}
        }
    }
}

/// Where a hold stands now.
///
/// # Errors
/// 404 when there is none in this world.
pub fn view(ways: &Ways, drill: Option<DrillId>, id: HoldId) -> Result<HoldView, Problem> {
    let worlds = ways.backend.core.worlds();
    let hold = worlds.get(drill).and_then(|world| world.holds.get(&id));
    let hold = hold.ok_or_else(|| {
        Problem::unknown(format!("there is no {id} in this world; `andon holds` shows those that wait"))
    })?;
    let interlock = ways.interlock(drill)?;
    Ok(HoldView::of(hold, interlock.hold_asked_at(id), (ways.backend.clock)()))
}

/// The client gave up: whatever is said of it later, it is never released.
///
/// # Errors
/// 404 when there is none, or what the log says.
pub async fn abandon(ways: &Ways, drill: Option<DrillId>, id: HoldId) -> Result<HoldView, Problem> {
    let by = Author::Andon("interlock".to_owned());
    let command = Command::EndHolds { holds: vec![id], how: HoldEnd::Abandoned };
    ways.backend.core.submit(drill, Uuid::now_v7(), by, command).await?;
    view(ways, drill, id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked(input: Value) -> CheckRequest {
        CheckRequest { input: Some(input), ..CheckRequest::by(AgentId::new("refund-bot").unwrap()) }
    }

    #[test]
    fn a_ticket_is_for_one_call_only_and_no_number_is_rounded() {
        let same = [json!({"amount": 120.0, "to": "a"}), json!({"to": "a", "amount": 120.0})];
        assert_eq!(digest(&asked(same[0].clone())), digest(&asked(same[1].clone())));
        let mut digests = std::collections::BTreeSet::new();
        for input in [
            json!(null),
            json!({}),
            json!({"amount": 120.1}),
            json!(9_007_199_254_740_992_u64),
            json!(9_007_199_254_740_993_u64),
            json!([9_007_199_254_740_994_u64]),
        ] {
            assert!(digests.insert(digest(&asked(input.clone()))), "{input}");
        }
        let other = CheckRequest { tool: Some("stripe.payout".parse().unwrap()), ..asked(json!({})) };
        assert!(digests.insert(digest(&other)));
    }

    #[test]
    fn a_long_input_is_cut_between_characters() {
        let (short, cut) = shown(Some(&json!({"to": "é"})));
        assert_eq!((short, cut), (Some(json!({"to": "é"})), false));
        let (long, cut) = shown(Some(&json!("é".repeat(20_000))));
        let Some(Value::String(text)) = long else { panic!("a text") };
        assert!(cut && text.len() <= SHOWN && text.len() > SHOWN - 4);
    }

    proptest! {
        #[test]
        fn every_integer_has_its_own_digest(one in any::<i64>(), two in any::<i64>()) {
            prop_assert_eq!(digest(&asked(json!(one))) == digest(&asked(json!(two))), one == two);
        }
    }
}
