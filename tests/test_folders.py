"""The user's own folders, one rule for all that envtool keeps."""

from __future__ import annotations

import pytest

from envtool.folders import Kind, user_folder


@pytest.mark.parametrize(
    ("kind", "folder"),
    [
        ("cache", "/home/me/.cache/envtool"),
        ("config", "/home/me/.config/envtool"),
        ("data", "/home/me/.local/share/envtool"),
        ("state", "/home/me/.local/state/envtool"),
    ],
)
def test_linux_follows_the_base_directories(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, folder: str
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert user_folder(kind, {}, "/home/me") == folder
    variable = f"XDG_{kind.upper()}_HOME"
    assert user_folder(kind, {variable: "/x"}, "/home/me") == "/x/envtool"
    # The specification says to ignore what is relative.
    assert user_folder(kind, {variable: "x"}, "/home/me") == folder


@pytest.mark.parametrize(
    ("kind", "folder"),
    [("cache", "Library/Caches"), ("config", "Library/Application Support")],
)
def test_macos_has_its_library(monkeypatch: pytest.MonkeyPatch, kind: Kind, folder: str) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert user_folder(kind, {}, "/Users/me") == f"/Users/me/{folder}/envtool"


@pytest.mark.parametrize(
    ("kind", "variable"),
    [("cache", "LOCALAPPDATA"), ("data", "LOCALAPPDATA"), ("config", "APPDATA")],
)
def test_windows_has_its_application_data(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, variable: str
) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert user_folder(kind, {variable: "/C/Data"}, "/C/Users/me") == "/C/Data/envtool"
