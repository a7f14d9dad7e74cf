//! How many statements a change takes: one for all of a kind, however many there are.

use store::{Changes, Phase, Store, Transition};

use super::Fresh;
use super::partitions;
use super::partitions::contract::{alert_states::alert_state, incidents};

const MANY: i64 = 5_000;

/// Notes each statement that changes one of the tables of alerting.
const COUNT: &str = "
    CREATE TABLE counted (statement text);
    CREATE FUNCTION count_statement() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        INSERT INTO counted VALUES (TG_TABLE_NAME || ' ' || TG_OP);
        RETURN NULL;
    END $$;
    CREATE TRIGGER counted AFTER INSERT OR UPDATE ON incidents
        FOR EACH STATEMENT EXECUTE FUNCTION count_statement();
    CREATE TRIGGER counted AFTER INSERT OR UPDATE ON notifications
        FOR EACH STATEMENT EXECUTE FUNCTION count_statement();
    CREATE TRIGGER counted AFTER INSERT ON alert_states
        FOR EACH STATEMENT EXECUTE FUNCTION count_statement();";

async fn record(store: &dyn Store, transitions: Vec<Transition>) {
    let state = |i| alert_state("hot", &format!("temperature/d{i:05}"), Phase::Normal);
    let alert_states = (0..MANY).map(state).collect();
    store.record(&Changes { transitions, alert_states }).await.unwrap();
}

#[tokio::test]
async fn thousands_of_changes_take_one_statement_of_each_kind() {
    let Some(Fresh { store, database }) = partitions::fresh().await else { return };
    store.open_count().await.unwrap();
    database.run(COUNT).await;
    record(
        &*store,
        (0..MANY).map(|i| incidents::opened(&format!("i{i}"), &format!("d{i}"), i + 1)).collect(),
    )
    .await;
    record(&*store, (0..MANY).map(|i| incidents::resolved(&format!("i{i}"), i + 1)).collect()).await;
    let counted = "SELECT statement || ' ' || count(*) FROM counted GROUP BY statement ORDER BY statement";
    let expected = [
        "alert_states INSERT 2",
        "incidents INSERT 1",
        "incidents UPDATE 1",
        "notifications INSERT 2",
        "notifications UPDATE 1",
    ];
    assert_eq!(database.texts(counted).await, expected);
}
