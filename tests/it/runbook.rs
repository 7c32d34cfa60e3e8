//! The runbook as data: a team's own texts, checked with file, line, key and the nearest word (GOV.1, RBK.11).

use serde_json::json;

use crate::cli::Desk;

/// Every file that does not fit is named, each with its line and the nearest word; nothing is lost and nothing starts.
#[test]
fn what_is_wrong_is_named_in_every_file() {
    let desk = Desk::new();
    let folder = desk.folder.path().join("config/runbook");
    let own = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let made = desk.json(&["runbook", "init"]);
    assert!(made["written"].as_array().unwrap().len() > 10, "{made}");
    let again = desk.json(&["runbook", "init"]);
    assert_eq!(
        (again["written"].as_array().unwrap().len(), &again["kept"]),
        (0, &made["written"]),
        "what is there stays"
    );
    assert_eq!(desk.json(&["runbook", "check"])["ok"], true);

    let classes = std::fs::read_to_string(folder.join("classes.toml")).unwrap();
    own("classes.toml", &classes.replacen("authorised =", "autorised =", 1));
    let templates = std::fs::read_to_string(folder.join("templates.toml")).unwrap();
    own("templates.toml", &templates.replacen("{{ severity }}", "{{ severty }}", 1));
    own("banned.toml", "wording = []\nwording = []\n");
    own("clases.toml", "");
    let why = desk.refused(1, &["runbook", "check"]);
    for part in [
        "classes.toml line",
        "did you mean authorised?",
        "templates.toml line",
        "severty",
        "banned.toml line 2",
        "duplicate",
        "clases.toml is no file of a runbook; did you mean classes.toml?",
    ] {
        assert!(why.contains(part), "{part:?} is not in\n{why}");
    }
    let one = desk.refused(1, &["runbook", "check", folder.join("banned.toml").to_str().unwrap()]);
    assert!(one.contains("banned.toml line 2") && !one.contains("classes.toml"), "{one}");

    // Ten megabytes of another language are not read, and a page of it is refused where it begins.
    own("lint.toml", &"failure:\n  - id: x\n".repeat(600_000));
    own("factors.toml", "factor:\n  - id: money\n");
    let why = desk.refused(1, &["runbook", "check"]);
    assert!(why.contains("lint.toml: it has 11400000 bytes") && why.contains("factors.toml line 1"), "{why}");
    assert!(desk.refused(1, &["runbook", "show", "facters.toml"]).contains("did you mean factors.toml?"));
    assert!(desk.done(&["runbook", "show", "banned.toml"]).contains("wording = []"));
}

/// RBK.11: a team's class is a class: no line of Rust, the same checklist, budget and read-back.
#[test]
fn a_teams_own_class_is_worked_like_the_shipped_ones() {
    let desk = Desk::new();
    desk.done(&["runbook", "init"]);
    let file = desk.folder.path().join("config/runbook/classes.toml");
    let mut classes = std::fs::read_to_string(&file).unwrap();
    classes.push_str(
        "\n[[class]]\nclass = \"price-change\"\ntitle = \"Prices and inventory\"\nauthorised = \"the category manager\"\n\
         budget_s = 1800\nsubstitute = \"Honour the wrong price\"\nsteps = [\n\
         { id = \"restore\", changes = true, text = \"Put the prices of the night before back\" },\n\
         { id = \"read-back\", text = \"Read ten prices from the shop\", verifies = true },\n]\n",
    );
    std::fs::write(&file, classes).unwrap();
    let shown = desk.json(&["runbook", "show"]);
    assert!(shown["classes"].as_array().unwrap().iter().any(|class| class["class"] == "price-change"), "{shown}");
    desk.done(&["declare", "prices are wrong", "--severity", "SEV-3"]);
    desk.done(&["contained", "1", "--why", "the feed is off"]);
    desk.done(&["rollback", "open", "1", "price-change", "spring catalogue"]);
    assert!(desk.refused(1, &["check", "1", "restore"]).contains("freeze"), "EVI.1");
    desk.done(&["evidence", "freeze", "1"]);
    desk.done(&["check", "1", "restore"]);
    desk.done(&["verify", "1", "price-change", "--evidence", "ten of ten"]);
    let list = desk.json(&["checklist", "1"]);
    assert_eq!((&list[0]["budget_s"], &list[0]["title"]), (&json!(1800), &json!("Prices and inventory")));
}

