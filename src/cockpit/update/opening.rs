//! Which overlay a command opens, filled with what is known.

use super::{deciding, reading};
use crate::{
    api::RecordingView,
    cockpit::{
        commands::{Do, Need, TABLE, why_not},
        form::{Ask, Field, Form},
        model::{Model, Overlay},
        overlays::{Choice, Item, Pick},
        rows::RowId,
        scope_choice::ContainForm,
        text,
    },
    incident::{
        Draft,
        containment::{Mode, Stage},
        evidence::ItemState,
        restart,
    },
    runbook::ChannelKind,
    terms::{FiringId, IncidentId},
};

/// The overlay of a command; `None` when it opens none.
pub fn overlay(model: &Model, does: Do) -> Option<Overlay> {
    let pick = |pick| Some(Overlay::Pick(Box::new(pick)));
    match does {
        Do::Halt => return Some(Overlay::Contain(Box::new(ContainForm::open(model)))),
        Do::Palette => return pick(palette(model)),
        Do::Incidents => return pick(incidents(model)),
        Do::World if model.world.is_none() => return pick(worlds(model)),
        Do::NewDraft => return pick(audiences(model)?),
        Do::Unit => return pick(reading::choose(model)?),
        _ => {}
    }
    form(model, does).map(|form| Overlay::Form(Box::new(form)))
}

fn form(model: &Model, does: Do) -> Option<Form> {
    match does {
        Do::Declare => return Some(declare(model, None)),
        Do::DeclareFrom => return Some(declare(model, Some(model.selected_firing()?.id))),
        Do::Expected => {
            let firing = model.selected_firing()?;
            let ask = Ask::Expected(firing.id);
            return Some(
                Form::new(format!("{} was expected", firing.id), ask, Vec::new())
                    .about("It closes, its agent's baseline thaws, and its hours count from now on as normal."),
            );
        }
        Do::Filter => {
            let filter = &model.rows.of(model.focus).filter;
            let field = Field::text("holds", "only rows that hold this text; empty shows all", filter.as_str());
            return Some(Form::new(format!("Find in {}", model.focus.title()), Ask::Filter(model.focus), vec![field]));
        }
        Do::Fault => return Some(reading::fault(model)),
        Do::DrillSeek | Do::DrillInject | Do::DrillNote | Do::DrillCut | Do::DrillAppoint | Do::DrillEnd => {
            return super::direct::form(model, does);
        }
        Do::Approve | Do::Deny => return deciding::form(model, does),
        Do::Release | Do::Annotate => return of_switch(model, does),
        _ => {}
    }
    let family = super::team::form(model, does)
        .or_else(|| super::cause::form(model, does))
        .or_else(|| super::rollback::form(model, does))
        .or_else(|| super::first::form(model, does));
    family.or_else(|| of_incident(model, does)).or_else(|| of_rollback(model, does))
}

fn declare(model: &Model, firing: Option<FiringId>) -> Form {
    let of = firing.and_then(|id| model.world()?.firings.get(&id));
    let title = of.map(|firing| {
        let key = &firing.key;
        format!("{}: {} {}", key.agent, key.tripwire, key.detail).trim_end().to_owned()
    });
    let agents = of.map(|firing| firing.key.agent.as_str().to_owned()).unwrap_or_default();
    let heading = firing.map_or("Declare an incident".into(), |id| format!("Declare an incident from {id}"));
    let fields = vec![
        Field::text("title", "what is wrong, in a line", title.unwrap_or_default()),
        Field::choice("severity", levels(model, None), 0),
        Field::text("workflow", "the affected workflow, where it is known", ""),
        Field::text("agents", "agents involved, by id, separated by commas", agents),
        Field::text("harm since", "14:02, 5m, now; empty while harm is not confirmed", ""),
    ];
    Form::new(heading, Ask::Declare(firing), fields)
        .about("Severity follows impact, reversibility, money, data and exposure — not how odd the output looks.")
}

