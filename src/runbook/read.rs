//! Reads the runbook's texts, and says where one does not fit: file, line, key and the nearest valid word (GOV.1).

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    BannedWording, ClassPlan, Price, Runbook, Scheme, Template, TripwirePlan,
    actuators::ActuatorsText,
    channels::ChannelsText,
    decision::DecisionText,
    evidence::EvidenceText,
    factors::{FactorsText, WorkflowsText},
    hooks::HooksText,
    nearest,
    paging::PagingText,
    rules::RulesText,
    secrets::SecretsText,
};
use crate::{incident::ClockPlan, tripwire::Tripwire};

/// The files of a runbook with the texts that ship.
pub const SHIPPED: &[(&str, &str)] = &[
    ("runbook.toml", include_str!("../../assets/runbook/runbook.toml")),
    ("access.toml", include_str!("../../assets/runbook/access.toml")),
    ("clocks.toml", include_str!("../../assets/runbook/clocks.toml")),
    ("severity.toml", include_str!("../../assets/runbook/severity.toml")),
    ("factors.toml", include_str!("../../assets/runbook/factors.toml")),
    ("workflows.toml", include_str!("../../assets/runbook/workflows.toml")),
    ("classes.toml", include_str!("../../assets/runbook/classes.toml")),
    ("tripwires.toml", include_str!("../../assets/runbook/tripwires.toml")),
    ("rules.toml", include_str!("../../assets/runbook/rules.toml")),
    ("actuators.toml", include_str!("../../assets/runbook/actuators.toml")),
    ("decision.toml", include_str!("../../assets/runbook/decision.toml")),
    ("evidence.toml", include_str!("../../assets/runbook/evidence.toml")),
    ("templates.toml", include_str!("../../assets/runbook/templates.toml")),
    ("channels.toml", include_str!("../../assets/runbook/channels.toml")),
    ("paging.toml", include_str!("../../assets/runbook/paging.toml")),
    ("hooks.toml", include_str!("../../assets/runbook/hooks.toml")),
    ("alerts.toml", include_str!("../../assets/runbook/alerts.toml")),
    ("banned.toml", include_str!("../../assets/runbook/banned.toml")),
    ("layers.toml", include_str!("../../assets/runbook/layers.toml")),
    ("restart.toml", include_str!("../../assets/runbook/restart.toml")),
    ("incidents.toml", include_str!("../../assets/runbook/incidents.toml")),
    ("postmortem.toml", include_str!("../../assets/runbook/postmortem.toml")),
    ("lint.toml", include_str!("../../assets/runbook/lint.toml")),
    ("secrets.toml", include_str!("../../assets/runbook/secrets.toml")),
    ("prices.toml", include_str!("../../assets/runbook/prices.toml")),
    ("drills.toml", include_str!("../../assets/runbook/drills.toml")),
];

/// A runbook text that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {what}", .line.map(|line| format!(" line {line}")).unwrap_or_default())]
pub struct RunbookError {
    /// Which file.
    pub file: String,
    /// Which line, from 1, where one can be named.
    pub line: Option<usize>,
    /// What is wrong, and what would fit.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(default = "first")]
    schema: u32,
    version: String,
    review_by: String,
    default_scheme: String,
    roles: Vec<String>,
    #[serde(default = "nobody_else")]
    owner: String,
}

/// The schema of texts that name none; and the newest that this andon reads.
const SCHEMA: u32 = 1;

fn first() -> u32 {
    SCHEMA
}

