//! `andon interlock mcp`: between an MCP client and its server (CON.15, DET.12, protocol 3). Every call is judged before the
//! server hears of it; everything else passes as it came.
//!
//! `json` and `message` read strictly; `gate` judges a call; `session` is what passes between both sides; `stdio` joins it
//! to pipes. `http` and `relay` do the same between an HTTP client and an HTTP server.

mod call;
pub mod frames;
mod gate;
mod http;
pub mod json;
mod lines;
pub mod message;
mod record;
mod relay;
mod reply;
mod session;
mod stdio;

pub use http::{NotServed, http};
pub use stdio::stdio;
