//! A facilitator's commands: `andon drill pause`, `resume`, `step`, `speed`, `skip`, `back`, `inject`, `cut`, `note`, `hints`,
//! `appoint`, and `outline`, which is theirs to read (DRL.1).

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{Accepted, Ask, path},
    drill::{Outline, OutlineLine},
    incident::{Fact, drilled::Steer},
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
    /// Go back to a moment: the next take begins there, and everybody is led to it.
    Back {
        /// DRILL-1.
        drill: DrillId,
        /// Seconds of the recording after its zero.
        #[arg(long, value_name = "SECONDS")]
        to: f64,
    },
    /// Put something in that the recording does not hold.
    Inject(Inject),
    /// Cut one participant's client off from the drill's world.
    Cut {
        /// DRILL-1.
        drill: DrillId,
        /// Whose, by name.
        who: String,
        /// For so many seconds, at most 600.
        #[arg(long = "for", value_name = "SECONDS", default_value_t = 60)]
        for_s: u32,
    },
    /// Write a note to self, which participants do not see.
    Note {
        /// DRILL-1.
        drill: DrillId,
        /// In words.
        text: String,
        /// Of which second of the recording.
        #[arg(long, value_name = "SECONDS")]
        at: Option<f64>,
    },
    /// Show participants the recording's hints as they come, or hide them.
    Hints {
        /// DRILL-1.
        drill: DrillId,
        /// Not any more.
        #[arg(long)]
        hide: bool,
    },
    /// Have somebody else lead a drill too: see what comes, and steer.
    Appoint {
        /// DRILL-1.
        drill: DrillId,
        /// Who, by name.
        who: String,
    },
    /// Read what comes, and what each thing harms; of a drill that you lead.
    Outline {
        /// DRILL-1.
        drill: DrillId,
    },
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
    /// The next page of the drill is heard by nobody: its queue goes on to the next.
    #[arg(long)]
    deaf_page: bool,
    /// An action or a mark, as a line of a recording; it happens now.
    #[arg(long, value_name = "JSON")]
    line: Option<String>,
}

impl Injected {
    fn steer(self) -> Steer {
        if self.deaf_page { Steer::Deafen {} } else { Steer::Inject { line: self.into_line() } }
    }

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
        Steering::Back { drill, to } => (drill, Steer::Back { to_s: to }),
        Steering::Inject(inject) => (inject.drill, inject.what.steer()),
        Steering::Cut { drill, who, for_s } => (drill, Steer::Cut { who, for_s }),
        Steering::Note { drill, text, at } => (drill, Steer::Note { text, at_s: at }),
        Steering::Hints { drill, hide } => (drill, Steer::Hints { shown: !hide }),
        Steering::Appoint { drill, who } => (drill, Steer::Appoint { who }),
        Steering::Outline { drill } => return outline(reach, drill).await,
    };
    let ask = Ask { id: Uuid::now_v7(), command: how };
    let accepted: Accepted = reach.client().await?.post(&format!("{}/{drill}/steer", path::DRILLS), &ask).await?;
    let next = accepted.events.iter().find_map(|event| match &event.fact {
        Fact::DrillRewound(rewound) => Some(rewound.next),
        _ => None,
    });
    reach.told(&accepted, |kinds| match next {
        Some(next) => format!("{drill} goes on as {next}; every cockpit in it was led there"),
        None => format!("{drill}: {kinds}"),
    })
}

async fn outline(reach: &Reach, drill: DrillId) -> Result<(), Failed> {
    let outline: Outline = reach.client().await?.get(&path::drill_outline(drill)).await?;
    reach.show(&outline, |outline| {
        print::line(print::clean(&outline.title).as_str())?;
        let rows: Vec<Vec<String>> = outline.lines.iter().map(row).collect();
        print::table(&["AT", "WHAT", "ACTIONS", "HARM", ""], &rows)
    })
}

fn row(line: &OutlineLine) -> Vec<String> {
    let seconds = line.at_s.max(0.0) as u64;
    let at = format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let what = if line.deaf { "deaf page".to_owned() } else { line.kind.to_string() };
    let actions = if line.actions > 0 { line.actions.to_string() } else { String::new() };
    let harm = if line.harm.is_none() { String::new() } else { line.harm.to_string() };
    vec![at, what, actions, harm, line.text.clone()]
}
