//! What somebody outside would notice: one binary, one module per topic.

mod life;
mod rig;
mod serve;
