//! Each call becomes an action, told in the background: no call waits for its record, and what could not be told is counted.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::call::Call;
use crate::{
    api::{ActionsAnswer, path},
    client::Client,
    interlock::lease::Holder,
    terms::Time,
};

/// Records that wait at most.
const WAITING: usize = 10_000;
/// Records told at once.
const BATCH: usize = 500;
/// The longest arguments and results that are recorded, in bytes of JSON.
const LONGEST: usize = 64 << 10;
/// How often a batch that got no answer is told again.
const TRIES: u32 = 5;
/// Pause before that.
const PAUSE: Duration = Duration::from_millis(500);

/// Takes records; cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    sender: mpsc::Sender<Value>,
    agent: String,
    run: String,
}

impl Recorder {
    /// Tells `client` from now on; the task ends once every recorder is gone and all is told.
    pub fn start(client: Client, holder: &Holder, run: &str) -> (Self, tokio::task::JoinHandle<()>) {
        let (sender, waiting) = mpsc::channel(WAITING);
        let task = tokio::spawn(tell(client, waiting));
        (Self { sender, agent: holder.agent.to_string(), run: run.to_owned() }, task)
    }

    /// A call ended, as `ok`, `error` or `denied`.
    pub fn call(&self, call: &Call, status: &str, output: Option<Value>) {
        let trace: Vec<&str> = call.trace.as_deref().map(|trace| trace.split('-').collect()).unwrap_or_default();
        let mut action = json!({
            "id": uuid::Uuid::now_v7(),
            "agent": self.agent,
            "run": self.run,
            "tool": call.tool,
            "started": call.began,
            "at": Time::from(chrono::Utc::now()),
            "status": status,
            "input": short(&call.input),
        });
        if let Some(output) = output {
            action["output"] = short(&output);
        }
        if let [_, trace, parent, _] = trace[..] {
            action["trace_id"] = trace.into();
            action["parent_span_id"] = parent.into();
        }
        if self.sender.try_send(action).is_err() {
            tracing::warn!(tool = %call.tool, "a call is not recorded: the backend takes no telemetry");
        }
    }
}

/// A value as it is recorded; what is too long is cut, and says so.
fn short(value: &Value) -> Value {
    let text = value.to_string();
    if text.len() <= LONGEST {
        return value.clone();
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    json!({"cut": true, "bytes": text.len(), "begins": text[..end]})
}

async fn tell(client: Client, mut waiting: mpsc::Receiver<Value>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        for tried in 1..=TRIES {
            let answer: Result<ActionsAnswer, _> = client.post(path::ACTIONS, &batch).await;
            match answer {
                Ok(_) => break,
                Err(why) if why.is_lost() && tried < TRIES => tokio::time::sleep(PAUSE * tried).await,
                Err(why) => {
                    tracing::warn!(%why, calls = batch.len(), "calls are not recorded");
                    break;
                }
            }
        }
        batch.clear();
    }
}
