//! No module needs one that needs it: each can be read, tested and moved with what lies below it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::crates::packages;
use crate::modules::Tree;
use crate::root;

/// Files that need each other, each group sorted.
pub(crate) fn circles(arrows: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        arrows.keys().map(|file| (file, reached(arrows, file))).collect();
    let circle = |file: &String| {
        let mutual =
            reached[file].iter().filter(|other| reached.get(**other).is_some_and(|back| back.contains(file)));
        mutual.map(|other| (*other).clone()).collect::<Vec<_>>()
    };
    arrows.keys().map(circle).filter(|circle| circle.len() > 1).collect()
}

/// All files that one needs, directly or through others.
fn reached<'a>(arrows: &'a BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&String> = arrows[from].iter().collect();
    while let Some(file) = next.pop() {
        if reached.insert(file) {
            next.extend(arrows.get(file).into_iter().flatten());
        }
    }
    reached
}

/// `src/lib.rs`, `src/main.rs` and `src/bin/NAME/main.rs`, as far as there are any.
fn roots(package: &Path) -> Vec<std::path::PathBuf> {
    let mut roots = vec![package.join("src/lib.rs"), package.join("src/main.rs")];
    let binaries = std::fs::read_dir(package.join("src/bin")).into_iter().flatten();
    roots.extend(binaries.map(|binary| binary.unwrap().path().join("main.rs")));
    roots.retain(|root| root.exists());
    roots
}

#[test]
fn no_module_needs_one_that_needs_it() {
    let found: BTreeSet<Vec<String>> = packages()
        .iter()
        .flat_map(|package| roots(&root().join(package.folder())))
        .flat_map(|root| circles(&Tree::read(&root).arrows()))
        .collect();
    assert!(found.is_empty(), "these need each other: {found:#?}");
}

#[test]
fn a_circle_is_found_with_all_its_members_and_nobody_else() {
    let arrows = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("c", "e"), ("e", "f")];
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in arrows {
        all.entry(from.to_owned()).or_default().insert(to.to_owned());
    }
    assert_eq!(circles(&all), [["a", "b", "c"].map(str::to_owned).to_vec()].into());
}
