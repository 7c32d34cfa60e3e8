//! Everything that can happen to the cockpit.

use crossterm::event::KeyEvent;

use super::link::{Heard, LinkError, Sent};
use crate::{
    api::{Accepted, RecordingView, RunbookView, State, Used},
    drill::Outline,
    telemetry::trace::Trace,
    terms::{AgentId, DrillId, IncidentId},
};

/// One thing that happened. The loop stamps it with the time before `update` sees it.
#[derive(Debug, Clone)]
pub enum Message {
    /// A key went down.
    Key(KeyEvent),
    /// Text was pasted in one piece.
    Paste(String),
    /// The wheel turned: rows, negative is up.
    Wheel(i32),
    /// The terminal has another size.
    Resized(u16, u16),
    /// The terminal window gained or lost the focus.
    Focused(bool),
    /// A second passed.
    Tick,
    /// The state that was asked for came, or not. `load` tells late answers from new ones.
    Loaded {
        /// Which asking it answers.
        load: u64,
        /// What came.
        state: Result<Box<State>, LinkError>,
    },
    /// The event stream said something.
    Heard {
        /// Which asking it belongs to.
        load: u64,
        /// What.
        heard: Heard,
    },
    /// A command was answered.
    Answered {
        /// What was asked, as the toast names it.
        what: String,
        /// How it went.
        result: Result<Accepted, LinkError>,
    },
    /// A trace came, or not.
    Traced {
        /// Whose.
        incident: IncidentId,
        /// What came.
        trace: Result<Box<Trace>, LinkError>,
    },
    /// What waited was sent, or some of it.
    SentKept {
        /// What became of each.
        sent: Vec<Sent>,
        /// How many wait still.
        waiting: usize,
    },
    /// What an agent used lately came, or not.
    Used {
        /// Whose.
        agent: AgentId,
        /// What came.
        used: Result<Vec<Used>, LinkError>,
    },
    /// A version of the runbook came, or not.
    Book {
        /// Which.
        version: String,
        /// What came.
        view: Result<Box<RunbookView>, LinkError>,
    },
    /// A step's command ended, or did not run.
    Ran(Result<String, LinkError>),
    /// What was done without the backend.
    BrokeGlass(Result<String, LinkError>),
    /// What a facilitator sees of a recording came, or not.
    Outline {
        /// Of which drill.
        drill: DrillId,
        /// What came.
        outline: Result<Box<Outline>, LinkError>,
    },
    /// The recordings that can be played came, or not.
    Recordings(Result<Vec<RecordingView>, LinkError>),
    /// A drill began.
    Playing(Result<DrillId, LinkError>),
    /// `$EDITOR` closed.
    Edited(
        /// The draft's text, or what went wrong.
        Result<String, String>,
    ),
    /// Something outside the backend worked or failed; said in a toast.
    Said(String),
    /// The system asks the program to end (SIGTERM, SIGHUP).
    Terminate,
}
