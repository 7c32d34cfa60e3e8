//! Where a draft says something else than the agreed statement (COM.6), by a plain rule.
//!
//! Field by field: figures of one kind — times, shares, sums in one currency, counts of one thing — differ when as many are
//! named and they are not the same, or when none is the same; and a claim stands against its opposite.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::words::{Words, phrase};
use crate::{incident::Fields, runbook::Claim};

/// Fields that say something of what happened; who decides and when one writes again may change with every message.
const COMPARED: [&str; 7] = ["impact", "contained", "reader_should", "agent_did", "systems", "before_restart", "body"];

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// In which field.
    pub field: String,
    /// What the draft says.
    pub says: String,
    /// What is agreed.
    pub agreed: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} says {}, agreed is {}", self.field, self.says, self.agreed)
    }
}

/// Everything in which `fields` contradict `agreed`.
pub fn contradictions(claims: &[Claim], agreed: &Fields, fields: &Fields) -> Vec<Contradiction> {
    let mut all = Vec::new();
    for name in COMPARED {
        let (ours, theirs) = (fields.get(name).unwrap_or_default(), agreed.get(name).unwrap_or_default());
        if ours == theirs {
            continue;
        }
        let (said, settled) = (figures(ours), figures(theirs));
        for (kind, values) in &said {
            let Some(before) = settled.get(kind) else { continue };
            let shared = values.iter().filter(|value| before.contains(value)).count();
            if shared == 0 || (values.len() == before.len() && shared < values.len()) {
                let words = |values: &[String]| kind.words(&values.join(", "));
                all.push(Contradiction { field: name.into(), says: words(values), agreed: words(before) });
            }
        }
        all.extend(claims.iter().filter(|claim| claim.field == name).filter_map(|claim| turned(claim, ours, theirs)));
    }
    all
}

/// A claim that stands on one side and its opposite on the other.
fn turned(claim: &Claim, ours: &str, theirs: &str) -> Option<Contradiction> {
    let side = |text: &str| {
        let words = Words::of(text);
        let find = |phrases: &[String]| phrases.iter().find(|one| words.holds(&phrase(one))).cloned();
        (find(&claim.yes), find(&claim.no))
    };
    // What denies outweighs: “not contained” holds both words.
    let (says, agreed) = match (side(ours), side(theirs)) {
        ((_, Some(ours)), (Some(theirs), None)) | ((Some(ours), None), (_, Some(theirs))) => (ours, theirs),
        _ => return None,
    };
    Some(Contradiction { field: claim.field.clone(), says: format!("“{says}”"), agreed: format!("“{agreed}”") })
}

/// What a figure counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Time,
    Share,
    Money(String),
    Count(String),
}

impl Kind {
    fn words(&self, values: &str) -> String {
        match self {
            Self::Time => values.to_owned(),
            Self::Share => format!("{values} %"),
            Self::Money(of) | Self::Count(of) => format!("{values} {of}"),
        }
    }
}

/// Small numbers as people write them out.
const WRITTEN: [&str; 13] =
    ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
/// Between a number and what it counts.
const PASSED: [&str; 6] = ["of", "the", "our", "about", "more", "up"];

fn figures(text: &str) -> BTreeMap<Kind, Vec<String>> {
    let mut all: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    let tokens: Vec<&str> = text
        .split_whitespace()
        .map(|part| part.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '%' | '€' | '$' | '£')))
        .filter(|part| !part.is_empty())
        .collect();
    for (at, token) in tokens.iter().enumerate() {
        let next = |by: usize| tokens.get(at + by).copied().unwrap_or_default();
        let Some((kind, value)) = figure(token, at.checked_sub(1).map(|at| tokens[at]), next(1), next(2)) else {
            continue;
        };
        let values = all.entry(kind).or_default();
        if !values.contains(&value) {
            values.push(value);
        }
    }
    all.values_mut().for_each(|values| values.sort());
    all
}

