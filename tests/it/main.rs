//! What somebody outside would notice: one binary, one module per topic.

mod actuators;
mod bypass;
mod cli;
mod cockpit;
mod crash;
mod disk;
mod done;
mod drills;
mod faults;
mod gates;
mod gateway;
mod holds;
mod hostile;
mod house;
mod interlock;
mod life;
mod mcp;
mod ofrep;
mod openfeature;
mod proof;
mod rig;
mod rules;
mod runner;
mod serve;
mod telemetry;
mod worlds;
