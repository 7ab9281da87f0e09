"""A copy of the server's accounts, while they are in use."""

from typer.testing import CliRunner

from mnemic.cli.main import app

CliRunner().invoke(app, ["--store", "mnemic.db", "keys", "create", "--name", "laptop"])

# begin copy
import sqlite3  # noqa: E402

accounts = sqlite3.connect("mnemic.server.db")
accounts.execute("VACUUM INTO 'accounts-monday.db'")
accounts.close()
# end copy

copy = sqlite3.connect("accounts-monday.db")
print(copy.execute("SELECT name FROM keys").fetchall())
copy.close()
