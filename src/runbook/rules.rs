//! A team's own rules (DET.11), and what the interlock judges before a call runs (DET.12), as data.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{RunbookError, read::wrong};
use crate::terms::{ActionClass, AgentId, ToolName, Workflow, words};

words! {
    /// What follows when a call would meet a rule before it runs (DET.12). Later words are stricter.
    BeforeStage, "a stage" {
        /// It is not judged before it runs.
        Off = "off",
        /// It runs; how often it would have been stopped is counted.
        Shadow = "shadow",
        /// It runs; the caller is told, and the tripwire fires.
        Warn = "warn",
        /// It waits for a person.
        EnforceHold = "enforce-hold",
        /// It is refused.
        EnforceDeny = "enforce-deny",
    }
}

/// The team's rules, and the stage at which authorisation is judged before the act.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rules {
    /// Tools outside the inventory, and agents nobody declared, before they act (DET.5, DET.12).
    pub authorisation: BeforeStage,
    /// In the file's order.
    pub rules: Vec<Rule>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { authorisation: BeforeStage::Off, rules: Vec::new() }
    }
}

impl Rules {
    /// A rule by its name.
    pub fn named(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// Whether any call is judged before it runs.
    pub fn judge_before(&self) -> bool {
        self.authorisation != BeforeStage::Off || self.rules.iter().any(|rule| rule.before != BeforeStage::Off)
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// Its name, and the detail of its firings.
    pub name: String,
    /// Which calls it looks at.
    #[serde(flatten)]
    pub only: Only,
    /// What it asks of them.
    #[serde(flatten)]
    pub asks: Asks,
    /// Where a call's input holds what the rule asks for.
    #[serde(skip_serializing_if = "InputMap::is_empty")]
    pub input: InputMap,
    /// Whom it pages; whom rules page where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<String>,
    /// It opens an incident, for a person to confirm.
    pub opens_incident: bool,
    /// What follows before the call runs.
    pub before: BeforeStage,
}

/// The calls a rule looks at: every part that is named must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Only {
    /// Of this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// With this tool, by any of its names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolName>,
    /// Of this class, declared or claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<ActionClass>,
    /// In this workflow, declared or claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Workflow>,
}

/// What a rule asks (DET.11).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asks {
    /// At most so much in one call, by currency; a currency without a limit meets it.
    Amount(BTreeMap<String, f64>),
    /// At most so many calls in one run.
    CallsPerRun(u32),
    /// Nobody the agent never dealt with.
    NewCounterparty {
        /// Hours after the first counterparty in which new ones are normal.
        grace_h: u32,
    },
    /// The same tool with the same input so many times in so many minutes.
    Loop {
        /// Times, this one included.
        times: u32,
        /// Minutes up to this one.
        minutes: u32,
    },
}

impl fmt::Display for Asks {
    /// `over 500.00 USD in a call`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amount(limits) => {
                let limits: Vec<String> = limits.iter().map(|(code, limit)| format!("{limit:.2} {code}")).collect();
                write!(f, "over {} in a call", limits.join(" or "))
            }
            Self::CallsPerRun(most) => write!(f, "over {most} calls in a run"),
            Self::NewCounterparty { grace_h } => write!(f, "a counterparty never dealt with, after {grace_h} h"),
            Self::Loop { times, minutes } => write!(f, "the same call {times} times in {minutes} min"),
        }
    }
}

impl fmt::Display for Only {
    /// ` · tool stripe.payout`, for each part that is named.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.agent.as_ref().map(|agent| format!(" · agent {agent}")),
            self.tool.as_ref().map(|tool| format!(" · tool {tool}")),
            self.class.as_ref().map(|class| format!(" · class {class}")),
            self.workflow.as_ref().map(|workflow| format!(" · workflow {workflow}")),
        ];
        parts.into_iter().flatten().try_for_each(|part| f.write_str(&part))
    }
}

/// JSON pointers into a call's input, for what telemetry does not say and a check cannot.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InputMap {
    /// The amount: `/amount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// What one of the amount's units is worth: 0.01 for cents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<f64>,
    /// Its currency: `/currency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Whom it deals with: `/destination`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counterparty: Option<String>,
}

