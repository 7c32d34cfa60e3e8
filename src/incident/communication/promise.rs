//! When the next update comes, read from what a person wrote (COM.4): a promise that cannot be read is none.

use chrono::{Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use crate::terms::Time;

/// What a message says of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    /// It comes by then.
    By(Time),
    /// None is planned: this was the last.
    Last,
}

/// How far ahead a bare clock time may lie: beyond it, it has rather passed.
const FAR: i64 = 18 * Time::HOUR;
/// How far ahead anything may lie.
const FARTHEST: i64 = 90 * Time::DAY;
/// The forms that are taken, as refusals name them.
pub const FORMS: &str =
    "15:00 UTC, 2026-11-21 09:00 UTC, 2026-11-21T09:00:00Z, +30m, +2h, or none where this is the last update";

/// Whether a text says that no further update is planned.
pub fn is_last(text: &str) -> bool {
    let text = text.trim().trim_end_matches('.').to_lowercase();
    ["none", "no further update", "no further update is planned", "this is the last update"].contains(&text.as_str())
}

impl Promise {
    /// Reads one as of `now`.
    ///
    /// # Errors
    /// In words, with the forms that are taken.
    pub fn read(text: &str, now: Time) -> Result<Self, String> {
        let text = text.trim().trim_end_matches('.');
        if text.is_empty() {
            return Err(format!("no time is promised for the next update; write {FORMS}"));
        }
        if is_last(text) {
            return Ok(Self::Last);
        }
        let shown: String = text.chars().take(40).collect();
        let Some(at) = moment(text, now) else {
            return Err(format!("the next update {shown:?} is no time that can be kept; write {FORMS}"));
        };
        match at.since(now) {
            ..=0 => Err(format!("the next update {shown:?} has passed; it is {} now", said(now, now))),
            FARTHEST.. => Err(format!("the next update {shown:?} is more than 90 days away")),
            _ => Ok(Self::By(at)),
        }
    }

    /// As a reader can understand it, whenever the message is read.
    pub fn said(self, now: Time) -> String {
        match self {
            Self::By(at) => said(at, now),
            Self::Last => "no further update is planned".into(),
        }
    }

    /// By when the next one comes.
    pub fn due(self) -> Option<Time> {
        match self {
            Self::By(at) => Some(at),
            Self::Last => None,
        }
    }
}

/// `15:00 UTC` on the day itself, else with its date.
pub fn said(at: Time, now: Time) -> String {
    let (at, now) = (at.to_chrono(), now.to_chrono());
    let format = if at.date_naive() == now.date_naive() { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" };
    at.format(format).to_string()
}

/// Whether a text only says how far ahead, which a reader of the message could not place.
pub fn is_relative(text: &str) -> bool {
    text.trim().starts_with('+')
}

fn moment(text: &str, now: Time) -> Option<Time> {
    if let Some(ahead) = text.strip_prefix('+') {
        return ahead_of(ahead.trim(), now);
    }
    if let Ok(at) = text.parse::<Time>() {
        return Some(at);
    }
    let plain =
        text.strip_suffix("UTC").or_else(|| text.strip_suffix('Z')).or_else(|| text.strip_suffix("utc"))?.trim();
    let today = now.to_chrono().naive_utc();
    if let Some((date, clock)) = plain.split_once(' ') {
        let date = NaiveDate::parse_from_str(date.trim(), "%Y-%m-%d").ok()?;
        return Some(time(date.and_time(clock_of(clock)?)));
    }
    let clock = clock_of(plain)?;
    let at = time(today.date().and_time(clock));
    let at = if at.since(now) <= 0 { time((today.date() + Duration::days(1)).and_time(clock)) } else { at };
    (at.since(now) <= FAR).then_some(at).or_else(|| Some(time(today.date().and_time(clock))))
}

fn clock_of(text: &str) -> Option<NaiveTime> {
    let text = text.trim();
    NaiveTime::parse_from_str(text, "%H:%M").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M:%S")).ok()
}

fn time(at: NaiveDateTime) -> Time {
    at.and_local_timezone(Utc).single().map(Time::from).unwrap_or_default()
}

fn ahead_of(text: &str, now: Time) -> Option<Time> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let unit = match unit.trim() {
        "m" | "min" => Time::MINUTE,
        "h" => Time::HOUR,
        "d" => Time::DAY,
        _ => return None,
    };
    // Whole minutes: a promise is kept by the clock on the wall.
    let at = now.plus(number.parse::<i64>().ok()?.checked_mul(unit)?);
    Some(at.plus((Time::MINUTE - at.millis() % Time::MINUTE) % Time::MINUTE))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Time {
        "2026-11-20T14:06:31Z".parse().unwrap()
    }

    /// COM.4: what people write of the next update is a time, or is refused with an example.
    #[test]
    fn a_promise_is_a_time_or_refused() {
        let by = |text: &str| match Promise::read(text, now()) {
            Ok(Promise::By(at)) => at.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(by("15:00 UTC"), "2026-11-20T15:00:00.000Z");
        assert_eq!(by(" 15:00Z. "), "2026-11-20T15:00:00.000Z");
        assert_eq!(by("07:30 UTC"), "2026-11-21T07:30:00.000Z", "tomorrow morning");
        assert_eq!(by("+30m"), "2026-11-20T14:37:00.000Z");
        assert_eq!(by("+2h"), "2026-11-20T16:07:00.000Z");
        assert_eq!(by("2026-11-21 09:00 UTC"), "2026-11-21T09:00:00.000Z");
        assert_eq!(by("2026-11-20T16:00:00+01:00"), "2026-11-20T15:00:00.000Z");
        assert_eq!(Promise::read("None", now()), Ok(Promise::Last));
        assert_eq!(Promise::read("No further update.", now()), Ok(Promise::Last));
        for (bad, says) in [
            ("", "+30m"),
            ("soon", "15:00 UTC"),
            ("15:00", "15:00 UTC"),
            ("25:00 UTC", "15:00 UTC"),
            ("+5y", "+30m"),
            ("14:00 UTC", "has passed"),
            ("2026-11-19T09:00:00Z", "has passed"),
            ("2027-11-19T09:00:00Z", "90 days"),
            ("+99999999999999999999h", "+30m"),
        ] {
            assert!(Promise::read(bad, now()).unwrap_err().contains(says), "{bad}");
        }
        let tomorrow = Promise::By("2026-11-21T09:00:00Z".parse().unwrap());
        assert_eq!(tomorrow.said(now()), "2026-11-21 09:00 UTC");
        assert_eq!(Promise::By(now()).said(now()), "14:06 UTC");
    }

    proptest! {
        #[test]
        fn what_is_said_reads_back_as_the_same_minute(ahead in 1i64..1_000) {
            let at = now().plus(ahead * Time::MINUTE);
            let minute = at.plus(-(at.millis() % Time::MINUTE));
            prop_assume!(minute.since(now()) > 0);
            prop_assert_eq!(Promise::read(&Promise::By(minute).said(now()), now()), Ok(Promise::By(minute)));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), digits in "\\+?[0-9: ]{0,30}[a-zA-Z]{0,3}") {
            let _ = (Promise::read(&text, now()), Promise::read(&digits, now()));
        }
    }
}
