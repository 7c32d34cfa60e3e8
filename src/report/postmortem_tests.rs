//! A made-up incident, decided and folded as the backend would, then read as a post-mortem.

use serde_json::json;
use uuid::Uuid;

use super::{Sources, html, json as as_json, markdown};
use crate::{
    incident::{
        Command, Context, Fact, Incident, IncidentCommand, NewEvent, Stream, Topic, World, Worlds,
        chain::{Place, seal},
        containment::{AgentProof, HaltProof, ProofHow, ProofState, Slipped},
        decide,
    },
    report::{Spend, document::seconds},
    runbook::{Required, Runbook},
    terms::{Author, DrillId, IncidentId, SwitchId, Time},
    tripwire::{FiringChange, FiringKey, Tripwire},
};

/// A world worked by hand: a command, a second later the next.
struct Story {
    worlds: Worlds,
    runbook: Runbook,
    now: Time,
    drill: Option<DrillId>,
    counted: Vec<AgentProof>,
    seqs: std::collections::BTreeMap<String, u64>,
    spend: Option<Spend>,
}

impl Story {
    fn new(drill: bool) -> Self {
        let mut story = Self {
            worlds: Worlds::default(),
            runbook: Runbook::shipped(),
            now: "2026-03-02T14:05:00Z".parse().unwrap(),
            drill: None,
            counted: Vec::new(),
            seqs: std::collections::BTreeMap::new(),
            spend: None,
        };
        if drill {
            let start = Command::StartDrill {
                name: "a".into(),
                title: "A".into(),
                seed: 1,
                speed: 60.0,
                course: Box::default(),
                armed: Box::default(),
            };
            story.ask("dana", &start);
            story.drill = Some(DrillId(1));
        }
        story
    }

    fn ask(&mut self, by: &str, command: &Command) {
        let context = Context {
            by: by.parse::<Author>().unwrap(),
            now: self.now,
            drill: self.drill,
            counted: self.counted.clone(),
            runs: None,
        };
        let facts = decide(&self.worlds, &self.runbook, &context, command).unwrap();
        facts.into_iter().for_each(|new| self.fold(new));
        self.now = self.now.plus(Time::SECOND);
    }

    fn fold(&mut self, new: NewEvent) {
        let seq = self.seqs.entry(new.stream.to_string()).or_default();
        *seq += 1;
        let place = Place {
            position: self.worlds.position + 1,
            epoch: 1,
            seq: *seq,
            id: Uuid::nil(),
            recorded_at: self.now,
            prev: String::new(),
        };
        self.worlds.apply(&seal(new, place).unwrap());
    }

    fn on(&mut self, by: &str, ask: serde_json::Value) {
        let ask: IncidentCommand = serde_json::from_value(ask).unwrap();
        self.ask(by, &Command::OnIncident { incident: IncidentId(1), ask });
    }

    fn world(&self) -> &World {
        self.worlds.get(self.drill).unwrap()
    }

    fn incident(&self) -> &Incident {
        &self.world().incidents[&IncidentId(1)]
    }

    fn sources(&self) -> Sources<'_> {
        let (incident, world) = (self.incident(), self.world());
        Sources { incident, world, runbook: &self.runbook, spend: self.spend.as_ref(), now: self.now }
    }

    fn read(&self) -> String {
        markdown(self.sources())
    }
}

fn proof(state: ProofState, at: Time) -> AgentProof {
    let how = (state == ProofState::Confirmed).then_some(ProofHow::Refused);
    AgentProof { id: "refund-bot".parse().unwrap(), state, how, at }
}

fn opened(tripwire: Tripwire, detail: &str, at: Time) -> FiringChange {
    FiringChange::Opened {
        key: FiringKey { tripwire, agent: "refund-bot".parse().unwrap(), detail: detail.into() },
        at,
        received_at: at.plus(400),
        window: None,
        limit: None,
        baseline: None,
        note: None,
        run: None,
        workflow: Some("refunds".into()),
    }
}

