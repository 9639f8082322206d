# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a PostgreSQL server is set to, against what a shelf needs (deploy/host/postgresql.conf says the same).

A setting that loses words or reaches a network is refused; one that keeps traces is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from intake.errors import UndersealError
from portal.config import Config
from portal.postgresql_store import make_engine
from portal.store import StoreAway

NEEDED = {  # as pg_settings shows them
    "data_sync_retry": "off",
    "fsync": "on",
    "full_page_writes": "on",
    "ignore_checksum_failure": "off",
    "listen_addresses": "",
    "synchronous_commit": "on",
    "zero_damaged_pages": "off",
}
WANTED = {
    "archive_mode": "off",
    "checkpoint_timeout": "300",
    "data_checksums": "on",
    "log_autovacuum_min_duration": "-1",
    "log_checkpoints": "off",
    "log_connections": "off",
    "log_disconnections": "off",
    "log_duration": "off",
    "log_error_verbosity": "terse",
    "log_hostname": "off",
    "log_line_prefix": "",
    "log_lock_waits": "off",
    "log_min_duration_sample": "-1",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_min_messages": "fatal",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_recovery_conflict_waits": "off",
    "log_replication_commands": "off",
    "log_statement": "none",
    "log_temp_files": "-1",
    "log_transaction_sample_rate": "0",
    "logging_collector": "off",
    "max_replication_slots": "0",
    "max_wal_senders": "0",
    "max_wal_size": "64",
    "min_wal_size": "32",
    "shared_preload_libraries": "",
    "track_activities": "off",
    "track_commit_timestamp": "off",
    "track_io_timing": "off",
    "update_process_title": "off",
    "wal_keep_size": "0",
    "wal_level": "minimal",
    "wal_recycle": "off",
}
_RIGHTS = text(
    "SELECT rolsuper, pg_has_role(current_user, 'pg_checkpoint', 'usage'),"
    " has_function_privilege('pg_switch_wal()', 'execute') FROM pg_roles WHERE rolname = current_user"
)


class ServerRefused(UndersealError):
    """the database server is refused: {}"""

    hint = 'deploy/host/postgresql.conf has the settings; RUNBOOK, "PostgreSQL, for several front ends"'


@dataclass(frozen=True, slots=True)
class Differences:
    """What is not as it should be, a sentence each: what would lose words or reach a network; what keeps traces."""

    refused: tuple[str, ...]
    traces: tuple[str, ...]


def differences(config: Config) -> Differences:
    """Return what of the server differs; nothing for SQLite. Raises StoreAway.

    The connection has no settings of its own: it sees what the server, the database and the role bring.
    """
    if config.store is None:
        return Differences((), ())
    engine = make_engine(config.shelf_url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT name, setting FROM pg_settings")).all()
            superuser, may_checkpoint, may_switch = connection.execute(_RIGHTS).one()
    except OperationalError as error:
        raise StoreAway(config.shelf_name) from error
    finally:
        engine.dispose()
    found = {name: setting for name, setting in rows}
    traces = _differing(found, WANTED)
    if superuser:
        traces.append("the role is a superuser, and need not be")
    if not (may_checkpoint and may_switch):
        traces.append("the role may not end the log of changes (pg_checkpoint, and EXECUTE on pg_switch_wal)")
    return Differences(tuple(_differing(found, NEEDED)), tuple(traces))


def check_server(config: Config) -> tuple[str, ...]:
    """Return what keeps traces. Raises ServerRefused for what would lose words or reach a network, and StoreAway."""
    found = differences(config)
    if found.refused:
        raise ServerRefused("; ".join(found.refused))
    return found.traces


def _differing(found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    sentences = []
    for name, value in wanted.items():
        if name not in found:
            sentences.append(f"{name} cannot be seen")
        elif found[name] != value:
            sentences.append(f"{name} is {found[name] or 'empty'}, not {value or 'empty'}")
    return sentences
