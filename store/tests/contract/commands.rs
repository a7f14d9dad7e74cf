//! Commands, from the first state to the last, and the states of devices.

use jiff::Timestamp;
use proptest::prelude::*;
use store::{
    AuditOutcome, Cancelled, Change, Command, CommandJob, CommandQuery, CommandResult, CommandState, DESIRED,
    MAX_OPEN_COMMANDS, NewDesired, NewRecord, Recorded, Store, Via,
};

use super::{CASES, at, fresh};

const HOUR: i64 = 3_600_000_000;

fn command(id: &str, device: &str) -> Command {
    let new = Command::new(id, device, "blink", at(1), at(HOUR));
    Command { args: Some(r#"{"times":3}"#.into()), created_by: Some("ann".into()), ..new }
}

/// Makes a change; returns whether it was made, which the audit must agree with.
async fn change(store: &dyn Store, change: Change) -> bool {
    let record = NewRecord {
        at: at(50),
        actor: None,
        via: Via::Command,
        address: None,
        action: "change",
        target: "something".into(),
        outcome: AuditOutcome::Done,
        before: None,
        after: None,
    };
    let head = store.audit_head().await.unwrap();
    let is_made = store.change(&change, &record).await.unwrap().is_some();
    assert_eq!(store.audit_head().await.unwrap().number, head.number + i64::from(is_made), "{change:?}");
    assert!(store.command_counts().await.unwrap().add_up());
    is_made
}

async fn add(store: &dyn Store, id: &str, device: &str) -> bool {
    change(store, Change::AddCommand(command(id, device))).await
}

async fn say(store: &dyn Store, id: &str, device: &str, state: CommandState) -> Recorded {
    let result = CommandResult {
        id: id.into(),
        device: device.into(),
        state,
        result: Some("1".into()),
        reason: (state == CommandState::Failed).then(|| "no power".into()),
        at: at(70),
    };
    let recorded = store.record_result(&result).await.unwrap();
    assert!(store.command_counts().await.unwrap().add_up());
    recorded
}

async fn state(store: &dyn Store, id: &str) -> CommandState {
    store.command(id).await.unwrap().unwrap().state
}

async fn due(store: &dyn Store, now: Timestamp) -> Vec<String> {
    let due = store.due_commands(now, at(i64::MAX / 1_000_000), 100).await.unwrap();
    due.into_iter().map(|command| command.id).collect()
}

#[tokio::test]
async fn a_command_is_stored_sent_accepted_and_done() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert!(add(store, "a", "lab").await);
    assert!(!add(store, "a", "lab").await, "the id is taken");
    let stored = store.command("a").await.unwrap().unwrap();
    assert_eq!((stored.number, stored.state, stored.sent_count), (1, CommandState::Queued, 0));
    assert_eq!(Command { serial: 0, number: 0, ..stored }, command("a", "lab"));

    assert!(store.note_sent("a", at(10), at(40)).await.unwrap());
    assert!(store.note_sent("a", at(20), at(60)).await.unwrap());
    let sent = store.command("a").await.unwrap().unwrap();
    assert_eq!((sent.state, sent.sent_at, sent.sent_count), (CommandState::Sent, Some(at(20)), 2));
    assert_eq!(say(store, "a", "other", CommandState::Done).await, Recorded::Unknown, "of another device");
    assert_eq!(say(store, "x", "lab", CommandState::Done).await, Recorded::Unknown);
    assert_eq!(say(store, "a", "lab", CommandState::Accepted).await, Recorded::New);
    assert_eq!(say(store, "a", "lab", CommandState::Accepted).await, Recorded::Again);
    assert!(store.note_sent("a", at(25), at(70)).await.unwrap(), "sent again it stays accepted");
    assert_eq!(state(store, "a").await, CommandState::Accepted);
    assert_eq!(say(store, "a", "lab", CommandState::Done).await, Recorded::New);
    assert_eq!(say(store, "a", "lab", CommandState::Done).await, Recorded::Again);
    assert_eq!(say(store, "a", "lab", CommandState::Accepted).await, Recorded::Again);
    assert_eq!(say(store, "a", "lab", CommandState::Failed).await, Recorded::TooLate);
    let done = fresh.reopened().await.command("a").await.unwrap().unwrap();
    assert_eq!(
        (done.state, done.accepted_at, done.ended_at),
        (CommandState::Done, Some(at(70)), Some(at(70)))
    );
    assert_eq!((done.result.as_deref(), done.reason), (Some("1"), None));
    assert!(!store.note_sent("a", at(30), at(80)).await.unwrap(), "it has ended");
    assert_eq!(store.expire_commands(&["a".into()], at(99)).await.unwrap(), 0);
    assert!(!change(store, Change::CancelCommands(Cancelled::Command("a".into()))).await);
}

#[tokio::test]
async fn the_first_open_command_of_each_device_is_due_in_turn() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for (id, device) in [("a1", "a"), ("b1", "b"), ("a2", "a"), ("a3", "a")] {
        assert!(add(store, id, device).await);
    }
    assert_eq!(due(store, at(1)).await, ["a1", "b1"]);
    store.note_sent("a1", at(2), at(30)).await.unwrap();
    store.postpone_command("b1", at(20)).await.unwrap();
    assert_eq!(due(store, at(10)).await, [] as [&str; 0], "those behind it wait");
    assert_eq!(due(store, at(40)).await, ["b1", "a1"], "the one that waits longest comes first");
    let set_back = store.due_commands(at(3), at(25), 100).await.unwrap();
    assert_eq!(set_back.len(), 1, "what is due only after the horizon is due");
    assert_eq!(store.expire_commands(&["a1".into(), "x".into()], at(50)).await.unwrap(), 1);
    assert_eq!(state(store, "a1").await, CommandState::Expired);
    assert_eq!(say(store, "a1", "a", CommandState::Done).await, Recorded::TooLate);
    assert_eq!(due(store, at(10)).await, ["a2"]);
    assert_eq!(say(store, "a3", "a", CommandState::Done).await, Recorded::New, "results come in any order");
    assert_eq!(store.open_command("a").await.unwrap().unwrap().id, "a2");
    assert!(change(store, Change::CancelCommands(Cancelled::Command("a2".into()))).await);
    let cancelled = store.command("a2").await.unwrap().unwrap();
    assert_eq!((cancelled.ended_at, cancelled.reason.as_deref()), (Some(at(50)), Some("it was taken back")));
    assert_eq!(store.open_command("a").await.unwrap(), None);
    let open: Vec<_> =
        store.open_commands(0, 10).await.unwrap().into_iter().map(|command| command.id).collect();
    assert_eq!(open, ["b1"]);
    let counts = store.command_counts().await.unwrap();
    assert_eq!((counts.made, counts.done, counts.expired, counts.cancelled, counts.open), (4, 1, 1, 1, 1));
}

