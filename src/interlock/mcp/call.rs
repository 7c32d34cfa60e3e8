//! One `tools/call`, and what has become of it.

use std::collections::HashMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::{
    json::Json,
    message::{Id, Message},
    reply,
};
use crate::{
    api::CheckRequest,
    terms::{AgentId, HoldId, Time, ToolName},
};

/// The longest arguments the interlock is asked about in full, in bytes of JSON; and the beginning of longer ones.
const ASKED: usize = 256 << 10;
const SHOWN: usize = 8 << 10;
/// Calls that may be open at once.
const OPEN: usize = 4_096;

/// A call as the client asked it.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its id.
    pub id: Id,
    /// The tool by the server's own name.
    pub tool: ToolName,
    /// Its arguments; none where it has none.
    pub input: Value,
    /// Where its client hears of progress.
    pub progress: Option<Value>,
    /// Its results name their kind.
    pub modern: bool,
    /// The trace it belongs to.
    pub trace: Option<String>,
    /// When it came.
    pub began: Time,
}

impl Call {
    /// Reads a `tools/call` request.
    ///
    /// # Errors
    /// What is missing.
    pub fn read(id: &Id, request: &Message, now: Time) -> Result<Self, String> {
        let name = request.param("name").and_then(Json::as_str).ok_or("`params.name`: the tool's name is missing")?;
        let tool = ToolName::new(name).map_err(|why| format!("`params.name`: {why}"))?;
        let trace = request.meta("traceparent").and_then(Json::as_str).map(str::to_owned);
        Ok(Self {
            id: id.clone(),
            tool,
            input: request.param("arguments").map_or(Value::Null, Json::to_value),
            progress: request.meta("progressToken").map(Json::to_value),
            modern: reply::is_modern(request),
            trace,
            began: now,
        })
    }

    /// The question the interlock is asked.
    pub fn question(&self, agent: &AgentId, run: &str, hold: Option<HoldId>, now: Time) -> CheckRequest {
        CheckRequest {
            tool: Some(self.tool.clone()),
            run: Some(run.to_owned()),
            input: Some(bounded(&self.input)),
            hold,
            sent_at: Some(now),
            ..CheckRequest::by(agent.clone())
        }
    }
}

/// The arguments as the interlock is asked about them: what is too long goes by its beginning and its digest, which binds
/// a ticket as well as the whole would.
fn bounded(input: &Value) -> Value {
    let text = input.to_string();
    if text.len() <= ASKED {
        return input.clone();
    }
    let end = (0..=SHOWN).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let digest = hex::encode(Sha256::digest(text.as_bytes()));
    json!({"bytes": text.len(), "sha256": digest, "begins": text[..end]})
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The interlock is asked, or a person.
    Judged,
    /// The server has it.
    Passed,
    /// The client was answered in the server's stead: what the server still says is recorded, not passed on.
    Withheld,
}

/// Every call that is open, by id.
#[derive(Debug, Default)]
pub struct Calls {
    open: HashMap<Id, (Call, Stage, CancellationToken)>,
}

impl Calls {
    /// A new call, and what tells that its client gave it up. None when its id is in use already, or too many are open: an
    /// answer could then be either's.
    pub fn open(&mut self, call: &Call, gone: &CancellationToken) -> Option<CancellationToken> {
        if self.open.len() >= OPEN || self.open.contains_key(&call.id) {
            return None;
        }
        let cancel = gone.child_token();
        self.open.insert(call.id.clone(), (call.clone(), Stage::Judged, cancel.clone()));
        Some(cancel)
    }

    /// Its client gave a call up. True when the server needs not hear of that: it never got the call, or was told.
    pub fn cancel(&mut self, id: &Id) -> bool {
        match self.open.get(id) {
            Some((_, Stage::Judged, cancel)) => {
                cancel.cancel();
                self.open.remove(id);
                true
            }
            Some((_, Stage::Withheld, _)) => true,
            Some((_, Stage::Passed, _)) | None => false,
        }
    }

    /// Whether a call still waits to be judged: one that was cancelled meanwhile does not.
    pub fn is_judged(&self, id: &Id) -> bool {
        self.open.get(id).is_some_and(|(_, stage, _)| *stage == Stage::Judged)
    }

    /// The call goes to the server, unless it was cancelled meanwhile.
    pub fn pass(&mut self, id: &Id) -> bool {
        match self.open.get_mut(id) {
            Some((_, stage @ Stage::Judged, _)) => {
                *stage = Stage::Passed;
                true
            }
            _ => false,
        }
    }

    /// Takes a call out that was still being judged.
    pub fn drop_judged(&mut self, id: &Id) -> Option<Call> {
        if self.is_judged(id) { self.open.remove(id).map(|(call, ..)| call) } else { None }
    }

    /// The server answered: the call, and whether its client still waits for that.
    pub fn answered(&mut self, id: &Id) -> Option<(Call, Stage)> {
        match self.open.get(id) {
            Some((_, Stage::Passed | Stage::Withheld, _)) => self.open.remove(id).map(|(call, stage, _)| (call, stage)),
            _ => None,
        }
    }

    /// Every call at the server that is to be answered in its stead now.
    pub fn withhold(&mut self) -> Vec<Call> {
        let mut withheld = Vec::new();
        for (call, stage, _) in self.open.values_mut().filter(|(_, stage, _)| *stage == Stage::Passed) {
            *stage = Stage::Withheld;
            withheld.push(call.clone());
        }
        withheld
    }

    /// Every call that the server has.
    pub fn passed(&self) -> Vec<Call> {
        let passed = self.open.values().filter(|(_, stage, _)| *stage == Stage::Passed);
        passed.map(|(call, ..)| call.clone()).collect()
    }

    /// One call at the server, answered in its stead.
    pub fn withhold_one(&mut self, id: &Id) -> bool {
        match self.open.get_mut(id) {
            Some((_, stage @ Stage::Passed, _)) => {
                *stage = Stage::Withheld;
                true
            }
            _ => false,
        }
    }

    /// Everything that is open, at the end.
    pub fn drain(&mut self) -> Vec<(Call, Stage)> {
        self.open.drain().map(|(_, (call, stage, _))| (call, stage)).collect()
    }
}
