//! What a command is.

use super::table::TABLE;
use crate::{cockpit::model::Pane, terms::words};

words! {
    /// Every command by name: the word is the same in config, palette, help and logs.
    Do, "a command" {
        /// Opens containment.
        Halt = "halt",
        /// Declares by hand.
        Declare = "declare",
        /// Confirms a tripwire's incident.
        Confirm = "confirm",
        /// Dismisses a tripwire's incident.
        Dismiss = "dismiss",
        /// Sets the severity.
        Severity = "severity",
        /// Confirms harm.
        Harm = "confirm-harm",
        /// Declares containment.
        Contained = "declare-contained",
        /// Assigns a role.
        Role = "assign-role",
        /// Adds a note.
        Note = "add-note",
        /// Resolves.
        Resolve = "resolve",
        /// Reopens.
        Reopen = "reopen",
        /// Switches incidents.
        Incidents = "switch-incident",
        /// Switches worlds.
        World = "switch-world",
        /// Plays a drill.
        PlayDrill = "play-drill",
        /// What one heard in a drill.
        Heard = "drill-heard",
        /// The facilitator's console.
        Console = "drill-console",
        /// Holds a drill, or has it go on.
        DrillPlay = "drill-play",
        /// Plays one thing.
        DrillStep = "drill-step",
        /// Goes to a moment.
        DrillSeek = "drill-seek",
        /// Faster.
        DrillFaster = "drill-faster",
        /// Slower.
        DrillSlower = "drill-slower",
        /// Puts something in.
        DrillInject = "drill-inject",
        /// A facilitator's note to self.
        DrillNote = "drill-note",
        /// Hints to participants.
        DrillHints = "drill-hints",
        /// Cuts a client off.
        DrillCut = "drill-cut",
        /// Somebody else leads too.
        DrillAppoint = "drill-appoint",
        /// Ends a drill.
        DrillEnd = "drill-end",
        /// To pane 1.
        Pane1 = "go-timeline",
        /// To pane 2.
        Pane2 = "go-tripwires",
        /// To pane 3.
        Pane3 = "go-containment",
        /// To pane 4.
        Pane4 = "go-rollback",
        /// To pane 5.
        Pane5 = "go-drafts",
        /// To pane 6.
        Pane6 = "go-evidence",
        /// To pane 7.
        Pane7 = "go-investigation",
        /// To pane 8.
        Pane8 = "go-restart",
        /// To pane 9.
        Pane9 = "go-people",
        /// Next pane.
        Next = "next-pane",
        /// Previous pane.
        Previous = "previous-pane",
        /// A row down.
        Down = "down",
        /// A row up.
        Up = "up",
        /// A page down.
        PageDown = "page-down",
        /// A page up.
        PageUp = "page-up",
        /// First row.
        First = "first",
        /// Last row.
        Last = "last",
        /// Tab to the left.
        Left = "left",
        /// Tab to the right.
        Right = "right",
        /// Opens the palette.
        Palette = "palette",
        /// Filters rows.
        Filter = "filter",
        /// Opens help.
        Help = "help",
        /// Shows what is open before an incident.
        Ready = "show-readiness",
        /// Shows an agent's operating unit.
        Unit = "show-agent",
        /// Reports what is wrong with the runbook.
        Fault = "report-runbook",
        /// Zooms the pane.
        Zoom = "zoom",
        /// Toggles UTC.
        Utc = "toggle-utc",
        /// Copies.
        Copy = "copy",
        /// Undoes.
        Undo = "undo",
        /// Clears what is temporary.
        Back = "back",
        /// Repaints.
        Repaint = "repaint",
        /// Suspends.
        Suspend = "suspend",
        /// Leaves.
        Quit = "quit",
        /// Acknowledges a firing.
        Acknowledge = "acknowledge-firing",
        /// Acknowledges everything that an incident paged.
        AckPages = "acknowledge-pages",
        /// Acknowledges it as expected.
        Expected = "expect-firing",
        /// Declares from a firing.
        DeclareFrom = "declare-from-firing",
        /// Releases a switch.
        Release = "release",
        /// Annotates a switch.
        Annotate = "annotate-switch",
        /// Goes to the calls that wait.
        Board = "go-waiting-calls",
        /// Approves a call.
        Approve = "approve-call",
        /// Denies a call.
        Deny = "deny-call",
        /// Ticks a step.
        Tick = "tick-step",
        /// Marks a step impossible.
        Impossible = "mark-impossible",
        /// Verifies a checklist.
        Verify = "verify-rollback",
        /// Answers one of the first facts.
        AnswerFact = "answer-fact",
        /// Weighs a factor of severity.
        WeighFactor = "weigh-factor",
        /// Decides what is done.
        DecideMove = "decide-move",
        /// Enters something in the register of what is affected.
        AddAffected = "add-affected",
        /// Names who works a checklist.
        Operator = "name-operator",
        /// Says when an undo window closes.
        Window = "undo-window",
        /// Signs a checklist off.
        SignOff = "sign-off",
        /// Records a value.
        RecordValue = "record-value",
        /// Runs a step's command.
        RunStep = "run-step",
        /// Opens a checklist.
        OpenRollback = "open-rollback",
        /// Begins a draft.
        NewDraft = "new-draft",
        /// Edits a draft in place.
        EditHere = "edit-draft",
        /// Edits a draft in `$EDITOR`.
        EditOutside = "edit-outside",
        /// Shows the trace.
        Trace = "show-trace",
        /// Sends a draft, or marks it sent.
        Send = "send-draft",
        /// Agrees on a draft.
        Agree = "agree-draft",
        /// Another view of the drafts.
        DraftView = "draft-view",
        /// Takes the offered wording in.
        TakeOffer = "take-offer",
        /// Retracts a note.
        Retract = "retract-note",
        /// Marks a key event.
        KeyEvent = "mark-key-event",
        /// Adds a task.
        AddTask = "add-task",
        /// Says that a task is done, or puts a reminder off.
        EndTask = "end-task",
        /// Gives a task up.
        DropTask = "drop-task",
        /// Adds a link.
        AddLink = "add-link",
        /// Puts a reminder off.
        Snooze = "snooze-reminder",
        /// Has only named people see the incident.
        Restrict = "restrict-incident",
        /// Merges the incident into another.
        Merge = "merge-incident",
        /// Records a finding.
        AddFinding = "add-finding",
        /// Takes a finding back.
        RetractFinding = "retract-finding",
        /// Skips a layer.
        SkipLayer = "skip-layer",
        /// Names a change.
        AddChange = "name-change",
        /// Judges a change.
        JudgeChange = "judge-change",
        /// Records repeated runs.
        AddRerun = "record-runs",
        /// Accepts a restart condition.
        Accept = "accept-condition",
        /// Approves a restart.
        ApproveRestart = "approve-restart",
        /// Records a correction.
        Correct = "record-correction",
        /// Freezes evidence.
        Freeze = "freeze-evidence",
        /// Sets an item's state.
        SetItem = "set-evidence",
        /// Items, or the log.
        Items = "toggle-evidence-items",
        /// Opens containment from a text.
        HaltHere = "halt-from-text",
        /// Leaves the editor.
        Leave = "leave-editor",
        /// Takes back what was written last.
        TakeBack = "take-back-writing",
        /// Writes it again.
        WriteAgain = "write-again",
        /// Next field of a draft.
        NextField = "next-field",
        /// Previous field of a draft.
        PreviousField = "previous-field",
        /// Opens containment from a form.
        HaltFromForm = "halt-from-form",
        /// Cancels a form.
        CancelForm = "cancel-form",
        /// Submits a form.
        SubmitForm = "submit-form",
        /// Next input of a form.
        NextInput = "next-input",
        /// Previous input of a form.
        PreviousInput = "previous-input",
        /// Cancels a picker.
        CancelPick = "cancel-pick",
        /// Takes the selected choice.
        Choose = "choose",
        /// One choice down.
        PickDown = "pick-down",
        /// One choice up.
        PickUp = "pick-up",
        /// Closes help.
        CloseHelp = "close-help",
        /// Help further down.
        HelpDown = "help-down",
        /// Help further up.
        HelpUp = "help-up",
        /// Fires.
        Fire = "fire",
        /// Stops without the backend.
        BreakGlass = "break-glass",
        /// Scope above.
        Wider = "scope-before",
        /// Scope below.
        Narrower = "scope-after",
        /// Another mode.
        Mode = "switch-mode",
        /// A larger share of runs.
        More = "more-runs",
        /// A smaller share of runs.
        Fewer = "fewer-runs",
        /// Cancels containment.
        CancelHalt = "cancel-halt",
    }
}

