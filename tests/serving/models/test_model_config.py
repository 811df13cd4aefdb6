"""models.config: reading it, selecting versions, errors."""

import re
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.repository import SERVED_MODELS
from serving.models.model_config import read_model_configs, select_versions

SERVING = Path(__file__).resolve().parents[3] / "serving"


def model(name: str = "m", path: str = "/p", platform: str = "tensorflow") -> str:
    return f'config {{ name: "{name}" base_path: "{path}" model_platform: "{platform}" }}\n'


def config_of(base_path: Path, policy: str = "") -> ModelConfig:
    config = ModelConfig(name="m", base_path=str(base_path))
    text_format.Parse(policy, config.model_version_policy)
    return config


def test_shipped_file_names_the_models_of_the_default_bundle():
    configs = read_model_configs(SERVING / "models.config")
    assert {config.name: config.base_path for config in configs} == {
        name: f"saved_models/default/{name}" for name in SERVED_MODELS
    }


@pytest.mark.parametrize(
    ("text", "gist"),
    [
        ("", "no model"),
        ("model_config_list {", "models.config:"),
        ("model_config_list { config { nome: 'm' } }", 'no field named "nome"'),
        ("custom_model_config { }", "no model"),
        (f"model_config_list {{ {model()} {model()} }}", "model 'm' appears twice"),
        (f"model_config_list {{ {model(name='')} }}", "without name"),
        (f"model_config_list {{ {model(path='')} }}", "without name or base_path"),
        (f"model_config_list {{ {model(platform='torch')} }}", "model_platform 'torch'"),
        (f"model_config_list {{ {model(platform='')} }}", "model_platform ''"),
    ],
)
def test_unusable_file_is_named_in_one_line(tmp_path: Path, text: str, gist: str):
    path = tmp_path / "models.config"
    path.write_text(text)
    with pytest.raises(FitRankError, match=re.escape(gist)) as raised:
        read_model_configs(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "make", [lambda p: None, Path.mkdir, lambda p: p.write_bytes(b"\xff")]
)
def test_unreadable_file_is_named(tmp_path: Path, make):
    path = tmp_path / "models.config"
    make(path)
    with pytest.raises(FitRankError, match="cannot be read"):
        read_model_configs(path)


@pytest.fixture
def base_path(tmp_path: Path) -> Path:
    """Versions 2, 10 and 123, among directories and a file that are not versions."""
    names = [
        "2",
        "10",
        "00000123",
        "v1",
        "0.1",
        ".tmp-42",
        "-3",
        "1_0",
        " 4",
        "٣",
        "9" * 19,
    ]
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / "77").write_text("a file")
    return tmp_path


@pytest.mark.parametrize(
    ("policy", "versions"),
    [
        ("", [123]),
        ("latest { }", [123]),
        ("latest { num_versions: 2 }", [10, 123]),
        ("latest { num_versions: 9 }", [2, 10, 123]),
        ("all { }", [2, 10, 123]),
        ("specific { versions: 10 versions: 2 versions: 10 }", [2, 10]),
    ],
)
def test_policy_selects_among_numbered_directories(base_path, policy: str, versions: list):
    selected = select_versions(config_of(base_path, policy))
    assert list(selected) == versions
    assert all(int(path.name) == version for version, path in selected.items())


def test_two_directories_of_one_version_give_one(tmp_path: Path):
    (tmp_path / "01").mkdir()
    (tmp_path / "1").mkdir()
    assert list(select_versions(config_of(tmp_path, "all { }"))) == [1]


def test_version_may_be_a_link_to_a_directory(tmp_path: Path):
    (tmp_path / "build").mkdir()
    (tmp_path / "3").symlink_to("build")
    assert list(select_versions(config_of(tmp_path))) == [3]


@pytest.mark.parametrize(
    ("policy", "missing"),
    [
        ("specific { versions: 2 versions: 5 }", r"no version \[5\]"),
        ("specific { }", r"no version \[\]"),
    ],
)
def test_missing_specific_version_is_an_error(base_path, policy: str, missing: str):
    with pytest.raises(FitRankError, match=missing):
        select_versions(config_of(base_path, policy))


@pytest.mark.parametrize("folder", ["", "absent"])
def test_missing_version_error_names_the_base_path_and_the_fix(tmp_path: Path, folder: str):
    base_path = tmp_path / folder
    with pytest.raises(FitRankError, match="run `make train`") as raised:
        select_versions(config_of(base_path))
    assert str(base_path) in str(raised.value)


def test_relative_base_path_starts_at_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "models" / "1").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert list(select_versions(config_of(Path("models")))) == [1]
