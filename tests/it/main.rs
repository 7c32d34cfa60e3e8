//! What somebody outside would notice: one binary, one module per topic.

mod rig;
mod serve;
