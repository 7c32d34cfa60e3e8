use serde_json::json;

use super::*;

fn action(value: serde_json::Value) -> Action {
    crate::telemetry::native::decode(value.to_string().as_bytes(), at(0)).unwrap().actions.remove(0).1
}

fn at(minutes: i64) -> Time {
    Time::from_millis(1_795_183_200_000 + minutes * Time::MINUTE)
}

fn class(name: &str) -> ActionClass {
    ActionClass::new(name).unwrap()
}

/// TEN.3: tools with their class, models, versions and systems, the newest first.
#[test]
fn a_profile_says_what_was_used() {
    let mut profile = Profile::default();
    let paid = json!({"agent": "x", "tool": "pay", "endpoint": "POST api.bank.example/v1/pay", "model": "gpt-x-0801",
        "at": at(0)});
    profile.note(&action(paid.clone()), Some(&class("external-api-call")));
    profile.note(&action(paid), Some(&class("external-api-call")));
    profile.note(&action(json!({"agent": "x", "tool": "look", "at": at(1), "received_at": at(1)})), None);
    profile.note(&action(json!({"agent": "x", "tool": "stopped", "status": "denied"})), None);
    let tools: Vec<(String, u64)> =
        profile.used(Part::Tool).into_iter().map(|(name, seen)| (name, seen.times)).collect();
    assert_eq!(tools.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().len(), 2);
    assert!(tools.contains(&("pay".to_owned(), 2)));
    assert_eq!(profile.used(Part::System)[0].0, "api.bank.example");
    assert_eq!(profile.used(Part::Model)[0].0, "gpt-x-0801");
    assert_eq!(system("chat openai/gpt"), None);
}

/// SEV.5: classes, money and recipients of the hours asked for.
#[test]
fn what_was_touched_is_summed_from_an_hour_on() {
    let mut profile = Profile::default();
    let pay = |minutes: i64, sum: f64| {
        let mut paid = action(json!({"agent": "x", "tool": "pay", "amount": {"value": sum, "currency": "EUR"}}));
        (paid.at, paid.received_at) = (at(minutes), at(minutes));
        paid
    };
    let mail = |minutes: i64, to: &str| {
        let mut sent = action(json!({"agent": "x", "tool": "mail", "counterparty": to}));
        (sent.at, sent.received_at) = (at(minutes), at(minutes));
        sent
    };
    profile.note(&pay(-180, 40.0), Some(&class("external-api-call")));
    profile.note(&pay(5, 20.5), Some(&class("external-api-call")));
    for (minutes, to) in [(6, "a@x"), (7, "b@x"), (70, "a@x")] {
        profile.note(&mail(minutes, to), Some(&class("customer-communication")));
    }
    profile.note(&mail(8, "c@x"), Some(&class("read")));
    let now = touched([&profile], at(10));
    assert_eq!((now.money["EUR"], now.payments, now.recipients), (20.5, 1, 2));
    assert_eq!(now.classes.len(), 2, "what only looks is no touch");
    assert_eq!(touched([&profile], at(-200)).money["EUR"], 60.5);
    assert_eq!(touched([], at(0)), Touched::default());
}

proptest::proptest! {
    /// Whatever an agent sends, its profile stays small.
    #[test]
    fn a_profile_is_bounded(minutes in proptest::collection::vec(-100_000i64..100_000, 1..400)) {
        let mut profile = Profile::default();
        for (number, minutes) in minutes.iter().enumerate() {
            let mut one = action(json!({"agent": "x", "tool": format!("t{number}"), "counterparty": format!("{number}"),
                "amount": {"value": 1.0, "currency": format!("C{number}")}}));
            (one.at, one.received_at) = (at(*minutes), at(*minutes));
            profile.note(&one, Some(&class("customer-communication")));
        }
        proptest::prop_assert!(profile.used(Part::Tool).len() <= NAMES && profile.hours.len() <= HOURS);
        proptest::prop_assert!(profile.hours.iter().zip(profile.hours.iter().skip(1)).all(|(a, b)| a.hour < b.hour));
        proptest::prop_assert!(profile.hours.iter().all(|hour| hour.money.len() <= CURRENCIES));
    }
}
