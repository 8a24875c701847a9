//! The runbook's section of each finding, embedded in the program.

use super::text::wrapped;

const RUNBOOK: &str = include_str!("../../../docs/runbook.md");

/// The section of this kind without its heading, as plain text in lines no wider than `width`; `None` if there is none.
pub(super) fn section(kind: &str, indent: usize, width: usize) -> Option<String> {
    let body = body(kind)?;
    let mut text = String::new();
    for paragraph in paragraphs(body) {
        text += &wrapped(&plain(&paragraph), indent, width);
    }
    Some(text)
}

/// The Markdown below the heading `## kind`, up to the next heading of that level.
fn body(kind: &str) -> Option<&'static str> {
    let heading = format!("\n## {kind}\n");
    let begin = RUNBOOK.find(&heading)? + heading.len();
    let rest = RUNBOOK.get(begin..)?;
    let end = rest.find("\n## ").unwrap_or(rest.len());
    rest.get(..end)
}

/// Paragraphs and list items, each on one line.
fn paragraphs(markdown: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut is_new = true;
    for line in markdown.lines() {
        let words = line.trim();
        is_new |= words.starts_with("- ");
        match paragraphs.last_mut() {
            _ if words.is_empty() => is_new = true,
            Some(paragraph) if !is_new => {
                paragraph.push(' ');
                paragraph.push_str(words);
            }
            _ => {
                paragraphs.push(words.to_owned());
                is_new = false;
            }
        }
    }
    paragraphs
}

/// Without the marks for bold text. Those for code stay, since they quote commands and names.
fn plain(paragraph: &str) -> String {
    paragraph.replace("**", "")
}

#[cfg(test)]
mod tests {
    use prober_core::finding::FindingKind;

    use super::*;

    #[test]
    fn every_kind_of_finding_has_a_complete_section() {
        for kind in FindingKind::ALL.map(FindingKind::as_str) {
            let section = section(kind, 0, 100).unwrap_or_default();
            for item in ["- Means: ", "- Confirm: ", "- Do: "] {
                assert!(section.contains(item), "{kind} has no {item:?}:\n{section}");
            }
            assert!(section.lines().all(|line| line.chars().count() <= 100), "{kind}:\n{section}");
        }
    }

    #[test]
    fn section_ends_where_the_next_begins() {
        assert!(!body("broker_stalled").expect("it is there").contains("\n## "));
        assert_eq!(body("broker_sad"), None);
    }

    #[test]
    fn lines_of_an_item_are_joined_and_marks_removed() {
        let paragraphs = paragraphs("\nIntroduction\nof two lines.\n\n- **Means:** one\n  and more.\n- **Do:** two.\n");
        let text: Vec<String> = paragraphs.iter().map(|paragraph| plain(paragraph)).collect();
        assert_eq!(text, ["Introduction of two lines.", "- Means: one and more.", "- Do: two."]);
    }
}
