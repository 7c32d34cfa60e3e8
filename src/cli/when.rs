//! Times and durations as people type them at a shell.

use crate::terms::Time;

/// Milliseconds of `90s`, `30m`, `4h`, `2d`.
///
/// # Errors
/// Says what one looks like.
pub fn duration(text: &str) -> Result<i64, String> {
    let unit = |suffix| match suffix {
        's' => Some(Time::SECOND),
        'm' => Some(Time::MINUTE),
        'h' => Some(Time::HOUR),
        'd' => Some(Time::DAY),
        _ => None,
    };
    let mut digits = text.chars();
    let length = digits.next_back().and_then(unit);
    let number: Option<i64> = digits.as_str().parse().ok();
    match (number, length) {
        (Some(number @ 1..=100_000), Some(length)) => Ok(number * length),
        _ => Err("a duration looks like 90s, 30m, 4h or 2d".into()),
    }
}

/// A moment to come: `30m` from now, or RFC 3339.
///
/// # Errors
/// Says which forms are taken.
pub fn later(text: &str) -> Result<Time, String> {
    if let Ok(at) = text.parse::<Time>() {
        return Ok(at);
    }
    let after = duration(text.trim_start_matches('+'));
    let wrong = |_| format!("{text:?} is no time: write 30m, 4h, 2d (from now) or 2026-11-20T14:02:00Z");
    after.map(|after| Time::from(chrono::Utc::now()).plus(after)).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        assert_eq!(duration("90s"), Ok(90_000));
        assert!(later("4h").is_ok() && later("2026-11-20T14:02:00Z").is_ok() && later("soon").is_err());
        assert_eq!(duration("4h"), Ok(14_400_000));
        for wrong in ["", "4", "h", "-1h", "0s", "4 h", "4w", "9999999999999999d", "é"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
