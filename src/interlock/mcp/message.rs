//! One line of MCP's stdio: strictly one JSON-RPC object, or refused. Whatever two parsers could read in two ways is a way
//! around the interlock (standards: bare CR, keys twice, batches, escaped method names).

use super::json::Json;

/// The longest line that is taken, in bytes.
pub const LONGEST: usize = 128 << 20;
/// The largest integer that every client and server reads alike.
const EXACT: i64 = 9_007_199_254_740_991;

/// The keys of a message that decide what it is.
const ENVELOPE: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
/// The keys of its parameters that decide what is called.
const PARAMETERS: [&str; 4] = ["name", "arguments", "uri", "_meta"];

/// A key that a reader without regard to case takes for one of `known`.
fn odd_key<'j>(object: &'j Json, known: &[&str]) -> Option<&'j str> {
    let Json::Object(entries) = object else { return None };
    let keys = entries.iter().map(|(key, _)| key.as_str());
    // Folded as the loosest readers do: a long s is an s, a Kelvin sign a k.
    keys.filter(|key| !known.contains(key)).find(|key| known.contains(&key.to_uppercase().to_lowercase().as_str()))
}

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Wants an answer.
    Request {
        /// Its id, as it stands.
        id: Id,
        /// What.
        method: String,
    },
    /// Wants none.
    Notification {
        /// What.
        method: String,
    },
    /// Answers a request of the other side.
    Response {
        /// Which.
        id: Id,
    },
}

/// A request's id: a string or an integer, never taken for each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// `"7"`.
    Text(String),
    /// `7`.
    Number(i64),
}

impl Id {
    /// The id that `value` is; none where it is no text and no plain integer.
    pub fn of(value: &Json) -> Option<Self> {
        match value {
            Json::String(text) => Some(Self::Text(text.clone())),
            Json::Number(digits) => {
                let number: i64 = digits.parse().ok()?;
                // `-0` and the like are written in two ways.
                (number.abs() <= EXACT && number.to_string() == *digits).then_some(Self::Number(number))
            }
            _ => None,
        }
    }

    /// As it stands in a message.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Text(text) => Json::String(text.clone()),
            Self::Number(number) => Json::Number(number.to_string()),
        }
    }
}

/// One message, read strictly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// All of it.
    pub json: Json,
    /// What it is.
    pub kind: Kind,
}

/// A line that is not passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Broken {
    /// JSON-RPC's code: -32700 for no JSON, -32600 for no request.
    pub code: i64,
    /// The id it had, where that could be read.
    pub id: Option<Id>,
    /// What is wrong.
    pub why: String,
}

