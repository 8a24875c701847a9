//! The accounts of many incidents as one table: for each fault what was found, how soon, and what should not have been.

use super::Expect;
use super::account::Account;
use crate::support::Named;

/// Column heads, and what each account says there.
const HEADS: [&str; 8] =
    ["fault", "expected", "found", "named after", "over after", "false findings", "bad events", "as promised"];

/// The table in Markdown, which is plain enough to read as text.
pub(super) fn table(accounts: &[Account]) -> String {
    let rows: Vec<[String; 8]> = accounts.iter().map(row).collect();
    let width = |at: usize| {
        rows.iter().map(|row| row[at].chars().count()).chain([HEADS[at].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
    let line = |cells: &[&str]| {
        let cells: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut table = line(&HEADS) + &line(&rules.iter().map(String::as_str).collect::<Vec<_>>());
    for row in &rows {
        table += &line(&row.each_ref().map(String::as_str));
    }
    table
}

fn row(account: &Account) -> [String; 8] {
    let seconds = |time: Option<std::time::Duration>| {
        time.map_or("–".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()))
    };
    let (wrong, beside): (Vec<&Named>, Vec<&Named>) =
        account.others.iter().partition(|finding| account.is_wrong(finding));
    let found = account.named.iter().map(|(finding, _)| finding).chain(beside);
    let broken = account.broken(1);
    let bad = account.bad;
    [
        account.name.to_owned(),
        expected(account),
        list(found),
        seconds(account.named.as_ref().map(|(_, took)| *took)),
        if account.found { seconds(account.cleared) } else { "–".to_owned() },
        list(wrong),
        format!("{} / {} / {} / {} / {}", bad.victim, bad.others, bad.client, bad.coordinator, bad.cluster),
        if broken.is_empty() { "yes".to_owned() } else { format!("**no**: {}", broken.join("; ")) },
    ]
}

fn expected(account: &Account) -> String {
    match account.expected {
        Expect::Victim { kinds, .. } => {
            let victim = account.victim.map_or("?".to_owned(), |victim| victim.to_string());
            format!("broker {victim}: {}", kinds.join(" or "))
        }
        Expect::Cluster { kinds, .. } => kinds.join(" or "),
        Expect::Nothing { .. } => "nothing".to_owned(),
        Expect::Prober { kinds: [] } => "nothing, no bad event".to_owned(),
        Expect::Prober { kinds } => format!("{}, no bad event", kinds.join(" or ")),
    }
}

fn list<'a>(findings: impl IntoIterator<Item = &'a Named>) -> String {
    let one = |(kind, broker): &Named| broker.map_or(kind.clone(), |broker| format!("{kind} {broker}"));
    let all: Vec<String> = findings.into_iter().map(one).collect();
    if all.is_empty() { "–".to_owned() } else { all.join(", ") }
}