/// From the tripwire to the end.
fn whole(drill: bool) -> Story {
    let mut story = Story::new(drill);
    let zero = story.now;
    let fired = opened(Tripwire::Authorisation, "bank.transfer | <b>", zero.plus(-4 * Time::SECOND));
    story.ask("andon:tripwires", &Command::Fire { changes: vec![fired] });
    story.on("dana", json!({"type": "confirm"}));
    story.on("dana", json!({"type": "set-severity", "severity": "SEV-1", "why": "money leaves twice"}));
    story.on("dana", json!({"type": "assign", "role": "commander", "who": "dana"}));
    let firing = *story.world().firings.keys().next().unwrap();
    story.ask("dana", &Command::AckFiring { firing, expected: false });
    story.counted = vec![proof(ProofState::Requested, story.now)];
    let engage = json!({"scope": {"agent": "refund-bot"}, "why": "paying twice", "incident": "INC-1", "harm_at": zero});
    story.ask("dana", &Command::Engage(serde_json::from_value(engage).unwrap()));
    let halt = HaltProof {
        counted: 1,
        confirmed: 1,
        confirmed_in_s: Some(9.2),
        slipped: vec![Slipped { agent: "refund-bot".parse().unwrap(), what: "payouts.create".into(), at: zero }],
        agents: vec![proof(ProofState::Confirmed, story.now)],
        ..HaltProof::default()
    };
    story.ask("andon:interlock", &Command::Prove { switch: SwitchId(1), halt });
    story.on("kim", json!({"type": "open-rollback", "class": "external-api-call", "target": "payouts of 2 March"}));
    story.on("kim", json!({"type": "tick-step", "checklist": "RB-1", "step": "list-calls"}));
    let substitute = "no schedule at this provider";
    story.on(
        "kim",
        json!({"type": "mark-impossible", "checklist": "RB-1", "step": "freeze-schedule", "substitute": substitute}),
    );
    story.on("kim", json!({"type": "start-draft", "audience": "internal"}));
    let fields = json!({"workflow": "refunds", "impact": "38 customers were paid twice", "contained": "refund-bot halted",
        "investigating": "how many payouts are queued", "owner": "dana", "next_update": "15:00 UTC", "body": ""});
    story.on("kim", json!({"type": "edit-draft", "draft": "DRAFT-1", "fields": fields, "version": 1}));
    story.on("dana", json!({"type": "send-draft", "draft": "DRAFT-1", "channel": "chat", "to": "#incidents"}));
    story.on("dana", json!({"type": "note", "text": "a note that was wrong"}));
    let seq = story.incident().version;
    story.on("dana", json!({"type": "retract-note", "seq": seq}));
    story
}

/// PM.1, PM.2, SEV.7, CON.10, COM.5, RBK: everything an auditor asks for is in one file.
#[test]
fn the_post_mortem_holds_chain_clocks_proof_rollback_drafts_and_timeline() {
    insta::assert_snapshot!(whole(false).read());
}

/// The same, its post-mortem written and filed, its telemetry still stored.
fn filed() -> Story {
    let mut story = whole(false);
    let said = |id: &str| (id.to_owned(), json!(format!("<i>{id}</i> said\nin two lines")));
    let asked = story.runbook.postmortem.fields.iter().filter(|field| field.required == Required::Always);
    let mut fields: serde_json::Map<_, _> = asked.map(|field| said(&field.id)).collect();
    fields.insert("due".into(), json!("2026-12-04"));
    fields.insert("gap".into(), json!("action-signal"));
    let case = json!({"name": "twice", "kind": "regression", "input": "order 7", "expected": "one refund"});
    let delta = json!({"kind": "gate", "text": "log the order", "owner": "kim", "due": "2026-12-01"});
    story.on("kim", json!({"type": "set-postmortem", "fields": fields, "cases": [case], "deltas": [delta]}));
    story.on("dana", json!({"type": "file-postmortem", "over": "evidence is of another team"}));
    let zero: Time = "2026-03-02T14:05:00Z".parse().unwrap();
    let mut spend = Spend::new(&story.incident().agents, zero.plus(-Time::HOUR), zero.plus(Time::HOUR));
    for minute in -50..50 {
        let at = zero.plus(minute * Time::MINUTE);
        let status = if minute > 1 { "denied" } else { "ok" };
        let action = json!({"at": at, "received_at": at, "agent": "refund-bot", "tool": "<pay>", "status": status, "cost_usd": 0.5});
        spend.take(&serde_json::from_value(action).unwrap());
    }
    story.spend = Some(spend.whole());
    story
}

