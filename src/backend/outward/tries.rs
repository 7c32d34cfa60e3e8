//! How often one thing is tried, and when again.

use std::time::Duration;

use super::delivery::Tried;
use crate::incident::communication::DeliveryState;

/// Pauses after the tries, in seconds; then it has failed.
const AGAIN_S: [u64; 6] = [2, 5, 15, 60, 120, 300];
/// The longest a receiver may ask to be left alone, in seconds.
const LONGEST_S: u64 = 900;

/// The tries of one page.
#[derive(Default)]
pub struct Tries(usize);

impl Tries {
    /// What a try came to: where it stands, in words, and how long to wait for the next one where one is left.
    pub fn take(&mut self, tried: Tried) -> (DeliveryState, String, Option<Duration>) {
        self.0 += 1;
        let Tried { state, status, after } = tried;
        if state != DeliveryState::Retrying {
            return (state, status, None);
        }
        match AGAIN_S.get(self.0 - 1).filter(|_| self.0 < AGAIN_S.len()) {
            Some(seconds) => {
                let pause = Duration::from_secs(*seconds).max(after.unwrap_or_default());
                (state, format!("{status}; try {}", self.0), Some(pause.min(Duration::from_secs(LONGEST_S))))
            }
            None => (DeliveryState::Failed, format!("{status}; given up after {} tries", self.0), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_taken_is_given_up() {
        let mut tries = Tries::default();
        let mut pauses = Vec::new();
        let last = loop {
            let (state, status, pause) = tries.take(Tried::not_yet("HTTP 500".into(), None));
            match pause {
                Some(pause) => pauses.push(pause.as_secs()),
                None => break (state, status),
            }
        };
        assert_eq!(pauses, [2, 5, 15, 60, 120]);
        assert_eq!(last, (DeliveryState::Failed, "HTTP 500; given up after 6 tries".to_owned()));
        let asked = Tries::default().take(Tried::not_yet("HTTP 429".into(), Some(Duration::from_secs(86_400))));
        assert_eq!(asked.2, Some(Duration::from_secs(LONGEST_S)), "nobody is left alone for a day");
        assert_eq!(Tries::default().take(Tried::accepted("HTTP 202".into())).2, None);
    }
}
