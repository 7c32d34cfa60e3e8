//! The wire: requests, responses, paths and problems. Backend and client both use it; neither spells a path itself.

mod commands;
mod drills;
mod evidence;
mod header;
mod hooks;
mod interlock;
mod login;
pub mod path;
mod postmortem;
mod problem;
mod runbook;
mod state;
mod telemetry;
mod tripwires;
mod writing;

pub use commands::{
    Accepted, AckFiring, AnnotateSwitch, Ask, AskPreview, InWorld, MakeToken, PreviewAnswer, RecommendedScope,
    ReleaseSwitch, Stop, Stopping, TokenMade,
};
pub use drills::{DrillPlace, DrillStarted, LONGEST_RECORDING, RecordingView, StartDrill};
pub use evidence::{FreezeCheck, StoredBlob};
pub use header::decoded_header;
pub use hooks::{HookState, HookTested, HookView};
pub use interlock::{AgentView, CheckAnswer, CheckRequest, DecideHold, HoldView, LeaseAnswer, LeaseRequest};
pub use login::{
    Acting, CHALLENGE_HEADER, Challenge, LoggedIn, Login, NAMESPACE, SIGNATURE_HEADER, SIGNATURE_NEEDED,
    SignatureNeeded,
};
pub use postmortem::ProposeTripwires;
pub use problem::Problem;
pub use runbook::RunbookView;
pub use state::{
    AgentLive, Armed, BackendInfo, BrokerInfo, HEARTBEAT_HEADER, IncidentView, Live, Probe, Resync, State,
    TelemetryCounts, Used, UsedName, You,
};
pub use telemetry::{ActionsAnswer, RejectedItem};
pub use tripwires::{
    AutoPlan, BacktestView, CompareTripwires, ComparedTripwires, Engagement, SetAutoStage, TripwiresView,
};
pub use writing::{TellWriting, Writer, Writing};

pub use crate::incident::containment::Decision;
