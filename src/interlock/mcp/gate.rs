//! Judges one call, all the way: asks the interlock, waits for a person where it must, and asks again (DET.12, CON.12).

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use super::call::Call;
use crate::{
    api::{CheckAnswer, CheckRequest, Decision},
    client::{Client, ClientError},
    incident::containment::HoldState,
    interlock::lease::{Holder, Standing},
    terms::{HoldId, Printable, Time},
};

/// How long one request waits on a hold, seconds; between them the client hears of progress.
const WAIT_S: u64 = 5;
/// Pause before a question that got no answer is asked again, while a call is held.
const PAUSE: Duration = Duration::from_secs(1);

/// What stands between a client's calls and a server.
#[derive(Clone)]
pub struct Gate {
    /// Asks the backend.
    pub client: Client,
    /// For whom.
    pub holder: Arc<Holder>,
    /// The run that its calls belong to.
    pub run: Arc<str>,
    /// What applies to the agent as a whole; nothing while it has no lease.
    pub standing: Option<watch::Receiver<Standing>>,
}

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It goes to the server.
    Pass,
    /// It does not.
    Stop(CheckAnswer),
    /// It waits for a person.
    Wait(HoldId, CheckAnswer),
}

fn now() -> Time {
    chrono::Utc::now().into()
}

impl Gate {
    /// Asks once, with a ticket or without.
    pub async fn ask(&self, call: &Call, hold: Option<HoldId>) -> Verdict {
        let question = call.question(&self.holder.agent, &self.run, hold, now());
        match self.client.check(&question).await {
            Ok(answer) => match (answer.decision, answer.hold) {
                (Decision::Allow, _) => Verdict::Pass,
                (Decision::Hold, Some(hold)) => Verdict::Wait(hold, answer),
                _ => Verdict::Stop(answer),
            },
            Err(why) if self.holder.goes_on_blind() && blind(&why) => Verdict::Pass,
            Err(why) => Verdict::Stop(unasked(&why)),
        }
    }

    /// Why a call that runs already may not go on; nothing while nobody denies it.
    pub async fn denied(&self, call: &Call) -> Option<CheckAnswer> {
        let question = CheckRequest { look: true, ..call.question(&self.holder.agent, &self.run, None, now()) };
        match self.client.check(&question).await {
            Ok(answer) => Some(answer).filter(|answer| answer.decision == Decision::Deny),
            // Its lease says when it must stop for want of an answer.
            Err(why) if blind(&why) => None,
            Err(why) => Some(unasked(&why)),
        }
    }

    /// Waits on a held call until somebody said something, calling `heard` every few seconds.
    pub async fn wait(&self, call: &Call, hold: HoldId, mut heard: impl FnMut(u64, String)) -> Verdict {
        let mut step = 0;
        loop {
            let view = match self.client.wait_hold(hold, WAIT_S).await {
                Ok(view) => view,
                Err(why) if blind(&why) => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Err(why) => return Verdict::Stop(unasked(&why)),
            };
            step += 1;
            if view.hold.state == HoldState::Waiting {
                let frozen = if view.hold.frozen { ", its clock stopped by a halt" } else { "" };
                heard(step, format!("{hold} waits for a person{frozen}; {:.0} s left", view.left_s));
                continue;
            }
            // Approved, denied, lifted or over: the interlock says what follows, every switch judged anew.
            let ticket = (view.hold.state != HoldState::Lifted).then_some(hold);
            match self.ask(call, ticket).await {
                Verdict::Wait(next, answer) if next == hold => return Verdict::Stop(answer),
                verdict => return verdict,
            }
        }
    }

    /// Gives a held call up, so that nobody's word releases it later.
    pub async fn give_up(&self, hold: HoldId) {
        if let Err(why) = self.client.give_up_hold(hold).await {
            tracing::warn!(%why, %hold, "it is dropped here, and may still be shown as waiting until its time is up");
        }
    }

    /// Version of the switches as the lease last heard of them.
    pub fn version(&self) -> Option<u64> {
        Some(self.standing.as_ref()?.borrow().view.version)
    }

    /// Why the agent as a whole may do nothing now; none while it may do something.
    pub fn stopped(&self) -> Option<String> {
        let standing = self.standing.as_ref()?.borrow();
        if standing.until.left().is_zero() && !self.holder.goes_on_blind() {
            return Some("andon is not heard of, and nobody can say whether this agent may go on".into());
        }
        matches!(standing.view.mode.as_str(), "halt" | "fallback").then(|| reason(&standing))
    }

    /// Why nothing new may begin: what stops the agent, or holds everything it does.
    pub fn may_not_begin(&self) -> Option<String> {
        self.stopped().or_else(|| {
            let standing = self.standing.as_ref()?.borrow();
            (standing.view.mode == "quarantine").then(|| reason(&standing))
        })
    }
}

fn reason(standing: &Standing) -> String {
    Printable::line(standing.view.reason.as_deref().unwrap_or(&standing.view.mode)).to_string()
}

/// Nobody said no: nobody answered.
fn blind(why: &ClientError) -> bool {
    why.is_lost()
}

fn unasked(why: &ClientError) -> CheckAnswer {
    CheckAnswer::denied(format!("andon cannot say whether this may go on ({why})"), 0)
}
