use proptest::prelude::*;

use super::*;

fn whole() -> Fields {
    Fields {
        workflow: "refunds".into(),
        impact: "38 customers were paid twice".into(),
        contained: "refund-bot is halted since 14:05 UTC".into(),
        investigating: "how many payouts are queued at the provider".into(),
        owner: "the incident commander".into(),
        next_update: "15:00 UTC".into(),
        reason: "customer".into(),
        reader_should: "keep the second payment for now".into(),
        agent_did: "paid 38 refunds a second time".into(),
        systems: "the payment processor".into(),
        before_restart: "payouts need a second key".into(),
        body: "Keep the second payment for now; we write again by 15:00 UTC.".into(),
    }
}

fn linted(audience: &str, field: &str, text: &str) -> Vec<Finding> {
    let runbook = Runbook::shipped();
    let template = runbook.template(audience).unwrap();
    let mut fields = Fields { reason: template.reasons.first().cloned().unwrap_or_default(), ..whole() };
    assert!(fields.set(field, text.into()));
    lint(&runbook, template, &fields)
}

/// COM.3: each banned wording is found where it stands, with what to write instead; its parts alone are not.
#[test]
fn banned_wording_is_found_in_any_case_and_never_inside_a_word() {
    for (text, phrase) in [
        ("The bot was ACTING   strangely.", Some("acting strangely")),
        ("It hallucinated a policy", Some("hallucinated")),
        ("a technical issue, sadly", Some("technical issue")),
        ("There is no\nimpact", Some("no impact")),
        ("Probably over.", Some("probably")),
        ("technical details of the issue follow", None),
        ("improbably many", None),
        ("there is an impact: nobody was paid", None),
        ("one payout of 40 EUR went to a wrong account", None),
    ] {
        let found = linted("customer", "body", text);
        assert_eq!(found.first().map(|one| one.phrase.as_str()), phrase, "{text}");
        assert!(found.iter().all(|one| one.field == "body" && !one.why.is_empty() && !one.instead.is_empty()));
    }
}

/// COM.3: what a reader sees is what is judged: hidden characters, look-alikes and accents do not carry wording by.
#[test]
fn nothing_hidden_carries_a_wording_by() {
    for text in [
        "it hallu\u{200b}cin\u{ad}ated",
        "it h\u{430}llucin\u{430}ted",
        "it hállücinàted",
        "it \u{1d421}allucinated",
        "it ｈａｌｌｕｃｉｎａｔｅｄ",
        "it hal\u{202e}lucinated",
        "it hallu\u{301}cinated",
        "a techni\u{2060}cal\u{a0}issue",
    ] {
        let found = linted("customer", "body", text);
        let wording = found.iter().find(|one| one.kind == FindingKind::Wording).expect(text);
        let place = wording.at.unwrap();
        let there = &text[place.bytes.0..place.bytes.1];
        assert!(there.starts_with(['h', '\u{1d421}', 'ｈ', 't']), "{text}: {there}");
        assert_eq!(text.chars().skip(place.chars.0).take(place.chars.1 - place.chars.0).collect::<String>(), there);
    }
    let found = linted("customer", "impact", "38 customers were paid\u{200b} \u{1b}[31mtwice\u{202e}");
    let hidden: Vec<&str> = found.iter().map(|one| one.phrase.as_str()).collect();
    assert_eq!(hidden, ["U+200B", "U+001B", "U+202E"], "each is named, and offered to be taken out");
    assert!(found.iter().all(|one| one.kind == FindingKind::Hidden && one.offer.as_deref() == Some("")));
    assert_eq!(linted("customer", "body", "a payment to 👩\u{200d}💻 and می\u{200c}خواهم"), [], "joiners that join");
}

/// COM.1, COM.2, COM.3: a field left empty is named; what an audience needs beside the six is its template's.
#[test]
fn every_empty_field_is_named() {
    for name in Fields::NAMES {
        let found = linted("internal", name, "  ");
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!((found[0].field.as_str(), found[0].kind), (name, FindingKind::Missing));
    }
    for (audience, field, missing) in [
        ("internal", "body", 0),
        ("customer", "body", 1),
        ("internal", "agent_did", 1),
        ("internal", "systems", 1),
        ("internal", "before_restart", 1),
        ("executive", "agent_did", 0),
        ("customer", "reason", 1),
        ("regulator", "reason", 1),
        ("customer", "reader_should", 1),
        ("regulator", "reader_should", 0),
        ("internal", "reason", 0),
    ] {
        assert_eq!(linted(audience, field, "").len(), missing, "{audience} {field}");
    }
    assert_eq!(linted("customer", "workflow", "refunds"), []);
    let reason = linted("regulator", "reason", "customer");
    assert_eq!((reason[0].kind, reason[0].offer.as_deref()), (FindingKind::Reason, Some("regulatory")));
}

