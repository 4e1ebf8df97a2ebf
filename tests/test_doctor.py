import shutil
import subprocess
import sys
from collections import namedtuple
from importlib import metadata

import pytest

from gdt_tutorial import doctor
from gdt_tutorial.__main__ import Command, commands, main
from tests.physical.logs.log_files import write_views

CHECKS_OF_THE_MACHINE = [doctor.check_memory, doctor.check_disk, doctor.check_browser, doctor.check_data]
CHECKS_OF_THE_ENVIRONMENT = [
    pytest.param(check, marks=[pytest.mark.slow] if check is doctor.check_sionna else [])  # imports Sionna
    for check in doctor.CHECKS
    if check not in CHECKS_OF_THE_MACHINE
]


def only(check):
    (finding,) = check()
    return finding


def names_of_problems(check):
    return [finding.name for finding in check() if finding.level == "problem"]


@pytest.mark.parametrize("check", CHECKS_OF_THE_ENVIRONMENT)
def test_the_environment_of_the_tests_is_in_order(check):
    assert names_of_problems(check) == []


@pytest.mark.parametrize("check", CHECKS_OF_THE_MACHINE)
def test_every_finding_says_something(check):
    for finding in check():
        assert finding.name
        assert finding.text
        assert finding.fix or finding.level != "problem"


