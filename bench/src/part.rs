//! docs/performance.md has one section for each part of the benchmark; measuring one part replaces its section only.

use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

const INTRODUCTION: &str = "# Performance\n\n\
    Written by `make bench`, or `make bench NAME=writer` for one part; machines differ, so every figure stands beside the \
    limits of the same run.\n\n";

/// The result of one part of the benchmark: its section of docs/performance.md, its figures and its plot.
pub(crate) struct Section {
    /// Markdown, from the section's heading on.
    pub(crate) text: String,
    /// The same figures for programs: docs/performance/NAME.json.
    pub(crate) figures: Value,
    /// A plot of the figures: docs/performance/NAME.svg.
    pub(crate) plot: Option<String>,
}

/// The page with the section of `part` replaced; `order` names all parts in the order of the page.
pub(crate) fn replaced(page: &str, order: &[&str], part: &str, text: &str) -> String {
    let section = |name: &str| match name == part {
        true => Some(format!("{}{}\n\n", marker(name), text.trim())),
        false => section_of(page, name).map(|old| format!("{}{}\n\n", marker(name), old.trim())),
    };
    let sections: String = order.iter().filter_map(|name| section(name)).collect();
    format!("{INTRODUCTION}{}\n", sections.trim_end())
}

fn section_of<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&marker(name))?;
    Some(rest.split("<!-- part ").next().unwrap_or(rest))
}

fn marker(name: &str) -> String {
    format!("<!-- part {name} -->\n")
}

/// Writes a section, its figures and its plot to the folder `docs`.
pub(crate) fn write(docs: &Path, order: &[&str], part: &str, section: &Section) -> anyhow::Result<()> {
    let path = docs.join("performance.md");
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    std::fs::write(&path, replaced(&page, order, part, &section.text))
        .context("write docs/performance.md")?;
    let folder = docs.join("performance");
    std::fs::create_dir_all(&folder).context("make docs/performance")?;
    let figures = serde_json::to_string_pretty(&section.figures)?;
    std::fs::write(folder.join(format!("{part}.json")), figures + "\n").context("write the figures")?;
    match &section.plot {
        Some(plot) => std::fs::write(folder.join(format!("{part}.svg")), plot).context("write the plot"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_replaced_and_the_others_stay() {
        let order = ["edge", "judge", "writer"];
        let one = replaced("# Performance\n\nold\n", &order, "writer", "## W\n\n1");
        assert_eq!(one, format!("{INTRODUCTION}<!-- part writer -->\n## W\n\n1\n"));
        let two = replaced(&one, &order, "edge", "## E\n");
        assert_eq!(
            two,
            format!("{INTRODUCTION}<!-- part edge -->\n## E\n\n<!-- part writer -->\n## W\n\n1\n")
        );
        assert_eq!(replaced(&two, &order, "edge", "## E"), two);
        assert!(
            replaced(&two, &order, "writer", "## W\n\n2")
                .ends_with("## E\n\n<!-- part writer -->\n## W\n\n2\n")
        );
    }
}
