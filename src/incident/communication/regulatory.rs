//! Regulators as recipients with clocks of their own (COM.7): data of the runbook, off until an organisation turns them on.

use serde::{Deserialize, Serialize};

use crate::{
    incident::Sent,
    terms::{Time, words},
};

words! {
    /// From when a duty runs.
    RegulatoryZero, "a zero of a regulatory clock" {
        /// A person was aware of the incident.
        Awareness = "awareness",
        /// It was declared.
        Declaration = "declaration",
        /// Harm is confirmed.
        Harm = "harm",
    }
}

/// One duty to report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegulatoryClock {
    /// The law, in a word: `gdpr`.
    pub regime: String,
    /// What is owed: `notification`.
    pub duty: String,
    /// To whom.
    pub to: String,
    /// When the law asks for it, in a sentence.
    pub applies: String,
    /// Within so many seconds.
    pub within_s: u64,
    /// From when.
    pub from: RegulatoryZero,
    /// The organisation turned it on.
    #[serde(default)]
    pub on: bool,
}

impl RegulatoryClock {
    /// Its clock's name: `gdpr notification`.
    pub fn name(&self) -> String {
        format!("{} {}", self.regime, self.duty)
    }

    /// Whether a message to `to` went to this one's recipient; where only one regime is on, every report did.
    fn is_meant(&self, to: &str, alone: bool) -> bool {
        let to = to.to_lowercase();
        alone || to.contains(&self.regime.to_lowercase()) || to.contains(&self.to.to_lowercase())
    }
}

/// When each duty of `plan` was done: the first report to a recipient does its first duty, the next one its second.
pub fn reported<'s>(plan: &[RegulatoryClock], sent: impl Iterator<Item = &'s Sent>) -> Vec<Option<Time>> {
    let mut sent: Vec<(Time, &str)> = sent.filter_map(|sent| Some((sent.told_at()?, sent.to.as_str()))).collect();
    sent.sort();
    let alone = plan.windows(2).all(|pair| pair[0].regime == pair[1].regime);
    let of_regime = |at: usize| plan[..at].iter().filter(|earlier| earlier.regime == plan[at].regime).count();
    let done = |(at, one): (usize, &RegulatoryClock)| {
        sent.iter().filter(|(_, to)| one.is_meant(to, alone)).nth(of_regime(at)).map(|(told, _)| *told)
    };
    plan.iter().enumerate().map(done).collect()
}
