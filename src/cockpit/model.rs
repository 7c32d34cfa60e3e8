//! What the cockpit knows and shows. Changed only by `update`; read by everything that draws.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    console::Console,
    draft_view::DraftView,
    editor::DraftEditor,
    form::Form,
    keymap::Keymap,
    link::Link,
    overlays::{HelpState, Pick, Sheet, TraceView},
    rows::{RowId, Rows},
    scope_choice::ContainForm,
    text::Zone,
    theme::Theme,
};
use crate::{
    api::{RecordingView, State, Writer, Writing},
    incident::{
        Checklist, Draft, Entry, Incident, IncidentCommand, Step, World,
        containment::{Hold, Switch},
        evidence::Item,
        investigation::Finding,
        team::Task,
    },
    runbook::Runbook,
    terms::{ChecklistId, DraftId, DrillId, IncidentId, Time, words},
    tripwire::Firing,
};

words! {
    /// The panes, in the order of their numbers; `andon --pane` takes these words.
    Pane, "a pane" {
        /// Severity over time.
        Timeline = "timeline",
        /// Firings and figures.
        Tripwires = "tripwires",
        /// Switches and their proof.
        Containment = "containment",
        /// Rollback checklists.
        Checklist = "checklist",
        /// Drafts.
        Draft = "draft",
        /// Evidence and notes.
        Evidence = "evidence",
        /// Layers, findings, changes.
        Investigation = "investigation",
        /// Conditions and stages.
        Restart = "restart",
        /// Roles, tasks, reminders.
        People = "people",
    }
}

impl Pane {
    /// Its number on the screen, from 1.
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// Its name on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Timeline => "Severity",
            Self::Tripwires => "Tripwires",
            Self::Containment => "Containment",
            Self::Checklist => "Rollback",
            Self::Draft => "Draft",
            Self::Evidence => "Evidence",
            Self::Investigation => "Investigation",
            Self::Restart => "Restart",
            Self::People => "People",
        }
    }

    /// Its name where there is little room.
    pub fn short(self) -> &'static str {
        match self {
            Self::Timeline => "Sev",
            Self::Tripwires => "Trip",
            Self::Containment => "Cont",
            Self::Checklist => "Roll",
            Self::Draft => "Draft",
            Self::Evidence => "Evid",
            Self::Investigation => "Inv",
            Self::Restart => "Rest",
            Self::People => "Ppl",
        }
    }

    /// The place it has on a wide screen: panes of one place take turns.
    pub fn place(self) -> Self {
        match self {
            Self::Investigation | Self::Restart => Self::Checklist,
            Self::People => Self::Evidence,
            other => other,
        }
    }
}

/// What lies over the panes and takes the keys.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// What to stop.
    Contain(Box<ContainForm>),
    /// One of many.
    Pick(Box<Pick>),
    /// Some fields to fill.
    Form(Box<Form>),
    /// The keys.
    Help(HelpState),
    /// The path from input to consequence.
    Trace(Box<TraceView>),
    /// A page to read.
    Sheet(Box<Sheet>),
}

/// A line at the foot of the screen for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// What is said.
    pub text: String,
    /// It is a refusal or a failure.
    pub bad: bool,
    /// When it was said.
    pub at: Time,
}

/// How the cockpit looks, settled at start.
#[derive(Debug, Clone)]
pub struct Look {
    /// Styles by role.
    pub theme: Theme,
    /// False under NO_COLOR: hues are dropped, modifiers stay.
    pub colours: bool,
    /// The locale is not UTF-8: every glyph has an ASCII twin.
    pub ascii: bool,
    /// The user's zone.
    pub zone: Zone,
}

/// Versions of the runbook as they were read from the backend.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// What came.
    pub read: BTreeMap<String, Arc<Runbook>>,
    /// What is shown came from the backend.
    pub chosen: bool,
    /// What was asked for since the state came last.
    pub asked: BTreeSet<String>,
}

/// Places that help names.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The config file.
    pub config: Option<String>,
    /// `team@host`, where it is known before the first answer.
    pub backend: Option<String>,
}

/// The cockpit at one moment.
#[derive(Debug)]
pub struct Model {
    /// The time now, as the loop stamped the last message.
    pub now: Time,
    /// Columns and rows.
    pub size: (u16, u16),
    /// How it looks.
    pub look: Look,
    /// Times are shown in UTC.
    pub utc: bool,
    /// Which key means what.
    pub keymap: Keymap,
    /// The runbook of what is shown.
    pub runbook: Option<Arc<Runbook>>,
    /// The backend's versions of it.
    pub books: Books,
    /// Places that help names.
    pub places: Places,
    /// What was wrong at the start, shown until `esc`.
    pub banners: Vec<String>,

