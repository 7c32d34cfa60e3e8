//! The rows of each pane as ids, so that a selection stays with its thing while the feed moves under it.

use super::model::{Model, Pane};
use crate::{
    incident::{
        containment::SwitchState,
        evidence::{Item, ItemState},
    },
    terms::{AgentId, FiringId, HoldId, SwitchId, TaskId, ToolName},
};

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowId {
    /// A firing.
    Firing(FiringId),
    /// A call that waits for a person.
    Hold(HoldId),
    /// A switch.
    Switch(SwitchId),
    /// An action that slipped by a switch, by its place among them.
    Slipped(SwitchId, usize),
    /// An agent under a switch.
    Proof(SwitchId, AgentId),
    /// An agent and how far a switch reaches it.
    Agent(String),
    /// A step of the shown checklist.
    Step(String),
    /// A line of the log.
    Entry(u64),
    /// What calls for somebody.
    Reminder(String),
    /// A role, held or empty.
    Role(String),
    /// A task.
    Task(TaskId),
    /// A layer of the investigation.
    Layer(String),
    /// A question of a layer.
    Question(String, String),
    /// A finding that answers no question.
    Finding(u32),
    /// Something that changed shortly before.
    Change(u32),
    /// Repeated runs, by their place.
    Rerun(usize),
    /// A restart condition.
    Condition(String),
    /// An agent on its way back.
    Stage(AgentId),
    /// A correction, by its place.
    Correction(usize),
    /// A link, by its place.
    Link(usize),
    /// An item of evidence, by its short name.
    Item(String),
}

/// One pane's rows.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// In the order of the screen.
    pub rows: Vec<RowId>,
    /// What is selected; `None` follows the newest.
    pub selected: Option<RowId>,
    /// First row on the screen.
    pub top: usize,
    /// Only rows that hold this text.
    pub filter: String,
}

impl List {
    /// The selected row, or the one that stands for none.
    pub fn chosen(&self) -> Option<&RowId> {
        self.selected.as_ref().or_else(|| self.rows.first())
    }

    /// Its place.
    pub fn index(&self) -> usize {
        let selected = self.selected.as_ref();
        selected.and_then(|id| self.rows.iter().position(|row| row == id)).unwrap_or(0)
    }

    /// The first row to draw so that the selection is visible in `height` rows.
    pub fn window(&self, height: usize) -> usize {
        let (index, last) = (self.index(), self.rows.len().saturating_sub(height.max(1)));
        let top = self.top.min(last);
        if index < top {
            index
        } else if index >= top + height.max(1) {
            index + 1 - height.max(1)
        } else {
            top
        }
    }

    /// Moves the selection by `by` rows, and keeps it on the screen.
    pub fn go(&mut self, by: i64, height: usize) {
        let last = self.rows.len().saturating_sub(1);
        let index = (self.index() as i64).saturating_add(by).clamp(0, last as i64) as usize;
        self.selected = self.rows.get(index).cloned();
        self.top = self.window(height);
    }
}

/// All panes' rows.
#[derive(Debug, Clone, Default)]
pub struct Rows([List; Pane::ALL.len()]);

impl Rows {
    /// One pane's.
    pub fn of(&self, pane: Pane) -> &List {
        &self.0[pane as usize]
    }

    /// One pane's, to change.
    pub fn of_mut(&mut self, pane: Pane) -> &mut List {
        &mut self.0[pane as usize]
    }
}

/// Builds every pane's rows anew; called after data or a filter changed, never while drawing.
pub fn refresh(model: &mut Model) {
    super::draft_view::refresh(model);
    for pane in Pane::ALL.iter().copied().filter(|pane| !matches!(pane, Pane::Timeline | Pane::Draft)) {
        let filter = model.rows.of(pane).filter.to_lowercase();
        let rows = match pane {
            Pane::Tripwires => firings(model, &filter),
            Pane::Containment => switches(model, &filter),
            Pane::Checklist => steps(model),
            Pane::People => people(model, &filter),
            Pane::Investigation => layers(model, &filter),
            Pane::Restart => way_back(model, &filter),
            _ if model.items => items(model, &filter),
            _ => entries(model, &filter),
        };
        let list = model.rows.of_mut(pane);
        let before = std::mem::replace(&mut list.rows, rows);
        keep_place(list, &before);
    }
}

/// When the selected row went away, its nearest neighbour is selected; rows put above do not move the selection.
fn keep_place(list: &mut List, before: &[RowId]) {
    let Some(selected) = list.selected.clone() else { return };
    let was = before.iter().position(|row| *row == selected);
    match (list.rows.iter().position(|row| *row == selected), was) {
        (Some(now), Some(was)) => list.top = (list.top + now).saturating_sub(was),
        (Some(_), None) => {}
        (None, was) => {
            let near = was.unwrap_or(0).min(list.rows.len().saturating_sub(1));
            list.selected = list.rows.get(near).cloned();
        }
    }
}