fn figure(token: &str, before: Option<&str>, next: &str, after: &str) -> Option<(Kind, String)> {
    let mut parts = token.split(':');
    if let (Some(hour), Some(minute)) = (parts.next().and_then(number), parts.next().and_then(number))
        && token.len() <= 8
    {
        return Some((Kind::Time, format!("{hour:0>2}:{minute:0>2}")));
    }
    let sign = |text: &str| {
        Some(match text {
            "€" => "EUR".to_owned(),
            "$" => "USD".to_owned(),
            "£" => "GBP".to_owned(),
            code if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => code.to_owned(),
            _ => return None,
        })
    };
    if let Some(rest) = token.strip_suffix('%') {
        return Some((Kind::Share, number(rest)?));
    }
    let first = token.chars().next().map(|c| c.to_string()).unwrap_or_default();
    if let Some(code) = sign(&first).filter(|_| matches!(first.as_str(), "€" | "$" | "£")) {
        return Some((Kind::Money(code), number(&token[first.len()..])?));
    }
    let written = WRITTEN.iter().position(|word| token.eq_ignore_ascii_case(word));
    let value = number(token).or_else(|| written.map(|at| at.to_string()))?;
    if next == "%" || next.eq_ignore_ascii_case("percent") {
        return Some((Kind::Share, value));
    }
    if let Some(code) = sign(next).or_else(|| before.and_then(sign)).filter(|code| code != "UTC") {
        return Some((Kind::Money(code), value));
    }
    let thing = if PASSED.contains(&next.to_lowercase().as_str()) { after } else { next };
    let thing = thing.to_lowercase();
    let thing = thing.strip_suffix('s').unwrap_or(&thing);
    let counts = !thing.is_empty() && thing.chars().all(|c| c.is_alphabetic() || c == '-');
    counts.then(|| (Kind::Count(thing.to_owned()), value))
}

/// `4,920.00`, `30 000` written together, `38`: digits alone, without the zeros that say nothing.
fn number(text: &str) -> Option<String> {
    let sound =
        text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || ",.'".contains(c));
    if !sound {
        return None;
    }
    let plain: String = text.chars().filter(|c| !",'".contains(*c)).collect();
    let plain = if plain.contains('.') { plain.trim_end_matches('0').trim_end_matches('.') } else { &plain };
    let plain = plain.trim_start_matches('0');
    Some(if plain.is_empty() || plain.starts_with('.') { format!("0{plain}") } else { plain.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::runbook::Runbook;

    fn differs(field: &str, agreed: &str, says: &str) -> Vec<String> {
        let with = |text: &str| {
            let mut fields = Fields::default();
            assert!(fields.set(field, text.into()));
            fields
        };
        let claims = &Runbook::shipped().claims;
        contradictions(claims, &with(agreed), &with(says)).iter().map(ToString::to_string).collect()
    }

    /// COM.6: other figures, times, sums and claims are told; more detail, less detail and another wording are not.
    #[test]
    fn a_draft_that_says_something_else_is_told() {
        for (field, agreed, says, expected) in [
            ("impact", "38 customers were paid twice", "41 customers were paid twice", Some("41 customer")),
            ("impact", "38 customers were paid twice", "38 of our customers got two payments", None),
            ("impact", "38 customers", "about 38 customers, 12 of them abroad", None),
            ("impact", "two customers", "2 customers", None),
            ("impact", "two customers", "three customers", Some("3 customer")),
            ("impact", "4,920.00 EUR in all", "4920 EUR in all", None),
            ("impact", "4,920 EUR", "5 100 EUR", Some("EUR")),
            ("impact", "€40 each", "€50 each", Some("50 EUR")),
            ("impact", "12% of orders", "15 % of orders", Some("15 %")),
            ("body", "between 14:01 and 14:06 UTC", "between 14:01 and 14:09 UTC", Some("14:09")),
            ("body", "since 14:05", "since 14:05, known at 14:06", None),
            ("contained", "the agent is stopped", "nothing is stopped yet", Some("nothing is stopped")),
            ("contained", "not contained yet", "the agent is contained since 14:06", Some("contained")),
            ("contained", "the agent is stopped", "refund-bot was halted", None),
            ("impact", "no customer data was read", "customer data was read", Some("customer data was")),
            ("next_update", "15:00 UTC", "16:00 UTC", None),
            ("owner", "1 person", "2 persons", None),
        ] {
            let found = differs(field, agreed, says);
            match expected {
                None => assert!(found.is_empty(), "{agreed} / {says}: {found:?}"),
                Some(word) => assert!(found.len() == 1 && found[0].contains(word), "{agreed} / {says}: {found:?}"),
            }
        }
        assert_eq!(
            differs("impact", "38 customers", "41 customers"),
            ["impact says 41 customer, agreed is 38 customer"]
        );
    }

    proptest! {
        #[test]
        fn nothing_contradicts_itself(text in ".{0,200}", field in 0usize..COMPARED.len()) {
            prop_assert_eq!(differs(COMPARED[field], &text, &text), Vec::<String>::new());
            prop_assert_eq!(differs(COMPARED[field], &text, ""), Vec::<String>::new());
        }
    }
}