/// Levels of the incident's scheme, worst first, each with its meaning.
fn levels(model: &Model, scheme: Option<&str>) -> Vec<(String, String)> {
    let scheme = model.runbook.as_ref().and_then(|runbook| {
        runbook.schemes.get(scheme.unwrap_or(&runbook.default_scheme)).or_else(|| runbook.schemes.values().next())
    });
    let levels = scheme.map(|scheme| scheme.levels.iter().map(|level| (level.id.clone(), level.meaning.clone())));
    levels.map(Iterator::collect).unwrap_or_else(|| {
        ["SEV-1", "SEV-2", "SEV-3", "SEV-4"].iter().map(|level| ((*level).to_owned(), String::new())).collect()
    })
}

fn of_switch(model: &Model, does: Do) -> Option<Form> {
    let switch = model.selected_switch()?;
    if does == Do::Annotate {
        let incident = switch.incident.or(model.incident).map(|id| id.to_string()).unwrap_or_default();
        let fields = vec![
            Field::text("why", "the reason, as the post-mortem will read it", switch.why.clone().unwrap_or_default()),
            Field::text("harm since", "14:02, 5m, now: the zero of the halt clock", ""),
            Field::text("incident", "the incident it belongs to", incident),
        ];
        return Some(Form::new(format!("{} {}", switch.id, switch.scope), Ask::Annotate(switch.id), fields));
    }
    let agent = match model.rows.of(crate::cockpit::Pane::Containment).chosen()? {
        RowId::Proof(_, agent) => agent.as_str().to_owned(),
        _ => String::new(),
    };
    let fields = vec![
        Field::text("name", format!("type {} to release it", switch.id), ""),
        Field::text("why", "why it is safe now", ""),
        Field::text("agent", "empty lifts all of it; an agent's id restores only that one", agent),
        Field::choice("to", stages(), 0),
        Field::text("override", "the severity owner's reason to release over open conditions", ""),
    ];
    let form = Form::new(format!("Release {}", switch.id), Ask::Release(switch.id), fields)
        .about(format!("{} · {} since {}", switch.scope, switch.mode, text::clock(switch.engaged_at, zone(model))))
        .about("What it stops starts again at once. Other switches that cover the same calls stay in force.");
    // RST.1: what the gate lacks is said before somebody types.
    let lacks = model.runbook.as_ref().zip(model.incident().filter(|one| Some(one.id) == switch.incident));
    let open: Vec<String> = lacks
        .map(|(runbook, incident)| restart::conditions(incident, runbook))
        .unwrap_or_default()
        .into_iter()
        .filter(|one| one.state == restart::ConditionState::Open)
        .map(|one| one.title)
        .collect();
    let gate = if open.is_empty() { None } else { Some(format!("The gate lacks: {}", open.join(", "))) };
    Some(gate.into_iter().chain(unsigned(model)).fold(form, Form::about))
}

/// Said where what lifts a restraint is not signed by the person's own key (protocol 4).
pub(super) fn unsigned(model: &Model) -> Option<String> {
    let you = &model.state.as_ref()?.you;
    let who = you.name.name();
    (!you.signs).then(|| {
        format!("No SSH key of {who} is known to this backend: whatever runs as you, an agent too, could do this. See allowed_signers.")
    })
}

/// The stages an agent may go on in; full autonomy first.
fn stages() -> Vec<(String, String)> {
    let staged = Stage::ALL.iter().rev().filter(|stage| **stage != Stage::Halted);
    staged
        .map(|stage| {
            let does = stage.mode().map_or("nothing restrains it any more", Mode::does);
            let watched = if stage.mode().is_some() { "; watched for 24 h, for one agent" } else { "" };
            (stage.to_string(), format!("{does}{watched}"))
        })
        .collect()
}

fn zone(model: &Model) -> text::Zone {
    if model.utc { text::Zone::Utc } else { model.look.zone }
}

