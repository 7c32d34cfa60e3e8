//! `andon readiness`: what is open before an incident, with what to do (GOV.1–GOV.6).

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::State,
    report::readiness::{Line, Ready, readiness as lines},
};

pub async fn readiness(reach: &Reach) -> Result<(), Failed> {
    let state: State = reach.client().await?.state(reach.world).await?;
    let runbook = reach.runbook(None).await?;
    reach.show(&lines(&state, &runbook), |lines| lines.iter().try_for_each(|line| print::line(words(line))))
}

/// One line as people read it.
pub fn words(line: &Line) -> String {
    let sign = match line.state {
        Ready::Met => "✓",
        Ready::Open => "○",
    };
    format!("{sign} {} {}: {}", line.code, print::clean(&line.what), print::clean(&line.detail))
}
