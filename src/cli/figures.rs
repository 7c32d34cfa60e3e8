//! Figures over incidents (TEAM.5).

use clap::Args;

use super::{
    print::{self, Failed},
    reach::Reach,
    when,
};
use crate::{
    api::path,
    report::figures::{Both, Figures, Measure},
    terms::Time,
};

/// `andon figures`.
#[derive(Debug, Args)]
pub struct Asked {
    /// Only what was declared since: 30d, or RFC 3339.
    #[arg(long, value_name = "T", value_parser = earlier)]
    since: Option<Time>,
}

fn earlier(text: &str) -> Result<Time, String> {
    let before = |millis: i64| Time::from(chrono::Utc::now()).plus(-millis);
    text.parse::<Time>().or_else(|_| when::duration(text).map(before))
}

pub async fn run(reach: &Reach, asked: &Asked) -> Result<(), Failed> {
    let since = asked.since.map(|since| format!("?since={since}")).unwrap_or_default();
    let both: Both = reach.client().await?.get(&format!("{}{since}", path::FIGURES)).await?;
    reach.show(&both, |both| {
        lines(&both.real)?;
        if both.drills.incidents > 0 {
            print::line("\nDRILLS")?;
            lines(&both.drills)?;
        }
        Ok(())
    })
}

fn lines(figures: &Figures) -> Result<(), Failed> {
    let Figures { incidents, open, open_changes, .. } = figures;
    print::line(format!("{incidents} incidents, {open} open; {open_changes} proposed changes are not merged"))?;
    let took = |seconds: Option<f64>| seconds.map_or_else(|| "–".to_owned(), print::span);
    let measures = [
        ("detect (MTTD)", &figures.detect),
        ("acknowledge", &figures.acknowledge),
        ("harm to halt", &figures.halt),
        ("contain", &figures.contain),
        ("resolve", &figures.resolve),
        ("restart", &figures.restart),
    ];
    let row = |(name, measure): &(&str, &Measure)| {
        vec![
            (*name).to_owned(),
            measure.n.to_string(),
            took(measure.median_s),
            took(measure.p90_s),
            took(measure.max_s),
        ]
    };
    print::table(&["STEP", "N", "MEDIAN", "90 %", "LONGEST"], &measures.iter().map(row).collect::<Vec<_>>())?;
    let kept = figures.kept;
    print::line(format!("budgets kept: {} of {}", kept.met, kept.met + kept.missed))?;
    for (name, budget) in figures.budgets.iter().filter(|(_, budget)| budget.missed > 0) {
        print::line(format!("  {}: {} missed of {}", print::clean(name), budget.missed, budget.met + budget.missed))?;
    }
    let noisy = |(name, noise): (&String, &crate::report::figures::Noise)| {
        let share = 100.0 * noise.noise as f64 / noise.firings.max(1) as f64;
        vec![name.clone(), noise.firings.to_string(), noise.noise.to_string(), format!("{share:.0} %")]
    };
    if figures.noise.is_empty() {
        return Ok(());
    }
    print::table(&["TRIPWIRE", "FIRINGS", "NOISE", "SHARE"], &figures.noise.iter().map(noisy).collect::<Vec<_>>())
}