/// PM.1, PM.3: five parts in their order, what people wrote in its place, the figures of telemetry; the record after them.
#[test]
fn a_filed_post_mortem_reads_in_five_parts() {
    let story = filed();
    let text = story.read();
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(
        headings[..7],
        [
            "Summary",
            "1. Business impact",
            "2. The agent's path",
            "3. Failed controls",
            "4. Guardrail changes before restart",
            "5. Scorecard update",
            "Timeline"
        ]
    );
    for part in [
        "its agents executed 52 actions for 26.00 USD; 48 more were stopped",
        "| refund-bot | \\<pay\\> | 100 | 48 |",
        "**Root trigger:** \\<i\\>root-trigger\\</i\\> said  \nin two lines (kim",
        "**Closed first, as a person picked: action → signal.**",
        "| 1 | gate | log the order | kim | 2026-12-01 | proposed |",
        "| twice | regression | order 7 | one refund |",
        "evidence is of another team",
    ] {
        assert!(text.contains(part), "{part} is missing from\n{text}");
    }
}

/// PM.1, law 7: one page, no script, no address, nothing executes; three charts with words for those who cannot see them.
#[test]
fn the_page_needs_nothing_beside_it() {
    let page = html(filed().sources());
    for never in
        ["<script", "javascript:", "http://", "https://", "src=", "href=", "@import", "url(", "<i>", "<pay>", " onload"]
    {
        let found = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!found.contains(never), "{never} in\n{page}");
    }
    assert!(page.contains("Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'"));
    for chart in ["severity", "chain", "spend"] {
        assert_eq!(page.matches(&format!("aria-labelledby=\"{chart}-title {chart}-desc\"")).count(), 1, "{chart}");
        assert!(
            page.contains(&format!("<title id=\"{chart}-title\">"))
                && page.contains(&format!("<desc id=\"{chart}-desc\">"))
        );
    }
    let opened: std::collections::BTreeMap<&str, usize> =
        ["section", "table", "details", "dl", "svg", "tr", "td", "p", "ul"]
            .map(|tag| (tag, page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count()))
            .into();
    for (tag, count) in opened {
        assert_eq!(page.matches(&format!("</{tag}>")).count(), count, "{tag} is closed as often as it is opened");
    }
    assert!(page.contains("<dd>9.2 s</dd>") && page.contains("<dd>26.00 USD</dd>"), "the numbers stand at the head");
    assert!(page.find("class=\"figures\"").unwrap() < page.find("1. Business impact").unwrap());
}

/// PM.5: what is missing stands in the JSON until it is filed; DET.6 flags the tripwire that was missing.
#[test]
fn the_json_form_says_what_is_missing() {
    let mut story = Story::new(false);
    story.ask("dana", &Command::Declare(serde_json::from_value(json!({"title": "a customer called"})).unwrap()));
    let all = as_json(story.sources());
    assert!(all["missing"].as_array().unwrap().len() > 10);
    assert_eq!(all["missed_by_tripwires"], json!(true));
    assert!(story.read().contains("**No tripwire fired before people knew: one was missing"));
    let all = as_json(filed().sources());
    assert_eq!((&all["missing"], &all["missed_by_tripwires"]), (&json!([]), &json!(false)));
    assert_eq!(all["spend"]["actions"], json!(52));
}

