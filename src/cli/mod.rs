//! The command line: every act as a plain command, for scripts and for those without a full screen (CKP.4).
//!
//! One short file per family. Text or `--json`; exit 0 done, 1 refused or failed with the reason on stderr, 2 wrong usage.

mod actuators;
mod agents;
mod args;
mod audit;
mod auto;
mod backend;
mod backtest;
pub(crate) mod break_glass;
mod bundle;
mod cause;
mod cockpit;
mod config;
mod custody;
mod decide;
mod drafts;
mod drills;
mod evals;
mod evidence;
mod exhibits;
mod facts;
mod faults;
mod figures;
mod firings;
mod headless;
mod holds;
mod hooks;
mod incidents;
mod interlock;
mod login;
mod mutes;
mod outbox;
mod postmortem;
mod print;
mod reach;
mod readiness;
mod recordings;
mod restrict;
mod rollback;
mod run;
mod runbook;
mod scores;
mod severity;
mod status;
mod steering;
mod switches;
mod team;
mod tokens;
mod told;
mod tripwires;
mod when;
mod working;

pub use args::Cli;
pub use run::run;