fn holds(filter: &str, text: &str) -> bool {
    filter.is_empty() || text.to_lowercase().contains(filter)
}

/// Newest first.
fn firings(model: &Model, filter: &str) -> Vec<RowId> {
    let Some(world) = model.world() else { return Vec::new() };
    let mut rows: Vec<_> = world.firings.values().collect();
    rows.sort_by_key(|firing| std::cmp::Reverse((firing.recorded_at, firing.id)));
    rows.into_iter()
        .filter(|firing| {
            let key = &firing.key;
            holds(filter, &format!("{} {} {} {}", firing.id, key.tripwire, key.agent, key.detail))
        })
        .map(|firing| RowId::Firing(firing.id))
        .collect()
}

/// Slipped actions shown of each switch, the newest; in a zoomed pane all that are kept.
const SLIPPED: usize = 5;

/// Calls that wait, engaged switches newest first with the agents they count and what slipped by, planned ones, then agents
/// by reach, then what was released.
fn switches(model: &Model, filter: &str) -> Vec<RowId> {
    let Some(state) = &model.state else { return Vec::new() };
    let waiting = super::panes::waiting(model).filter(|hold| {
        let call = &hold.call;
        let (agent, tool) = (call.agent.as_ref().map(AgentId::as_str), call.tool.as_ref().map(ToolName::as_str));
        holds(filter, &format!("{} {} {}", hold.id, agent.unwrap_or_default(), tool.unwrap_or_default()))
    });
    let mut rows: Vec<RowId> = waiting.map(|hold| RowId::Hold(hold.id)).collect();
    let most = if model.zoom { usize::MAX } else { SLIPPED };
    let newest = || state.unrecorded().chain(state.world.switches.values().rev());
    for switch in newest().filter(|switch| switch.state == SwitchState::Engaged) {
        if holds(filter, &format!("{} {}", switch.id, switch.scope)) {
            rows.push(RowId::Switch(switch.id));
        }
        let proofs = switch.halt.agents.iter().filter(|proof| holds(filter, proof.id.as_str()));
        rows.extend(proofs.map(|proof| RowId::Proof(switch.id, proof.id.clone())));
        let slipped = switch.halt.slipped.iter().enumerate().rev().take(most);
        let slipped = slipped.filter(|(_, slipped)| holds(filter, slipped.agent.as_str()));
        rows.extend(slipped.map(|(at, _)| RowId::Slipped(switch.id, at)));
    }
    let planned = newest().filter(|switch| switch.state == SwitchState::Planned);
    rows.extend(planned.filter(|switch| holds(filter, &switch.scope.to_string())).map(|s| RowId::Switch(s.id)));
    let seen = state.live.agents.keys().cloned();
    let mut agents: std::collections::BTreeSet<String> = seen.collect();
    agents.extend(state.world.agents.keys().map(|agent| agent.as_str().to_owned()));
    rows.extend(agents.into_iter().filter(|agent| holds(filter, agent)).map(RowId::Agent));
    let released = newest().filter(|switch| switch.state == SwitchState::Released);
    rows.extend(released.filter(|switch| holds(filter, &switch.scope.to_string())).map(|s| RowId::Switch(s.id)));
    rows
}

fn steps(model: &Model) -> Vec<RowId> {
    let steps = model.checklist().map(|list| list.steps.as_slice()).unwrap_or_default();
    steps.iter().map(|step| RowId::Step(step.plan.id.clone())).collect()
}

/// Newest first.
fn entries(model: &Model, filter: &str) -> Vec<RowId> {
    let Some(incident) = model.incident() else { return Vec::new() };
    let newest = incident.timeline.iter().rev().filter(|entry| filter.is_empty() || holds(filter, &entry.text));
    newest.map(|entry| RowId::Entry(entry.seq)).collect()
}

/// Each layer with its questions and findings; what changed; repeated runs.
fn layers(model: &Model, filter: &str) -> Vec<RowId> {
    let (Some(incident), Some(runbook)) = (model.incident(), model.runbook.as_ref()) else { return Vec::new() };
    let search = &incident.investigation;
    let mut rows = Vec::new();
    for layer in &runbook.layers.layers {
        rows.push(RowId::Layer(layer.id.clone()));
        let asked = layer.questions.iter().filter(|question| holds(filter, &question.text));
        rows.extend(asked.map(|question| RowId::Question(layer.id.clone(), question.id.clone())));
        let plain = search.standing().filter(|one| one.said.layer == layer.id && one.said.question.is_none());
        rows.extend(plain.filter(|one| holds(filter, &one.said.text)).map(|one| RowId::Finding(one.number)));
    }
    let changes = search.changes.iter().filter(|change| holds(filter, &change.said.what));
    rows.extend(changes.map(|change| RowId::Change(change.number)));
    rows.extend((0..search.reruns.len()).map(RowId::Rerun));
    rows
}