    /// How the backend is reached.
    pub link: Link,
    /// The last state, folded up to now.
    pub state: Option<Box<State>>,
    /// How far the backend's clock is ahead of this one, milliseconds, where that is more than a message's way.
    pub skew_ms: i64,
    /// Commands that wait until the backend is reached.
    pub waiting: usize,
    /// When what waits was last sent by the clock.
    pub sent_kept_at: Time,
    /// When the backend was last heard.
    pub heard_at: Time,
    /// Why the backend refuses to show anything.
    pub refused: Option<String>,
    /// Number of the newest asking for a state.
    pub load: u64,
    /// Commands asked and not yet answered, as toasts name them.
    pub asked: Vec<String>,

    /// The drill whose world is shown; `None` is the real one.
    pub world: Option<DrillId>,
    /// The incident that is shown.
    pub incident: Option<IncidentId>,
    /// It was asked for by name: nothing else moves the view away from it.
    pub pinned: bool,
    /// A newer incident that was announced rather than jumped to.
    pub newer: Option<IncidentId>,

    /// The pane that takes the keys.
    pub focus: Pane,
    /// Panes that took their place on a wide screen, the last one first.
    pub lately: Vec<Pane>,
    /// Only this pane is shown, for a split.
    pub only: Option<Pane>,
    /// The focused pane has the whole screen.
    pub zoom: bool,
    /// Rows, selection and scroll place of each pane.
    pub rows: Rows,
    /// The evidence pane shows what must be kept, not what happened.
    pub items: bool,
    /// The checklist that is shown.
    pub checklist: Option<ChecklistId>,
    /// The draft that is shown.
    pub draft: Option<DraftId>,

    /// The facilitator's console, in place of the panes.
    pub console: Option<Box<Console>>,
    /// What lies over the panes.
    pub overlay: Option<Overlay>,
    /// What was open under the containment overlay and comes back after it.
    pub beneath: Option<Overlay>,
    /// How drafts are shown, and what is known of the shown one.
    pub drafts: DraftView,
    /// The draft that is being written.
    pub editor: Option<DraftEditor>,
    /// Drafts that were left, until the backend is known to have what was written in them.
    pub left: Vec<DraftEditor>,
    /// The draft that `$EDITOR` has, with the text it was given.
    pub outside: Option<(DraftEditor, String)>,
    /// Where the backend was told last that this person writes, and when.
    pub told: Option<(Writing, Time)>,
    /// The number under which a draft is written here: raised for each, and begun where nobody else is.
    pub writer: u64,
    /// The line at the foot.
    pub toast: Option<Toast>,
    /// The terminal has the focus, where it tells.
    pub focused: bool,
    /// How to take back what was done here, newest last.
    pub done: Vec<(IncidentId, IncidentCommand)>,
    /// Recordings that can be played, as far as they are known.
    pub recordings: Vec<RecordingView>,
}

impl Model {
    /// A cockpit before anything is known.
    pub fn new(now: Time, size: (u16, u16), look: Look) -> Self {
        Self {
            now,
            size,
            look,
            utc: false,
            keymap: Keymap::default(),
            runbook: None,
            books: Books::default(),
            places: Places::default(),
            banners: Vec::new(),
            link: Link::Connecting,
            state: None,
            skew_ms: 0,
            waiting: 0,
            sent_kept_at: Time::default(),
            heard_at: now,
            refused: None,
            load: 0,
            asked: Vec::new(),
            world: None,
            incident: None,
            pinned: false,
            newer: None,
            focus: Pane::Tripwires,
            lately: Vec::new(),
            only: None,
            zoom: false,
            rows: Rows::default(),
            items: false,
            checklist: None,
            draft: None,
            console: None,
            overlay: None,
            beneath: None,
            drafts: DraftView::default(),
            editor: None,
            left: Vec::new(),
            outside: None,
            told: None,
            writer: 0,
            toast: None,
            focused: true,
            done: Vec::new(),
            recordings: Vec::new(),
        }
    }

    /// Gives a pane the keys; where panes take turns it is the one that shows.
    pub fn focus_on(&mut self, pane: Pane) {
        self.focus = pane;
        self.lately.retain(|known| known.place() != pane.place());
        self.lately.insert(0, pane);
        // A pinned pane stays alone until another one is asked for.
        if self.only.is_some() {
            self.only = Some(pane);
        }
    }

    /// The pane that shows in a place of a wide screen.
    pub fn showing(&self, place: Pane) -> Pane {
        self.lately.iter().copied().find(|pane| pane.place() == place).unwrap_or(place)
    }

    /// The world that is shown, once it is known.
    pub fn world(&self) -> Option<&World> {
        self.state.as_ref().map(|state| &state.world)
    }

    /// The incident that is shown.
    pub fn incident(&self) -> Option<&Incident> {
        self.world()?.incidents.get(&self.incident?).map(|incident| &**incident)
    }

