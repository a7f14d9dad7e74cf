//! The same for the sources of the page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::circles::circles;
use crate::{files_below, from_root, root};

/// The texts that follow `from` and `import`: `./state`, `../ui/List`, `preact`.
fn imported(source: &str) -> Vec<String> {
    let lines =
        source.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.starts_with('*'));
    let named = lines.flat_map(|line| {
        ["from \"", "import \"", "import(\""]
            .map(|words| Some(line.split_once(words)?.1.split_once('"')?.0.to_owned()))
    });
    named.flatten().collect()
}

/// The file that an import of this one leads to; none for a package, a style or a picture.
fn target(file: &Path, import: &str) -> Option<PathBuf> {
    let mut path = file.parent()?.to_owned();
    for part in import.starts_with('.').then(|| import.split('/'))? {
        match part {
            "." => {}
            ".." => {
                path.pop();
            }
            name => path.push(name),
        }
    }
    let name = path.file_name()?.to_str()?.to_owned();
    let endings = ["", ".ts", ".tsx"].map(|ending| path.with_file_name(format!("{name}{ending}")));
    endings.into_iter().find(|path| path.is_file())
}

#[test]
fn no_source_of_the_page_needs_one_that_needs_it() {
    let folder = root().join("dashboard/web/src");
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files_below(&folder, &["ts", "tsx"]) {
        let source = std::fs::read_to_string(&file).unwrap();
        let targets = imported(&source).into_iter().filter_map(|import| target(&file, &import));
        arrows.insert(from_root(&file), targets.map(|target| from_root(&target)).collect());
    }
    assert!(arrows.values().map(BTreeSet::len).sum::<usize>() > arrows.len(), "imports are read no more");
    let found = circles(&arrows);
    assert!(found.is_empty(), "these need each other: {found:#?}");
}
