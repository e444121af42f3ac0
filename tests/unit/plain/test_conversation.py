"""A real bash talks to the tutor through its hooks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tutor.ui.plain.conversation import Conversation, Reply


def bash(conversation: Conversation, commands: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "--noprofile", "--rcfile", str(conversation.hooks), "-i"],
        input=commands,
        text=True,
        capture_output=True,
        env={**os.environ, **conversation.environment(), "PS1": "$ ", "HISTFILE": ""},
        start_new_session=True,
        timeout=20,
        check=False,
    )


def test_every_prompt_asks_and_words_are_commands(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(request: str) -> Reply:
        asked.append(request)
        return Reply(f"<{request}>\nünï\n" if request != "prompt" else "")

    with Conversation(tmp_path, answer) as conversation:
        done = bash(conversation, "echo one\nhint\ntutor reset all\n")
    assert done.stdout == "one\n<hint>\nünï\n<reset all>\nünï\n"
    assert asked[:6] == ["prompt", "prompt", "hint", "prompt", "reset all", "prompt"]
    assert list(tmp_path.iterdir()) == []


def test_a_reply_may_end_the_shell(tmp_path: Path) -> None:
    with Conversation(tmp_path, lambda r: Reply("bye\n", leave=True) if r == "next" else Reply()) as conversation:
        done = bash(conversation, "next\necho never\n")
    assert done.stdout == "bye\n"
    assert done.returncode == 0


def test_a_long_reply_arrives_whole(tmp_path: Path) -> None:
    text = "x" * 300_000 + "\n"
    with Conversation(tmp_path, lambda r: Reply(text) if r == "goal" else Reply()) as conversation:
        done = bash(conversation, "goal\n")
    assert done.stdout == text


def test_the_shell_lives_on_when_the_tutor_is_gone(tmp_path: Path) -> None:
    with Conversation(tmp_path, lambda _: Reply()) as conversation:
        ended = subprocess.Popen(["true"])
        ended.wait()
        environment = {**conversation.environment(), "DOCKER_TUTOR_PID": str(ended.pid)}
        conversation.environment = lambda: environment  # type: ignore[method-assign]
        done = bash(conversation, "echo still here\n")
    assert "still here" in done.stdout
    assert "The tutor has ended" in done.stderr
