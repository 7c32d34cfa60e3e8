//! The house keeps its laws: which module may use what (architecture: “An arrow may only point one way”).

use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !is_tests(&path) {
                found.push(path);
            }
        }
    }
    found
}

/// Tests may read files and clocks.
fn is_tests(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with("tests") || path.components().any(|part| part.as_os_str() == "tests")
}

/// Lines of code of `module` that hold one of `words`: comments and files of tests aside.
fn uses(module: &str, words: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module);
    assert!(root.is_dir(), "{module} is a folder");
    let mut found = Vec::new();
    for file in sources(&root) {
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap();
            if words.iter().any(|word| code.contains(word)) {
                found.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn the_pure_modules_know_no_runtime_no_clock_and_no_file() {
    let impure = [
        "tokio",
        "reqwest",
        "axum",
        "sqlx",
        "ratatui",
        "crossterm",
        "Utc::now",
        "SystemTime::now",
        "Instant::now",
        "std::fs",
        "std::net",
        "std::env::var",
        "now_v7",
        "new_v4",
    ];
    for module in ["terms", "incident", "runbook", "telemetry", "tripwire"] {
        assert_eq!(uses(module, &impure), Vec::<String>::new(), "{module}");
    }
}

#[test]
fn arrows_point_one_way() {
    for (module, never) in [
        ("cockpit", &["reqwest", "sqlx", "axum", "crate::backend", "crate::cli::"][..]),
        ("client", &["ratatui", "crossterm", "sqlx", "axum", "crate::backend", "crate::cockpit", "crate::cli::"]),
        ("interlock", &["ratatui", "crossterm", "sqlx", "crate::backend", "crate::cockpit", "crate::cli::"]),
        // Only the MCP proxy serves anybody.
        ("interlock/run", &["axum"]),
        ("backend", &["ratatui", "crossterm", "crate::cockpit", "crate::cli::", "crate::client"]),
        ("incident", &["crate::api", "crate::backend", "crate::client", "crate::cockpit", "crate::cli::"]),
        ("terms", &["crate::incident", "crate::api", "crate::backend", "crate::telemetry", "crate::tripwire"]),
        ("telemetry", &["crate::backend", "crate::client", "crate::cockpit", "crate::cli::"]),
        ("tripwire", &["crate::backend", "crate::client", "crate::cockpit", "crate::cli::", "crate::api"]),
        ("report", &["crate::backend", "crate::client", "crate::cockpit", "crate::cli::"]),
    ] {
        assert_eq!(uses(module, never), Vec::<String>::new(), "{module}");
    }
}

#[test]
fn nothing_is_left_undone_in_words() {
    let undone = ["todo!(", "unimplemented!(", "#[ignore", "FIXME", "dbg!("];
    for module in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
        let module = module.unwrap();
        if module.path().is_dir() {
            let name = module.file_name().into_string().unwrap();
            assert_eq!(uses(&name, &undone), Vec::<String>::new(), "{name}");
        }
    }
}
