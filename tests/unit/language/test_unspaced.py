from __future__ import annotations

from citewise.language.unspaced import groups, is_unspaced, pieces, spaced, without_gaps


def test_runs_are_cut_out_in_order() -> None:
    assert list(pieces("iPhone手机壳 ok สวัสดี")) == [("iPhone", 0), ("手机壳", 2), (" ok ", 0), ("สวัสดี", 3)]
    assert list(pieces("plain")) == [("plain", 0)]
    assert list(pieces("")) == []
    assert "".join(run for run, _ in pieces("東京タワーの333m")) == "東京タワーの333m"


def test_groups_overlap_and_short_runs_stay_whole() -> None:
    assert groups("机器学习", 2) == ["机器", "器学", "学习"]
    assert groups("龙", 2) == ["龙"]


def test_such_writing_is_recognised_and_blanked() -> None:
    assert is_unspaced("a 龙 b")
    assert not is_unspaced("Größe Ω привет")
    assert spaced("型号TS-999的泵") == " TS-999 "


def test_gaps_of_lines_go_but_not_those_of_korean() -> None:
    assert without_gaps("深度 学习 of 물을 옮긴다") == "深度学习 of 물을 옮긴다"
