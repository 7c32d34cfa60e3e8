//! How often one identity may ask: enough for the busiest person or script, too little to keep the backend from others (TEAM.6).
//!
//! What agents report and ask of the interlock is not counted here: a halt's answer is never “too often”, and intake has
//! bounds of its own.

use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};

use super::{identity::Identity, rights::Standing};
use crate::api::{Problem, path};

/// Requests a second of somebody who is known, and how many at once.
const KNOWN: (u32, u32) = (200, 1_000);
/// Of somebody who is nobody yet, by address: they may log in, and little else.
const STRANGERS: (u32, u32) = (5, 30);

/// Everybody's quota.
pub struct Limits {
    known: DefaultKeyedRateLimiter<String>,
    strangers: DefaultKeyedRateLimiter<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { known: RateLimiter::keyed(quota(KNOWN)), strangers: RateLimiter::keyed(quota(STRANGERS)) }
    }
}

fn quota((second, burst): (u32, u32)) -> Quota {
    let some = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(some(second)).allow_burst(some(burst))
}

/// Whether a path has bounds of its own.
fn unbounded(path: &str) -> bool {
    [path::ACTIONS, path::TRACES, "/v1/interlock", "/ofrep", path::HOLDS, path::HEALTH, path::READY]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

impl Limits {
    /// Counts a request of `identity`, who comes from `address`; on the Unix socket there is none.
    ///
    /// # Errors
    /// 429, with when to ask again.
    pub fn count(&self, identity: &Identity, address: &str, path: &str) -> Result<(), Problem> {
        // On the Unix socket somebody of this very host asks, whom its owner can stop otherwise.
        if unbounded(path) || address.is_empty() {
            return Ok(());
        }
        let (limiter, key) = match identity.standing {
            Standing::Stranger => (&self.strangers, address.to_owned()),
            _ => (&self.known, identity.source()),
        };
        // Those who were quiet for long are forgotten now and then.
        if limiter.len() > 10_000 {
            limiter.retain_recent();
        }
        limiter.check_key(&key).map_err(|wait| {
            let left = wait.wait_time_from(limiter.clock().now());
            Problem::new(
                429,
                "too-often",
                "Too many requests",
                format!("one identity may ask so often and no more: ask again in {:.1} s", left.as_secs_f64().max(0.1)),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_identity_keeps_no_other_out_and_agents_are_never_too_often() {
        let limits = Limits::default();
        let (dana, kim) = (Identity::person("dana"), Identity::person("kim"));
        let refused = (0..3_000).filter(|_| limits.count(&dana, "here", path::STATE).is_err()).count();
        assert!((1..=2_000).contains(&refused), "{refused}");
        assert!(limits.count(&kim, "here", path::STATE).is_ok(), "another one's quota is their own");
        assert!((0..5_000).all(|_| limits.count(&dana, "here", path::CHECK).is_ok()), "a check is never too often");
        let nobody = Identity::stranger();
        let refused = (0..100).filter(|_| limits.count(&nobody, "192.0.2.1", path::CHALLENGE).is_err()).count();
        assert!(refused >= 50, "{refused}");
        assert!(limits.count(&nobody, "192.0.2.2", path::CHALLENGE).is_ok());
    }
}