proptest::proptest! {
    /// PM.2, PM.3: whatever the times, the numbers of the document are those of the fold.
    #[test]
    fn the_documents_numbers_are_the_folds(before in 1i64..100_000, ack in 0i64..100_000, halted in 0u32..100_000) {
        let mut story = Story::new(false);
        let zero = story.now;
        story.ask("andon:tripwires", &Command::Fire { changes: vec![opened(Tripwire::Outcome, "email", zero.plus(-before))] });
        story.now = zero.plus(ack);
        let firing = *story.world().firings.keys().next().unwrap();
        story.ask("dana", &Command::AckFiring { firing, expected: false });
        story.counted = vec![proof(ProofState::Requested, story.now)];
        let engage = json!({"scope": {"agent": "refund-bot"}, "incident": "INC-1", "harm_at": zero});
        story.ask("dana", &Command::Engage(serde_json::from_value(engage).unwrap()));
        let took = f64::from(halted) / 10.0;
        let halt = HaltProof { counted: 1, confirmed: 1, confirmed_in_s: Some(took), agents: vec![proof(ProofState::Confirmed, story.now)], ..HaltProof::default() };
        story.ask("andon:interlock", &Command::Prove { switch: SwitchId(1), halt });
        let mttd = story.incident().mttd.mttd_s.unwrap();
        proptest::prop_assert!((mttd - (before + ack) as f64 / 1000.0).abs() < 1e-6);
        let (text, page) = (story.read(), html(story.sources()));
        let (mttd, took) = (seconds(mttd), seconds(took));
        let all_confirmed = format!("all confirmed in {took};");
        for said in [format!("MTTD, action to acknowledgement: {mttd}."), all_confirmed] {
            proptest::prop_assert!(text.contains(&said) && page.contains(&said), "{said}");
        }
        let cells = [format!("| {mttd} | from the action to a person |"), format!("| {took} | from harm to a proved halt |")];
        proptest::prop_assert!(cells.iter().all(|cell| text.contains(cell)), "{text}");
    }
}

/// PM.2: what nobody recorded reads so, and makes no gap.
#[test]
fn an_incident_of_which_nothing_is_known_says_so() {
    let mut story = Story::new(false);
    story.ask("dana", &Command::Declare(serde_json::from_value(json!({"title": "odd"})).unwrap()));
    let text = story.read();
    for line in [
        "| action | not recorded |  |  |",
        "MTTD, action to acknowledgement: not recorded.",
        "Largest gap: not recorded",
        "No switch belongs to this incident. Contained: not recorded.",
        "No rollback was opened.",
        "Nothing was drafted.",
        "**The incident is still open (declared)",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

/// DRL.1: a drill's post-mortem cannot be taken for a real one.
#[test]
fn a_drills_post_mortem_says_so_at_its_head_and_its_end() {
    let text = whole(true).read();
    assert!(text.starts_with("# DRILL · Post-mortem INC-1"), "{text}");
    assert_eq!(text.matches("> **DRILL. This was an exercise").count(), 2);
    assert!(text.trim_end().ends_with("is real.**"));
    assert!(!whole(false).read().contains("DRILL"));
    let story = whole(true);
    assert_eq!(as_json(story.sources())["drill"], json!(true));
}

/// Law 7: text that an agent or a person wrote opens no markup.
#[test]
fn hostile_titles_and_notes_stay_text() {
    let mut story = Story::new(false);
    let hostile = "x\u{1b}[2J <img src=x> | [a](http://e.example) `";
    story.ask("dana", &Command::Declare(serde_json::from_value(json!({"title": hostile})).unwrap()));
    let note = NewEvent {
        stream: Stream::new(None, Topic::Incident(IncidentId(1))),
        occurred_at: story.now,
        by: "dana".parse().unwrap(),
        fact: Fact::NoteAdded { text: format!("{hostile}\n## Forged heading") },
    };
    story.fold(note);
    let text = story.read();
    assert!(
        !text.replace("\\<", "").contains('<') && !text.contains("\n## Forged") && !text.contains('\u{1b}'),
        "{text}"
    );
    assert_eq!(text.lines().filter(|line| line.starts_with("## ")).count(), 15, "as many sections as ever");
}

/// PM.1: the JSON form holds the incident, its clocks, its switches and its firings.
#[test]
fn the_json_form_holds_the_same() {
    let story = whole(false);
    let all = as_json(story.sources());
    assert_eq!(all["incident"]["id"], json!("INC-1"));
    assert_eq!(all["switches"][0]["halt"]["confirmed_in_s"], json!(9.2));
    assert_eq!(all["firings"][0]["tripwire"], json!("authorisation"));
    assert!(all["clocks"].as_array().unwrap().iter().any(|clock| clock["name"] == "halt" && clock["state"] == "met"));
}
