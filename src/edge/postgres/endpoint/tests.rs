use super::*;

/// Reads a URL with these variables and without files.
fn read(url: &str, variables: &[(&str, &str)]) -> Result<Vec<Endpoint>> {
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let files = SystemFiles { password_file: None, certificates: None };
    ConnectSettings::read(&PostgresUrl::new(url).unwrap(), &variable, &files).map(|settings| settings.endpoints)
}

fn one(url: &str, variables: &[(&str, &str)]) -> Endpoint {
    read(url, variables).unwrap().remove(0)
}

#[test]
fn the_url_comes_before_the_environment() {
    let environment = [("PGHOST", "/srv/db"), ("PGPORT", "6000"), ("PGUSER", "ana"), ("PGDATABASE", "shop")];
    assert_eq!(one("postgres://", &environment).place, "/srv/db, port 6000, database shop, user ana");
    let url = "postgresql://eva@db.example:6543/orders?application_name=x";
    assert_eq!(one(url, &environment).place, "db.example:6543, database orders, user eva");
    assert_eq!(
        one("postgres:///orders?host=/srv/other", &environment).place,
        "/srv/other, port 6000, database orders, user ana"
    );
    assert_eq!(one("postgres://eva@%2Fsrv%2Fdb/orders", &[]).place, "/srv/db, port 5432, database orders, user eva");
}

#[test]
fn several_servers_are_tried_in_their_order() {
    let places: Vec<_> = read("postgres://ana@one:1,[::1]:2/shop?sslmode=require", &[]).unwrap();
    let places: Vec<_> = places.iter().map(|endpoint| endpoint.place.split(',').next().unwrap()).collect();
    assert_eq!(places, ["one:1", "::1:2"]);
}

#[test]
fn tls_is_verified_unless_the_server_is_on_this_machine_or_the_mode_says_otherwise() {
    for (url, mode) in [
        ("postgres://db.example/shop", TlsMode::VerifyFull),
        ("postgres://10.0.0.7/shop", TlsMode::VerifyFull),
        ("postgres://localhost.example/shop", TlsMode::VerifyFull),
        ("postgres://localhost/shop", TlsMode::Prefer),
        ("postgres://127.0.0.1/shop", TlsMode::Prefer),
        ("postgres://[::1]/shop", TlsMode::Prefer),
        ("postgres://db.example/shop?sslmode=verify-ca", TlsMode::VerifyCa),
        ("postgres://db.example/shop?sslmode=require", TlsMode::Require),
        ("postgres://db.example/shop?sslmode=require&sslrootcert=ca.pem", TlsMode::VerifyCa),
        ("postgres://db.example/shop?sslmode=disable", TlsMode::Disable),
        ("postgres://localhost/shop?sslmode=verify-full", TlsMode::VerifyFull),
    ] {
        assert_eq!(one(url, &[]).tls.mode, mode, "{url}");
    }
    assert_eq!(one("postgres://db.example/shop", &[("PGSSLMODE", "require")]).tls.mode, TlsMode::Require);
    let error = read("postgres://db.example/shop?sslmode=strict", &[]).err().unwrap();
    assert_eq!((error.status(), error.message.as_str()), (2, "there is no sslmode `strict`"));
    assert_eq!(one("postgres:///shop?host=/srv", &[]).config.get_ssl_mode(), SslMode::Disable);
}

#[test]
fn a_parameter_that_would_change_the_result_is_not_ignored() {
    let error = read("postgres://db.example/shop?schema=tenant_7", &[]).err().unwrap();
    assert!(error.status() == 2 && error.to_string().contains("schema"), "{error}");
    assert!(read("postgres://db.example/shop?gssencmode=disable&sslmode=require&channel_binding=require", &[]).is_ok());
}

#[test]
fn the_password_comes_from_the_url_the_environment_or_the_file_of_passwords() {
    let password =
        |endpoint: &Endpoint| endpoint.config.get_password().map(|text| String::from_utf8_lossy(text).into_owned());
    let environment = [("PGPASSWORD", "from-environment")];
    assert_eq!(password(&one("postgres://ana:from%2Durl@h/d", &environment)).as_deref(), Some("from-url"));
    assert_eq!(password(&one("postgres://ana@h/d", &environment)).as_deref(), Some("from-environment"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    std::fs::write(&path, "other:*:*:*:wrong\nh:5432:d:ana:from-file\n").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let variables = [("PGPASSFILE", path.to_str().unwrap())];
    assert_eq!(password(&one("postgres://ana@h/d", &variables)).as_deref(), Some("from-file"));
    assert_eq!(password(&one("postgres://eva@h/d", &variables)), None);
}
