//! Who is asked, and who does not answer.

use super::*;

fn names(addresses: &[&str]) -> Result<Vec<String>, String> {
    let targets = named(addresses.iter().map(|address| (*address).to_owned()).collect())?;
    Ok(targets.into_iter().map(|target| target.name).collect())
}

#[test]
fn a_target_is_called_by_its_host_while_that_is_enough() {
    assert_eq!(names(&["rabbitmq1:15692", "rabbitmq2:15692"]).unwrap(), ["rabbitmq1", "rabbitmq2"]);
    assert_eq!(names(&["here:1", "here:2", "there:1"]).unwrap(), ["here:1", "here:2", "there"]);
    assert_eq!(names(&["[::1]:1", ""]).unwrap(), ["[::1]"]);
    for wrong in ["rabbitmq1", ":1", "rabbitmq1:many", "rabbitmq1:70000"] {
        assert_eq!(names(&[wrong]).unwrap_err(), format!("{wrong} is not host:port"));
    }
}

#[tokio::test]
async fn who_does_not_answer_in_time_holds_up_nobody() {
    // Takes connections and says nothing, as a frozen process does.
    let frozen = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addresses = [&frozen, &gone].map(|listener| listener.local_addr().unwrap().to_string());
    drop(gone);
    let well = service::admin_door("127.0.0.1:0".parse().unwrap(), &Metrics::default()).unwrap();
    let (address, health) = (well.local_addr().to_string(), Health::default());
    health.check("store").fail("away: for now");
    tokio::spawn(service::serve(well, health, Metrics::default()));
    let targets = named(addresses.into_iter().chain([address]).collect()).unwrap();
    let scrape = scrape_all(&targets, Kind::Service).await;
    let result = |target: &Target| &super::super::snapshot::named(&scrape, &target.name).unwrap().result;
    assert_eq!(result(&targets[0]).as_ref().unwrap_err(), "does not answer within 1 s");
    assert_eq!(result(&targets[1]).as_ref().unwrap_err(), "does not answer");
    let problem = Problem { of: "store".into(), why: "away: for now".into() };
    assert_eq!(result(&targets[2]).as_ref().unwrap().problems, [problem]);
}

/// A node that tells of itself at once, and of its queues never.
async fn half_silent(listener: tokio::net::TcpListener) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    while let Ok((mut connection, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut question = [0; 256];
            let count = connection.read(&mut question).await.unwrap();
            if String::from_utf8_lossy(&question[..count]).starts_with("GET /metrics HTTP") {
                let answer = b"HTTP/1.0 200 OK\r\n\r\nrabbitmq_connections 4\n";
                connection.write_all(answer).await.unwrap();
            } else {
                std::future::pending::<()>().await;
            }
        });
    }
}

#[tokio::test]
async fn a_node_that_says_nothing_of_its_queues_is_alive() {
    let listener = service::bind("test", "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let targets = named(vec![listener.local_addr().unwrap().to_string()]).unwrap();
    tokio::spawn(half_silent(listener));
    let scrape = scrape_all(&targets, Kind::Node).await;
    assert_eq!(scrape[0].sum("rabbitmq_connections"), Some(4.0), "{scrape:?}");
    assert!(!scrape[0].has_queues());
}
