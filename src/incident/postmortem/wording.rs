//! What a post-mortem does not take for an answer: the model as the cause, a better prompt as the remedy (PM.5, INV.1).

use unicode_segmentation::UnicodeSegmentation;

use crate::runbook::{PromptOnly, Runbook};

fn words(text: &str) -> Vec<String> {
    text.unicode_words().map(str::to_lowercase).collect()
}

fn holds(text: &[String], phrase: &str) -> bool {
    let phrase = words(phrase);
    !phrase.is_empty() && text.windows(phrase.len()).any(|window| *window == *phrase)
}

/// The first phrase of `text` that names no cause: why, and what to write instead.
pub(super) fn no_cause(runbook: &Runbook, text: &str) -> Option<(String, String)> {
    let said = words(text);
    let blame = &runbook.postmortem.blame;
    if let Some(phrase) = blame.phrases.iter().find(|phrase| holds(&said, phrase)) {
        return Some((format!("“{phrase}” blames the model"), blame.instead.clone()));
    }
    let banned = runbook.banned.iter().find_map(|wording| {
        let phrase = wording.phrases.iter().find(|phrase| holds(&said, phrase))?;
        Some((format!("“{phrase}” {}", wording.why), wording.instead.clone()))
    });
    // A cause that is nothing but the model: “the model”, “GPT”, “hallucination by the LLM”.
    let bare = |word: &String| {
        [
            "the", "a", "an", "our", "its", "model", "models", "llm", "llms", "ai", "itself", "was", "is", "it", "by",
            "of",
        ]
        .contains(&word.as_str())
    };
    banned.or_else(|| {
        (!said.is_empty() && said.iter().all(bare))
            .then(|| ("it names the model alone".to_owned(), blame.instead.clone()))
    })
}

/// Whether remedies speak of a prompt and of no control.
pub(super) fn is_prompt_only<'a>(plan: &PromptOnly, remedies: impl IntoIterator<Item = &'a str>) -> bool {
    let said: Vec<String> = remedies.into_iter().flat_map(words).collect();
    plan.prompt.iter().any(|phrase| holds(&said, phrase)) && !plan.controls.iter().any(|phrase| holds(&said, phrase))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// PM.5: the model is refused as a cause, in plain words and in those that drafts must not hold.
    #[test]
    fn the_model_is_no_cause() {
        let runbook = Runbook::shipped();
        for (text, refused) in [
            ("The model hallucinated a refund policy", true),
            ("LLM error", true),
            ("the AI", true),
            ("Our model was wrong", false),
            ("The model was wrong about the policy", true),
            ("it acted strangely, a technical issue", true),
            ("a stale policy page was retrieved, and no check compared its date", false),
            ("the model card named a tool that the inventory allowed", false),
        ] {
            assert_eq!(no_cause(&runbook, text).is_some(), refused, "{text}");
        }
    }

    /// PM.5: a better prompt is no remedy by itself; beside a control it is welcome.
    #[test]
    fn a_better_prompt_alone_is_no_remedy() {
        let plan = Runbook::shipped().postmortem.prompt_only;
        for (remedies, alone) in [
            (&["improved the prompt"][..], true),
            (&["Improved the prompt, so that it never pays twice."], true),
            (&["clearer instructions", "new wording"], true),
            (&["improved the prompt", "payouts above 500 wait for an approval"], false),
            (&["an idempotency key on every payout"], false),
            (&["the agent is retired"], false),
            (&[], false),
        ] {
            assert_eq!(is_prompt_only(&plan, remedies.iter().copied()), alone, "{remedies:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let runbook = Runbook::shipped();
            no_cause(&runbook, &text);
            is_prompt_only(&runbook.postmortem.prompt_only, [text.as_str()]);
        }
    }
}
