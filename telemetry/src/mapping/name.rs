//! Names as Millrace's topics allow them, made from names as people give them.

/// One level of a device's name: letters lose their accents, and what is not `A–Z a–z 0–9 _ -` becomes `-`.
pub(crate) fn level(raw: &str) -> String {
    fold(raw, '-')
}

/// The name of a metric: as a level, but with `_` between its parts.
pub(crate) fn metric(raw: &str) -> String {
    fold(raw, '_')
}

/// The name of a device: each level folded, empty levels left out.
pub(crate) fn device(raw: &str) -> String {
    let levels: Vec<String> = raw.split('/').map(level).filter(|level| !level.is_empty()).collect();
    levels.join("/")
}

fn fold(raw: &str, filler: char) -> String {
    let mut name = String::with_capacity(raw.len());
    let mut gap = false;
    let mut lost = false;
    for c in raw.chars() {
        match plain(c) {
            Some(letters) => {
                if gap && !name.is_empty() {
                    name.push(filler);
                }
                gap = false;
                name.push_str(letters.encode(c, &mut [0; 4]));
            }
            None => {
                gap = true;
                lost |= c.is_alphanumeric();
            }
        }
    }
    // A name in another script would vanish, and two of them would become one.
    if lost {
        let hash = crate::fnv1a_64(raw.bytes()) & 0xffff_ffff;
        let separator = if name.is_empty() { "" } else { "-" };
        name.push_str(&format!("{separator}x{hash:08x}"));
    }
    name
}

/// What stands for a character.
enum Plain {
    Itself,
    Letters(&'static str),
}

impl Plain {
    fn encode<'a>(&'a self, c: char, buffer: &'a mut [u8; 4]) -> &'a str {
        match self {
            Self::Itself => c.encode_utf8(buffer),
            Self::Letters(letters) => letters,
        }
    }
}

fn plain(c: char) -> Option<Plain> {
    if c.is_ascii_alphanumeric() || c == '_' || c == '-' {
        return Some(Plain::Itself);
    }
    let letters = match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'ç' | 'ć' | 'č' => "c",
        'Ç' | 'Ć' | 'Č' => "C",
        'ď' | 'đ' | 'ð' => "d",
        'Ď' | 'Đ' | 'Ð' => "D",
        'è'..='ë' | 'ē' | 'ę' | 'ě' => "e",
        'È'..='Ë' | 'Ē' | 'Ę' | 'Ě' => "E",
        'ğ' => "g",
        'Ğ' => "G",
        'ì'..='ï' | 'ī' | 'ı' => "i",
        'Ì'..='Ï' | 'Ī' | 'İ' => "I",
        'ł' => "l",
        'Ł' => "L",
        'ñ' | 'ń' | 'ň' => "n",
        'Ñ' | 'Ń' | 'Ň' => "N",
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => "o",
        'Ò'..='Ö' | 'Ø' | 'Ō' | 'Ő' => "O",
        'ř' => "r",
        'Ř' => "R",
        'ś' | 'ş' | 'š' => "s",
        'Ś' | 'Ş' | 'Š' => "S",
        'ţ' | 'ť' => "t",
        'Ţ' | 'Ť' => "T",
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => "u",
        'Ù'..='Ü' | 'Ū' | 'Ů' | 'Ű' => "U",
        'ý' | 'ÿ' => "y",
        'Ý' => "Y",
        'ź' | 'ż' | 'ž' => "z",
        'Ź' | 'Ż' | 'Ž' => "Z",
        'ß' => "ss",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        _ => return None,
    };
    Some(Plain::Letters(letters))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::check_level;
    use proptest::prelude::*;

    #[test]
    fn names_of_people_become_levels() {
        for (raw, folded) in [
            ("Flur oben", "Flur-oben"),
            ("Büro.1", "Buro-1"),
            ("02:00:00:00:00:01", "02-00-00-00-00-01"),
            ("2001:db8::2", "2001-db8-2"),
            ("urn:dev:ow:0200000000000001:", "urn-dev-ow-0200000000000001"),
            ("Straße", "Strasse"),
            ("living_room", "living_room"),
            ("--", "--"),
            ("  ", ""),
        ] {
            assert_eq!(level(raw), folded, "{raw}");
        }
        assert_eq!(metric("Bool_R[0]"), "Bool_R_0");
        assert_eq!(metric("working hours"), "working_hours");
        assert_eq!(device("2001:db8::2/"), "2001-db8-2");
        assert_eq!(device("living room//plug"), "living-room/plug");
    }

    #[test]
    fn names_in_other_scripts_stay_apart() {
        assert_ne!(level("Кухня"), level("Спальня"));
        assert_ne!(level("厨房 1"), level("卧室 1"));
        assert!(level("厨房 1").starts_with("1-x"));
    }

    proptest! {
        #[test]
        fn every_folded_name_is_a_level_or_nothing(raw in ".{0,40}") {
            for name in [level(&raw), metric(&raw)] {
                prop_assert!(name.is_empty() || name.len() > 64 || check_level(&name).is_ok(), "{name}");
            }
        }
    }
}
