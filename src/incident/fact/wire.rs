//! A fact as the wire and the log have it: `type` and `data`.

use super::Fact;

impl Fact {
    /// Its `type` and `data` on the wire.
    ///
    /// # Errors
    /// Never for a fact that was decided; a number that JSON cannot write.
    pub fn parts(&self) -> Result<(String, serde_json::Value), serde_json::Error> {
        use serde::ser::Error as _;
        match serde_json::to_value(self)? {
            serde_json::Value::Object(mut map) => {
                let data = map.remove("data").unwrap_or_default();
                match map.remove("type") {
                    Some(serde_json::Value::String(kind)) => Ok((kind, data)),
                    _ => Err(serde_json::Error::custom("a fact without a type")),
                }
            }
            _ => Err(serde_json::Error::custom("a fact is an object")),
        }
    }

    /// A fact from its `type` and `data`.
    ///
    /// # Errors
    /// When this version knows no such type, or the data is not of it.
    pub fn from_parts(kind: &str, data: serde_json::Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::json!({ "type": kind, "data": data }))
    }

    /// Every `type` there is.
    pub fn kinds() -> Vec<String> {
        // What reads them names them all where it knows none.
        let why = Self::from_parts("", serde_json::Value::Null).err().map(|why| why.to_string()).unwrap_or_default();
        why.split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    /// Its `type` on the wire.
    pub fn kind(&self) -> String {
        self.parts().map(|(kind, _)| kind).unwrap_or_default()
    }
}