    /// The checklist that is shown.
    pub fn checklist(&self) -> Option<&Checklist> {
        let lists = &self.incident()?.checklists;
        lists.iter().find(|list| Some(list.id) == self.checklist).or_else(|| lists.first())
    }

    /// The draft that is shown.
    pub fn draft(&self) -> Option<&Draft> {
        let drafts = &self.incident()?.drafts;
        drafts.iter().find(|draft| Some(draft.id) == self.draft).or_else(|| drafts.first())
    }

    /// The selected firing.
    pub fn selected_firing(&self) -> Option<&Firing> {
        match self.rows.of(Pane::Tripwires).chosen()? {
            RowId::Firing(id) => self.world()?.firings.get(id).map(|firing| &**firing),
            _ => None,
        }
    }

    /// The selected call that waits.
    pub fn selected_hold(&self) -> Option<&Hold> {
        match self.rows.of(Pane::Containment).chosen()? {
            RowId::Hold(id) => self.world()?.holds.get(id).map(|hold| &**hold),
            _ => None,
        }
    }

    /// The selected switch; for an agent's row, the switch it stands under.
    pub fn selected_switch(&self) -> Option<&Switch> {
        match self.rows.of(Pane::Containment).chosen()? {
            RowId::Switch(id) | RowId::Proof(id, _) | RowId::Slipped(id, _) => {
                self.state.as_ref()?.switch(*id).map(|switch| &**switch)
            }
            _ => None,
        }
    }

    /// The selected step.
    pub fn selected_step(&self) -> Option<&Step> {
        match self.rows.of(Pane::Checklist).chosen()? {
            RowId::Step(name) => self.checklist()?.steps.iter().find(|step| step.plan.id == *name),
            _ => None,
        }
    }

    /// The number of the selected finding, or of the one that answers the selected question.
    pub fn selected_finding(&self) -> Option<u32> {
        let search = &self.incident()?.investigation;
        match self.rows.of(Pane::Investigation).chosen()? {
            RowId::Finding(number) => Some(*number),
            RowId::Question(layer, question) => {
                let of = |one: &&Finding| one.said.layer == *layer && one.said.question.as_ref() == Some(question);
                search.standing().filter(of).last().map(|finding| finding.number)
            }
            _ => None,
        }
    }

    /// The selected task.
    pub fn selected_task(&self) -> Option<&Task> {
        match self.rows.of(Pane::People).chosen()? {
            RowId::Task(id) => self.incident()?.tasks.iter().find(|task| task.id == *id),
            _ => None,
        }
    }

    /// The selected reminder.
    pub fn selected_reminder(&self) -> Option<&str> {
        match self.rows.of(Pane::People).chosen()? {
            RowId::Reminder(id) => Some(id),
            _ => None,
        }
    }

    /// The selected line of the log.
    pub fn selected_entry(&self) -> Option<&Entry> {
        match self.rows.of(Pane::Evidence).chosen()? {
            RowId::Entry(seq) => {
                let timeline = &self.incident()?.timeline;
                timeline.iter().find(|entry| entry.seq == *seq)
            }
            _ => None,
        }
    }

    /// The selected item of evidence.
    pub fn selected_item(&self) -> Option<&Item> {
        match self.rows.of(Pane::Evidence).chosen()? {
            RowId::Item(id) => self.incident()?.evidence.item(id),
            _ => None,
        }
    }

    /// The selected note that was not taken back.
    pub fn selected_note(&self) -> Option<&Entry> {
        self.selected_entry().filter(|entry| entry.kind == "note-added" && !entry.retracted)
    }

    /// Whether what is shown may be old.
    pub fn is_stale(&self) -> bool {
        self.state.is_some() && matches!(self.link, Link::Offline { .. })
    }

    /// Others who write in a draft now.
    pub fn writers(&self, incident: IncidentId, draft: DraftId) -> impl Iterator<Item = &Writer> {
        let state = self.state.as_deref().filter(|_| self.link == Link::Live);
        let others = state
            .into_iter()
            .flat_map(|state| state.live.writing.iter().filter(|writer| writer.name != state.you.name.name()));
        others.filter(move |writer| (writer.writing.incident, writer.writing.draft) == (incident, draft))
    }

    /// How known the backend is: `team@host`, `only you`.
    pub fn backend_name(&self) -> String {
        match &self.state {
            Some(state) if state.backend.shared => format!("team@{}", state.backend.host),
            Some(_) => "only you".into(),
            None => self.places.backend.clone().unwrap_or_else(|| "backend".into()),
        }
    }

    /// Says something at the foot of the screen.
    pub fn say(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast { text: text.into(), bad: false, at: self.now });
    }

    /// Says that something did not work.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast { text: text.into(), bad: true, at: self.now });
    }
}
