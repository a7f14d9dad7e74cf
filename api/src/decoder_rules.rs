//! The decoder's rules and what it could not read, as the API shows them.

use service::{AddRuleError, Decoder};
use telemetry::Words;

use crate::context::InputRules;
use crate::error::ApiError;
use crate::forms::{AddedRules, Inputs, Mappings, PresetInUse};

impl InputRules for DecoderRules {
    fn inputs(&self) -> Inputs {
        let (groups, others) = self.0.unmapped();
        Inputs {
            mappings: self.mappings(),
            unmapped: groups.into_iter().map(Into::into).collect(),
            others,
            ignored: self.0.ignored().into_iter().map(Into::into).collect(),
        }
    }

    fn words(&self) -> Words {
        self.0.inputs().borrow().mappings().words()
    }

    fn add(&self, rules: &str) -> Result<AddedRules, ApiError> {
        let added = self.0.add_rules(rules).map_err(|e| match e {
            AddRuleError::Refused(why) => ApiError::Conflict(why),
            AddRuleError::Wrong(why) => ApiError::Unreadable(why),
        })?;
        Ok(AddedRules { added, mappings: self.mappings() })
    }
}

/// The rules by which this program reads messages.
#[derive(Debug, Clone)]
pub struct DecoderRules(pub Decoder);

impl DecoderRules {
    fn mappings(&self) -> Mappings {
        let (status, can_add) = (self.0.rules_status(), self.0.can_add_rules());
        let inputs = self.0.inputs().borrow().clone();
        let preset = |(name, on): (&str, bool)| PresetInUse { name: name.to_owned(), on };
        Mappings {
            file: self.0.rules_file().map(|path| path.display().to_string()),
            hash: self.0.rules_hash(),
            since: status.since.into(),
            own_rules: inputs.mappings().own_topics().count(),
            presets: inputs.mappings().presets().map(preset).collect(),
            error: status.error,
            can_add: can_add.is_ok(),
            why_not: can_add.err(),
        }
    }
}