def test_an_unsupported_python_is_a_problem(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    finding = only(doctor.check_python)
    assert finding.level == "problem"
    assert "3.10.13 is not supported" in finding.text


def test_an_old_and_a_missing_package_are_problems(monkeypatch):
    real = metadata.version

    def version(name):
        if name == "safetensors":
            raise metadata.PackageNotFoundError(name)
        return "1.26.4" if name == "numpy" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    problems = {finding.name: finding for finding in doctor.check_packages() if finding.level == "problem"}
    assert set(problems) == {"numpy", "safetensors"}
    assert problems["numpy"].text == "1.26.4 is older than 2.0"
    assert problems["numpy"].fix == 'pip install "numpy>=2.0"'
    assert problems["safetensors"].text == "not installed"


def test_a_package_that_is_not_installed_at_all_is_a_problem(monkeypatch):
    def requires(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert only(doctor.check_packages).fix == "pip install -e ."


def test_a_broken_torch_is_a_problem_and_no_crash(monkeypatch):
    def import_module(name):
        raise OSError("libtorch.so: cannot open shared object file")

    monkeypatch.setattr(doctor.importlib, "import_module", import_module)
    assert "libtorch.so" in only(doctor.check_torch).text
    assert names_of_problems(doctor.check_kernel) == ["Jupyter kernel"]
    assert names_of_problems(doctor.check_files) == ["files"]


def test_a_broken_sionna_is_a_problem(monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    monkeypatch.setattr(
        doctor.subprocess,
        "run",
        lambda *arguments, **options: subprocess.CompletedProcess(
            arguments, 1, "", "Traceback\nImportError: no torch\n"
        ),
    )
    assert only(doctor.check_sionna).text == "cannot be imported: ImportError: no torch"


def test_a_missing_sionna_is_a_note(monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    finding = only(doctor.check_sionna)
    assert finding.level == "note"
    assert finding.fix == 'pip install "gdt-tutorial[sionna]"'


def test_every_model_and_table_of_the_library_is_checked():
    package = doctor.PACKAGE
    assert {path.parent for path in package.rglob("SHA256SUMS")} == {
        package / name for name in doctor.FOLDERS_WITH_SUMS
    }
    assert {path.parent for path in package.rglob("*.safetensors")} <= {
        package / name for name in doctor.FOLDERS_WITH_SUMS
    }
    assert set(package.rglob("results/*.csv")) == {package / name for name in doctor.STORED_TABLES}
    assert set(package.rglob("*.csv")) <= {path for path, _ in doctor._files(str, str)}


def test_a_changed_and_a_missing_file_are_named_with_the_fix(monkeypatch, tmp_path):
    package = tmp_path / "gdt_tutorial"
    for name in ("case_study", "loops/results", "physical/tables", "twin/checkpoints", "twin/results"):
        shutil.copytree(doctor.PACKAGE / name, package / name)
    monkeypatch.setattr(doctor, "PACKAGE", package)
    assert names_of_problems(doctor.check_files) == []
    model, table = "physical/tables/umi_law.safetensors", "case_study/results/fig5.csv"
    (package / model).write_bytes((package / model).read_bytes()[:-1])
    (package / table).write_bytes((package / table).read_bytes()[:-100])
    (package / "case_study/checkpoints/actor_3.safetensors").unlink()
    (package / "twin/checkpoints/SHA256SUMS").unlink()
    finding = only(doctor.check_files)
    assert finding.level == "problem"
    assert f"gdt_tutorial/{model} was changed" in finding.text
    assert f"gdt_tutorial/{table} was changed" in finding.text
    assert "gdt_tutorial/case_study/checkpoints/actor_3.safetensors is missing" in finding.text
    assert "gdt_tutorial/twin/checkpoints/SHA256SUMS is missing" in finding.text
    assert "git restore gdt_tutorial/" in finding.fix
    assert "actor_2" not in finding.text


def test_more_threads_than_cores_is_a_note(monkeypatch):
    monkeypatch.setattr(doctor, "_n_cores", lambda: 0)
    finding = list(doctor.check_torch())[-1]
    assert (finding.level, finding.name) == ("note", "threads")


@pytest.mark.parametrize(("available_byte", "level"), [(None, "note"), (1e9, "problem"), (4e9, "ok")])
def test_memory(monkeypatch, available_byte, level):
    monkeypatch.setattr(doctor, "_available_memory_byte", lambda: available_byte)
    assert only(doctor.check_memory).level == level


@pytest.mark.parametrize(("free_byte", "level"), [(1e8, "problem"), (1e11, "ok")])
def test_disk(monkeypatch, free_byte, level):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(2e11, 0, free_byte))
    assert only(doctor.check_disk).level == level


def test_a_kernel_of_another_python_is_a_problem(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/another/python")
    from jupyter_client import kernelspec

    class Manager:
        def get_kernel_spec(self, name):
            return kernelspec.KernelSpec(argv=["/some/python", "-m", "ipykernel_launcher"])

    monkeypatch.setattr(kernelspec, "KernelSpecManager", Manager)
    assert only(doctor.check_kernel).fix == "/another/python -m ipykernel install --sys-prefix"


def test_no_watch_logs_is_a_note(monkeypatch):
    monkeypatch.delenv("GDT_DATA", raising=False)
    assert only(doctor.check_data).level == "note"


def test_unreadable_watch_logs_are_a_problem(monkeypatch, tmp_path):
    monkeypatch.setenv("GDT_DATA", str(tmp_path / "absent.csv"))
    finding = only(doctor.check_data)
    assert finding.level == "problem"
    assert "absent.csv" in finding.text


def test_readable_watch_logs_are_counted(monkeypatch, tmp_path):
    monkeypatch.setenv("GDT_DATA", str(write_views(tmp_path / "log.csv", range(0, 20_000, 1_000))))
    first, *others = doctor.check_data()
    assert first.level == "ok"
    assert "kept 160 of 160 rows" in first.text
    # Chapter 04 needs more viewers than this log has.
    assert [(each.level, "not enough for chapter 04" in each.text) for each in others] == [("note", True)]


def test_watch_logs_without_swipes_are_said_to_be_too_little_for_some_chapters(monkeypatch, tmp_path):
    monkeypatch.setenv("GDT_DATA", str(write_views(tmp_path / "log.csv", [20_000] * 12)))
    first, *others = doctor.check_data()
    assert first.level == "ok"
    assert {finding.level for finding in others} == {"note"}
    texts = " ".join(finding.text for finding in others)
    for number in ("01", "16", "17"):
        assert f"not enough for chapter {number}, which shows the generator instead: only 0 views" in texts


@pytest.mark.parametrize(
    ("play_ms", "short"),
    [([5_000] * 3, "only 0 users with 10 views or more"), ([0] * 12, "only 0 videos of types that somebody watches")],
)
def test_watch_logs_that_are_too_little_for_all_are_a_problem(monkeypatch, tmp_path, play_ms, short):
    monkeypatch.setenv("GDT_DATA", str(write_views(tmp_path / "log.csv", play_ms)))
    finding = only(doctor.check_data)
    assert finding.level == "problem"
    assert short in finding.text


def test_a_missing_browser_is_a_note(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert only(doctor.check_browser).level == "note"


def test_exit_code_and_last_line_tell_the_result(monkeypatch, capsys):
    problem = doctor.Finding(level="problem", name="disk", text="full", fix="make room")
    fine = doctor.Finding(level="ok", name="Python", text="3.11.7")
    for findings, code, last in (([fine], 0, "This machine is ready."), ([fine, problem], 1, "1 problem(s)")):
        monkeypatch.setattr(doctor, "CHECKS", [lambda findings=findings: iter(findings)])
        assert main(["doctor"]) == code
        output = capsys.readouterr().out
        assert output.splitlines()[-1].startswith(last)
        assert ("fix: make room" in output) == bool(code)


def test_a_command_gets_its_arguments(monkeypatch):
    def add_arguments(parser):
        parser.add_argument("--seed", type=int, default=0)

    echo = Command(help="return the seed", run=lambda arguments: arguments.seed, add_arguments=add_arguments)
    monkeypatch.setitem(commands, "echo", echo)
    assert main(["echo", "--seed", "5"]) == 5


@pytest.mark.parametrize(("argv", "code"), [([], 2), (["nonsense"], 2), (["--version"], 0), (["--help"], 0)])
def test_usage(argv, code, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    assert exit_.value.code == code
