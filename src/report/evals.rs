//! Regression cases for evaluation tools: Inspect's samples, or plain lines (PM.6).

use serde_json::{Value, json};

use crate::{incident::Incident, terms::words};

words! {
    /// What regression cases are exported as.
    EvalFormat, "a format of regression cases" {
        /// One of Inspect's samples a line: input, target, id, metadata.
        Inspect = "inspect",
        /// The cases as they were filed.
        Jsonl = "jsonl",
    }
}

/// One JSON object for each regression case, in their order; every text went through `mask`.
pub fn samples(incident: &Incident, format: EvalFormat, mask: impl Fn(&str) -> String) -> Vec<Value> {
    let cases = incident.postmortem.cases.iter();
    cases
        .map(|case| {
            // Names are unique within an incident; a team's datasets hold many.
            let id = mask(&format!("{}-{}", incident.id, case.name));
            let (input, expected, grader) = (mask(&case.input), mask(&case.expected), mask(&case.grader));
            let source = case.source.as_deref().map(&mask);
            let failure_class = incident.postmortem.said("failure-class").map(&mask);
            match format {
                EvalFormat::Inspect => json!({
                    "input": input,
                    "target": expected,
                    "id": id,
                    "metadata": {
                        "kind": case.kind,
                        "grader": grader,
                        "incident": incident.id,
                        "severity": incident.severity,
                        "failure_class": failure_class,
                        "source": source,
                        "drill": incident.drill,
                    },
                }),
                EvalFormat::Jsonl => json!({
                    "id": id,
                    "kind": case.kind,
                    "input": input,
                    "expected": expected,
                    "grader": grader,
                    "source": source,
                    "incident": incident.id,
                    "drill": incident.drill,
                }),
            }
        })
        .collect()
}
