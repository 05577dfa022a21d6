import re
import socket
import traceback
from dataclasses import fields
from pathlib import Path

import pytest

from controller import redisurl
from controller.errors import InvalidSettings
from controller.ring import DEFAULT_HASH_REPLICAS
from controller.settings import Settings, read
from controller.variables import TABLE


def settings_from(*flags: str, **variables: str) -> Settings:
    settings, _ = read(flags, variables)
    return settings


def refusal(*flags: str, **variables: str) -> str:
    with pytest.raises(InvalidSettings) as caught:
        read(flags, variables)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_without_flags_and_variables_the_defaults_hold() -> None:
    settings, warnings = read([], {"HOSTNAME": "dcron-0"})
    assert settings == Settings(
        redis_url=None,
        redis_url_file=None,
        redis_password_file=None,
        node_name="dcron-0",
        hash_replicas=DEFAULT_HASH_REPLICAS,
        node_update_seconds=1,
        node_ttl_seconds=5,
        late_seconds=10,
        minimum_interval_seconds=0,
        controller_name="dcron",
        key_prefix="dcron",
        namespaces=(),
        http_port=8080,
        paused=False,
        paused_file=None,
        log_format="text",
        log_level="info",
        pod_name="",
        pod_namespace="",
        pod_uid="",
    )
    assert warnings == ()


