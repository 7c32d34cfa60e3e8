//! Drafts in the cockpit: the linter at the cursor, what is agreed, who was told, what was sent (COM).

use ratatui::style::Modifier;

use crate::{
    api::{Accepted, Writer},
    cockpit::{
        draft_view::View,
        effect::Effect,
        link::{Heard, LinkError},
        message::Message,
        model::{Model, Overlay, Pane},
        sample::{self, Story},
        tests::{
            press,
            screens::{painted, text},
        },
        update::update,
    },
    incident::{
        Command, Fields, IncidentCommand as Ask,
        communication::{Agreement, FindingKind, writing},
    },
    terms::{Author, DraftId, IncidentId, Time},
};

const SIZES: [(u16, u16); 4] = [(200, 60), (120, 34), (80, 24), (44, 30)];

fn editing() -> Model {
    let mut model = sample::model((120, 34));
    press(&mut model, "5");
    press(&mut model, "enter");
    model
}

fn asked(effects: &[Effect]) -> &Ask {
    match effects {
        [Effect::Submit { command, .. }] => match command.as_ref() {
            Command::OnIncident { ask, .. } => ask,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn edit(story: &mut Story, clock: &str, draft: u32, change: impl FnOnce(&mut Fields)) {
    let now = story.worlds.real.incidents.values().next().unwrap().drafts[draft as usize - 1].clone();
    let mut fields = now.fields.clone();
    change(&mut fields);
    story.writes(clock, now.id, &fields);
}

/// A story with an agreed statement, one that contradicts it, and messages sent by hand.
fn told() -> Story {
    let mut story = sample::paying_twice();
    edit(&mut story, "14:06:26", 1, |fields| {
        fields.impact = "38 customers were paid twice".into();
        fields.reader_should = "keep the second payment for now".into();
        fields.body = "Between 14:01 and 14:06 UTC some refunds were paid twice.".into();
    });
    story.on("14:06:27", "dana", Ask::AgreeDraft(Agreement { draft: DraftId(1), version: 2 }));
    let send = |draft, to: &str, over: Option<&str>| Ask::SendDraft {
        draft: DraftId(draft),
        channel: "mail".into(),
        to: to.into(),
        over: over.map(str::to_owned),
    };
    story.on("14:06:28", "dana", send(1, "the 38 customers", None));
    story.on("14:06:29", "lee", Ask::StartDraft { audience: "customer".into() });
    edit(&mut story, "14:06:30", 2, |fields| fields.impact = "41 customers were paid twice".into());
    story
}

/// COM.3: what the linter finds is shown as it is typed, with its place; a key takes the offered wording in.
#[test]
fn an_offer_is_taken_in_by_a_key() {
    let mut model = editing();
    press(&mut model, "Sorry: it hallucinated a policy, a technical issue.");
    let editor = model.editor.as_ref().unwrap();
    let wording: Vec<_> = editor.findings.iter().filter(|one| one.kind == FindingKind::Wording).collect();
    assert_eq!((wording.len(), wording[0].at.unwrap().chars), (2, (10, 22)));
    let screen = text(&painted(&model, (200, 60)));
    assert!(screen.contains("“hallucinated” blames the model"), "{screen}");
    press(&mut model, "ctrl-o");
    press(&mut model, "ctrl-o");
    let body = model.editor.as_ref().unwrap().fields().body;
    assert!(body.starts_with("Sorry: it [[what it did") && body.ends_with("given by mistake]]."), "{body}");
    press(&mut model, "!");
    assert!(
        model.editor.as_ref().unwrap().fields().body.ends_with("given by mistake]]!."),
        "it stands behind what it put in"
    );
    let gaps = model.editor.as_ref().unwrap().findings.iter().filter(|one| one.kind == FindingKind::Gap).count();
    assert_eq!(gaps, 2, "each gap is found until it is filled");
}

/// COM.1, COM.2: an empty field is offered what the incident knows; a final message asks for more fields.
#[test]
fn an_empty_field_is_filled_from_the_incident_by_a_key() {
    let mut model = editing();
    press(&mut model, "A payment was made twice.");
    press(&mut model, "tab");
    let editor = model.editor.as_mut().unwrap();
    assert_eq!(editor.name(), "workflow");
    let names = editor.names().to_vec();
    assert!(names.contains(&"reader_should") && !names.contains(&"systems"), "{names:?}");
    for _ in 0..60 {
        press(&mut model, "backspace");
    }
    for _ in 0..60 {
        press(&mut model, "delete");
    }
    assert_eq!(model.editor.as_ref().unwrap().fields().workflow, "");
    press(&mut model, "ctrl-o");
    assert!(!model.editor.as_ref().unwrap().fields().workflow.is_empty(), "what the incident knows is put in");
    while model.editor.as_ref().unwrap().name() != "next_update" {
        press(&mut model, "tab");
    }
    press(&mut model, "ctrl-e");
    for _ in 0..40 {
        press(&mut model, "backspace");
    }
    press(&mut model, "none");
    press(&mut model, "tab");
    assert!(model.editor.as_ref().unwrap().names().contains(&"systems"), "COM.2: a final one says more");
}

/// What nobody touched is saved as it was, hidden characters and all; what is shown of it is harmless.
#[test]
fn a_field_nobody_touched_is_saved_as_it_was() {
    let mut story = sample::paying_twice();
    edit(&mut story, "14:06:26", 1, |fields| fields.impact = "38\u{200b} paid \u{1b}[2J\u{202e}twice".into());
    let mut model = sample::showing(&story, sample::live(), (120, 34));
    press(&mut model, "5");
    let shown = text(&painted(&model, (120, 34)));
    assert!(shown.contains("‹U+200B›") && !shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown}");
    press(&mut model, "enter");
    press(&mut model, "We write again.");
    let saved = press(&mut model, "esc");
    let Ask::WriteDraft { edit, .. } = asked(&saved) else { panic!("{saved:?}") };
    let fields = writing::with(model.draft().unwrap(), edit).unwrap().fields();
    assert_eq!(fields.impact, "38\u{200b} paid \u{1b}[2J\u{202e}twice");
    assert_eq!(fields.body, "We write again.");
}

/// COM.6: `a` agrees; another draft that says something else is marked, and asks for a reason before it is sent.
#[test]
fn what_contradicts_the_agreed_statement_is_marked() {
    let mut model = sample::showing(&told(), sample::live(), (120, 34));
    press(&mut model, "5");
    assert!(text(&painted(&model, (120, 34))).contains("[customer 1 ★ ✓]"));
    press(&mut model, "l");
    let screen = text(&painted(&model, (120, 34)));
    assert!(screen.contains("≠ impact says 41 customer"), "{screen}");
    press(&mut model, "m");
    let Some(Overlay::Form(form)) = &model.overlay else { panic!("{:?}", model.overlay) };
    assert!(form.fields.iter().any(|field| field.label == "over") && form.about.iter().any(|line| line.contains("38")));
    press(&mut model, "esc");
    let agreed = press(&mut model, "a");
    assert!(matches!(asked(&agreed), Ask::AgreeDraft(Agreement { draft: DraftId(2), version: 2 })), "{agreed:?}");
}

/// COM.4, COM.5, COM.7: who was told and who is owed word, and what was sent, at every size; hostile words harm nothing.
#[test]
fn the_ledger_and_the_copies_at_four_sizes() {
    let mut model = sample::showing(&told(), sample::live(), (120, 34));
    press(&mut model, "5");
    press(&mut model, "z");
    for view in [View::Text, View::Ledger, View::Copies] {
        assert_eq!(model.drafts.view, view);
        for size in SIZES {
            model.size = size;
            let screen = text(&painted(&model, size));
            insta::assert_snapshot!(format!("drafts-{view:?}-{}x{}", size.0, size.1), screen);
        }
        press(&mut model, "v");
    }
    assert_eq!(model.drafts.view, View::Text, "round and round");
    for (columns, rows) in [(1, 1), (20, 6), (36, 12), (250, 80)] {
        let mut model = sample::showing(&sample::hostile(), sample::live(), (columns, rows));
        model.focus = Pane::Draft;
        for _ in 0..3 {
            let screen = text(&painted(&model, (columns, rows)));
            assert!(!screen.contains(['\u{1b}', '\u{202e}']), "{screen}");
            press(&mut model, "v");
            press(&mut model, "G");
        }
    }
}

/// A draft of 1 MB stays in hand: it is shown, scrolled, written in, judged now and then, and saved whole.
#[test]
fn a_draft_of_a_megabyte_stays_in_hand() {
    let long = "Some words about a payment, and a technical issue. ".repeat(20_600);
    assert!(long.len() > 1 << 20);
    let mut story = sample::paying_twice();
    edit(&mut story, "14:06:26", 1, |fields| fields.body = long[..1 << 20].to_owned());
    let mut model = sample::showing(&story, sample::live(), (80, 24));
    press(&mut model, "5");
    assert_eq!(model.drafts.findings.iter().filter(|one| one.kind == FindingKind::Wording).count(), 100);
    press(&mut model, "pgdn");
    assert!(text(&painted(&model, (80, 24))).contains("technical issue"));
    press(&mut model, "enter");
    press(&mut model, "It hallucinated.");
    assert!(text(&painted(&model, (80, 24))).contains("It hallucinated."));
    let later = model.now.plus(2 * Time::SECOND);
    update(&mut model, later, Message::Tick);
    let first = model.editor.as_ref().unwrap().findings.iter().find(|one| one.field == "body").cloned().unwrap();
    assert_eq!(first.phrase, "hallucinated");
    let saved = press(&mut model, "esc");
    let Ask::WriteDraft { edit, .. } = asked(&saved) else { panic!("{saved:?}") };
    let fields = writing::with(model.draft().unwrap(), edit).unwrap().fields();
    assert_eq!(fields.body.len(), (1 << 20) + "It hallucinated.".len());
}

/// Two cockpits at one draft: what each asks is folded, and heard by both.
struct Two {
    story: Story,
    seats: [Model; 2],
    seen: usize,
}

impl Two {
    fn new() -> Self {
        let story = sample::paying_twice();
        let seats = ["dana", "lee"].map(|name| {
            let mut model = sample::showing(&story, sample::live(), (80, 24));
            model.state.as_mut().unwrap().you.name = Author::Person(name.into());
            model.writer = if name == "dana" { 100 } else { 200 };
            press(&mut model, "5");
            press(&mut model, "enter");
            model
        });
        let seen = story.events.len();
        Self { story, seats, seen }
    }

    /// What the backend makes of what was asked; everybody hears it.
    fn asks(&mut self, who: &str, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Submit { what, command, .. } = effect {
                self.story.ask("14:07:00", who, *command);
                let seat = &mut self.seats[usize::from(who == "lee")];
                let now = seat.now;
                let accepted = Accepted { events: Vec::new(), state_version: 0, recorded: true };
                update(seat, now, Message::Answered { what, result: Ok(accepted) });
            }
        }
        for event in &self.story.events[self.seen..] {
            for seat in &mut self.seats {
                let (load, now) = (seat.load, seat.now);
                update(seat, now, Message::Heard { load, heard: Heard::Event(Box::new(event.clone())) });
            }
        }
        self.seen = self.story.events.len();
    }

    /// Somebody types; what they ask arrives.
    fn types(&mut self, who: &str, words: &str) {
        for key in words.chars() {
            let effects = press(&mut self.seats[usize::from(who == "lee")], &key.to_string());
            self.asks(who, effects);
        }
    }

    fn tick(&mut self, at: usize) -> Vec<Effect> {
        let later = self.seats[at].now.plus(2 * Time::SECOND);
        update(&mut self.seats[at], later, Message::Tick)
    }

    fn body(&self, at: usize) -> String {
        self.seats[at].editor.as_ref().unwrap().fields().body
    }
}

/// COM.5: two people write in one draft at once; each sees what the other writes and where, keeps their cursor, and takes back
/// only what they wrote themselves.
#[test]
fn two_write_in_one_draft() {
    let mut two = Two::new();
    two.types("dana", "We are sorry.");
    two.types("lee", "Keep the payment.");
    let (dana, lee) = (two.tick(0), two.tick(1));
    assert!(dana.iter().any(|effect| matches!(effect, Effect::Writing { writing: Some(_), .. })), "{dana:?}");
    two.asks("dana", dana);
    two.asks("lee", lee.clone());
    let both = two.body(0);
    assert_eq!(both, two.body(1));
    assert!(both.contains("We are sorry.") && both.contains("Keep the payment."), "{both}");
    let place = lee.into_iter().find_map(|effect| match effect {
        Effect::Writing { writing, .. } => writing,
        _ => None,
    });
    let writer = Writer { name: "lee".into(), world: None, writing: place.unwrap() };
    two.seats[0].state.as_mut().unwrap().live.writing = vec![writer];
    let screen = painted(&two.seats[0], (80, 24));
    let shown = text(&screen);
    assert!(shown.contains("✎ lee in message"), "{shown}");
    let at = shown.lines().position(|line| line.contains("Keep the payment.")).unwrap();
    let column = shown.lines().nth(at).unwrap().split("Keep the payment.").next().unwrap().chars().count() + 17;
    let marked = screen[(column as u16, at as u16)].modifier;
    assert!(marked.contains(Modifier::REVERSED), "lee's cursor is behind what lee wrote: {shown}");
    // Each goes on where they stood.
    two.types("dana", " Really.");
    two.types("lee", " Write to us.");
    let (dana, lee) = (two.tick(0), two.tick(1));
    two.asks("lee", lee);
    two.asks("dana", dana);
    let both = two.body(0);
    assert_eq!(both, two.body(1));
    assert!(both.contains("We are sorry. Really.") && both.contains("Keep the payment. Write to us."), "{both}");
    for _ in 0..9 {
        press(&mut two.seats[1], "ctrl-u");
    }
    let lee = press(&mut two.seats[1], "esc");
    two.asks("lee", lee);
    assert_eq!(two.body(0), "We are sorry. Really.", "only what lee wrote is gone");
    assert!(two.seats[1].left.is_empty(), "the backend is known to have it");
    let draft = &two.story.worlds.real.incidents[&IncidentId(1)].drafts[0];
    assert_eq!(draft.fields.body, "We are sorry. Really.");
    assert!(draft.authors.len() >= 2);
}

/// COM.5, law 6: what is written while the backend is away stays in hand, and merges with what others wrote meanwhile.
#[test]
fn what_is_written_offline_merges() {
    let mut two = Two::new();
    two.types("lee", "Lee was here. ");
    let (load, now) = (two.seats[0].load, two.seats[0].now);
    update(&mut two.seats[0], now, Message::Heard { load, heard: Heard::Lost("cut".into()) });
    press(&mut two.seats[0], "Dana, offline.");
    let kept = press(&mut two.seats[0], "esc");
    let what = "DRAFT-1 saved".to_owned();
    update(&mut two.seats[0], now, Message::Answered { what, result: Err(LinkError::Kept("cut".into())) });
    assert!(two.seats[0].editor.is_none() && two.seats[0].left.len() == 1);
    press(&mut two.seats[0], "enter");
    assert!(two.body(0).contains("Dana, offline."), "taken in hand again, it is as it was left");
    press(&mut two.seats[0], "!");
    let later: Vec<Effect> = (0..9).flat_map(|_| two.tick(0)).collect();
    let goes_on = later.iter().any(|effect| matches!(effect, Effect::Submit { .. }));
    assert!(goes_on, "what is written further goes to the backend as before: {later:?}");
    press(&mut two.seats[0], "backspace");
    let lee = two.tick(1);
    two.asks("lee", lee);
    two.asks("dana", kept);
    assert_eq!(two.body(0), two.body(1));
    assert!(two.body(0).contains("Dana, offline.") && two.body(0).contains("Lee was here. "));
}