/// Each condition, then each agent of the incident, then what was corrected.
fn way_back(model: &Model, filter: &str) -> Vec<RowId> {
    let (Some(incident), Some(runbook)) = (model.incident(), model.runbook.as_ref()) else { return Vec::new() };
    let plan = runbook.restart.conditions.iter().filter(|condition| holds(filter, &condition.title));
    let mut rows: Vec<RowId> = plan.map(|condition| RowId::Condition(condition.id.clone())).collect();
    let agents = incident.agents.iter().filter(|agent| holds(filter, agent.as_str()));
    rows.extend(agents.cloned().map(RowId::Stage));
    rows.extend((0..incident.gate.corrections.len()).map(RowId::Correction));
    rows
}

/// What calls for somebody, who holds which role, open tasks before ended ones, links.
fn people(model: &Model, filter: &str) -> Vec<RowId> {
    let Some(incident) = model.incident() else { return Vec::new() };
    let reminders = super::panes::calling(model).into_iter().filter(|one| holds(filter, &one.what));
    let mut rows: Vec<RowId> = reminders.map(|one| RowId::Reminder(one.id)).collect();
    let roles = model.runbook.as_ref().map(|runbook| runbook.roles.clone()).unwrap_or_default();
    let held = incident.roles.keys().filter(|role| !roles.contains(role)).cloned();
    let all: Vec<String> = roles.iter().cloned().chain(held).collect();
    let who = |role: &String| incident.roles.get(role).cloned().unwrap_or_default();
    rows.extend(all.into_iter().filter(|role| holds(filter, &format!("{role} {}", who(role)))).map(RowId::Role));
    let mut tasks: Vec<_> = incident.tasks.iter().filter(|task| holds(filter, &task.text)).collect();
    tasks.sort_by_key(|task| (!task.is_open(), task.due_at.is_none(), task.due_at, task.id));
    rows.extend(tasks.into_iter().map(|task| RowId::Task(task.id)));
    let links = incident.team.links.iter().enumerate().filter(|(_, link)| holds(filter, &link.url));
    rows.extend(links.map(|(at, _)| RowId::Link(at)));
    rows
}

/// What is short of what is needed first, what is soonest gone before the rest (EVI.3).
fn items(model: &Model, filter: &str) -> Vec<RowId> {
    let Some(incident) = model.incident() else { return Vec::new() };
    let rank = |state: ItemState| match state {
        ItemState::Expiring => 0,
        ItemState::Unknown => 1,
        ItemState::Missing => 2,
        ItemState::ClaimedOnly => 3,
        ItemState::Disproved => 4,
        ItemState::Held => 5,
        ItemState::Confirmed => 6,
        ItemState::NotApplicable => 7,
    };
    let wanted = |item: &&Item| holds(filter, &format!("{} {} {}", item.plan.id, item.plan.title, item.state));
    let mut items: Vec<&Item> = incident.evidence.items.iter().filter(wanted).collect();
    items.sort_by_key(|item| (rank(item.state), item.expires_at));
    items.into_iter().map(|item| RowId::Item(item.plan.id.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &[u64], selected: Option<u64>) -> List {
        List {
            rows: rows.iter().copied().map(RowId::Entry).collect(),
            selected: selected.map(RowId::Entry),
            ..List::default()
        }
    }

    #[test]
    fn a_selection_stays_with_its_row_when_rows_come_above_and_moves_to_a_neighbour_when_it_goes() {
        let before = list(&[3, 2, 1], Some(2));
        let mut after = list(&[5, 4, 3, 2, 1], Some(2));
        keep_place(&mut after, &before.rows);
        assert_eq!((after.index(), after.top), (3, 2));
        let mut gone = list(&[3, 1], Some(2));
        keep_place(&mut gone, &before.rows);
        assert_eq!(gone.selected, Some(RowId::Entry(1)));
    }

    #[test]
    fn the_window_holds_the_selection_at_any_height() {
        for height in 0..9 {
            for selected in 1..=9 {
                let list = list(&[1, 2, 3, 4, 5, 6, 7, 8, 9], Some(selected));
                let top = list.window(height);
                assert!((top..top + height.max(1)).contains(&list.index()), "{height} {selected}");
            }
        }
    }
}
