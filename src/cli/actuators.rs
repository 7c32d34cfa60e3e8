//! `andon actuators`: the pre-approved moves beside a halt (CON.3, CON.8, CON.13).

use std::time::Duration;

use clap::Subcommand;
use serde::Serialize;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    backend::outward,
    incident::{Command, FireActuator, containment::ActuatorRun},
    terms::SwitchId,
};

/// `andon actuators`.
#[derive(Debug, Subcommand)]
pub enum Actuators {
    /// Those this host's runbook has.
    List,
    /// Run their harmless probes here, and say which would work.
    Check,
    /// Set one off beside an engaged switch; one that failed is set off again.
    Fire {
        /// Its name.
        name: String,
        /// SW-12.
        #[arg(long)]
        switch: SwitchId,
    },
}

#[derive(Serialize)]
struct Checked {
    name: String,
    /// Absent where it has no probe.
    ok: Option<bool>,
    why: Option<String>,
}

pub async fn run(reach: &Reach, asked: Actuators) -> Result<(), Failed> {
    let actuators = reach.settings.runbook()?.actuators.clone();
    match asked {
        Actuators::List => reach.show(&actuators, |actuators| {
            if actuators.is_empty() {
                return print::line("no actuator: actuators.toml in the runbook's folder names them");
            }
            let rows: Vec<Vec<String>> = actuators
                .iter()
                .map(|one| {
                    let does = one.webhook.clone().unwrap_or_else(|| one.command.join(" "));
                    let on = one.on.as_ref().map_or_else(
                        || "by name only".to_owned(),
                        |on| on.modes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                    );
                    let promised = one.promised_s.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds} s"));
                    let glass = if one.break_glass { "yes" } else { "–" };
                    vec![one.name.clone(), one.does.to_string(), on, promised, glass.to_owned(), does]
                })
                .collect();
            print::table(&["NAME", "MOVE", "ON", "PROMISED", "BREAK-GLASS", "DOES"], &rows)
        }),
        Actuators::Check => {
            let mut checked = Vec::new();
            for one in &actuators {
                let outcome = match &one.probe[..] {
                    [] => None,
                    probe => Some(outward::probe(probe, Duration::from_secs(one.timeout_s)).await),
                };
                let (ok, why) = (outcome.as_ref().map(Result::is_ok), outcome.and_then(Result::err));
                checked.push(Checked { name: one.name.clone(), ok, why });
            }
            reach.show(&checked, |checked| {
                for Checked { name, ok, why } in checked {
                    let word = match ok {
                        None => "has no probe: whether it would work is not known",
                        Some(true) => "would work",
                        Some(false) => "would NOT work",
                    };
                    let why = why.as_deref().map(|why| format!(": {}", print::clean(why))).unwrap_or_default();
                    print::line(format!("{name} {word}{why}"))?;
                }
                Ok(())
            })?;
            let bad = checked.iter().filter(|one| one.ok == Some(false)).count();
            if bad > 0 { Err(format!("{bad} of {} would not work", checked.len()).into()) } else { Ok(()) }
        }
        Actuators::Fire { name, switch } => {
            let promised_s = actuators.iter().find(|one| one.name == name).and_then(|one| one.promised_s);
            let actuators = vec![FireActuator { name: name.clone(), promised_s }];
            let accepted = reach.submit(Command::FireActuators { switch, actuators }).await?;
            reach.told(&accepted, |kinds| format!("{name} beside {switch}: {kinds}"))
        }
    }
}

/// One actuator of a switch in a line: promised against observed.
pub fn line(run: &ActuatorRun) -> String {
    let promised = run.promised_s.map(|seconds| format!(", promised {seconds} s")).unwrap_or_default();
    let outcome = run.outcome.as_ref().map_or_else(String::new, |outcome| {
        let status = print::clean(&outcome.status);
        format!(" in {:.1} s ({status})", outcome.took_s)
    });
    format!("  actuator {}: {}{outcome}{promised}", run.name, run.state())
}