fn of_incident(model: &Model, does: Do) -> Option<Form> {
    let incident = model.incident()?;
    let id = incident.id;
    let named = |what: &str| format!("{what} {id}");
    let why = |hint: &str| vec![Field::text("why", hint, "")];
    Some(match does {
        Do::Dismiss => Form::new(named("Dismiss"), Ask::Dismiss(id), why("why it is none")),
        Do::Severity => {
            let levels = levels(model, Some(&incident.scheme));
            let at = levels.iter().position(|(level, _)| *level == incident.severity).unwrap_or(0);
            let fields = vec![Field::choice("severity", levels, at), Field::text("why", "what is known now", "")];
            Form::new(named("Severity of"), Ask::Severity(id), fields)
        }
        Do::Role => {
            let roles = model.runbook.as_ref().map(|runbook| runbook.roles.clone()).filter(|roles| !roles.is_empty());
            let roles = roles.unwrap_or_else(|| vec!["commander".into(), "scribe".into(), "communications".into()]);
            let holder = |role: String| {
                let who = incident.roles.get(&role).map_or("nobody holds it".into(), |who| format!("held by {who}"));
                (role, who)
            };
            let me = model.state.as_ref().map(|state| state.you.name.to_string()).unwrap_or_default();
            let fields = vec![
                Field::choice("role", roles.into_iter().map(holder).collect(), 0),
                Field::text("who", "a name; empty frees the role", me),
            ];
            Form::new(named("Roles of"), Ask::Role(id), fields)
        }
        Do::Note => {
            let fields =
                vec![Field::text("note", "what happened", ""), Field::text("at", "14:02, 5m; empty is now", "")];
            Form::new(named("Note on"), Ask::Note(id), fields)
        }
        Do::Harm => {
            let fields = vec![Field::text("since", "14:02, 5m, now: the zero of the 30 s halt clock", "now")];
            Form::new(named("Confirm harm in"), Ask::Harm(id), fields)
        }
        Do::Contained => Form::new(named("Contained:"), Ask::Contained(id), why("by what it can be said"))
            .about("Proof declares it by itself. By hand it is recorded as your word."),
        Do::Resolve => {
            let fields = vec![
                Field::text("how", "how it ended for those affected", ""),
                Field::text("over", "only where a rollback is not verified or a switch is engaged: why anyway", ""),
            ];
            Form::new(named("Resolve"), Ask::Resolve(id), fields)
        }
        Do::SetItem => {
            let item = model.selected_item()?;
            let now = item.state;
            let at = ItemState::ALL.iter().position(|state| *state == now).unwrap_or(0);
            let states = ItemState::ALL.iter().map(|state| (state.to_string(), state.means().to_owned()));
            let fields = vec![
                Field::choice("state", states.collect(), at),
                Field::text(
                    "why",
                    "where it is, who says so, what is wrong with it",
                    item.why.clone().unwrap_or_default(),
                ),
                Field::text("gone in", "only where it expires: 36h, 2d, or 2026-11-30T00:00:00Z", ""),
            ];
            Form::new(item.plan.title.clone(), Ask::Item(id, item.plan.id.clone()), fields)
                .about(format!("Needed: {}", item.plan.satisfied_by))
        }
        Do::Reopen => Form::new(named("Reopen"), Ask::Reopen(id), why("what came back")),
        _ => return None,
    })
}

fn of_rollback(model: &Model, does: Do) -> Option<Form> {
    let incident = model.incident()?.id;
    Some(match does {
        Do::OpenRollback => {
            let classes = model.runbook.as_ref().map(|runbook| {
                runbook.classes.iter().map(|plan| (plan.class.to_string(), plan.title.clone())).collect()
            });
            let fields = vec![
                Field::choice("class", classes.unwrap_or_default(), 0),
                Field::text("target", "what is rolled back: payouts of 20 Nov, table orders", ""),
            ];
            Form::new("Open a rollback checklist", Ask::OpenRollback(incident), fields)
        }
        Do::Verify => {
            let list = model.checklist()?;
            let fields = vec![Field::text("read back", "what you read from the real state, and where", "")];
            Form::new(format!("Verify {}", list.title), Ask::Verify(incident, list.id), fields)
                .about("The checklist is done only when the real state was read back.")
        }
        Do::Send => {
            let draft = model.draft()?;
            send(model, incident, draft)
        }
        _ => return None,
    })
}