impl InputMap {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The most repeats a loop rule may wait for, and the longest it may look back.
const MOST_TIMES: u32 = 200;
const MOST_MINUTES: u32 = 24 * 60;
/// The longest name of a rule, in characters.
const LONGEST_NAME: usize = 80;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RulesText {
    #[serde(default)]
    before: BeforeText,
    #[serde(default)]
    rule: Vec<Spanned<RuleText>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct BeforeText {
    authorisation: Option<BeforeStage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: String,
    agent: Option<AgentId>,
    tool: Option<ToolName>,
    class: Option<ActionClass>,
    workflow: Option<Workflow>,
    amount: Option<BTreeMap<String, f64>>,
    calls_per_run: Option<u32>,
    new_counterparty: Option<GraceText>,
    #[serde(rename = "loop")]
    again: Option<LoopText>,
    #[serde(default)]
    input: InputMap,
    pages: Option<String>,
    #[serde(default)]
    opens_incident: bool,
    before: Option<BeforeStage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GraceText {
    grace_h: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoopText {
    times: u32,
    minutes: u32,
}

impl RulesText {
    /// The rules, each of them whole; `text` is what they were read from, for the line of one that is not.
    pub fn whole(self, file: &str, text: &str) -> Result<Rules, RunbookError> {
        let mut rules = Rules { authorisation: self.before.authorisation.unwrap_or(BeforeStage::Off), rules: vec![] };
        for rule in self.rule {
            let line = text[..rule.span().start.min(text.len())].matches('\n').count() + 1;
            let rule = rule.into_inner();
            let name = rule.name.clone();
            let rule = match rule.whole() {
                _ if rules.named(&name).is_some() => Err("an earlier rule has this name".to_owned()),
                whole => whole,
            };
            let rule = rule.map_err(|what| wrong(file, Some(line), format!("rule {name:?}: {what}")))?;
            rules.rules.push(rule);
        }
        Ok(rules)
    }
}

impl RuleText {
    fn whole(self) -> Result<Rule, String> {
        let fits = |name: &str| !name.is_empty() && name.chars().count() <= LONGEST_NAME && name.trim() == name;
        if !fits(&self.name) || self.name.contains(':') || self.name.chars().any(char::is_control) {
            return Err(format!("a name has 1 to {LONGEST_NAME} characters, no colon, no space at its ends"));
        }
        if crate::tripwire::Tripwire::ALL.iter().any(|tripwire| tripwire.as_str() == self.name) {
            return Err("that is a tripwire's own name".to_owned());
        }
        let asks = [
            self.amount.map(Asks::Amount),
            self.calls_per_run.map(Asks::CallsPerRun),
            self.new_counterparty.map(|text| Asks::NewCounterparty { grace_h: text.grace_h }),
            self.again.map(|text| Asks::Loop { times: text.times, minutes: text.minutes }),
        ];
        let mut asks = asks.into_iter().flatten();
        let (Some(asks), None) = (asks.next(), asks.next()) else {
            return Err("give it exactly one of amount, calls_per_run, new_counterparty, loop".to_owned());
        };
        let asks = asks.whole()?;
        let pointers = [&self.input.amount, &self.input.currency, &self.input.counterparty];
        if let Some(pointer) = pointers.into_iter().flatten().find(|pointer| !pointer.starts_with('/')) {
            return Err(format!("input {pointer:?} is no JSON pointer like \"/amount\""));
        }
        if self.input.unit.is_some_and(|unit| !(unit.is_finite() && unit > 0.0)) {
            return Err("input unit is what one unit of the amount is worth, 0.01 for cents".to_owned());
        }
        let before = self.before.unwrap_or(BeforeStage::Off);
        let lacks = match &asks {
            Asks::Amount(_) if self.input.amount.is_none() => Some("amount"),
            Asks::NewCounterparty { .. } if self.input.counterparty.is_none() => Some("counterparty"),
            _ => None,
        };
        if let Some(lacks) = lacks.filter(|_| before != BeforeStage::Off) {
            return Err(format!("before needs input.{lacks}: a call that has not run says it nowhere else"));
        }
        Ok(Rule {
            name: self.name,
            only: Only { agent: self.agent, tool: self.tool, class: self.class, workflow: self.workflow },
            asks,
            input: self.input,
            pages: self.pages,
            opens_incident: self.opens_incident,
            before,
        })
    }
}

impl Asks {
    fn whole(self) -> Result<Self, String> {
        match &self {
            Self::Amount(limits) => {
                if limits.is_empty() || limits.values().any(|limit| !(limit.is_finite() && *limit >= 0.0)) {
                    return Err("amount needs a limit for each currency, like { USD = 500.0 }".to_owned());
                }
                let code = |code: &String| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
                if let Some(odd) = limits.keys().find(|key| !code(key)) {
                    return Err(format!("amount: {odd:?} is no currency like USD"));
                }
            }
            Self::Loop { times, minutes } => {
                if !(2..=MOST_TIMES).contains(times) || !(1..=MOST_MINUTES).contains(minutes) {
                    return Err(format!("loop takes 2 to {MOST_TIMES} times in 1 to {MOST_MINUTES} minutes"));
                }
            }
            Self::CallsPerRun(0) => return Err("calls_per_run is at least 1".to_owned()),
            Self::CallsPerRun(_) | Self::NewCounterparty { .. } => {}
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::Runbook;

    fn read(text: &str) -> Result<Rules, RunbookError> {
        let texts = BTreeMap::from([("rules.toml".to_owned(), text.to_owned())]);
        Runbook::from_texts(&texts).map(|runbook| (*runbook.tripwires.rules).clone())
    }

    /// DET.11, DET.12: what ships stops nobody and fires at nothing until a team says so.
    #[test]
    fn what_ships_is_harmless_and_its_examples_read() {
        let shipped = Runbook::shipped().tripwires.rules;
        assert_eq!(*shipped, Rules::default());
        let text = crate::runbook::SHIPPED.iter().find(|(name, _)| *name == "rules.toml").unwrap().1;
        let example: String =
            text.lines().filter_map(|line| line.strip_prefix("#| ")).map(|line| format!("{line}\n")).collect();
        let rules = read(&example).unwrap();
        assert_eq!(rules.rules.len(), 4, "one for each kind");
        assert!(rules.rules.iter().all(|rule| rule.before <= BeforeStage::Shadow), "an example enforces nothing");
    }

    #[test]
    fn a_rule_reads_whole() {
        let text = "[before]\nauthorisation = 'enforce-deny'\n[[rule]]\nname = 'big payout'\ntool = 'Stripe.Payout'\n\
                    amount = { USD = 500.0, EUR = 450 }\ninput = { amount = '/a', unit = 0.01 }\nbefore = 'enforce-hold'\n";
        let rules = read(text).unwrap();
        assert_eq!(rules.authorisation, BeforeStage::EnforceDeny);
        let rule = rules.named("big payout").unwrap();
        assert_eq!(rule.only.tool.as_ref().unwrap().as_str(), "stripe.payout");
        assert_eq!(rule.asks, Asks::Amount(BTreeMap::from([("USD".into(), 500.0), ("EUR".into(), 450.0)])));
        assert_eq!((rule.before, rule.opens_incident), (BeforeStage::EnforceHold, false));
    }

    /// GOV.1: what does not fit is named with file, line, key, and the nearest word.
    #[test]
    fn what_does_not_fit_is_named() {
        let rule = |rest: &str| format!("\n[[rule]]\nname = 'x'\n{rest}\n");
        for (text, line, said) in [
            (rule("calls_per_runs = 3"), 4, "did you mean calls_per_run?"),
            (rule("calls_per_run = 3\nbefore = 'enforce-hodl'"), 5, "before: \"enforce-hodl\""),
            (rule("calls_per_run = 3\nbefore = 'enforce-hodl'"), 5, "did you mean enforce-hold?"),
            (rule("calls_per_run = 'many'"), 4, "calls_per_run: "),
            (rule("loop = { times = 3, minuts = 4 }"), 4, "did you mean minutes?"),
            (rule(""), 2, "exactly one of"),
            (rule("calls_per_run = 3\namount = { USD = 1.0 }"), 2, "exactly one of"),
            (rule("calls_per_run = 0"), 2, "at least 1"),
            (rule("loop = { times = 1, minutes = 4 }"), 2, "2 to 200 times"),
            (rule("loop = { times = 3, minutes = 4000 }"), 2, "1440 minutes"),
            (rule("amount = { dollars = 1.0 }"), 2, "no currency like USD"),
            (rule("amount = { USD = -1.0 }"), 2, "a limit for each currency"),
            (rule("amount = { USD = 1.0 }\ninput = { amount = 'amount' }"), 2, "no JSON pointer"),
            (rule("amount = { USD = 1.0 }\nbefore = 'warn'"), 2, "before needs input.amount"),
            (rule("calls_per_run = 3") + &rule("calls_per_run = 4"), 6, "an earlier rule has this name"),
            ("[before]\nauthorization = 'warn'".to_owned(), 2, "did you mean authorisation?"),
            ("[[rule]]\nname = 'breach'\ncalls_per_run = 3".to_owned(), 1, "tripwire's own name"),
            ("[[rule]]\nname = 'a: b'\ncalls_per_run = 3".to_owned(), 1, "no colon"),
        ] {
            let error = read(&text).unwrap_err();
            assert_eq!((error.file.as_str(), error.line), ("rules.toml", Some(line)), "{error}");
            assert!(error.what.contains(said), "{error} / {said}");
        }
    }
}