/// GOV.1: a running backend takes a new version without a restart; an open incident keeps the one it began with, also
/// over a restart; texts that do not fit change nothing.
#[test]
fn a_new_version_holds_at_once_and_an_open_incident_keeps_its_own() {
    let desk = Desk::new();
    desk.done(&["declare", "under the old", "--severity", "SEV-3"]);
    let before = desk.json(&["runbook", "show"])["version"].as_str().unwrap().to_owned();
    desk.done(&["runbook", "init"]);
    assert!(desk.done(&["runbook", "reload"]).contains("in force already"), "a copy of what ships is no other version");

    let folder = desk.folder.path().join("config/runbook");
    let change = |name: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from:?}");
        std::fs::write(folder.join(name), text.replace(from, to)).unwrap();
    };
    change("classes.toml", "title = \"External API calls\"", "title = \"Calls\"");
    change("clocks.toml", "facts_s = 600", "facts_s = 300");
    change("tripwires.toml", "cold_calls = 600", "cold_calls = 5");
    change("runbook.toml", "\nversion = ", "\nversoin = ");
    assert!(desk.refused(1, &["runbook", "reload"]).contains("did you mean version?"));
    assert_eq!(desk.json(&["runbook", "show"])["version"], before.as_str(), "nothing was changed");
    change("runbook.toml", "\nversoin = ", "\nversion = ");

    let taken = desk.json(&["runbook", "reload"])["taken"].as_str().unwrap().to_owned();
    assert!(taken.starts_with(&format!("{before}+")), "{taken}: other texts never take a name that was given");
    desk.done(&["declare", "under the new", "--severity", "SEV-3"]);
    let shown = |id: &str| {
        let shown = desk.json(&["show", id]);
        (shown["runbook"].as_str().unwrap().to_owned(), shown["clock_plan"]["facts_s"].as_u64().unwrap())
    };
    assert_eq!(shown("1"), (before.clone(), 600));
    assert_eq!(shown("2"), (taken.clone(), 300));
    for (id, title) in [("1", "External API calls"), ("2", "Calls")] {
        desk.done(&["contained", id, "--why", "the workflow is off"]);
        desk.done(&["rollback", "open", id, "external-api-call", "payouts"]);
        assert_eq!(desk.json(&["checklist", id])[0]["title"], title, "INC-{id} is worked by its own version");
    }
    // DET.7: limits hold from the next action on.
    let at = chrono::Utc::now().to_rfc3339();
    let call =
        |n: usize| format!(r#"{{"id":"c{n}","agent":"loop-bot","run":"r1","tool":"read","class":"read","at":"{at}"}}"#);
    desk.reports(&(0..8).map(call).collect::<Vec<_>>());
    let firings = desk.json(&["firings"]);
    assert!(firings.as_array().unwrap().iter().any(|one| one["tripwire"] == "action-rate"), "{firings}");

    // The folder as it was taken stays in force over a restart, and so does the incident's own.
    desk.done(&["serve", "--stop", "--force"]);
    desk.done(&["rollback", "open", "1", "external-api-call", "refunds"]);
    assert_eq!(desk.json(&["runbook", "show"])["version"], taken.as_str());
    assert_eq!(desk.json(&["checklist", "1"])[1]["title"], "External API calls");

    // Back to what shipped, by hand: its old name, since it is the same text.
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(desk.json(&["runbook", "reload"])["taken"], before.as_str());
    // INC-3 is the undeclared agent's.
    desk.done(&["declare", "under the first again", "--severity", "SEV-3"]);
    assert_eq!(shown("4"), (before, 600));
    let viewer = desk.json(&["token", "make", "wall", "--role", "viewer"])["secret"].as_str().unwrap().to_owned();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let post = crate::rig::http().build().unwrap().post(format!("{}/v1/runbook", desk.url()));
    let post = post.bearer_auth(viewer).json(&json!({ "own": {} }));
    assert_eq!(
        runtime.block_on(async { post.send().await.unwrap().status().as_u16() }),
        403,
        "who watches changes nothing"
    );
}

/// GOV.2–GOV.6: what is open before an incident is said in one place; what anyone reports gets an owner until it is settled.
#[test]
fn readiness_says_what_is_open_and_a_report_has_an_owner_until_it_is_settled() {
    let desk = Desk::new();
    desk.done(&["declare", "refunds paid twice", "--severity", "SEV-3", "--workflow", "refunds"]);
    let line = |code: &str, what: &str| {
        let lines = desk.json(&["readiness"]);
        let found = lines.as_array().unwrap().iter().find(|it| it["code"] == code && it["what"] == what).cloned();
        let found = found.unwrap_or_else(|| panic!("no {code} {what} in {lines:#}"));
        (found["state"].as_str().unwrap().to_owned(), found["detail"].as_str().unwrap().to_owned())
    };
    assert_eq!(line("GOV.2", "containment authority").0, "open", "one person on the socket is not three");
    assert_eq!(line("GOV.3", "cost-rate").0, "met");
    assert!(line("GOV.4", "everything is owned").1.contains("workflow refunds"));
    assert!(line("GOV.5", "workflow refunds").1.contains("declared agents"));
    assert_eq!(line("GOV.6", "reports on the runbook").0, "met");

    let wrong = "four hours is too long for payouts";
    desk.done(&["runbook", "report", wrong, "--about", "external-api-call", "--incident", "1"]);
    desk.done(&["runbook", "report", "no class for prices", "--owner", "kim"]);
    let reports = desk.json(&["runbook", "reports"]);
    assert_eq!((&reports[0]["owner"], &reports[0]["incident"]), (&json!("the incident manager"), &json!("INC-1")));
    assert_eq!((&reports[1]["fault"], &reports[1]["owner"]), (&json!("FAULT-2"), &json!("kim")));
    assert!(line("GOV.6", "reports on the runbook").1.contains("FAULT-2 (kim)"));
    assert!(desk.done(&["doctor"]).contains("FAULT-1"));

    assert!(desk.refused(1, &["runbook", "settle", "1"]).contains("who is to see to it"));
    desk.done(&["runbook", "settle", "1", "--owner", "dana"]);
    desk.done(&["runbook", "settle", "1", "--mended", "an hour, from the next version on"]);
    assert!(desk.refused(1, &["runbook", "settle", "1", "--declined", "no"]).contains("mended"));
    assert!(desk.refused(1, &["runbook", "settle", "9", "--declined", "no"]).contains("runbook reports"));
    let all = desk.json(&["runbook", "reports", "--all"]);
    assert_eq!((&all[0]["owner"], &all[0]["settled"]["end"]), (&json!("dana"), &json!("mended")));
    assert_eq!(desk.json(&["runbook", "reports"]).as_array().unwrap().len(), 1);
}