#[tokio::test]
async fn commands_are_found_newest_first() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for (id, device) in [("a", "x"), ("b", "y"), ("c", "x")] {
        add(store, id, device).await;
    }
    say(store, "a", "x", CommandState::Done).await;
    let found = async |query: CommandQuery| {
        let commands = store.commands(&query).await.unwrap();
        commands.into_iter().map(|command| command.id).collect::<Vec<_>>()
    };
    let all = CommandQuery { limit: 10, ..CommandQuery::default() };
    assert_eq!(found(all.clone()).await, ["c", "b", "a"]);
    assert_eq!(found(CommandQuery { device: Some("x".into()), ..all.clone() }).await, ["c", "a"]);
    assert_eq!(found(CommandQuery { state: Some(CommandState::Queued), ..all.clone() }).await, ["c", "b"]);
    let last = store.command("c").await.unwrap().unwrap().serial;
    assert_eq!(found(CommandQuery { before: Some(last), limit: 1, ..all }).await, ["b"]);
}

#[tokio::test]
async fn a_device_has_so_many_open_commands_and_no_more() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for number in 0..MAX_OPEN_COMMANDS {
        assert!(add(store, &format!("c{number}"), "lab").await);
    }
    assert!(!add(store, "more", "lab").await);
    assert!(add(store, "other", "other").await);
    say(store, "c0", "lab", CommandState::Done).await;
    assert!(add(store, "more", "lab").await);
    assert_eq!(store.command("more").await.unwrap().unwrap().number, MAX_OPEN_COMMANDS as i64 + 1);
}