/// Who keeps a runbook that names nobody.
fn nobody_else() -> String {
    "the incident manager".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schemes {
    scheme: Vec<SchemeText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemeText {
    id: String,
    title: String,
    level: Vec<super::Level>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Classes {
    class: Vec<ClassPlan>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Templates {
    #[serde(default)]
    reason: BTreeMap<String, String>,
    template: Vec<Template>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Banned {
    wording: Vec<BannedWording>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lint {
    #[serde(default)]
    failure: Vec<super::FailureClass>,
    #[serde(default)]
    claim: Vec<super::Claim>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prices {
    price: BTreeMap<String, Price>,
}

impl Runbook {
    /// The runbook that ships.
    ///
    /// # Panics
    /// Never: a test reads every shipped text.
    pub fn shipped() -> Self {
        match Self::from_texts(&BTreeMap::new()) {
            Ok(runbook) => runbook,
            Err(error) => panic!("the shipped runbook does not read: {error}"),
        }
    }

    /// The shipped texts, with those of `texts` (by file name) in their place.
    ///
    /// # Errors
    /// The first text that does not fit, and where.
    pub fn from_texts(texts: &BTreeMap<String, String>) -> Result<Self, RunbookError> {
        if let Some(unknown) = texts.keys().find(|name| !SHIPPED.iter().any(|(file, _)| file == name)) {
            let known = SHIPPED.iter().map(|(file, _)| *file);
            let hint = nearest(unknown, known).map(|word| format!("; did you mean {word}?")).unwrap_or_default();
            return Err(wrong(unknown, None, format!("is no file of a runbook{hint}")));
        }
        let head: Head = read(texts, "runbook.toml")?;
        if head.schema != SCHEMA {
            let what =
                format!("schema {}: this andon reads schema {SCHEMA}; take the texts that came with it", head.schema);
            return Err(wrong("runbook.toml", None, what));
        }
        let schemes: Schemes = read(texts, "severity.toml")?;
        let mut tripwires: TripwirePlan = read(texts, "tripwires.toml")?;
        let rules: RulesText = read(texts, "rules.toml")?;
        tripwires.rules = Arc::new(rules.whole("rules.toml", text_of(texts, "rules.toml"))?);
        let evidence: EvidenceText = read(texts, "evidence.toml")?;
        let evidence = evidence.whole(text_of(texts, "evidence.toml"))?;
        let schemes: BTreeMap<String, Scheme> = (schemes.scheme.into_iter())
            .map(|text| (text.id.clone(), Scheme { id: text.id, title: text.title, levels: text.level }))
            .collect();
        let templates: Templates = read(texts, "templates.toml")?;
        let audiences: Vec<&str> = templates.template.iter().map(|one| one.audience.as_str()).collect();
        let channels = read::<ChannelsText>(texts, "channels.toml")?.whole("channels.toml", &audiences)?;
        let paging = read::<PagingText>(texts, "paging.toml")?.whole("paging.toml", &channels, &schemes)?;
        let lint: Lint = read(texts, "lint.toml")?;
        let runbook = Self {
            evidence,
            decision: read::<DecisionText>(texts, "decision.toml")?.whole(text_of(texts, "decision.toml"))?,
            factors: read::<FactorsText>(texts, "factors.toml")?.whole("factors.toml", &schemes)?,
            workflows: read::<WorkflowsText>(texts, "workflows.toml")?.whole("workflows.toml", &schemes)?,
            version: head.version,
            review_by: head.review_by,
            default_scheme: head.default_scheme,
            roles: head.roles,
            owner: head.owner,
            schemes,
            clocks: read::<ClockPlan>(texts, "clocks.toml")?,
            classes: read::<Classes>(texts, "classes.toml")?.class,
            tripwires,
            actuators: read::<ActuatorsText>(texts, "actuators.toml")?.whole("actuators.toml")?,
            templates: templates.template,
            reasons: templates.reason,
            failures: lint.failure,
            claims: lint.claim,
            paging,
            hooks: read::<HooksText>(texts, "hooks.toml")?.whole("hooks.toml")?,
            access: read(texts, "access.toml")?,
            alerts: read(texts, "alerts.toml")?,
            channels,
            banned: read::<Banned>(texts, "banned.toml")?.wording,
            layers: read(texts, "layers.toml")?,
            restart: read(texts, "restart.toml")?,
            incidents: read(texts, "incidents.toml")?,
            postmortem: read::<super::PostmortemPlan>(texts, "postmortem.toml")?.whole("postmortem.toml")?,
            secrets: read::<SecretsText>(texts, "secrets.toml")?.whole(text_of(texts, "secrets.toml"))?,
            prices: read::<Prices>(texts, "prices.toml")?.price,
            drills: read::<super::DrillPlan>(texts, "drills.toml")?.whole("drills.toml")?,
        };
        runbook.check()?;
        runbook.evidence.check(text_of(texts, "evidence.toml"), &runbook.roles)?;
        super::templates::fields(&runbook)?;
        super::templates::check(&runbook, text_of(texts, "templates.toml"))?;
        Ok(runbook)
    }

    fn check(&self) -> Result<(), RunbookError> {
        if chrono::NaiveDate::parse_from_str(&self.review_by, "%Y-%m-%d").is_err() {
            return Err(wrong(
                "runbook.toml",
                None,
                format!("review_by {:?} is no date like 2027-01-19", self.review_by),
            ));
        }
        if !self.schemes.contains_key(&self.default_scheme) {
            let known: Vec<&str> = self.schemes.keys().map(String::as_str).collect();
            let what = format!("default_scheme {:?} is none of {}", self.default_scheme, known.join(", "));
            return Err(wrong("runbook.toml", None, what));
        }
        if let Some(scheme) = self.schemes.values().find(|scheme| scheme.levels.is_empty()) {
            return Err(wrong("severity.toml", None, format!("scheme {:?} has no level", scheme.id)));
        }
        self.incidents.check(self)?;
        self.access.check()?;
        self.alerts.check(self.schemes.get(&self.default_scheme))?;
        for (scheme, level) in self.schemes.values().flat_map(|it| it.levels.iter().map(move |level| (&it.id, level))) {
            let mut asked = level.roles.iter().chain(&level.restart_by);
            if let Some(role) = asked.find(|role| !self.roles.contains(role)) {
                let hint = nearest(role, self.roles.iter().map(String::as_str));
                let hint = hint.map(|word| format!("; did you mean {word}?")).unwrap_or_default();
                let what =
                    format!("{scheme} {} asks for the role {role:?}, which runbook.toml does not list{hint}", level.id);
                return Err(wrong("severity.toml", None, what));
            }
        }
        if self.tripwires.retired.contains(&Tripwire::Breach) {
            return Err(wrong("tripwires.toml", None, "retired: a breach is never retired (DET.9)".into()));
        }
        self.layers.check()?;
        self.restart.check(self)?;
        for plan in &self.classes {
            let verifying = plan.steps.iter().filter(|step| step.verifies).count();
            if verifying != 1 {
                let what =
                    format!("class {} has {verifying} verifying steps; exactly one reads the state back", plan.class);
                return Err(wrong("classes.toml", None, what));
            }
            let mut ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
            ids.sort_unstable();
            if let Some(twice) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(wrong("classes.toml", None, format!("class {} has two steps {:?}", plan.class, twice[0])));
            }
        }
        Ok(())
    }
}

pub(super) fn wrong(file: &str, line: Option<usize>, what: String) -> RunbookError {
    RunbookError { file: file.to_owned(), line, what }
}

fn text_of<'t>(texts: &'t BTreeMap<String, String>, file: &str) -> &'t str {
    let shipped = SHIPPED.iter().find(|(name, _)| *name == file).map_or("", |(_, text)| *text);
    texts.get(file).map_or(shipped, String::as_str)
}

fn read<T: DeserializeOwned>(texts: &BTreeMap<String, String>, file: &str) -> Result<T, RunbookError> {
    let text = text_of(texts, file);
    toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let what = hinted(error.message());
        // serde names a wrong value, but not whose it is.
        let key = line.and_then(|line| text.lines().nth(line - 1)?.split_once('=')).map(|(key, _)| key.trim());
        match key.filter(|key| !what.contains(&format!("`{key}`")) && !key.is_empty()) {
            Some(key) => wrong(file, line, format!("{key}: {what}")),
            None => wrong(file, line, what),
        }
    })
}

/// Adds the nearest word to “unknown field `x`, expected one of `a`, `b`”, and to “"x" is not a stage: one of a, b”.
fn hinted(message: &str) -> String {
    if let Some((given, known)) = message.split_once(": one of ") {
        let given = given.split('"').nth(1).unwrap_or_default();
        let hint = nearest(given, known.trim().split(", ")).map(|word| format!("; did you mean {word}?"));
        return format!("{}{}", message.trim_end(), hint.unwrap_or_default());
    }
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.split_first() {
        Some((given, known)) if message.starts_with("unknown") => match nearest(given, known.iter().copied()) {
            Some(word) => format!("{message}; did you mean {word}?"),
            None => message.to_owned(),
        },
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incident::{Fields, communication},
        terms::ActionClass,
    };

    fn with(file: &str, text: &str) -> Result<Runbook, RunbookError> {
        Runbook::from_texts(&BTreeMap::from([(file.to_owned(), text.to_owned())]))
    }

    /// SEV.1–SEV.4, RBK.1–RBK.7, COM.2, DET.2–DET.5: what ships is whole.
    #[test]
    fn the_shipped_runbook_is_whole() {
        let runbook = Runbook::shipped();
        let levels: Vec<usize> =
            ["sev4", "s3", "critical4"].iter().map(|id| runbook.schemes[*id].levels.len()).collect();
        assert_eq!(levels, [4, 3, 4]);
        assert_eq!(runbook.schemes["sev4"].level("sev-1").unwrap().restart_persons, 2);
        let classes: Vec<(&str, u64)> =
            runbook.classes.iter().map(|plan| (plan.class.as_str(), plan.budget_s)).collect();
        let hour = 3600;
        assert_eq!(
            classes,
            [
                ("database-write", 4 * hour),
                ("external-api-call", 24 * hour),
                ("customer-communication", 4 * hour),
                ("document", hour),
                ("code-or-deployment", hour / 2),
                ("identity-or-access", hour / 2),
                ("knowledge-base-write", 4 * hour),
            ]
        );
        let read_back = runbook.class(&ActionClass::new("document").unwrap()).unwrap().steps.last().unwrap().verifies;
        assert!(read_back);
        assert_eq!(runbook.templates.len(), 7);
        assert_eq!(runbook.tripwires.opens_incident, [Tripwire::Authorisation, Tripwire::Outcome, Tripwire::Breach]);
        assert!(Tripwire::ALL.iter().all(|tripwire| runbook.tripwires.pages.contains_key(tripwire)));
    }

    /// COM.3: banned wording is found by whole words, in any field, and an empty field is named.
    #[test]
    fn the_linter_finds_what_says_nothing() {
        let runbook = Runbook::shipped();
        let template = runbook.template("customer").unwrap();
        let mut fields = Fields {
            workflow: "refunds".into(),
            impact: "41 refunds were paid twice".into(),
            contained: "the refund agent, since 14:06 UTC".into(),
            investigating: "whether older refunds are touched".into(),
            owner: "dana".into(),
            next_update: "15:00 UTC".into(),
            reason: "customer".into(),
            reader_should: "keep the second payment for now".into(),
            body: "Between 14:01 and 14:06 UTC some refunds were paid twice.".into(),
            ..Fields::default()
        };
        assert_eq!(communication::lint(&runbook, template, &fields), []);
        fields.body = "Due to a Technical  Issue the model HALLUCINATED.".into();
        fields.next_update.clear();
        let found: Vec<(String, String)> = communication::lint(&runbook, template, &fields)
            .into_iter()
            .map(|finding| (finding.field, finding.phrase))
            .collect();
        let expected = [("next_update", ""), ("body", "technical issue"), ("body", "hallucinated")];
        assert_eq!(found, expected.map(|(field, phrase)| (field.to_owned(), phrase.to_owned())));
        fields.body = "The technical issueless list is public.".into();
        assert_eq!(communication::lint(&runbook, template, &fields).len(), 1, "no half words");
    }

    #[test]
    fn a_text_that_does_not_fit_is_named_with_file_line_and_the_nearest_word() {
        let error = with("clocks.toml", "halt_s = 30\nevidense_s = 900\n").unwrap_err();
        assert_eq!((error.file.as_str(), error.line), ("clocks.toml", Some(2)));
        assert!(error.what.contains("did you mean evidence_s?"), "{error}");
        assert!(with("severty.toml", "").unwrap_err().what.contains("severity.toml"));
        assert!(with("tripwires.toml", "not toml [").unwrap_err().line.is_some());
        let head = "version='1'\nreview_by='soon'\ndefault_scheme='sev4'\nroles=[]";
        assert!(with("runbook.toml", head).unwrap_err().what.contains("no date"));
        let newer = head.replacen("version", "schema=2\nversion", 1);
        assert!(with("runbook.toml", &newer).unwrap_err().what.contains("reads schema 1"));
    }

    proptest::proptest! {
        /// GOV.1: a torn or scribbled file is refused by name, never with a panic.
        #[test]
        fn a_damaged_file_is_refused_by_name(which in 0usize..SHIPPED.len(), at in 0.0f64..1.0, scribble in ".{0,12}") {
            let (file, text) = SHIPPED[which];
            let cut = (0..=(text.len() as f64 * at) as usize).rev().find(|cut| text.is_char_boundary(*cut)).unwrap_or(0);
            for damaged in [format!("{}{scribble}", &text[..cut]), format!("{}{scribble}{}", &text[..cut], &text[cut..])] {
                if let Err(error) = with(file, &damaged) {
                    proptest::prop_assert!(SHIPPED.iter().any(|(known, _)| *known == error.file), "{error}");
                }
            }
        }
    }
}
