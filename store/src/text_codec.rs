//! Enums whose variants are words in the tables of either database.

/// One of a few words, in a column and in JSON.
pub trait TextCodec: Sized {
    /// The word for this value.
    fn word(&self) -> &'static str;

    /// The value that has this word.
    fn read(word: &str) -> Option<Self>;
}

/// Implements [`TextCodec`] for an enum: each variant with its word.
macro_rules! text_codec {
    ($type:ident: $($variant:ident $word:literal),+) => {
        impl $crate::text_codec::TextCodec for $type {
            fn word(&self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            fn read(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use text_codec;
