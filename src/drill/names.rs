//! Names replaced, each by the same stand-in wherever it comes (DRL.2).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    incident::{AgentDeclaration, InventoryItem, containment::Scope},
    telemetry::{Action, Amount, Artefact, Review},
    terms::{ActionClass, AgentId, Author, ToolName, Workflow},
};

/// Classes that tell nobody's name.
const CLASSES: [&str; 8] = [
    "read",
    "database-write",
    "external-api-call",
    "customer-communication",
    "document",
    "code-or-deployment",
    "identity-or-access",
    "knowledge-base-write",
];
/// Kinds of artefacts that tell nobody's name.
const KINDS: [&str; 8] = ["email", "document", "ticket", "answer", "post", "comment", "release", "message"];

/// The stand-ins given so far: `agent-1`, `person-2` …
pub(super) struct Names {
    keep: bool,
    given: BTreeMap<(&'static str, String), usize>,
    counts: BTreeMap<&'static str, usize>,
    /// Tools that an owner declared: their names were chosen by people and say what was done.
    declared: BTreeSet<ToolName>,
}

impl Names {
    /// With `keep`, names stay as they are; what agents wrote is left out all the same.
    pub fn new<'a>(keep: bool, declared: impl IntoIterator<Item = &'a AgentDeclaration>) -> Self {
        let items = declared.into_iter().flat_map(|agent| &agent.inventory);
        let tools = items.flat_map(|item| std::iter::once(item.tool()).chain(item.aliases())).cloned();
        Self { keep, given: BTreeMap::new(), counts: BTreeMap::new(), declared: tools.collect() }
    }

    /// Whether names stay.
    pub fn kept(&self) -> bool {
        self.keep
    }

    fn of(&mut self, kind: &'static str, name: &str) -> String {
        if self.keep { name.to_owned() } else { self.stand_in(kind, name) }
    }

    fn stand_in(&mut self, kind: &'static str, name: &str) -> String {
        let number = *self.given.entry((kind, name.to_owned())).or_insert_with(|| {
            let count = self.counts.entry(kind).or_default();
            *count += 1;
            *count
        });
        format!("{kind}-{number}")
    }

    /// `None` never comes of a stand-in; a name that is none is left out.
    pub fn agent(&mut self, agent: &AgentId) -> Option<AgentId> {
        AgentId::new(&self.of("agent", agent.as_str())).ok()
    }

    /// Who did something; a part of andon keeps its name.
    pub fn author(&mut self, author: &Author) -> String {
        match author {
            Author::Andon(_) => author.to_string(),
            Author::Agent(name) => self.of("agent", name),
            Author::Person(name) | Author::Link(name) => self.of("person", name),
            Author::Automation(name) => self.of("automation", name),
        }
    }

    fn tool(&mut self, tool: &ToolName) -> Option<ToolName> {
        if self.keep || self.declared.contains(tool) {
            return Some(tool.clone());
        }
        ToolName::new(&self.stand_in("undeclared-tool", tool.as_str())).ok()
    }

    fn class(&mut self, class: &ActionClass) -> Option<ActionClass> {
        if self.keep || CLASSES.contains(&class.as_str()) {
            return Some(class.clone());
        }
        ActionClass::new(&self.stand_in("class", class.as_str())).ok()
    }

    fn workflow(&mut self, workflow: &Workflow) -> Option<Workflow> {
        Workflow::new(&self.of("workflow", workflow.as_str())).ok()
    }

    /// A method is no name; where it leads to is.
    fn endpoint(&mut self, endpoint: &str) -> String {
        if self.keep {
            return endpoint.to_owned();
        }
        let place = self.stand_in("endpoint", endpoint);
        match endpoint.split_once(' ') {
            Some((method @ ("GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD"), _)) => format!("{method} {place}"),
            _ => place,
        }
    }

    fn artefact(&mut self, artefact: &Artefact) -> Artefact {
        let kind = artefact.kind.as_str();
        let kind = if KINDS.contains(&kind) { kind.to_owned() } else { self.of("artefact", kind) };
        let told = |seen: &String| self.keep || ["customer", "internal", "public"].contains(&seen.as_str());
        let visible_to = artefact.visible_to.clone().filter(told);
        let review = artefact
            .review
            .as_ref()
            .map(|review| Review { by: review.by.as_ref().map(|by| self.of("person", by)), seconds: review.seconds });
        Artefact { kind, visible_to, review }
    }

    /// An action without its names, and without what the agent wrote.
    pub fn action(&mut self, action: Action) -> Option<Action> {
        let agent = self.agent(&action.agent)?;
        let declared_or = |currency: String| if currency.len() == 3 { currency } else { "XXX".to_owned() };
        let keep = self.keep;
        Some(Action {
            agent,
            run: action.run.map(|run| self.of("run", &run)),
            workflow: action.workflow.and_then(|workflow| self.workflow(&workflow)),
            tool: action.tool.and_then(|tool| self.tool(&tool)),
            endpoint: action.endpoint.map(|endpoint| self.endpoint(&endpoint)),
            class: action.class.and_then(|class| self.class(&class)),
            artefact: action.artefact.map(|artefact| self.artefact(&artefact)),
            amount: action.amount.map(|Amount { value, currency }| Amount { value, currency: declared_or(currency) }),
            counterparty: action.counterparty.map(|party| self.of("party", &party)),
            model: action.model.filter(|_| keep),
            on_behalf_of: action.on_behalf_of.map(|subject| self.of("subject", &subject)),
            // The same input stays the same, so that a loop is still one.
            input: action.input.map(|input| self.stand_in("input", &input.to_string()).into()),
            received_at: action.at,
            id: None,
            output: None,
            call_id: None,
            trace_id: None,
            span_id: None,
            parent_span_id: None,
            detail: None,
            ..action
        })
    }

