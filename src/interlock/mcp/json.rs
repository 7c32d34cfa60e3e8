//! JSON as it stands: keys in order, each once; numbers by their digits. What is written again is read the same by every
//! parser, so that none of them sees another call than the interlock did.

use std::fmt::{self, Write};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

/// How deep a message may be nested.
const DEEPEST: usize = 64;

/// One JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number, by its digits.
    Number(String),
    /// A string.
    String(String),
    /// A list.
    Array(Vec<Json>),
    /// An object; every key once.
    Object(Vec<(String, Json)>),
}

/// Why a text is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotJson(String);

impl Json {
    /// Reads one value and nothing else.
    ///
    /// # Errors
    /// What is no JSON, holds a key twice, or is nested too deeply.
    pub fn read(text: &str) -> Result<Self, NotJson> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|why| NotJson(why.to_string()))?;
        Self::of(raw.get(), DEEPEST)
    }

    fn of(text: &str, depth: usize) -> Result<Self, NotJson> {
        if depth == 0 {
            return Err(NotJson(format!("it is nested more than {DEEPEST} deep")));
        }
        let no = |why: serde_json::Error| NotJson(why.to_string());
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let Entries(entries) = serde_json::from_str(text).map_err(no)?;
                let read = |(key, raw): (String, &RawValue)| Ok((key, Self::of(raw.get(), depth - 1)?));
                Self::Object(entries.into_iter().map(read).collect::<Result<_, NotJson>>()?)
            }
            Some(b'[') => {
                let Items(items) = serde_json::from_str(text).map_err(no)?;
                Self::Array(items.into_iter().map(|raw| Self::of(raw.get(), depth - 1)).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::String(serde_json::from_str(text).map_err(no)?),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            _ => Self::Number(text.to_owned()),
        })
    }

    /// A member of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The same as a value; a number that no machine number holds exactly becomes its digits.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(digits) => match serde_json::from_str::<serde_json::Number>(digits) {
                Ok(number) if number.to_string() == *digits => Value::Number(number),
                _ => Value::String(digits.clone()),
            },
            Self::String(text) => Value::String(text.clone()),
            Self::Array(items) => items.iter().map(Self::to_value).collect(),
            Self::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), value.to_value())).collect(),
        }
    }
}

impl fmt::Display for Json {
    /// In one line of ASCII where a parser could take a character for the end of a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(digits) => f.write_str(digits),
            Self::String(text) => string(f, text),
            Self::Array(items) => {
                f.write_char('[')?;
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        f.write_char(',')?;
                    }
                    item.fmt(f)?;
                }
                f.write_char(']')
            }
            Self::Object(entries) => {
                f.write_char('{')?;
                for (at, (key, value)) in entries.iter().enumerate() {
                    if at > 0 {
                        f.write_char(',')?;
                    }
                    string(f, key)?;
                    f.write_char(':')?;
                    value.fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}

fn string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let quoted = serde_json::to_string(text).map_err(|_| fmt::Error)?;
    let mut rest = quoted.as_str();
    // Most texts hold none of the bytes that these begin with.
    if [0x7f, 0xc2, 0xe2, 0xef].iter().all(|byte| !quoted.as_bytes().contains(byte)) {
        return f.write_str(rest);
    }
    // Some readers end a line at these.
    while let Some(at) = rest.find(['\u{85}', '\u{2028}', '\u{2029}', '\u{7f}', '\u{feff}']) {
        let (before, after) = rest.split_at(at);
        let Some(odd) = after.chars().next() else { break };
        write!(f, "{before}\\u{:04x}", u32::from(odd))?;
        rest = &after[odd.len_utf8()..];
    }
    f.write_str(rest)
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.to_string()),
            Value::String(text) => Self::String(text.clone()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(fields) => {
                Self::Object(fields.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect())
            }
        }
    }
}

/// An object's members as they stand; a key that stands twice is refused.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut entries, mut known) = (Vec::new(), std::collections::HashSet::new());
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    if !known.insert(key.clone()) {
                        let key: String = key.chars().take(40).collect();
                        return Err(A::Error::custom(format!("the key {key:?} stands twice")));
                    }
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Reading)
    }
}

/// A list's items as they stand.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Reading)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_stays_as_it_stands() {
        for text in [
            r#"{"method":"x","jsonrpc":"2.0","id":0}"#,
            r#"[1,1.0,1e400,-0,12345678901234567890123,{"b":[],"a":{}}]"#,
            r#""é \"quoted\"""#,
            "null",
        ] {
            assert_eq!(Json::read(text).unwrap().to_string(), text);
        }
        assert_eq!(Json::read("\"tools\\/c\\u0061ll\"").unwrap(), Json::String("tools/call".into()));
        assert_eq!(Json::read("\"a\u{2028}b\u{85}\"").unwrap().to_string(), "\"a\\u2028b\\u0085\"");
    }

    #[test]
    fn what_parsers_read_differently_is_refused() {
        for (text, says) in [
            (r#"{"a":1,"a":2}"#, "stands twice"),
            (r#"{"a":1,"\u0061":2}"#, "stands twice"),
            (r#"{"p":{"q":[{"a":1,"a":1}]}}"#, "stands twice"),
            (r#"{"a":1}{"a":2}"#, "trailing"),
            ("{'a':1}", "key must be a string"),
            ("[1,]", "expected value"),
            ("{\"a\":\"\u{1}\"}", "control character"),
            (r#"{"a":NaN}"#, "expected"),
            (r#"{"a":01}"#, "invalid number"),
            (r#""\ud800""#, "hex escape"),
            ("", "EOF"),
        ] {
            let why = Json::read(text).unwrap_err().to_string();
            assert!(why.contains(says), "{text}: {why}");
        }
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        assert!(Json::read(&deep).unwrap_err().to_string().contains("deep"));
    }

    proptest! {
        /// Whatever passes is the same to us and to a parser that takes the last of two keys, before and after.
        #[test]
        fn what_passes_is_read_the_same_by_others(text in r#"[\{\}\[\]",:0-9a-c\\ue\.\- ]{0,40}"#) {
            if let Ok(read) = Json::read(&text) {
                let theirs: Value = serde_json::from_str(&text).unwrap();
                let again: Value = serde_json::from_str(&read.to_string()).unwrap();
                prop_assert_eq!(&theirs, &again);
                prop_assert_eq!(Json::read(&read.to_string()).unwrap(), read);
            }
        }

        #[test]
        fn any_string_stays_one_line(text in any::<String>()) {
            let written = Json::String(text.clone()).to_string();
            let ends_a_line = written.contains(['\n', '\r', '\u{2028}', '\u{2029}', '\u{85}']);
            prop_assert!(!ends_a_line);
            prop_assert_eq!(Json::read(&written).unwrap(), Json::String(text));
        }
    }
}
