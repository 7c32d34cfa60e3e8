//! `andon interlock mcp`: between an MCP client and its server (CON.15, DET.12, protocol 3). Every call is judged before the
//! server hears of it; everything else passes as it came.
//!
//! `json` and `message` read strictly; `gate` judges a call; `session` is what passes between both sides; `stdio` joins it
//! to pipes.

mod call;
mod gate;
pub mod json;
mod lines;
pub mod message;
mod record;
mod reply;
mod session;
mod stdio;

pub use stdio::stdio;
