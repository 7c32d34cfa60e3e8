use crate::runbook::Runbook;

fn with(file: &str, text: &str) -> Result<Runbook, String> {
    let texts = std::collections::BTreeMap::from([(file.to_owned(), text.to_owned())]);
    Runbook::from_texts(&texts).map_err(|why| why.to_string())
}

/// SEV.5: what ships weighs the nine factors, each up to the worst level of every scheme, none by how it looks.
#[test]
fn the_shipped_factors_are_the_nine_and_point_into_every_scheme() {
    let runbook = Runbook::shipped();
    let ids: Vec<&str> = runbook.factors.iter().map(|factor| factor.id.as_str()).collect();
    let nine =
        ["impact", "reversibility", "exposure", "data", "money", "compliance", "security", "reputation", "customers"];
    assert_eq!(ids, nine);
    for factor in &runbook.factors {
        for answer in &factor.answer {
            let schemes: Vec<&str> = answer.level.keys().map(String::as_str).collect();
            assert_eq!(schemes, ["critical4", "s3", "sev4"], "{} {}", factor.id, answer.id);
        }
    }
    assert!(runbook.workflows.is_empty(), "what a workflow's severity is, its owner agrees to");
}

/// SEV.5, SEV.8, GOV.1: a table that does not fit is named with its factor or workflow, and the nearest word.
#[test]
fn a_table_that_does_not_fit_is_named() {
    let factor = |answers: &str| format!("[[factor]]\nid='m'\ntitle='M'\nasks='?'\nanswer=[{answers}]");
    let mild = "{id='none',means='x',level={sev4='SEV-4'}}";
    assert!(with("factors.toml", &factor(&format!("{mild},{{id='y',means='x',level={{sev4='SEV-2'}}}}"))).is_ok());
    let flow = |rest: &str| format!("[[workflow]]\nid='refunds'\nowner='kim'\nagreed='2026-10-02'\n{rest}");
    for (file, text, says) in [
        ("factors.toml", factor(mild), "two answers"),
        ("factors.toml", factor(&format!("{mild},{mild}")), "stands twice"),
        (
            "factors.toml",
            factor(&format!("{{id='y',means='x',level={{sev4='SEV-2'}}}},{mild}")),
            "milder than the answer before it",
        ),
        (
            "factors.toml",
            factor(&format!("{mild},{{id='y',means='x',level={{sev4='SEV-9'}}}}")),
            "no level of sev4; did you mean SEV-1?",
        ),
        ("factors.toml", factor(&format!("{mild},{{id='y',means='x',level={{sev5='SEV-1'}}}}")), "did you mean sev4?"),
        ("factors.toml", factor(&format!("{mild},{{id='y',mean='x',level={{}}}}")), "did you mean means?"),
        ("workflows.toml", flow(""), "neither a default level nor a case"),
        ("workflows.toml", flow("default={sev4='SEV-0'}"), "no level of sev4"),
        ("workflows.toml", flow("cases=[{when='x',level={s4='S1'}}]"), "which severity.toml does not have"),
        ("workflows.toml", flow("default={sev4='SEV-1'}").replace("2026-10-02", "soon"), "no date"),
        ("workflows.toml", flow("default={sev4='SEV-1'}").replace("kim", ""), "no owner"),
    ] {
        let why = with(file, &text).unwrap_err();
        assert!(why.starts_with(file) && why.contains(says), "{why} / {says}");
    }
}

/// SEV.8: the example in what ships reads as it stands.
#[test]
fn the_example_of_a_workflow_reads() {
    let text = crate::runbook::SHIPPED.iter().find(|(name, _)| *name == "workflows.toml").unwrap().1;
    let example: String =
        text.lines().filter_map(|line| line.strip_prefix("#| ")).map(|line| format!("{line}\n")).collect();
    let runbook = with("workflows.toml", &example).unwrap();
    let refunds = runbook.workflow("refunds").unwrap();
    assert_eq!((refunds.cases.len(), refunds.default["sev4"].as_str()), (2, "SEV-2"));
}
