//! The modules of a crate and which of them names which: one module is one file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::from_root;
use crate::source::{Named, Source};

/// The path of a module: none of the root, `evaluation` and `state` of `evaluation/state.rs`.
type Module = Vec<String>;

/// A library or a binary.
pub(crate) struct Tree {
    modules: BTreeMap<Module, (PathBuf, Source)>,
}

impl Tree {
    /// Follows `mod name;` from `lib.rs` or `main.rs`.
    pub(crate) fn read(root: &Path) -> Self {
        let mut tree = Self { modules: BTreeMap::new() };
        tree.add(Vec::new(), root.to_owned(), root.parent().unwrap());
        tree
    }

    fn add(&mut self, module: Module, file: PathBuf, children: &Path) {
        let source = Source::read(&file);
        for name in &source.modules {
            let folder = children.join(name);
            let beside = children.join(format!("{name}.rs"));
            let file = if beside.exists() { beside } else { folder.join("mod.rs") };
            self.add([&module[..], std::slice::from_ref(name)].concat(), file, &folder);
        }
        self.modules.insert(module, (file, source));
    }

    /// Which file needs which others.
    ///
    /// A module is made of its children, so that a child's name for something above it (`super::Config`) is no need of
    /// its own, nor is a name that a module only passes on (`pub use`).
    pub(crate) fn arrows(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (module, (file, source)) in &self.modules {
            let named = source.paths.iter().filter(|named| !named.passed_on);
            let targets = named
                .filter_map(|named| self.target(module, named))
                .filter(|target| !module.starts_with(target));
            let files = targets.map(|target| from_root(&self.modules[&target].0));
            arrows.entry(from_root(file)).or_default().extend(files);
        }
        arrows
    }

    /// The module of this tree that a path leads into.
    fn target(&self, from: &Module, named: &Named) -> Option<Module> {
        let mut rest = named.segments.iter().map(String::as_str).peekable();
        let mut at = match *rest.peek()? {
            "crate" => Vec::new(),
            "self" | "super" => from.clone(),
            child => {
                let child = [&from[..], &[child.to_owned()]].concat();
                self.modules.contains_key(&child).then(|| from.clone())?
            }
        };
        for word in rest {
            match word {
                "crate" | "self" => {}
                "super" => {
                    at.pop();
                }
                name => {
                    let deeper = [&at[..], &[name.to_owned()]].concat();
                    if !self.modules.contains_key(&deeper) {
                        break;
                    }
                    at = deeper;
                }
            }
        }
        Some(at)
    }
}
