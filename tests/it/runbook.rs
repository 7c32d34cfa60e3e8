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