impl Message {
    /// Reads one line, without its end.
    ///
    /// # Errors
    /// Everything but exactly one JSON-RPC 2.0 object.
    pub fn read(line: &[u8]) -> Result<Self, Broken> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.contains(&b'\r') || line.contains(&b'\n') {
            let why = "a line end stands inside of the message: some readers would see two".into();
            return Err(Broken { code: -32_700, id: None, why });
        }
        Self::read_whole(line)
    }

    /// Reads a message that has a body of its own, as over HTTP: there a line end parts nothing.
    ///
    /// # Errors
    /// Everything but exactly one JSON-RPC 2.0 object.
    pub fn read_whole(line: &[u8]) -> Result<Self, Broken> {
        let no_json = |why: String| Broken { code: -32_700, id: None, why };
        if line.len() > LONGEST {
            return Err(no_json(format!("the message is longer than {LONGEST} bytes")));
        }
        let text = std::str::from_utf8(line).map_err(|why| no_json(format!("it is not UTF-8: {why}")))?;
        if text.starts_with('\u{feff}') {
            return Err(no_json("it begins with a byte order mark".into()));
        }
        let json = Json::read(text).map_err(|why| no_json(why.to_string()))?;
        Self::of(json)
    }

    fn of(json: Json) -> Result<Self, Broken> {
        let id = json.get("id").and_then(Id::of);
        let wrong = |why: &str| Broken { code: -32_600, id: id.clone(), why: why.into() };
        if !matches!(json, Json::Object(_)) {
            return Err(wrong("a message is one object; batches are not taken"));
        }
        if json.get("jsonrpc").and_then(Json::as_str) != Some("2.0") {
            return Err(wrong("a message says \"jsonrpc\": \"2.0\""));
        }
        let params = json.get("params").unwrap_or(&Json::Null);
        if let Some(key) = odd_key(&json, &ENVELOPE).or_else(|| odd_key(params, &PARAMETERS)) {
            let key: String = key.chars().take(40).collect();
            return Err(wrong(&format!("the key {key:?} is written so that some readers take it for another")));
        }
        let answers = json.get("result").is_some() || json.get("error").is_some();
        let method = match json.get("method") {
            Some(Json::String(method)) => Some(method.clone()),
            Some(_) => return Err(wrong("`method` is a text")),
            None => None,
        };
        // An error may answer a message whose id could not be read.
        let unread = json.get("error").is_some() && json.get("id") == Some(&Json::Null);
        if json.get("id").is_some() && id.is_none() && !unread {
            return Err(wrong("`id` is a text, or an integer that every reader takes for the same"));
        }
        let kind = match (method, id.clone(), answers) {
            (Some(method), Some(id), false) => Kind::Request { id, method },
            (Some(method), None, false) => Kind::Notification { method },
            (None, Some(id), true) => Kind::Response { id },
            (None, None, true) if unread => Kind::Response { id: Id::Text(String::new()) },
            _ => return Err(wrong("a message is a request, a notification or an answer, and only one of them")),
        };
        Ok(Self { json, kind })
    }

    /// A part of its `params`.
    pub fn param(&self, key: &str) -> Option<&Json> {
        self.json.get("params")?.get(key)
    }

    /// A part of its `params._meta`.
    pub fn meta(&self, key: &str) -> Option<&Json> {
        self.param("_meta")?.get(key)
    }

    /// As it is passed on: one line, with its end.
    pub fn line(&self) -> Vec<u8> {
        format!("{}\n", self.json).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Kind, i64> {
        Message::read(text.as_bytes()).map(|message| message.kind).map_err(|broken| broken.code)
    }

    #[test]
    fn a_message_is_one_of_three_things() {
        let request = |id, method: &str| Ok(Kind::Request { id, method: method.into() });
        for (text, is) in [
            (r#"{"method":"ping","jsonrpc":"2.0","id":0}"#, request(Id::Number(0), "ping")),
            (r#"{"jsonrpc":"2.0","id":"0","method":"ping"}"#, request(Id::Text("0".into()), "ping")),
            (
                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\r",
                Ok(Kind::Notification { method: "notifications/initialized".into() }),
            ),
            (r#"{"jsonrpc":"2.0","id":-3,"result":{}}"#, Ok(Kind::Response { id: Id::Number(-3) })),
            (
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#,
                Ok(Kind::Response { id: Id::Text(String::new()) }),
            ),
            // The escapes are read, so that it is judged as what it is.
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools\/c\u0061ll"}"#, request(Id::Number(1), "tools/call")),
        ] {
            assert_eq!(read(text), is, "{text}");
        }
    }

    /// Every way around the interlock that real servers were seen to take.
    #[test]
    fn whatever_could_be_read_in_two_ways_is_refused() {
        for (text, code) in [
            (
                "{\"jsonrpc\":\"2.0\",\"method\":\"a\"}\r{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}",
                -32_700,
            ),
            ("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", -32_700),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#, -32_700),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/call"}"#, -32_700),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","name":"pay"}}"#, -32_700),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call"}]"#, -32_600),
            (r#"{"id":1,"method":"ping"}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":-0,"method":"ping"}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":null,"method":"tools/call"}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","result":{}}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","paramſ":{}}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","NAME":"pay"}}"#, -32_600),
            (r#"{"jsonrpc":"2.0"}"#, -32_600),
            ("", -32_700),
            ("nonsense", -32_700),
        ] {
            assert_eq!(read(text), Err(code), "{text}");
        }
        assert_eq!(Message::read(b"\xff\xfe").unwrap_err().code, -32_700);
    }

    #[test]
    fn a_refusal_names_the_id_where_there_is_one() {
        let broken = Message::read(br#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#).unwrap_err();
        assert_eq!(broken.id, Some(Id::Number(7)));
    }
}