fn send(model: &Model, incident: IncidentId, draft: &Draft) -> Form {
    let channels = model.runbook.as_ref().map(|runbook| runbook.channels.as_slice()).unwrap_or_default();
    let fit: Vec<_> = channels.iter().filter(|channel| channel.takes(&draft.audience)).collect();
    let options = fit.iter().map(|channel| (channel.name.clone(), channel.words())).collect();
    let by_hand = fit.first().is_none_or(|channel| channel.kind == ChannelKind::Copy);
    let to =
        draft.sent.last().map(|sent| sent.to.clone()).filter(|_| by_hand).unwrap_or_else(|| draft.audience.clone());
    let mut fields = vec![
        Field::choice("channel", options, 0),
        Field::text("to", "to whom; addresses with commas between, for mail", to),
    ];
    let differs = model.drafts.differs.first();
    if differs.is_some() {
        fields.push(Field::text("over", "why it is sent although it contradicts what is agreed", ""));
    }
    let form = Form::new(format!("Send {}", draft.id), Ask::Send(incident, draft.id), fields)
        .about("By hand you carry it; else it goes out at once. The exact text, who, when, to whom and what came of it are kept.");
    let found = model.drafts.findings.len();
    let form = if found > 0 { form.about(format!("The linter has {found} findings.")) } else { form };
    match differs {
        Some(differs) => form.about(format!("It contradicts the agreed statement: {differs}.")),
        None => form,
    }
}

fn palette(model: &Model) -> Pick {
    let rows = TABLE.iter().filter(|row| row.need != Need::Overlay && row.does != Do::Palette);
    let rows = rows.filter(|row| !matches!(row.does, Do::HaltHere | Do::HaltFromForm));
    let items = rows.map(|row| Item {
        label: row.does.as_str().into(),
        doc: row.doc.into(),
        mark: model.keymap.keys(row.does).join(" "),
        why_not: why_not(row, model),
        choice: Choice::Do(row.does),
    });
    Pick::new("Command", "no command holds that", items.collect())
}

fn incidents(model: &Model) -> Pick {
    let known = model.world().map(|world| world.incidents.values().rev().collect::<Vec<_>>()).unwrap_or_default();
    let items = known.into_iter().map(|incident| Item {
        label: format!("{} {}", incident.id, incident.severity),
        doc: incident.title.clone(),
        mark: format!("{} · {}", incident.status, text::day(incident.declared_at, zone(model))),
        why_not: None,
        choice: Choice::Incident(incident.id),
    });
    Pick::new("Incidents", "no incident yet; D declares one", items.collect())
}

fn worlds(model: &Model) -> Pick {
    let drills = model.state.as_ref().map(|state| state.drills.as_slice()).unwrap_or_default();
    let items = drills.iter().rev().map(|drill| Item {
        label: drill.id.to_string(),
        doc: drill.title.clone(),
        mark: if drill.ended_at.is_some() { "ended".into() } else { format!("×{}", drill.speed) },
        why_not: None,
        choice: Choice::World(Some(drill.id)),
    });
    Pick::new("Drills", "no drill was played yet; P plays one", items.collect())
}

pub(super) fn recordings(model: &Model) -> Pick {
    let items = model.recordings.iter().map(|one| Item {
        label: one.name.clone(),
        doc: one.title.clone(),
        mark: played(one),
        why_not: None,
        choice: Choice::Drill(one.name.clone()),
    });
    Pick::new("Play a drill", "reading which there are …", items.collect())
}

/// `1:02 ×60 · harms 41 people`: how long it takes as fast as it says, and what it harms.
fn played(one: &RecordingView) -> String {
    let lasts = if one.speed > 0.0 { text::span((one.length_s * 1_000.0 / one.speed) as i64) } else { String::new() };
    format!("{lasts} ×{} · {}", one.speed, one.harm)
}

fn audiences(model: &Model) -> Option<Pick> {
    let incident = model.incident()?.id;
    let templates = model.runbook.as_ref().map(|runbook| runbook.templates.as_slice()).unwrap_or_default();
    let items = templates.iter().map(|template| Item {
        label: template.audience.clone(),
        doc: template.title.clone(),
        mark: if template.external { "leaves the house".into() } else { String::new() },
        why_not: None,
        choice: Choice::Audience(incident, template.audience.clone()),
    });
    Some(Pick::new("Draft for", "the runbook has no templates", items.collect()))
}
