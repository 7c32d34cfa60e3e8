//! Times as people type them in a form.

use chrono::{Duration, FixedOffset, Local, NaiveTime, Offset, TimeZone, Utc};

use crate::{cockpit::text::Zone, terms::Time};

/// Reads `now`, `5m`, `14:02`, `14:02:30` or RFC 3339; empty is nothing. A clock time is the latest such moment.
///
/// # Errors
/// Says which forms are taken.
pub fn read(text: &str, now: Time, zone: Zone) -> Result<Option<Time>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text == "now" {
        return Ok(Some(now));
    }
    if let Ok(at) = text.parse::<Time>() {
        return Ok(Some(at));
    }
    if let Some(at) = ago(text, now) {
        return Ok(Some(at));
    }
    let clock = NaiveTime::parse_from_str(text, "%H:%M:%S").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"));
    let Ok(clock) = clock else {
        return Err(format!("{text:?} is no time: write 14:02, 14:02:30, 5m (ago), now, or 2026-11-20T14:02:00Z"));
    };
    let utc = now.to_chrono();
    let offset: FixedOffset = match zone {
        Zone::Local => Local.offset_from_utc_datetime(&utc.naive_utc()).fix(),
        Zone::Utc => Utc.fix(),
        Zone::East(seconds) => FixedOffset::east_opt(seconds).unwrap_or(Utc.fix()),
    };
    let here = utc.with_timezone(&offset);
    let today = here.date_naive().and_time(clock);
    let day = if today > here.naive_local() { today - Duration::days(1) } else { today };
    let at = offset.from_local_datetime(&day).single().map(|at| Time::from(at.with_timezone(&Utc)));
    at.map(Some).ok_or_else(|| format!("{text:?} does not exist that day"))
}

/// Reads `36h`, `2d` from now, or RFC 3339.
///
/// # Errors
/// Says which forms are taken.
pub fn later(text: &str, now: Time) -> Result<Time, String> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Time>() {
        return Ok(at);
    }
    let length = |unit: &str| match unit {
        "m" => Some(Time::MINUTE),
        "h" => Some(Time::HOUR),
        "d" => Some(Time::DAY),
        _ => None,
    };
    let parts = text.find(|c: char| !c.is_ascii_digit()).map(|at| text.split_at(at));
    let after = parts.and_then(|(number, unit)| number.parse::<i64>().ok()?.checked_mul(length(unit)?));
    after
        .map(|after| now.plus(after))
        .ok_or_else(|| format!("{text:?} is no time to come: write 30m, 36h, 2d, or 2026-11-30T00:00:00Z"))
}

fn ago(text: &str, now: Time) -> Option<Time> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let unit = match unit.trim().trim_end_matches("ago").trim() {
        "s" => Time::SECOND,
        "m" | "min" => Time::MINUTE,
        "h" => Time::HOUR,
        _ => return None,
    };
    Some(now.plus(-number.parse::<i64>().ok()?.checked_mul(unit)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_type_them() {
        let now: Time = "2026-11-20T14:06:31Z".parse().unwrap();
        let at = |text: &str| read(text, now, Zone::East(3600)).unwrap().map(|at| at.to_string());
        assert_eq!(at(""), None);
        assert_eq!(at("5m").unwrap(), "2026-11-20T14:01:31.000Z");
        assert_eq!(at("15:02").unwrap(), "2026-11-20T14:02:00.000Z");
        assert_eq!(at("15:30").unwrap(), "2026-11-19T14:30:00.000Z", "a later clock time was yesterday");
        assert_eq!(at("2026-11-20T14:02:00Z").unwrap(), "2026-11-20T14:02:00.000Z");
        for bad in ["soon", "25:00", "5y", "m"] {
            assert!(read(bad, now, Zone::Utc).is_err(), "{bad}");
        }
    }
}
