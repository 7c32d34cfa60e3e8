//! A facilitator's commands: `andon drill pause`, `resume`, `step`, `speed`, `skip`, `inject` (DRL.1).

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{print::Failed, reach::Reach};
use crate::{
    api::{Accepted, Ask, path},
    incident::drilled::Steer,
    terms::DrillId,
};

/// What a facilitator does.
#[derive(Debug, Subcommand)]
pub enum Steering {
    /// Hold a drill: nothing more is played until it goes on.
    Pause {
        /// DRILL-1.
        drill: DrillId,
    },
    /// Have it go on.
    Resume {
        /// DRILL-1.
        drill: DrillId,
    },
    /// Play one thing of a drill that is held.
    Step {
        /// DRILL-1.
        drill: DrillId,
    },
    /// Have it go on slower or faster.
    Speed {
        /// DRILL-1.
        drill: DrillId,
        /// How many times as fast as recorded, 0.1 to 1000.
        speed: f64,
    },
    /// Play everything up to a moment at once.
    Skip {
        /// DRILL-1.
        drill: DrillId,
        /// Seconds of the recording after its zero.
        #[arg(long, value_name = "SECONDS")]
        to: f64,
    },
    /// Put something in that the recording does not hold.
    Inject(Inject),
}

/// `andon drill inject`.
#[derive(Debug, Args)]
pub struct Inject {
    /// DRILL-1.
    drill: DrillId,
    #[command(flatten)]
    what: Injected,
}

/// One of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Injected {
    /// Somebody outside says this.
    #[arg(long)]
    report: Option<String>,
    /// Somebody is paged with this.
    #[arg(long)]
    page: Option<String>,
    /// An action or a mark, as a line of a recording; it happens now.
    #[arg(long, value_name = "JSON")]
    line: Option<String>,
}

impl Injected {
    fn into_line(self) -> String {
        let mark = |kind: &str, text: String| serde_json::json!({"mark": kind, "text": text, "set": true}).to_string();
        match (self.report, self.page, self.line) {
            (Some(text), ..) => mark("report", text),
            (_, Some(text), _) => mark("page", text),
            (.., line) => line.unwrap_or_default(),
        }
    }
}

pub async fn run(reach: &Reach, asked: Steering) -> Result<(), Failed> {
    let (drill, how) = match asked {
        Steering::Pause { drill } => (drill, Steer::Pause {}),
        Steering::Resume { drill } => (drill, Steer::Resume {}),
        Steering::Step { drill } => (drill, Steer::Step {}),
        Steering::Speed { drill, speed } => (drill, Steer::Speed { speed }),
        Steering::Skip { drill, to } => (drill, Steer::Skip { to_s: to }),
        Steering::Inject(inject) => (inject.drill, Steer::Inject { line: inject.what.into_line() }),
    };
    let ask = Ask { id: Uuid::now_v7(), command: how };
    let accepted: Accepted = reach.client().await?.post(&format!("{}/{drill}/steer", path::DRILLS), &ask).await?;
    reach.told(&accepted, |kinds| format!("{drill}: {kinds}"))
}
