//! The paths that a Rust source names, read from its tokens: comments, texts and parts for tests do not count.

use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What one source names.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// `mod name;`, without those for tests.
    pub(crate) modules: Vec<String>,
    pub(crate) paths: Vec<Named>,
}

/// One path, such as `crate::evaluation::Evaluator`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) segments: Vec<String>,
    /// Whether it stands in a `use` that passes the name on to others: `pub use`, `pub(crate) use`.
    pub(crate) passed_on: bool,
}

impl Source {
    pub(crate) fn read(file: &Path) -> Self {
        Self::parse(&std::fs::read_to_string(file).unwrap())
    }

    pub(crate) fn parse(text: &str) -> Self {
        let mut source = Self::default();
        source.items(text.parse().unwrap());
        source
    }

    fn items(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = self.item(&tokens, at);
        }
    }

    /// Reads what begins here; where the next one begins.
    fn item(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        match &tokens[at] {
            TokenTree::Group(group) => {
                self.items(group.stream());
                at + 1
            }
            TokenTree::Punct(punct) if punct.as_char() == '#' && is_for_tests(&tokens[at + 1..]) => {
                after_item(tokens, at + 2)
            }
            TokenTree::Ident(word) if word == "mod" && is_punct(tokens.get(at + 2), ';') => {
                self.modules.push(tokens[at + 1].to_string());
                at + 3
            }
            TokenTree::Ident(word) if word == "use" => self.import(tokens, at),
            TokenTree::Ident(_) => self.path(tokens, at),
            _ => at + 1,
        }
    }

    /// `use a::{b, c as d};`
    fn import(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let end = (at..tokens.len()).find(|at| is_punct(tokens.get(*at), ';')).unwrap_or(tokens.len());
        let passed_on = passes_on(&tokens[..at]);
        for segments in branches(&tokens[at + 1..end]) {
            self.paths.push(Named { segments, passed_on });
        }
        end + 1
    }

    /// `a::b`, wherever it stands.
    fn path(&mut self, tokens: &[TokenTree], mut at: usize) -> usize {
        let mut segments = vec![tokens[at].to_string()];
        at += 1;
        while let Some(TokenTree::Ident(next)) = after_colons(tokens, at) {
            segments.push(next.to_string());
            at += 3;
        }
        if segments.len() > 1 {
            self.paths.push(Named { segments, passed_on: false });
        }
        at
    }
}

/// Whether a `use` has `pub` or `pub(…)` before it.
fn passes_on(before: &[TokenTree]) -> bool {
    let is_pub = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Ident(word)) if word == "pub");
    match before.last() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            is_pub(before.len().checked_sub(2).and_then(|at| before.get(at)))
        }
        last => is_pub(last),
    }
}

/// Every path of a tree of imports, by the names that the other side gives them.
fn branches(tree: &[TokenTree]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for branch in tree.split(|token| is_punct(Some(token), ',')) {
        let mut segments = Vec::new();
        let mut inner = None;
        for token in branch {
            match token {
                TokenTree::Ident(word) if word == "as" => break,
                TokenTree::Ident(word) => segments.push(word.to_string()),
                TokenTree::Group(group) => inner = Some(group.stream().into_iter().collect::<Vec<_>>()),
                _ => {}
            }
        }
        match inner {
            Some(inner) => {
                all.extend(branches(&inner).into_iter().map(|rest| [&segments[..], &rest].concat()));
            }
            None if segments.is_empty() => {}
            None => all.push(segments),
        }
    }
    all
}

fn is_punct(token: Option<&TokenTree>, char: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}

fn after_colons(tokens: &[TokenTree], at: usize) -> Option<&TokenTree> {
    (is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')).then(|| tokens.get(at + 2))?
}

fn is_for_tests(after_hash: &[TokenTree]) -> bool {
    after_hash.first().is_some_and(|attribute| attribute.to_string().replace(' ', "") == "[cfg(test)]")
}

/// Behind the item that begins here: behind its first `;` or its first block.
fn after_item(tokens: &[TokenTree], at: usize) -> usize {
    let ends = |token: &TokenTree| {
        is_punct(Some(token), ';')
            || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    (at..tokens.len()).find(|at| ends(&tokens[*at])).map_or(tokens.len(), |end| end + 1)
}

#[test]
fn imports_and_paths_are_read_and_parts_for_tests_are_not() {
    let source = Source::parse(
        "pub mod a; #[cfg(test)] mod tests; #[cfg(test)] mod more { use x::y; }
         use lapin as rabbit; pub(crate) use self::a::{B, c::{self, D as E}};
         /// crate::comment::text
         fn f() { println!(\"{}\", crate::g::h(\"crate::i::j\")); super::k::<l::M>(); }",
    );
    let named: Vec<_> =
        source.paths.iter().map(|named| (named.segments.join("::"), named.passed_on)).collect();
    let expected = [
        ("lapin", false),
        ("self::a::B", true),
        ("self::a::c::self", true),
        ("self::a::c::D", true),
        ("crate::g::h", false),
        ("super::k", false),
        ("l::M", false),
    ];
    assert_eq!(source.modules, ["a"]);
    assert_eq!(named, expected.map(|(path, passed_on)| (path.to_owned(), passed_on)));
}
