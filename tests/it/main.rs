//! What somebody outside would notice: one binary, one module per topic.

mod hostile;
mod interlock;
mod life;
mod rig;
mod serve;
mod telemetry;
mod worlds;
