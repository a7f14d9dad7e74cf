//! Files of rules that are refused, with what to write instead.

use alerter::rules::{self, DEFAULT};
use proptest::prelude::*;

use crate::rules::known;

fn lines_of(text: &str) -> String {
    match rules::read(text, &known()) {
        Ok(rules) => panic!("{text}\n{rules:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_file_that_says_nothing_is_refused() {
    for text in [
        "",
        " ",
        "\n\n\t\n",
        "# temperature-high was here",
        "# [[rules]]\n# name = \"hot\"\n# above = 25\n",
        "group_wait = \"5s\"",
        "group_wait = \"5s\"\ngroup_max = \"1m\"\nmax_mails_per_hour = 3\n",
        "[recipients.ann]\nmail = \"ann@localhost\"",
    ] {
        let lines = lines_of(text);
        assert!(
            lines.contains(
                "line 1, column 1: there are no rules: write [[rules]] before each rule, or rules = []"
            ),
            "{text:?}: {lines}"
        );
    }
    for (text, expected) in [
        ("[[rule]]\nname = \"hot\"\nabove = 25", "unknown key \"rule\""),
        ("rules", "line 1"),
        ("[rules]", "line 1"),
        ("[[rules]]", "line 1"),
        ("rules = \"\"", "line 1"),
        ("\0", "line 1"),
    ] {
        let lines = lines_of(text);
        assert!(lines.contains(expected), "{text:?}: {lines}");
    }
}

#[test]
fn a_bad_rule_is_refused_with_what_to_write() {
    for (rule, expected) in [
        (
            "above = 25\nclear_below = 26",
            "line 3, column 15: rule \"x\": clear_below 26 is above the limit 25: write a value of at most 25",
        ),
        (
            "below = 3\nclear_above = 2.5",
            "line 3, column 15: rule \"x\": clear_above 2.5 is below the limit 3: write a value of at least 3",
        ),
        (
            "unusual = { sensitivity = 1.0 }",
            "line 2, column 27: rule \"x\": unusual: sensitivity is 1: write a number between 0 and 1; 0.5 is usual",
        ),
        ("unusual = 0.5", "unusual is no table: write its keys in braces"),
        ("unusual = { limit = 3 }", "unknown key \"limit\": here there are sensitivity"),
        ("unusual = {}\nclear_below = 3", "clear_below does not go with unusual"),
        ("", "line 1, column 1: rule \"x\": there is no condition: write one of above, below, "),
        (
            "above = 1\nbelow = 0",
            "line 3, column 9: rule \"x\": above and below are several conditions: keep one",
        ),
        (
            "abov = 1\nbelow = 0",
            "line 2, column 1: rule \"x\": unknown key \"abov\": here there are name, metric, ",
        ),
        (
            "above = 1\nclear_above = 0",
            "line 3, column 15: rule \"x\": clear_above does not go with above: remove it",
        ),
        (
            "outside = [25, 15]",
            "line 2, column 11: rule \"x\": outside has 25 before 15: write the lower limit first",
        ),
        ("outside = [15, 15]", "outside has 15 before 15"),
        ("outside = [15]", "outside is no pair of finite numbers: write it like outside = [15.0, 25.0]"),
        (
            "outside = [15, 25]\nclear_above = 14",
            "clear_above 14 is below the lower limit 15: write a value of at least 15",
        ),
        (
            "outside = [15, 25]\nclear_below = 26",
            "clear_below 26 is above the upper limit 25: write a value of at most 25",
        ),
        (
            "outside = [15, 25]\nclear_below = 14",
            "clear_below 14 leaves no value that ends an incident: write at least 15",
        ),
        (
            "outside = [15, 25]\nclear_above = 26",
            "clear_above 26 leaves no value that ends an incident: write at most 25",
        ),
        (
            "outside = [15, 25]\nclear_above = 20\nclear_below = 18",
            "clear_above 20 leaves no value that ends an incident: write at most 18",
        ),
        ("above = inf", "above is no finite number: write one such as 25.0"),
        ("above = nan", "above is no finite number"),
        ("above = \"25\"", "above is no finite number"),
        ("above = 1e999", "above is no finite number"),
        (
            "above = \"warm °C\"",
            "above is no finite number: write one such as 25.0, or with a unit \"25 °C\"",
        ),
        ("above = \"1e999 °C\"", "above is no finite number"),
        (
            "above = \"25 furlongs\"",
            "line 2, column 9: rule \"x\": above \"25 furlongs\": \"furlongs\" is no unit that is known: write one such as",
        ),
        (
            "above = 25\nunit = \"furlongs\"",
            "line 3, column 8: rule \"x\": \"furlongs\" is no unit that is known",
        ),
        (
            "above = \"75 °F\"\nclear_below = \"1000 hPa\"",
            "line 3, column 15: rule \"x\": clear_below is in hPa and the rule in °F: write a unit that measures the same",
        ),
        (
            "above = \"75 °F\"\nclear_below = 70",
            "line 3, column 15: rule \"x\": clear_below has no unit, but another limit has: write it like \"70 °F\"",
        ),
        (
            "above = \"75 °F\"\nunit = \"percent\"",
            "line 2, column 9: rule \"x\": above is in °F and the rule in %",
        ),
        (
            "outside = [\"59 °F\", \"25 hPa\"]",
            "line 2, column 21: rule \"x\": outside is in hPa and the rule in °F",
        ),
        ("outside = [\"59 °F\", 77]", "outside has no unit, but another limit has"),
        ("absent_for = \"2m\"\nunit = \"celsius\"", "unit does not go with absent_for: remove it"),
        ("above = \"75 °F\"\nclear_below = \"24 °C\"", "clear_below 75.2 is above the limit 75"),
        ("rate_per_minute = 0", "rate_per_minute is 0: write a change above 0"),
        ("rate_per_minute = 2\nclear_below = 3", "clear_below 3 is above the limit 2"),
        ("rate_per_minute = 2\nclear_below = 0", "clear_below is 0: write a change above 0"),
        ("rate_per_minute = 2\nover = \"0s\"", "over is zero: write for example \"2m\""),
        ("above = 2\nover = \"1m\"", "over does not go with above: remove it"),
        ("absent_for = \"0s\"", "absent_for is zero"),
        ("absent_for = \"soon\"", "absent_for \"soon\" is no duration: write for example \"2m\""),
        ("absent_for = 120", "absent_for is no duration in quotes"),
        ("absent_for = \"367days\"", "absent_for \"367days\" is longer than 366days"),
        ("absent_for = \"2m\"\nfor = \"1m\"", "for does not go with absent_for: remove it"),
        ("stuck_for = \"2m\"\nkeep_firing_for = \"1m\"", "keep_firing_for does not go with stuck_for"),
        ("stuck_for = \"0s\"", "stuck_for is zero"),
        ("above = 1\nrepeat = \"0s\"", "repeat is zero"),
        (
            "above = 1\nmetric = \"temp\"",
            "the metric \"temp\" is not collected: write one of temperature, humidity",
        ),
        (
            "above = 1\ndevice = \"a/#/b\"",
            "device \"a/#/b\" can match nothing: # stands for all further levels",
        ),
        ("above = 1\ndevice = \"a//b\"", "device \"a//b\" can match nothing: it has an empty level"),
        ("above = 1\ndevice = \"a.b\"", "device \"a.b\" can match nothing: it has the character '.'"),
        ("above = 1\ndevice = 5", "device is no text: write it in quotes"),
        ("above = 1\nseverity = \"high\"", "\"high\" is no severity: write info, warning or critical"),
        (
            "above = 1\nrecipients = [\"opps\"]",
            "line 3, column 15: rule \"x\": recipient \"opps\" is neither a mail address nor a name of [recipients.*] (there are none): write name@example.org",
        ),
        ("above = 1\nrecipients = [\"a@\"]", "recipient \"a@\" is neither"),
        ("above = 1\nrecipients = [\"a b@example.org\"]", "is neither a mail address"),
        ("above = 1\nrecipients = \"a@b\"", "recipients is no list of texts: write it like recipients = "),
        (
            "above = 1\nactive = { zone = \"Europe/Berln\" }",
            "line 3, column 19: rule \"x\": active: there is no time zone Europe/Berln: write an IANA name such as Europe/Berlin",
        ),
        (
            "above = 1\nactive = { days = \"mon-fry\" }",
            "\"mon-fry\" are no days: write for example \"mon-fri\"",
        ),
        ("above = 1\nactive = { days = [] }", "days is empty"),
        ("above = 1\nactive = { from = \"25:00\" }", "\"25:00\" is no time of day: write it like \"08:00\""),
        ("above = 1\nactive = { from = \"8\" }", "\"8\" is no time of day"),
        ("above = 1\nactive = { from = \"08:00\", to = \"08:00\" }", "from and to are the same"),
        (
            "above = 1\nactive = { hours = 8 }",
            "active: unknown key \"hours\": here there are days, from, to, zone",
        ),
        ("above = 1\nactive = \"mon\"", "active is no table"),
        ("above = 1\nexpect = [\"a\"]", "expect goes with absent_for and a metric: add both or remove it"),
        ("absent_for = \"1m\"\nexpect = [\"a\"]", "expect goes with absent_for and a metric"),
        (
            "absent_for = \"1m\"\nmetric = \"humidity\"\nexpect = [\"a/+\"]",
            "expect: \"a/+\" is no device: it has the character '+'",
        ),
        (
            "absent_for = \"1m\"\nmetric = \"humidity\"\ndevice = \"a/#\"\nexpect = [\"b\"]",
            "expect: the rule does not watch b: write one that a/# matches",
        ),
    ] {
        let error = lines_of(&format!("[[rules]]\n{rule}\nname = \"x\"\n"));
        assert!(error.contains(expected), "{rule}\n{error}");
        assert_eq!(error.lines().count(), 1, "{rule}\n{error}");
    }
}

#[test]
fn a_bad_file_is_refused_with_every_place() {
    for (text, expected) in [
        ("group_wai = \"5s\"", "line 1, column 1: unknown key \"group_wai\": here there are group_wait, "),
        ("group_max = \"0s\"\ngroup_wait=\"0s\"", "line 1, column 13: group_max is zero"),
        ("group_wait = \"2m\"", "group_wait 2m is longer than group_max 1m: write at most 1m"),
        ("max_mails_per_hour = 0", "max_mails_per_hour is no whole number of at least 1"),
        ("max_mails_per_hour = 1.5", "max_mails_per_hour is no whole number"),
        ("rules = 5", "rules is no list of tables: write each below a line [[rules]]"),
        ("rules = [", "line 1, column 10: unclosed array"),
        ("recipients = 5", "recipients is no table"),
        ("[recipients]\nops = 5", "line 2, column 7: recipients.ops is no table"),
        ("[recipients.\"o p\"]\nmqtt = true", "recipients.o p: \"o p\" is no name: write 1 to 64 characters"),
        ("[recipients.ops]", "line 1, column 1: recipients.ops: write exactly one of mail, webhook and mqtt"),
        (
            "[recipients.ops]\nmail = \"a@b\"\nmqtt = true",
            "line 3, column 8: recipients.ops: write exactly one",
        ),
        (
            "[recipients.ops]\nmail = \"a\"",
            "line 2, column 8: recipients.ops: \"a\" is no mail address: write name@",
        ),
        ("[recipients.ops]\nmqtt = false", "mqtt is not true"),
        ("[recipients.ops]\nmqtt = true\nzone = \"UTC\"", "zone does not go with mqtt: remove it"),
        ("[recipients.ops]\nphone = 5\nmqtt = true", "recipients.ops: unknown key \"phone\""),
        (
            "[recipients.a]\nmail = \"a@b\"\n[recipients.b]\nmail = \"a@b\"",
            "line 4, column 8: recipients.b: a@b is another recipient",
        ),
        ("[recipients.ops]\nmail = \"a@b\"\nzone = \"Europe/Berln\"", "there is no time zone Europe/Berln"),
        (
            "[[rules]]\nabove = 1",
            "line 1, column 1: rule without a name: there is no name: write for example name = ",
        ),
        ("[[rules]]\nabove = 1\nname = \"a/b\"", "\"a/b\" is no name: write 1 to 64"),
        (
            "[[rules]]\nabove = 1\nname = \"a\"\n[[rules]]\nname = \"a\"\nbelow = 1",
            "line 4, column 1: two rules are called \"a\"",
        ),
        ("a = 1\na = 2", "line 2, column 1: duplicate key"),
    ] {
        let error = lines_of(text);
        assert!(error.contains(expected), "{text}\n{error}");
        assert_eq!(error.lines().count(), 1, "{text}\n{error}");
    }
    let lines = lines_of("rules = [{ name = \"grün\", abov = 1 }]");
    assert!(lines.contains("line 1, column 27: rule \"grün\": unknown key"), "{lines}");
    let text = "\"grün\" = 1\n[[rules]]\nname = \"ü\"\nabove = 1\nclear_below = 2\nrepeat = \"x\"\n[[rules]]\nname = \"y\"";
    let error = rules::read(text, &known()).unwrap_err();
    let places: Vec<_> = error.lines().iter().map(|line| line.split(": ").next().unwrap()).collect();
    let expected = [
        "line 1, column 1",
        "line 3, column 8",
        "line 5, column 15",
        "line 6, column 10",
        "line 7, column 1",
    ];
    assert_eq!(places, expected, "{error}");
}

#[test]
fn the_address_of_a_webhook_never_prints() {
    for url in ["ftp://user:secret@host/", "http:/secret", "https://", "secret", "http://secret:port/"] {
        let error = lines_of(&format!("[recipients.ops]\nwebhook = \"{url}\""));
        assert!(
            error.contains("line 2, column 11: recipients.ops: this is no address of a web server"),
            "{error}"
        );
        assert!(!error.contains("secret"), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = rules::read(&text, &known());
    }

    #[test]
    fn no_mangled_file_panics(from in 0..DEFAULT.len(), length in 0usize..40, put in "[\\[\\]{}=\"'a-z0-9.,# \n\\-]{0,12}") {
        let mut bytes = DEFAULT.replace("\n# ", "\n").into_bytes();
        let from = from.min(bytes.len());
        let to = (from + length).min(bytes.len());
        bytes.splice(from..to, put.into_bytes());
        if let Err(error) = rules::read(&String::from_utf8_lossy(&bytes), &known()) {
            prop_assert!(error.lines().iter().all(|line| line.starts_with("line ")));
        }
    }
}
