//! One try of one actuator.

use std::time::Duration;

use super::{Occasion, command, webhook};
use crate::{
    incident::containment::{ActuatorOutcome, ActuatorState},
    runbook::Actuator,
    terms::Time,
};

/// What came of one try, and whether and when another may help.
pub struct Tried {
    /// For the log; its state is done or failed.
    pub outcome: ActuatorOutcome,
    /// Trying again may help; not before so long, where the other side says so.
    pub again: Option<Option<Duration>>,
}

/// Tries `actuator` once at `now`.
pub async fn once(actuator: &Actuator, occasion: &Occasion, now: Time) -> Tried {
    let timeout = Duration::from_secs(actuator.timeout_s);
    let began = std::time::Instant::now();
    let waited_s = now.since(occasion.fired_at).max(0) as f64 / 1_000.0;
    let (ok, again, status, output) = match &actuator.webhook {
        None => {
            let ran = command::run(&actuator.command, occasion.environment(), timeout).await;
            // A command is not known to be harmless twice: a person runs it again.
            (ran.ok, None, ran.status, ran.output)
        }
        Some(url) => match webhook::secret(actuator.secret_file.as_deref().unwrap_or_default()) {
            Err(why) => (false, None, why, String::new()),
            Ok(secret) => {
                let body = occasion.body(&actuator.name, actuator.does.as_str()).to_string();
                let id = occasion.id(&actuator.name);
                let link_local = actuator.allow_link_local;
                let called = webhook::call(url, &secret, (&id, now), &body, timeout, link_local).await;
                (called.ok, called.again.then_some(called.after), called.status, called.output)
            }
        },
    };
    let state = if ok { ActuatorState::Done } else { ActuatorState::Failed };
    let took_s = waited_s + began.elapsed().as_secs_f64();
    Tried { outcome: ActuatorOutcome { state, status, took_s, output }, again }
}
