//! MySQL, or a MariaDB in its place.

use std::time::Duration;

use adapters::mysql::DatabaseUrl;
use anyhow::Context;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use testcontainers::core::{IntoContainerPort, WaitFor};
use tokio::time::sleep;
use url::Url;

const IMAGE: &str = "mysql:8.4";
const ROOT_PASSWORD: &str = "root";

/// A server, gone when dropped.
pub struct MysqlServer(super::Running);

impl MysqlServer {
    /// The account that [`MysqlServer::create_database`] lets in.
    pub const USER: &'static str = "mogile";

    /// Its password, full of what has to be encoded in a URL.
    pub const PASSWORD: &'static str = "s3cr%t/p@ss:w#rd?";

    /// Starts one from `MYSQL_IMAGE`, by default `mysql:8.4`.
    pub async fn start() -> anyhow::Result<Self> {
        let image = super::image("MYSQL_IMAGE", IMAGE);
        // With both spaces: `port: 33060` is the other protocol, and `port: 0` the server that
        // only initializes.
        let ready = WaitFor::message_on_stderr("port: 3306  ");
        let password = [("MYSQL_ROOT_PASSWORD", ROOT_PASSWORD)];
        let server = Self(super::start(image, 3306.tcp(), ready, &password).await?);
        server.answers().await?;
        Ok(server)
    }

    /// A session that may do anything, in this database or in none.
    pub async fn root(&self, database: &str) -> anyhow::Result<MySqlConnection> {
        let url = self.url_of("root", ROOT_PASSWORD, database)?;
        MySqlConnection::connect(url.as_str()).await.context("connecting as root")
    }

    /// Creates a database in which [`MysqlServer::USER`] may do anything.
    pub async fn create_database(&self, name: &str) -> anyhow::Result<MySqlConnection> {
        let mut root = self.root("").await?;
        let (user, password) = (Self::USER, Self::PASSWORD);
        for sql in [
            format!("CREATE DATABASE {name}"),
            format!("CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY '{password}'"),
            format!("GRANT ALL ON {name}.* TO '{user}'@'%'"),
            format!("USE {name}"),
        ] {
            root.execute(AssertSqlSafe(sql)).await?;
        }
        Ok(root)
    }

    /// How [`MysqlServer::USER`] reaches a database.
    pub fn url(&self, database: &str) -> anyhow::Result<DatabaseUrl> {
        Ok(self.url_of(Self::USER, Self::PASSWORD, database)?.as_str().parse()?)
    }

    /// How anybody reaches a database.
    pub fn url_of(&self, user: &str, password: &str, database: &str) -> anyhow::Result<Url> {
        let mut url = Url::parse(&format!("mysql://{user}@127.0.0.1:{}", self.0.port))?;
        // Which leaves the `%` as it is.
        let password = password.replace('%', "%25");
        url.set_password(Some(&password)).ok().context("a URL that takes a password")?;
        url.set_path(database);
        Ok(url)
    }

    /// What it prints may come before it lets anybody in.
    async fn answers(&self) -> anyhow::Result<()> {
        let mut tries = 0;
        while let Err(error) = self.root("").await {
            tries += 1;
            if tries == 100 {
                return Err(error);
            }
            sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }
}