def test_the_table_has_a_row_for_each_field_and_no_other() -> None:
    assert [setting.name for setting in TABLE] == [field.name for field in fields(Settings)]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder as a Secret is mounted."""
    (tmp_path / "redis-url").write_text("rediss://dcron@cache:6380/0\n")
    (tmp_path / "redis-password").write_text("pa/ss@word\n")
    return tmp_path


VALUES: dict[str, tuple[str, object]] = {
    "redis_url": ("rediss://redis:6380/2", "rediss://redis:6380/2"),
    "redis_url_file": ("FOLDER/redis-url", "FOLDER/redis-url"),
    "redis_password_file": ("FOLDER/redis-password", "FOLDER/redis-password"),
    "node_name": ("node.A-1", "node.A-1"),
    "hash_replicas": ("10", 10),
    "node_update_seconds": ("0.5", 0.5),
    "node_ttl_seconds": ("7.5", 7.5),
    "late_seconds": ("30", 30.0),
    "minimum_interval_seconds": ("60", 60),
    "controller_name": ("night", "night"),
    "key_prefix": ("team:dcron", "team:dcron"),
    "namespaces": ("one, two,one,", ("one", "two")),
    "http_port": ("0", 0),
    "paused": ("true", True),
    "paused_file": ("/etc/dcron/pause/paused", "/etc/dcron/pause/paused"),
    "log_format": ("JSON", "json"),
    "log_level": ("Debug", "debug"),
    "pod_name": ("dcron-7d9", "dcron-7d9"),
    "pod_namespace": ("dcron-system", "dcron-system"),
    "pod_uid": ("0123-4567", "0123-4567"),
}


@pytest.mark.parametrize("setting", TABLE, ids=lambda setting: setting.name)
def test_each_setting_has_a_variable_and_a_flag(setting: object, secrets: Path) -> None:
    name = getattr(setting, "name")  # noqa: B009 - the parameter's type is lost in the table of ids
    text, value = (part.replace("FOLDER", str(secrets)) if isinstance(part, str) else part for part in VALUES[name])
    others = {"DCRON_REDIS_URL": "redis://cache"} if name == "redis_password_file" else {}
    assert getattr(settings_from(**others, **{f"DCRON_{name.upper()}": str(text)}), name) == value
    assert getattr(settings_from(f"--{name.replace('_', '-')}={text}", **others), name) == value


def test_the_pod_is_known_from_the_names_that_the_downward_api_usually_gives() -> None:
    settings = settings_from(POD_NAME="dcron-7d9", POD_NAMESPACE="dcron-system", POD_UID="0123", DCRON_POD_UID="4567")
    assert (settings.pod_name, settings.pod_namespace, settings.pod_uid) == ("dcron-7d9", "dcron-system", "4567")


def test_a_flag_wins_over_its_variable() -> None:
    assert settings_from("--http-port", "9000", DCRON_HTTP_PORT="7000").http_port == 9000


def test_an_empty_flag_wins_too_and_means_the_default() -> None:
    assert settings_from("--redis-url=", DCRON_REDIS_URL="redis://localhost").redis_url is None


def test_an_empty_variable_means_the_default() -> None:
    assert settings_from(DCRON_LATE_SECONDS="", DCRON_REDIS_URL=" ").late_seconds == 10


def test_a_node_without_a_name_has_that_of_its_host() -> None:
    assert settings_from().node_name == socket.gethostname()


@pytest.mark.parametrize(
    ("variable", "text", "allowed"),
    [
        ("DCRON_HASH_REPLICAS", "0", "a whole number from 1 to 10000"),
        ("DCRON_HASH_REPLICAS", "1.5", "a whole number from 1 to 10000"),
        ("DCRON_HASH_REPLICAS", "-3", "a whole number from 1 to 10000"),
        ("DCRON_NODE_UPDATE_SECONDS", "0", "a number of seconds from 0.05 to 60"),
        ("DCRON_NODE_UPDATE_SECONDS", "nan", "a number of seconds from 0.05 to 60"),
        ("DCRON_NODE_TTL_SECONDS", "5s", "a number of seconds from 0.2 to 3600"),
        ("DCRON_LATE_SECONDS", "inf", "a number of seconds from 0.5 to 3600"),
        ("DCRON_LATE_SECONDS", "١٠", "a number of seconds from 0.5 to 3600"),
        ("DCRON_NODE_NAME", "-a", "a letter or digit at both ends"),
        ("DCRON_NODE_NAME", "a" * 254, "at most 253"),
        ("DCRON_NODE_NAME", "two words", "letters, digits"),
        ("DCRON_CONTROLLER_NAME", "a/b", "letters, digits"),
        ("DCRON_KEY_PREFIX", "{tag}", "letters, digits"),
        ("DCRON_NAMESPACES", "one,Two", "names of namespaces"),
        ("DCRON_NAMESPACES", ",", "names of namespaces"),
        ("DCRON_HTTP_PORT", "65536", "a whole number from 0 to 65535"),
        ("DCRON_LOG_FORMAT", "xml", "one of text, json"),
        ("DCRON_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
    ],
)
def test_a_wrong_value_is_refused_with_its_setting_and_what_is_allowed(variable: str, text: str, allowed: str) -> None:
    message = refusal(**{variable: text})
    assert message.startswith(f"{variable}: {text[:40]!r}"[:-1])
    assert allowed in message


def test_a_wrong_flag_names_both_itself_and_its_variable() -> None:
    assert refusal("--log-level", "lo\nud").startswith(
        "DCRON_LOG_LEVEL (--log-level): 'lo\\nud' is not allowed: one of"
    )


@pytest.mark.parametrize("flags", [("--no-such-flag=1",), ("--log", "debug"), ("stray",), ("--log-level",)])
def test_a_command_line_that_is_not_understood_is_refused_in_one_line(flags: tuple[str, ...]) -> None:
    assert refusal(*flags).startswith("command line: ")


def test_a_membership_that_ends_before_the_third_beat_is_refused() -> None:
    message = refusal(DCRON_NODE_UPDATE_SECONDS="2")
    assert message.startswith("DCRON_NODE_TTL_SECONDS: 5 ")
    assert "at least 3 times DCRON_NODE_UPDATE_SECONDS (2), that is 6" in message


def test_a_membership_of_exactly_three_beats_is_accepted() -> None:
    settings = settings_from(DCRON_NODE_UPDATE_SECONDS="0.1", DCRON_NODE_TTL_SECONDS="0.3")
    assert settings.node_ttl_seconds == 0.3


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://:pa%40ss@localhost:6379/0",
        "rediss://user:secret@[2001:db8::1]:6380",
        "redis://cache?password=secret",
        "redis+sentinel://:secret@one:26379,two:26379/mymaster/0",
        "redis+cluster://one:7000,two:7001,three",
    ],
)
def test_a_redis_url_is_accepted_and_its_password_never_shown(url: str) -> None:
    settings = settings_from(DCRON_REDIS_URL=url)
    assert settings.redis_url == url
    for shown in (repr(settings), str(settings), str(settings.shown_redis_url)):
        assert "secret" not in shown
        assert "pa%40ss" not in shown


def test_a_redis_url_is_shown_with_its_host_and_database() -> None:
    assert settings_from(DCRON_REDIS_URL="redis://me:secret@cache:1/2").shown_redis_url == "redis://***@cache:1/2"


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://:secret@localhost",
        "redis://",
        "redis:///0",
        "redis://:secret",
        "redis://me:secret@",
        "redis://me:sec/ret@host",
        "redis://me:sec#ret@host",
        "redis://me:secret@host:99999",
        "redis://me:secret@host:port",
        "redis://me:secret@one,two",
        "redis://me:secret@[::1",
        "me:secret@host",
        "redis://host with space",
    ],
)
@pytest.mark.parametrize("given_as", ["variable", "flag", "mistyped flag"])
def test_a_wrong_redis_url_is_refused_without_showing_a_password(url: str, given_as: str) -> None:
    flags = {"variable": [], "flag": [f"--redis-url={url}"], "mistyped flag": ["--redis-urll", url]}[given_as]
    with pytest.raises(InvalidSettings) as caught:
        read(flags, {"DCRON_REDIS_URL": url})
    said = "".join(traceback.format_exception(caught.value.with_traceback(None)))
    assert "ret" not in said
    if given_as != "mistyped flag":
        assert str(caught.value).startswith("DCRON_REDIS_URL")
        assert "redis+sentinel://" in str(caught.value)


def test_stars_hide_what_could_be_a_password_whatever_the_shape() -> None:
    assert redisurl.without_password("redis://a:b@c@host") == "redis://***@host"
    assert redisurl.without_password("a:b@host") == "***@host"
    assert redisurl.without_password("redis://h?db=1&sentinel_password=x&y=2") == (
        "redis://h?db=1&sentinel_password=***&y=2"
    )


def test_an_unknown_variable_is_warned_about_and_not_refused() -> None:
    _, warnings = read([], {"DCRON_NODE_TTL_SECOND": "9", "DCRON_HTTP_PORT": "1", "PATH": "/bin"})
    assert warnings == ("DCRON_NODE_TTL_SECOND: no such setting, ignored",)


def test_variables_that_kubernetes_sets_for_services_are_no_mistakes() -> None:
    links = {
        "DCRON_SERVICE_HOST": "10.0.0.1",
        "DCRON_SERVICE_PORT": "80",
        "DCRON_SERVICE_PORT_HTTP": "80",
        "DCRON_PORT": "tcp://10.0.0.1:80",
        "DCRON_PORT_80_TCP": "tcp://10.0.0.1:80",
        "DCRON_PORT_80_TCP_ADDR": "10.0.0.1",
        "DCRON_REDIS_PORT_6379_TCP_PROTO": "tcp",
    }
    assert read([], links)[1] == ()


def test_a_port_that_kubernetes_set_for_a_service_is_explained() -> None:
    assert "enableServiceLinks" in refusal(DCRON_HTTP_PORT="tcp://10.0.0.1:80")


def test_a_late_window_shorter_than_a_takeover_is_warned_about() -> None:
    _, warnings = read([], {"DCRON_LATE_SECONDS": "3"})
    assert [warning.partition(":")[0] for warning in warnings] == ["DCRON_LATE_SECONDS"]


def test_a_second_installation_may_keep_the_prefix_since_its_own_name_stands_in_every_key() -> None:
    assert read(["--controller-name=night"], {})[1] == ()


def test_help_lists_every_setting_with_its_variable_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read(["--help"], {})
    assert caught.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    for setting in TABLE:
        assert setting.flag in said
        assert f"Variable {setting.variable}; default: " in said
    assert "default: 5 seconds." in said


# --- Redis from files -----------------------------------------------------------------------------------------------


def url_read(**variables: str) -> str:
    settings = settings_from(**variables)
    assert settings.redis is not None
    assert "pa%2Fss" not in repr(settings)
    return settings.redis.read().url


def test_the_url_may_stand_in_a_file(secrets: Path) -> None:
    assert url_read(DCRON_REDIS_URL_FILE=f"{secrets}/redis-url") == "rediss://dcron@cache:6380/0"


@pytest.mark.parametrize(
    ("url", "with_password"),
    [
        ("redis://cache", "redis://:pa%2Fss%40word@cache"),
        ("redis://dcron@cache:1/2?x=y", "redis://dcron:pa%2Fss%40word@cache:1/2?x=y"),
        ("redis+sentinel://dcron@one,two/name/0", "redis+sentinel://dcron:pa%2Fss%40word@one,two/name/0"),
    ],
)
def test_the_password_may_stand_in_a_file(secrets: Path, url: str, with_password: str) -> None:
    found = url_read(DCRON_REDIS_URL=url, DCRON_REDIS_PASSWORD_FILE=f"{secrets}/redis-password")
    assert found == with_password
    assert redisurl.checked(found) == found


def test_url_and_password_may_stand_in_two_files(secrets: Path) -> None:
    found = url_read(DCRON_REDIS_URL_FILE=f"{secrets}/redis-url", DCRON_REDIS_PASSWORD_FILE=f"{secrets}/redis-password")
    assert found == "rediss://dcron:pa%2Fss%40word@cache:6380/0"


def test_what_stands_in_the_files_is_read_anew_each_time(secrets: Path) -> None:
    url = f"rediss://cache?ssl_ca_certs={secrets}/ca.crt"
    address = settings_from(DCRON_REDIS_URL=url, DCRON_REDIS_PASSWORD_FILE=f"{secrets}/redis-password").redis
    assert address is not None
    readings = [address.read()]
    assert address.read() == readings[0]
    (secrets / "redis-password").write_text("another")
    readings.append(address.read())
    (secrets / "ca.crt").write_text("a certificate")
    readings.append(address.read())
    (secrets / "ca.crt").write_text("another one")
    readings.append(address.read())
    assert len(set(readings)) == 4


@pytest.mark.parametrize(
    ("variables", "words"),
    {
        "two URLs": (
            {"DCRON_REDIS_URL": "redis://h", "DCRON_REDIS_URL_FILE": "FOLDER/redis-url"},
            "DCRON_REDIS_URL_FILE: DCRON_REDIS_URL is set too",
        ),
        "two passwords": (
            {"DCRON_REDIS_URL": "redis://u:secret@h", "DCRON_REDIS_PASSWORD_FILE": "FOLDER/redis-password"},
            "DCRON_REDIS_PASSWORD_FILE: the URL has a password already",
        ),
        "a password for nobody": (
            {"DCRON_REDIS_PASSWORD_FILE": "FOLDER/redis-password"},
            "DCRON_REDIS_PASSWORD_FILE: give DCRON_REDIS_URL",
        ),
        "no file": ({"DCRON_REDIS_URL_FILE": "FOLDER/none"}, "DCRON_REDIS_URL_FILE: cannot read .*/none: No such file"),
        "a file that is no text": ({"DCRON_REDIS_URL_FILE": "FOLDER/bytes"}, "bytes: it is not text"),
        "an empty file": ({"DCRON_REDIS_URL_FILE": "FOLDER/empty"}, "DCRON_REDIS_URL_FILE: .*/empty is empty"),
        "no URL in the file": (
            {"DCRON_REDIS_URL_FILE": "FOLDER/redis-password"},
            r"DCRON_REDIS_URL_FILE: what stands in .* is not allowed: a URL redis://",
        ),
    }.values(),
)
def test_files_that_lead_nowhere_are_refused_without_showing_them(
    secrets: Path, variables: dict[str, str], words: str
) -> None:
    (secrets / "empty").write_text("\n")
    (secrets / "bytes").write_bytes(b"\xff\xfe")
    message = refusal(**{name: value.replace("FOLDER", str(secrets)) for name, value in variables.items()})
    assert re.search(words, message)
    assert "pa/ss" not in message
    assert "secret" not in message


@pytest.mark.parametrize(("text", "paused"), [("true", True), ("False", False), ("", False)])
def test_everything_may_be_paused_from_the_start(text: str, paused: bool) -> None:
    assert settings_from(DCRON_PAUSED=text).paused is paused


def test_a_pause_is_true_or_false() -> None:
    assert refusal(DCRON_PAUSED="yes") == "DCRON_PAUSED: 'yes' is not allowed: one of true, false"