    /// A declaration without its names.
    pub fn declaration(&mut self, agent: &AgentDeclaration) -> Option<AgentDeclaration> {
        let inventory = agent.inventory.iter().map(|item| self.item(item)).collect();
        Some(AgentDeclaration {
            id: self.agent(&agent.id)?,
            owner: agent.owner.as_ref().map(|owner| self.of("person", owner)),
            reviewer: agent.reviewer.as_ref().map(|reviewer| self.of("person", reviewer)),
            inventory,
            endpoints: agent.endpoints.iter().map(|endpoint| self.endpoint(endpoint)).collect(),
            workflow: agent.workflow.as_ref().and_then(|workflow| self.workflow(workflow)),
            blast: agent.blast,
            vendor: agent.vendor.clone().filter(|_| self.keep),
            on_blind: agent.on_blind,
            undo: BTreeMap::new(),
        })
    }

    fn item(&mut self, item: &InventoryItem) -> InventoryItem {
        match item {
            InventoryItem::Tool(tool) => InventoryItem::Tool(tool.clone()),
            InventoryItem::Known { tool, class, blast, aliases, visible_to } => InventoryItem::Known {
                tool: tool.clone(),
                class: class.as_ref().and_then(|class| self.class(class)),
                blast: *blast,
                aliases: aliases.clone(),
                visible_to: visible_to.clone().filter(|seen| self.keep || seen == "internal" || seen == "customer"),
            },
        }
    }

    /// A switch's scope, in words.
    pub fn scope(&mut self, scope: &Scope) -> String {
        let agent = scope.agent.as_ref().and_then(|agent| self.agent(agent));
        let subject = scope.subject.as_ref().map(|subject| self.of("subject", subject));
        Scope {
            agent,
            tool: scope.tool.as_ref().and_then(|tool| self.tool(tool)),
            class: scope.class.as_ref().and_then(|class| self.class(class)),
            workflow: scope.workflow.as_ref().and_then(|workflow| self.workflow(workflow)),
            subject,
            revision: scope.revision.clone().map(|revision| self.of("revision", &revision)),
        }
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::native;
    use crate::terms::Time;

    const TOLD: &str = r#"{"agent":"acme-bot","tool":"pay.out","endpoint":"POST api.acme.example/v1/pay","class":"acme-thing",
        "workflow":"acme-refunds","run":"acme-1","at":"2026-03-02T14:00:01Z","counterparty":"dana","on_behalf_of":"dana",
        "amount":{"value":3.5,"currency":"acme"},"artefact":{"kind":"acme-letter","visible_to":"acme","review":{"by":"dana","seconds":4}},
        "input":{"to":"dana"},"output":"acme says","model":"acme-1","id":"acme","trace_id":"acme","detail":{"recipients":["dana"]}}"#;

    fn told() -> Action {
        native::decode(TOLD.replace('\n', " ").as_bytes(), Time::default()).unwrap().actions.remove(0).1
    }

    fn declared() -> AgentDeclaration {
        let text = r#"{"id":"acme-bot","owner":"dana","reviewer":"acme","vendor":"acme","endpoints":["GET acme/x"],"workflow":"acme",
            "inventory":["pay.out",{"tool":"mail.send","class":"customer-communication","visible_to":"acme"}]}"#;
        serde_json::from_str(text).unwrap()
    }

    /// DRL.2: no name of an agent, a person or a place is left, nor what an agent wrote; the same name is the same again.
    #[test]
    fn names_are_replaced_by_the_same_stand_ins() {
        let mut names = Names::new(false, [&declared()]);
        let (first, again) = (names.action(told()).unwrap(), names.action(told()).unwrap());
        assert_eq!(first, again);
        let text = serde_json::to_string(&(&first, names.declaration(&declared()))).unwrap();
        assert!(!text.contains("acme") && !text.contains("dana"), "{text}");
        assert_eq!(first.tool.as_ref().map(ToolName::as_str), Some("pay.out"), "an owner declared it");
        assert_eq!(first.endpoint.as_deref(), Some("POST endpoint-1"));
        assert_eq!(first.input, Some("input-1".into()), "a loop stays one");
        let other = Action { tool: ToolName::new("acme.tool").ok(), ..told() };
        assert_eq!(names.action(other).unwrap().tool.unwrap().as_str(), "undeclared-tool-1");
        let scope = Scope { agent: AgentId::new("acme-bot").ok(), ..Scope::default() };
        assert_eq!(names.scope(&scope), "agent agent-1");
        assert_eq!(names.author(&Author::Person("dana".into())), "person-1", "who reviewed it");
    }

    /// DRL.2: names stay where that is asked for; what an agent wrote does not.
    #[test]
    fn kept_names_stay_and_texts_do_not() {
        let kept = Names::new(true, [&declared()]).action(told()).unwrap();
        assert_eq!((kept.agent.as_str(), kept.counterparty.as_deref()), ("acme-bot", Some("dana")));
        assert_eq!((kept.output, kept.detail, kept.input), (None, None, Some("input-1".into())));
    }
}