words! {
    /// Where keys mean what they mean.
    Scope, "a scope" {
        /// In every pane.
        Everywhere = "everywhere",
        /// Pane 1.
        Timeline = "timeline",
        /// Pane 2.
        Tripwires = "tripwires",
        /// Pane 3.
        Containment = "containment",
        /// Pane 4.
        Rollback = "rollback",
        /// Pane 5.
        Draft = "draft",
        /// Pane 6.
        Evidence = "evidence",
        /// Pane 7.
        Investigation = "investigation",
        /// Pane 8.
        Restart = "restart",
        /// Pane 9.
        People = "people",
        /// The facilitator's console.
        Directing = "directing",
        /// The draft editor.
        Editing = "editing",
        /// A form.
        Filling = "filling",
        /// A picker or the palette.
        Picking = "picking",
        /// Help, and the trace.
        Reading = "reading",
        /// The containment overlay.
        Containing = "containing",
    }
}

impl Scope {
    /// Whether it is a pane or the console, where the keys of everywhere work too.
    pub fn is_pane(self) -> bool {
        self <= Self::Directing
    }

    /// The scope of a pane.
    pub fn of(pane: Pane) -> Self {
        match pane {
            Pane::Timeline => Self::Timeline,
            Pane::Tripwires => Self::Tripwires,
            Pane::Containment => Self::Containment,
            Pane::Checklist => Self::Rollback,
            Pane::Draft => Self::Draft,
            Pane::Evidence => Self::Evidence,
            Pane::Investigation => Self::Investigation,
            Pane::Restart => Self::Restart,
            Pane::People => Self::People,
        }
    }
}