/// COM.2: a final message adds what the agent did, the systems it touched, what changes before restart.
#[test]
fn a_final_message_says_more() {
    let runbook = Runbook::shipped();
    let customer = runbook.template("customer").unwrap();
    let fields = Fields { next_update: "none".into(), before_restart: String::new(), ..whole() };
    let found = lint(&runbook, customer, &fields);
    assert_eq!(found.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), ["before_restart"]);
    assert_eq!(lint(&runbook, customer, &Fields { next_update: "15:00 UTC".into(), ..fields }), []);
}

/// COM.3: a guess told as a fact is found, but may stand among what is not known.
#[test]
fn a_guess_is_no_fact() {
    let found = linted("customer", "impact", "probably 38 customers were paid twice");
    assert_eq!((found[0].kind, found[0].offer.is_some()), (FindingKind::Speculation, true));
    assert_eq!(linted("customer", "investigating", "whether it is probably the provider"), []);
    assert_eq!(linted("customer", "body", "The payment run will not happen again.")[0].kind, FindingKind::Speculation);
}

/// COM.3: a message that names nothing anybody could observe is told so; the classes are data.
#[test]
fn what_failed_is_observable() {
    let runbook = Runbook::shipped();
    let template = runbook.template("executive").unwrap();
    let mut fields = Fields { impact: "a number of people met it".into(), agent_did: String::new(), ..whole() };
    fields.body = "We are on it and write again.".into();
    let found = lint(&runbook, template, &fields);
    assert_eq!(found.iter().map(|one| one.kind).collect::<Vec<_>>(), [FindingKind::FailureClass]);
    assert!(found[0].instead.contains("wrong payment"), "{found:?}");
    fields.body = "38 records were overwritten.".into();
    assert_eq!(lint(&runbook, template, &fields), []);
}

/// COM.3: an offered wording is never itself found as wording; its gaps are, until they are filled.
#[test]
fn what_is_offered_is_better() {
    let runbook = Runbook::shipped();
    let linter = Linter::new(&runbook);
    for wording in &runbook.banned {
        let offer = wording.offer.as_deref().expect("each has one");
        assert!(linter.field("body", offer).iter().all(|one| one.kind == FindingKind::Gap), "{offer}");
    }
    assert_eq!(has_gap("a [[b]] c").as_deref(), Some("[[b]]"));
    assert_eq!(has_gap("a [b] [[c"), None);
    let found = linted("customer", "body", "We saw [[which action]] at the payment desk.");
    assert_eq!((found[0].kind, found[0].at.unwrap().chars), (FindingKind::Gap, (7, 23)));
}

/// A message of 1 MB is read in one walk, and tells at most so many findings of a field.
#[test]
fn a_long_text_tells_its_first_findings() {
    let linter = Linter::new(&Runbook::shipped());
    let text = "Some words about payments. A technical issue. ".repeat(23_000);
    let found = linter.field("body", &text);
    assert_eq!(found.len(), MOST);
    let place = found[99].at.unwrap();
    assert_eq!(&text[place.bytes.0..place.bytes.1], "technical issue");
}

proptest! {
    #[test]
    fn no_text_makes_the_linter_panic_and_every_place_is_one(text in any::<String>(), more in "[a-z\u{200b}\u{202e}\\[\\] ]{0,80}") {
        let linter = Linter::new(&Runbook::shipped());
        let text = format!("{text} technical issue {more}");
        let found = linter.field("body", &text);
        prop_assert!(!found.is_empty());
        for place in found.iter().filter_map(|one| one.at) {
            let there = &text[place.bytes.0..place.bytes.1];
            let taken: String = text.chars().skip(place.chars.0).take(place.chars.1 - place.chars.0).collect();
            prop_assert_eq!(there, taken);
        }
    }
}
