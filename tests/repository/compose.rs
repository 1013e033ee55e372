//! What docker/compose.yaml makes by hand is what the rehearsal makes.

use stand_ins::schemas;

const CLIENTS: &str = include_str!("../../docker/clients.sql");

#[test]
fn the_clients_databases_for_work_by_hand_have_the_tables_of_the_rehearsal() {
    let statements: Vec<_> = schemas::CONTENTREPO.iter().chain(schemas::RHINO).collect();
    for sql in &statements {
        assert!(CLIENTS.contains(&format!("\n{sql};\n")), "docker/clients.sql has not: {sql}");
    }
    let tables = statements.iter().filter(|sql| sql.starts_with("CREATE TABLE")).count();
    assert_eq!(CLIENTS.matches("CREATE TABLE").count(), tables);
}