fn group(stop_after: Option<i64>) -> CommandJob {
    CommandJob {
        id: "job".into(),
        devices: "#".into(),
        command: "blink".into(),
        made: 0,
        per_minute: Some(60),
        stop_after,
        created_by: Some("ann".into()),
        created_at: at(1),
        stopped_at: None,
    }
}

fn of_group(number: i64) -> Command {
    let new = command(&format!("g{number}"), &format!("d{number}"));
    Command { job: Some("job".into()), ..new }.not_before(at(number * 1_000_000))
}

#[tokio::test]
async fn a_group_stops_after_so_many_failures() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let commands: Vec<_> = (0..10).map(of_group).collect();
    let made = Change::AddCommands { job: group(Some(2)), commands: commands.clone() };
    assert!(change(store, made.clone()).await);
    assert!(!change(store, made).await, "its id is taken");
    assert_eq!(due(store, at(2_500_000)).await, ["g0", "g1", "g2"], "each has its time");
    for id in ["g0", "g1", "g2", "g3"] {
        store.note_sent(id, at(5), at(60)).await.unwrap();
    }
    say(store, "g0", "d0", CommandState::Failed).await;
    assert_eq!(store.command_job("job").await.unwrap().unwrap().1[&CommandState::Queued], 6);
    say(store, "g2", "d2", CommandState::Failed).await;
    let (job, counts) = store.command_job("job").await.unwrap().unwrap();
    assert_eq!(job, CommandJob { made: 10, stopped_at: Some(at(70)), ..group(Some(2)) });
    let counts: Vec<_> = counts.into_iter().collect();
    let expected = [(CommandState::Sent, 2), (CommandState::Failed, 2), (CommandState::Cancelled, 6)];
    assert_eq!(counts, expected, "what was sent may still be done");
    assert!(change(store, Change::CancelCommands(Cancelled::Job("job".into()))).await);
    assert!(!change(store, Change::CancelCommands(Cancelled::Job("job".into()))).await);
    assert_eq!(store.command_counts().await.unwrap().cancelled, 8);
    assert_eq!(store.command_job("none").await.unwrap(), None);
}

#[tokio::test]
async fn a_group_leaves_out_devices_with_too_many() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    for number in 0..MAX_OPEN_COMMANDS {
        add(store, &format!("c{number}"), "d1").await;
    }
    let only_full = Change::AddCommands { job: group(None), commands: vec![of_group(1)] };
    assert!(!change(store, only_full).await);
    assert_eq!(store.command_job("job").await.unwrap(), None);
    let made = Change::AddCommands { job: group(None), commands: vec![of_group(0), of_group(1)] };
    assert!(change(store, made).await);
    assert_eq!(store.command_job("job").await.unwrap().unwrap().0.made, 1);
}

#[tokio::test]
async fn old_commands_are_forgotten_once_they_have_ended() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    let made = Change::AddCommands { job: group(None), commands: vec![of_group(0), of_group(1)] };
    assert!(change(store, made).await);
    say(store, "g0", "d0", CommandState::Done).await;
    assert_eq!(store.forget_commands(at(70)).await.unwrap(), 0);
    assert_eq!(store.forget_commands(at(71)).await.unwrap(), 1);
    assert!(store.command_job("job").await.unwrap().is_some(), "one of it is open");
    say(store, "g1", "d1", CommandState::Done).await;
    assert_eq!(store.forget_commands(at(71)).await.unwrap(), 1);
    assert_eq!(store.command_job("job").await.unwrap(), None);
    let counts = store.command_counts().await.unwrap();
    assert_eq!((counts.made, counts.done, counts.open), (2, 2, 0), "the counts stay");
    assert!(add(store, "next", "d0").await);
    assert_eq!(store.command("next").await.unwrap().unwrap().number, 2, "numbers never go back");
}

