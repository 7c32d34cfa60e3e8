//! Pre-approved moves beside a halt, as data (CON.3, CON.8).

use serde::{Deserialize, Serialize};

use super::{RunbookError, read::wrong};
use crate::{
    incident::containment::{Mode, Scope},
    terms::words,
};

words! {
    /// What an actuator does elsewhere (CON.3).
    ActuatorMove, "an actuator's move" {
        /// Holds a canary where it is.
        PauseCanary = "pause-canary",
        /// Sends traffic another way.
        Fallback = "fallback",
        /// Back to the last good release.
        RollBackRelease = "roll-back-release",
        /// Back to the last good prompt.
        RollBackPrompt = "roll-back-prompt",
        /// Takes a source out of retrieval.
        RemoveSource = "remove-source",
        /// Stops what a timer starts.
        DisableSchedule = "disable-schedule",
        /// A vendor's own kill switch.
        VendorKill = "vendor-kill",
        /// Takes a grant or a key back.
        RevokeCredential = "revoke-credential",
        /// Anything else.
        Other = "other",
    }
}

/// One pre-approved move.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actuator {
    /// Its name, unique.
    pub name: String,
    /// What it does.
    #[serde(rename = "move")]
    pub does: ActuatorMove,
    /// Which switches set it off; absent is only by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<On>,
    /// A program and its arguments; no shell reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// A URL that is called instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// The file with the webhook's `whsec_` secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<String>,
    /// The webhook's host may be link-local, where clouds keep credentials.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_link_local: bool,
    /// How long one try may take, seconds.
    #[serde(default = "timeout")]
    pub timeout_s: u64,
    /// The time to effect that was promised, seconds (CON.8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_s: Option<f64>,
    /// A harmless command that proves it would work (CON.13).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probe: Vec<String>,
    /// It fires from this host when the backend is not reached (law 6).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub break_glass: bool,
}

fn timeout() -> u64 {
    20
}

/// Which switches set an actuator off: every part that is named must fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct On {
    /// Switches that touch this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<crate::terms::AgentId>,
    /// Switches that touch this tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<crate::terms::ToolName>,
    /// Switches that touch this workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<crate::terms::Workflow>,
    /// Switches of these modes.
    #[serde(default = "halt")]
    pub modes: Vec<Mode>,
}

fn halt() -> Vec<Mode> {
    vec![Mode::Halt]
}

impl Actuator {
    /// Whether a switch over `scope` in `mode` sets it off. A wide switch touches everything.
    pub fn is_set_off_by(&self, scope: &Scope, mode: Mode) -> bool {
        let touches = |on: &On| {
            on.modes.contains(&mode)
                && (on.agent.is_none() || scope.agent.is_none() || on.agent == scope.agent)
                && (on.tool.is_none() || scope.tool.is_none() || on.tool == scope.tool)
                && (on.workflow.is_none() || scope.workflow.is_none() || on.workflow == scope.workflow)
        };
        self.on.as_ref().is_some_and(touches)
    }
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActuatorsText {
    actuator: Vec<Actuator>,
}

impl ActuatorsText {
    /// The actuators, each of them whole.
    pub(super) fn whole(self, file: &str) -> Result<Vec<Actuator>, RunbookError> {
        let mut names = std::collections::BTreeSet::new();
        for actuator in &self.actuator {
            let name = &actuator.name;
            let no = |what: String| Err(wrong(file, None, format!("actuator {name:?} {what}")));
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if name.is_empty() || !name.chars().all(plain) {
                return no("has no name of small letters, digits and dashes".into());
            }
            if !names.insert(name.clone()) {
                return no("stands twice".into());
            }
            match (&actuator.command[..], &actuator.webhook) {
                ([], Some(url)) if !(url.starts_with("https://") || url.starts_with("http://")) => {
                    return no(format!("calls {url:?}, which is no http(s) URL"));
                }
                ([], Some(_)) if actuator.secret_file.is_none() => {
                    return no("calls a webhook and has no secret_file to sign with".into());
                }
                ([], Some(_)) => {}
                ([_, ..], None) if actuator.secret_file.is_some() => {
                    return no("runs a command: a secret_file is for webhooks".into());
                }
                ([_, ..], None) => {}
                _ => return no("needs either a command or a webhook".into()),
            }
            if !(1..=600).contains(&actuator.timeout_s) {
                return no("has a timeout_s outside of 1 to 600".into());
            }
        }
        Ok(self.actuator)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::runbook::Runbook;

    fn read(text: &str) -> Result<Vec<Actuator>, String> {
        let texts = BTreeMap::from([("actuators.toml".to_owned(), text.to_owned())]);
        Runbook::from_texts(&texts).map(|runbook| runbook.actuators).map_err(|why| why.to_string())
    }

    #[test]
    fn an_actuator_is_whole_or_refused_by_name() {
        let one = |rest: &str| format!("[[actuator]]\nname = \"a\"\nmove = \"other\"\n{rest}");
        assert_eq!(read(&one("command = [\"true\"]")).unwrap()[0].timeout_s, 20);
        for (rest, says) in [
            ("", "either a command or a webhook"),
            ("command = [\"true\"]\nwebhook = \"https://x\"", "either a command or a webhook"),
            ("webhook = \"https://x\"", "secret_file"),
            ("webhook = \"file:///etc\"\nsecret_file = \"s\"", "no http(s) URL"),
            ("command = [\"true\"]\ntimeout_s = 0", "timeout_s"),
            ("command = [\"true\"]\nbreak_glas = true", "did you mean break_glass?"),
            ("command = [\"true\"]\non = { modes = [\"stop\"] }", "halt"),
            ("command = [\"true\"]\n[[actuator]]\nname = \"a\"\nmove = \"other\"\ncommand = [\"x\"]", "twice"),
        ] {
            let why = read(&one(rest)).unwrap_err();
            assert!(why.contains("actuators.toml") && why.contains(says), "{rest}: {why}");
        }
    }

    #[test]
    fn a_wide_switch_sets_off_what_a_narrow_one_does() {
        let text = "[[actuator]]\nname = \"a\"\nmove = \"other\"\ncommand = [\"x\"]\non = { agent = \"refund-bot\" }";
        let actuator = &read(text).unwrap()[0];
        let agent = |name: &str| Scope::agent(crate::terms::AgentId::new(name).unwrap());
        assert!(actuator.is_set_off_by(&Scope::all(), Mode::Halt));
        assert!(actuator.is_set_off_by(&agent("refund-bot"), Mode::Halt));
        assert!(!actuator.is_set_off_by(&agent("mailer"), Mode::Halt));
        assert!(!actuator.is_set_off_by(&Scope::all(), Mode::ReadOnly));
    }
}
