"""The SQL that makes the two roles and a database: an owner that migrates, a runtime role that policies bind."""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def role_sql(role: str, password: str) -> list[str]:
    """Makes a role that can log in and has no special power, or resets its password.

    A new role has none of SUPERUSER, BYPASSRLS, CREATEDB and CREATEROLE; naming them would need a superuser, whom
    managed servers do not give. An old role that has them is refused when the application starts.
    """
    return [
        f"DO $$ BEGIN CREATE ROLE {_name(role)}; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"ALTER ROLE {_name(role)} WITH LOGIN PASSWORD {_quoted(password)}",
    ]


def database_sql(name: str, *, owner: str, runtime: str) -> list[str]:
    """An administrator who is no superuser must belong to the role that shall own the database."""
    return [
        "DO $$ BEGIN IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) "
        f"THEN GRANT {_name(owner)} TO CURRENT_USER; END IF; END $$",
        f"CREATE DATABASE {_name(name)} OWNER {_name(owner)}",
        f"REVOKE ALL ON DATABASE {_name(name)} FROM PUBLIC",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {_name(name)} TO {_name(runtime)}",
    ]


def schema_sql(*, owner: str, runtime: str) -> list[str]:
    """Run inside the new database: the runtime role gets rows, never tables."""
    default = f"ALTER DEFAULT PRIVILEGES FOR ROLE {_name(owner)} IN SCHEMA public"
    return [
        f"ALTER SCHEMA public OWNER TO {_name(owner)}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {_name(runtime)}",
        f"{default} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {_name(runtime)}",
        f"{default} GRANT USAGE, SELECT ON SEQUENCES TO {_name(runtime)}",
    ]