fn desired(replaces: i64, document: Option<&str>) -> NewDesired {
    let id = format!("v{}", replaces + 1);
    let command = document.map(|document| Command {
        args: Some(document.into()),
        ..Command::new(id, "lab", DESIRED, at(1), at(HOUR))
    });
    NewDesired { device: "lab".into(), replaces, document: document.map(str::to_owned), at: at(30), command }
}

#[tokio::test]
async fn the_version_of_a_desired_state_never_goes_back() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert_eq!(store.twin("lab").await.unwrap(), None);
    assert!(!change(store, Change::SetDesired(desired(1, Some("{}")))).await, "there is no version 1");
    assert!(change(store, Change::SetDesired(desired(0, Some("{}")))).await);
    assert!(!change(store, Change::SetDesired(desired(0, Some("{}")))).await);
    store.note_sent("v1", at(31), at(60)).await.unwrap();
    assert!(change(store, Change::SetDesired(desired(1, Some(r#"{"a":1}"#)))).await);
    assert_eq!(state(store, "v1").await, CommandState::Cancelled, "a newer one takes its place");
    say(store, "v2", "lab", CommandState::Accepted).await;
    assert!(change(store, Change::SetDesired(desired(2, Some("{}")))).await);
    assert_eq!(state(store, "v2").await, CommandState::Accepted, "the device has it");
    assert!(change(store, Change::SetDesired(desired(3, None))).await);
    let twin = store.twin("lab").await.unwrap().unwrap();
    assert_eq!((twin.version, twin.desired, twin.desired_at), (4, None, Some(at(30))));
    assert!(!change(store, Change::SetDesired(desired(0, Some("{}")))).await);
    assert!(change(store, Change::SetDesired(desired(4, Some("{}")))).await);
    assert_eq!(store.twin("lab").await.unwrap().unwrap().version, 5);
}

#[tokio::test]
async fn a_device_reports_its_state() {
    let Some(fresh) = fresh().await else { return };
    let store = &*fresh.store;
    assert!(store.report_state("lab", Some(12), r#"{"on":true}"#, at(5)).await.unwrap());
    assert!(store.report_state("lab", None, "{}", at(6)).await.unwrap());
    let twin = store.twin("lab").await.unwrap().unwrap();
    assert_eq!(
        (twin.reported.as_deref(), twin.reported_version, twin.reported_at),
        (Some("{}"), None, Some(at(6)))
    );
    assert_eq!((twin.version, twin.desired), (0, None));
    assert!(change(store, Change::SetDesired(desired(0, Some("{}")))).await);
    assert_eq!(store.twin("lab").await.unwrap().unwrap().reported.as_deref(), Some("{}"));
}

/// What may happen to the commands `c0` to `c3` of two devices.
fn happening() -> impl Strategy<Value = (u8, usize)> {
    (0..7_u8, 0..4_usize)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_command_ends_once_and_the_counts_add_up(
        happened in proptest::collection::vec(happening(), 1..30)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let Some(fresh) = fresh().await else { return };
            let store = &*fresh.store;
            let mut ended = [None; 4];
            for (what, which) in happened {
                let (id, device) = (format!("c{which}"), format!("d{}", which % 2));
                let before = store.command(&id).await.unwrap().map(|command| command.state);
                match what {
                    0 => drop(add(store, &id, &device).await),
                    1 => drop(store.note_sent(&id, at(10), at(20)).await.unwrap()),
                    2 => drop(say(store, &id, &device, CommandState::Accepted).await),
                    3 => drop(say(store, &id, &device, CommandState::Done).await),
                    4 => drop(say(store, &id, &device, CommandState::Failed).await),
                    5 => drop(store.expire_commands(std::slice::from_ref(&id), at(60)).await.unwrap()),
                    _ => drop(change(store, Change::CancelCommands(Cancelled::Command(id.clone()))).await),
                }
                let after = store.command(&id).await.unwrap().map(|command| command.state);
                if let (Some(before), Some(after)) = (before, after) {
                    assert!(before == after || before.may_become(after), "{before:?} {after:?}");
                }
                let end = after.filter(|state| !state.is_open());
                assert!(ended[which].is_none() || ended[which] == end);
                ended[which] = end;
                assert!(store.command_counts().await.unwrap().add_up());
            }
        });
    }
}