/// Whether a command can do harm that cannot be taken back at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// It cannot.
    Harmless,
    /// It can: its key only opens what asks for a second, different step.
    Confirmed,
}

/// What must be there for a command to make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// An incident.
    Incident,
    /// An incident that waits for confirmation.
    Unconfirmed,
    /// A selected firing.
    Firing,
    /// A selected switch that is engaged.
    Switch,
    /// A selected call that waits.
    Hold,
    /// A checklist.
    Checklist,
    /// A selected step.
    Step,
    /// A draft.
    Draft,
    /// A selected note.
    Note,
    /// A selected line of the log.
    Entry,
    /// A selected finding.
    Finding,
    /// A selected change.
    Change,
    /// A selected layer, or something in it.
    Layer,
    /// A selected restart condition.
    Condition,
    /// A selected task.
    Task,
    /// A selected reminder.
    Reminder,
    /// A selected item of evidence.
    Item,
    /// A drill's world.
    InDrill,
    /// One that this person leads.
    Leading,
    /// The overlay or editor it belongs to: the palette does not offer it.
    Overlay,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Which.
    pub does: Do,
    /// Where its keys work.
    pub scope: Scope,
    /// Default keys.
    pub keys: &'static [&'static str],
    /// In a word or two, for hints.
    pub title: &'static str,
    /// In a line.
    pub doc: &'static str,
    /// What must be there.
    pub need: Need,
    /// Whether it can do harm.
    pub danger: Danger,
}

/// The row of a command.
pub fn command(does: Do) -> Option<&'static Command> {
    TABLE.iter().find(|row| row.does == does)
}

/// The rows of a scope, in the table's order.
pub fn of_scope(scope: Scope) -> impl Iterator<Item = &'static Command> {
    TABLE.iter().filter(move |row| row.scope == scope)
}
